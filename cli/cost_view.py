"""What a person sees of an estimate: the verdict, what it is made of, what isn't known, what was assumed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.view import one_line, plain
from rft.cost import Estimate, Item, Range
from rft.cost.prices import YOURS
from rft.cost.ranges import rounded
from rft.steps.gate.costing import Costed

_CENT = 0.01


def cost_report(costed: Costed, file: Path) -> RenderableType:
    parts: list[RenderableType] = [_verdict(costed), *_reasons(costed), Text(), *_sizes(costed), Text()]
    parts += [_items(costed.estimate), Text(), *_unknown(costed.estimate, file)]
    parts += [Text("assumed", style="dim"), *(_point(text) for text in costed.estimate.assumptions)]
    return Group(*parts)


def dollars(usd: Range) -> str:
    """``$0.12 to $3.40``; what is less than a cent is told as ``<$0.01``."""
    low, high = _dollars(usd.low), _dollars(usd.high)
    return high if low == high else f"{low} to {high}"


def _dollars(usd: float) -> str:
    if 0 < usd < _CENT:
        return "<$0.01"
    return f"${usd:,.0f}" if usd >= 1_000 else f"${usd:,.2f}"


def span(numbers: Range) -> str:
    """``480``, ``1,200 to 45,100``, ``1.2M to 45M``: what is only estimated has three digits that count."""
    if numbers.is_exact and numbers.low.is_integer():
        return f"{numbers.low:,.0f}"
    low, high = _short(numbers.low), _short(numbers.high)
    return high if low == high else f"{low} to {high}"


def _short(number: float) -> str:
    if number >= 1_000_000:
        return f"{float(f'{number:.3g}') / 1_000_000:,g}M"
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 100 else f"{rounded(number):g}"


def _verdict(costed: Costed) -> Text:
    asked, over = costed.request.budget, costed.budget.over
    word = ("over budget", "bold red") if over else ("within budget", "bold green") if asked else ("no budget", "bold")
    missing = costed.estimate.unknown
    rest = f", and {', '.join(missing)} unknown" if missing else ""
    return Text.assemble(
        word,
        "  ",
        (plain(costed.request.model), "bold"),
        f"  {dollars(costed.estimate.run)} for the run{rest}",
        overflow="fold",
    )


def _reasons(costed: Costed) -> Iterator[Text]:
    yield from (Text(text, style="red") for text in costed.budget.reasons)
    yield from (Text(text, style="yellow") for text in costed.budget.warnings)
    if costed.data.broken:
        broken = (
            "1 broken record isn't counted"
            if costed.data.broken == 1
            else f"{costed.data.broken:,} broken records aren't counted"
        )
        yield Text(f"{broken}: rft check-dataset names them", style="yellow")


def _sizes(costed: Costed) -> Iterator[RenderableType]:
    told, data = costed.estimate, costed.data
    validation = "none" if data.validation is None else span(data.validation.count)
    facts = {
        "model": f"{costed.base_model}, deployed {costed.request.deploy.kind}",
        "grader": costed.grader,
        "records": f"{span(data.training.count)} for training, {validation} for validation",
        "steps": span(told.steps),
        "rollouts": f"{span(told.rollouts)} answers, {span(told.tokens_sampled)} tokens",
        "graded": f"{span(told.graded)} answers with those of the gate and the comparison",
        "judge": f"{span(told.judge_calls)} calls" if told.judge_calls.high else "",
        "serving": told.serving,
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(plain(value)))
    yield table


def _items(told: Estimate) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("cost of", "amount", "USD", ""):
        table.add_column(heading, justify="right" if heading in ("amount", "USD") else "left", overflow="fold")
    for when, total in (("once", told.run), ("month", told.month)):
        for item in told.items:
            if item.when == when:
                mine = Text("your price" if item.price.source == YOURS else "", style="dim")
                table.add_row(item.name, _amount(item), _usd(item), mine)
        name = Text("the run" if when == "once" else "each month", style="bold")
        table.add_row(name, "", _total(told, when, total), "")
    return table


def _total(told: Estimate, when: str, total: Range) -> Text:
    if all(item.usd is not None for item in told.items if item.when == when):
        return Text(dollars(total), style="bold")
    if not total.high:
        return Text("unknown", style="bold yellow")
    return Text.assemble((dollars(total), "bold"), (" + unknown", "bold yellow"))


def _amount(item: Item) -> str:
    plural = "s" if item.price.per == 1 and item.quantity.high != 1 else ""
    return f"{span(item.quantity)} {item.price.unit}{plural}"


def _usd(item: Item) -> Text:
    return Text("unknown", style="yellow") if item.usd is None else Text(dollars(item.usd))


def _unknown(told: Estimate, file: Path) -> Iterator[RenderableType]:
    if not told.unknown:
        return
    yield Text("unknown", style="dim")
    notes = {item.price.name: item.price.note for item in told.items if item.usd is None}
    for name, note in notes.items():
        yield _point(f"{name}: {note}")
    example = ", ".join(f'"{name}": USD' for name in notes)
    yield one_line(
        f"to set them: rft estimate {shlex.quote(plain(file))} --prices FILE, with {{{example}}}", style="dim"
    )
    yield Text()


def _point(text: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_column(style="dim", width=1)
    row.add_column(style="dim", overflow="fold")
    row.add_row("-", Text(plain(text)))
    return row
