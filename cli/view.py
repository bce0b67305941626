"""What a person sees: tables, records, faults. Every text of the API is shown as text, never as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.faults import CliFault
from cli.records import Event, Run, RunPage, moment
from rft.run.status import SUCCEEDED, TERMINAL

# Escape sequences and other control characters of foreign texts must not reach the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_UNWRAPPED = 10_000  # columns of a pipe: whoever reads it cuts lines itself

_RUN_FACTS = (
    ("base model", "base_model"),
    ("grader", "grader_arn"),
    ("deploy", "deploy"),
    ("execution", "execution_arn"),
    ("job", "job_arn"),
    ("job status", "job_status"),
    ("custom model", "custom_model_arn"),
    ("deployment", "deployment_arn"),
)


class Screen:
    """Where a command writes: one JSON document to stdout with ``--json``, and then all words to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = _console(stderr=as_json)

    def document(self, document: Any) -> None:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))

    def result(self, document: Any, words: RenderableType) -> None:
        if self.as_json:
            self.document(document)
        else:
            self.print(words)

    def print(self, words: RenderableType) -> None:
        # Uncropped: ``one_line`` may be longer than the terminal is wide.
        self.console.print(words, crop=False)

    def say(self, words: str) -> None:
        self.print(one_line(words, style="dim"))

    def fault(self, fault: CliFault) -> None:
        _console(stderr=True).print(fault_words(fault), crop=False)
        if self.as_json:
            self.document({"error": fault.to_json()})


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED
    return console


def plain(text: object) -> str:
    """``text`` without control characters, lines kept."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def excerpt(text: str, length: int) -> str:
    """The beginning of ``text`` on one line, in quotes and with line ends escaped."""
    escaped = plain(json.dumps(text, ensure_ascii=False))
    return escaped if len(escaped) <= length else escaped[: length - 1] + "…"


def one_line(text: str, style: str = "") -> Text:
    """Words that a reader may copy: never broken here, as a terminal joins again only what it broke itself."""
    return Text(plain(text), style=style, no_wrap=True, overflow="ignore")


def fact_lines(facts: Mapping[str, object]) -> list[Text]:
    """One line a fact, the values below each other."""
    width = max(map(len, facts), default=0)
    lines = [one_line(f"{name:<{width}}  {plain(value)}") for name, value in facts.items()]
    for line in lines:
        line.stylize("dim", 0, width)
    return lines


def status_style(status: str) -> str:
    if status in SUCCEEDED:
        return "bold green"
    if status in TERMINAL:
        return "bold red" if status in {"failed", "rejected"} else "bold yellow"
    return "bold cyan"


def status_text(status: str) -> Text:
    return Text(plain(status), style=status_style(status))


def duration(seconds: float) -> str:
    """``4.2 s``, ``42 s``, ``12:05``, ``3:04:05``: as exact as one cares for."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def run_seconds(run: Run, now: datetime) -> float:
    """From the request to the run's end, or to ``now``."""
    ended_at = run.get("ended_at")
    return ((moment(ended_at) if ended_at else now) - moment(run["created_at"])).total_seconds()


def runs_table(page: RunPage, more: str | None) -> RenderableType:
    """``more`` is the command that shows the next page, if there is one."""
    if not page["runs"]:
        return Text("no runs yet", style="dim")
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "status", "started", "took", "reason"):
        justify: JustifyMethod = "right" if heading == "took" else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading == "run")
    for run in page["runs"]:
        reason = run.get("reason")
        table.add_row(
            Text(plain(run["run_id"])),
            status_text(run["status"]),
            moment(run["created_at"]).astimezone().strftime("%Y-%m-%d %H:%M"),
            duration(run_seconds(run, now)),
            Text(plain(reason["error"]) if reason else "", style="dim"),
        )
    return table if more is None else Group(table, one_line(f"more: {more}", style="dim"))


def run_record(run: Run, events: Sequence[Event]) -> RenderableType:
    facts = {heading: run.get(key) for heading, key in _RUN_FACTS if run.get(key) is not None}
    dataset = run.get("dataset")
    conversion = run.get("conversion")
    if conversion is not None and "records" in conversion:
        left_out = sum(conversion["skipped"].values()) + sum(conversion["failed"].values())
        facts["logs"] = (
            f"{conversion['records']:,} records, {conversion['converted']:,} converted, {left_out:,} left out"
        )
    if dataset is not None and "train_records" in dataset:
        counts = f"{dataset['train_records']:,} training, {dataset['validation_records']:,} validation records"
        facts["dataset"] = counts
    gate = run.get("gate")
    if gate is not None:
        facts["gate"] = ", ".join([gate["verdict"], *gate["codes"]])
    return Group(heading_of(run), "", *fact_lines(facts), *closing_words(run), "", events_table(events))


def outcome(run: Run, more: str) -> RenderableType:
    """The last words about a run that was watched; ``more`` is the command that shows it."""
    facts = {"deployment": run.get("deployment_arn")} if run.get("deployment_arn") else {}
    return Group(heading_of(run), *fact_lines({**facts, "more": more}))


def heading_of(run: Run) -> Text:
    took = duration(run_seconds(run, datetime.now(UTC)))
    return Text.assemble((plain(run["run_id"]), "bold"), "  ", status_text(run["status"]), (f"  {took}", "dim"))


def closing_words(run: Run) -> list[RenderableType]:
    """Why a run ended as it did, and what it warns of."""
    words: list[RenderableType] = []
    reason = run.get("reason")
    if reason is not None:
        words += [
            "",
            Text.assemble((plain(reason["error"]), status_style(run["status"])), ": ", plain(reason["message"])),
        ]
        if reason.get("details_uri"):
            words.append(Text(f"details: {plain(reason['details_uri'])}", overflow="fold"))
    words += [Text(f"warning: {plain(warning)}", style="yellow") for warning in run.get("warnings") or []]
    return words


def events_table(events: Sequence[Event]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("time")
    table.add_column("event")
    table.add_column("detail", overflow="fold")
    for event in events:
        table.add_row(
            moment(event["at"]).astimezone().strftime("%H:%M:%S"), Text(plain(event["type"])), _detail(event["detail"])
        )
    return table


def _detail(detail: dict[str, Any]) -> Text:
    def shown(value: object) -> str:
        return plain(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return Text("  ".join(f"{name}={shown(value)}" for name, value in detail.items() if value is not None), style="dim")


def fault_words(fault: CliFault) -> RenderableType:
    """One clear answer: what, everything that is wrong with its place, and the way on."""
    lines: list[RenderableType] = [Text.assemble(("error: ", "bold red"), plain(fault.message))]
    if fault.problems:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="yellow", no_wrap=True)
        table.add_column(overflow="fold")
        for problem in fault.problems:
            table.add_row(Text(plain(problem.path)), Text(plain(problem.message)))
        lines.append(Padding(table, (0, 0, 0, 2), expand=False))
    if fault.hint is not None:
        lines.append(one_line(fault.hint, style="dim"))
    return Group(*lines)
