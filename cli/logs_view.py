"""What a person sees of converted logs: what came in, what was left out and why, what came out, the next command."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.dataset_view import visible
from cli.logs_conversion import Conversion
from cli.view import one_line, plain
from rft.invocation_logs import FAIL_REASONS, SKIP_REASONS

PROBLEMS_SHOWN = 10
MIN_PROMPTS = 100  # Bedrock trains on no fewer
WHAT_TO_DO = {
    "no-answer": "leave out --use-prompt-response to keep the prompt",
    "incomplete-answer": "leave out --use-prompt-response to keep the prompt",
    "over-max-prompts": "--max-prompts takes up to 20,000; --seed draws another sample",
    "damaged-gzip": "copy the object anew",
    "body-missing": "copy the folders data/ too, and give the path above them",
    "not-a-log-record": "give the paths of logs only",
    "changed-while-read": "run the command again",
}


def conversion_report(made: Conversion) -> RenderableType:
    counts = made.counts
    came = f"{_number(counts.records, 'record')} in {_number(made.objects['log'], 'log object')}"
    parts: list[RenderableType] = [_verdict(made, came)]
    besides = {kind: number for kind, number in made.objects.items() if kind != "log"}
    if besides:
        named = ", ".join(f"{number:,} {kind}" for kind, number in sorted(besides.items()))
        parts.append(Text(f"besides, not read as logs: {named}", style="dim"))
    for title, reasons, why, style in (
        ("skipped", counts.skipped, SKIP_REASONS, "yellow"),
        ("failed", counts.failed, FAIL_REASONS, "red"),
    ):
        if reasons.total():
            parts += ["", Text(f"{title}  {reasons.total():,}", style="dim"), _reasons(reasons, why, style)]
    if made.problems:
        parts += ["", *_problems(made)]
    if made.redacted:
        named = ", ".join(f"{name} {number:,}" for name, number in sorted(made.redacted.items()))
        parts += ["", Text(f"redacted: {named}", style="dim")]
    return Group(*parts, "", *_ending(made))


def _verdict(made: Conversion, came: str) -> Text:
    if not made.successful:
        return Text.assemble(("nothing written", "bold red"), f"  {came}")
    return Text.assemble((_number(made.counts.converted, "prompt"), "bold green"), f"  from {came}")


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _reasons(reasons: Counter[str], why: Mapping[str, str], style: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=style, no_wrap=True)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        if count:
            advice = f": {WHAT_TO_DO[reason]}" if reason in WHAT_TO_DO else ""
            table.add_row(reason, f"{count:,}", Text(why.get(reason, "") + advice, style="dim"))
    return table


def _problems(made: Conversion) -> Iterator[RenderableType]:
    for problem in made.problems[:PROBLEMS_SHOWN]:
        where = f"{visible(problem.object)}, line {problem.line:,}"
        yield Text(f"{where}: {problem.reason}", style="dim", overflow="fold")
    more = made.counts.failed.total() - min(len(made.problems), PROBLEMS_SHOWN)
    if more:
        yield Text(f"and {more:,} more; --json lists up to 100", style="dim")


def _ending(made: Conversion) -> Iterator[RenderableType]:
    if made.fault is not None:
        yield Text(made.fault.message, style="red")
    else:
        if made.counts.converted < MIN_PROMPTS:
            yield Text(f"Bedrock trains on no fewer than {MIN_PROMPTS} prompts", style="yellow")
        yield one_line(f"next: rft check-dataset {shlex.quote(plain(made.output))}", style="dim")
