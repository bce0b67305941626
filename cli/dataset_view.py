"""What a person sees of a checked dataset: the verdict, what is wrong by rule and by line, and its statistics."""

from __future__ import annotations

import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.dataset_check import STDIN, Checked
from cli.view import fact_lines, one_line
from rft.dataset.problems import Problem
from rft.dataset.report import DatasetReport

_ERRORS_SHOWN, _WARNINGS_SHOWN, _OF_EACH_RULE = 20, 5, 2
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that command a terminal, turn the text around, or show as nothing."""
_REPAIRED_BY_FIX = ("byte-order-mark", "crlf", "blank-line")


def visible(text: str) -> str:
    """``text`` on one line, with every character escaped that isn't plainly seen. File names can hold any."""
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSEEN else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def dataset_report(checked: Checked) -> RenderableType:
    parts: list[RenderableType] = []
    if checked.fixed is not None:
        parts += [*_repair_words(checked.fixed, sound=not checked.report.error_counts), Text()]
    parts += _file_report(checked.name, checked.report)
    if hint := _fix_hint(checked):
        parts += [Text(), hint]
    if checked.validation is not None and checked.validation_name is not None:
        parts += [Text(), *_file_report(checked.validation_name, checked.validation)]
    return Group(*parts)


def _file_report(name: str, report: DatasetReport) -> Iterator[RenderableType]:
    yield _verdict(name, report)
    for title, counts, problems, shown, style in (
        ("error", report.error_counts, report.errors, _ERRORS_SHOWN, "red"),
        ("warning", report.warning_counts, report.warnings, _WARNINGS_SHOWN, "yellow"),
    ):
        if counts:
            yield Text()
            yield Text(f"{title}s", style="dim")
            yield _counts(counts, style)
            yield Text()
            yield from _listed(problems, shown, sum(counts.values()), style)
    if report.stats["prompt_tokens"]["max"] is not None:  # there is a good record to describe
        yield Text()
        yield from _statistics(report.stats)


def _verdict(name: str, report: DatasetReport) -> Text:
    errors, warnings = sum(report.error_counts.values()), sum(report.warning_counts.values())
    counted = [_number(report.records, "record")] if report.records else [visible(_of_the_file(report))]
    counted += [_number(errors, "error")] if errors and report.records else []
    counted += [_number(warnings, "warning")] if warnings else []
    word = ("valid", "bold green") if report.valid else ("invalid", "bold red")
    return Text.assemble(
        word,
        "  ",
        ("standard input" if name == STDIN else visible(name), "bold"),
        f"  {', '.join(counted)}",
        overflow="fold",
    )


def _of_the_file(report: DatasetReport) -> str:
    """What is wrong with a file that has no records: it is empty, or of another kind."""
    return next((problem.message for problem in report.errors if problem.line is None), "no records")


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _counts(counts: Mapping[str, int], style: str) -> Table:
    """The number of each rule's breaks, the most frequent first."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=style, overflow="fold")
    table.add_column(justify="right")
    for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(Text(visible(rule)), f"{count:,}")
    return table


def _listed(problems: Sequence[Problem], most: int, all_of_them: int, style: str) -> Iterator[RenderableType]:
    for problem in _chosen(problems, most):
        line = "file" if problem.line is None else f"line {problem.line:,}"
        heading = Text.assemble((line, "bold"), "  ", (visible(problem.rule), style), overflow="fold")
        if problem.path:
            heading.append(f"  {visible(problem.path)}")
        yield heading
        yield Padding(Text(visible(problem.message), overflow="fold"), (0, 0, 0, 2), expand=False)
        yield Padding(Text(visible(problem.fix), style="dim", overflow="fold"), (0, 0, 0, 2), expand=False)
    listed = min(len(problems), most)
    if listed < all_of_them and len(problems) >= most:
        yield Text(f"and {all_of_them - listed:,} more; --json lists the first {len(problems):,}", style="dim")


def _chosen(problems: Sequence[Problem], most: int) -> list[Problem]:
    """The first few of each rule, so that a frequent one hides no other, then whatever has room, in their order."""
    seen = Counter[str]()
    ranked = []
    for place, problem in enumerate(problems):
        seen[problem.rule] += 1
        ranked.append((seen[problem.rule] > _OF_EACH_RULE, place))
    return [problems[place] for _, place in sorted(sorted(ranked)[:most], key=lambda rank: rank[1])]


def _statistics(stats: Mapping[str, Any]) -> Iterator[Text]:
    for line in fact_lines({name.replace("_", " "): _described(value) for name, value in stats.items()}):
        line.no_wrap, line.overflow = False, "fold"
        yield line


def _described(value: object) -> str:
    """One statistic: a number, or several with their names and how they were made."""
    if isinstance(value, Mapping):
        estimate = f"  ({value['estimate']})" if "estimate" in value else ""
        told = (f"{name} {_described(part)}" for name, part in value.items() if name != "estimate")
        return ", ".join(told) + estimate
    return f"{value:,}" if isinstance(value, int | float) else visible(str(value))


def _repair_words(fixed: Mapping[str, Any], *, sound: bool) -> Iterator[Text]:
    done = {
        "unpacked gzip": fixed["unpacked"],
        "encoded anew as UTF-8": fixed["re_encoded"],
        "byte order marks removed": fixed["byte_order_marks"],
        "CR LF made LF": fixed["crlf"],
        "CR made LF": fixed["cr"],
        "blank lines removed": fixed["blank_lines"],
        "lines freed of white space around them": fixed["white_space"],
        "missing LF put at the end": fixed["last_newline"],
    }
    told = [what if count is True else f"{what}: {count:,}" for what, count in done.items() if count]
    nothing = "nothing needed repair" if sound else "nothing here could be repaired"
    word = "repaired" if told else "copied"
    yield Text.assemble((word, "bold"), f"  {visible(fixed['output'])}", overflow="fold")
    yield Text(f"  {', '.join(told) or f'{nothing}; this is a copy'}", style="dim")


def _fix_hint(checked: Checked) -> Text | None:
    """The command that repairs what has a certain repair."""
    repairable = sum(checked.report.error_counts.get(rule, 0) for rule in _REPAIRED_BY_FIX)
    if checked.fixed is not None or not repairable:
        return None
    name = shlex.quote(visible(checked.name))
    return one_line(f"repair {_number(repairable, 'error')}: rft check-dataset {name} --fix OUT", "dim")
