"""What a person sees: tables, records, faults. Every text of the API is shown as text, never as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.compared import gain_words
from cli.faults import CliFault
from cli.records import Event, Model, Reason, Run, RunPage, moment
from rft.run.status import SUCCEEDED, TERMINAL

# Escape sequences and other control characters of foreign texts must not reach the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_UNWRAPPED = 10_000  # columns of a pipe: whoever reads it cuts lines itself

_VERDICTS = {"warnings": "open with warnings"}
_WENT_ON = ', but "gate": "warn" let the run go on'
_GATE = "gate: "  # before a warning that is the gate's
_NEXT_PROBLEM = re.compile(r"; (?=[\w$.\[\]-]+: )")  # between two problems of a request in its reason

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
        _print(self.console, words)

    def say(self, words: str) -> None:
        self.print(one_line(words, style="dim"))

    def fault(self, fault: CliFault) -> None:
        _print(_console(stderr=True), fault_words(fault))
        if self.as_json:
            self.document({"error": fault.to_json()})


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED
    return console


def _print(console: Console, words: RenderableType) -> None:
    # Uncropped: ``one_line`` may be longer than the terminal is wide.
    if console.is_terminal:
        console.print(words, crop=False)
        return
    with console.capture() as held:
        console.print(words, crop=False)
    # A table fills its columns with blanks, which in a pipe are hundreds.
    console.out(re.sub(r" +$", "", held.get(), flags=re.MULTILINE), end="", highlight=False)


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


def when(text: str) -> str:
    """A time of the API as the clock of this place has it."""
    return moment(text).astimezone().strftime("%Y-%m-%d %H:%M")


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
            when(run["created_at"]),
            duration(run_seconds(run, now)),
            Text(plain(reason["error"]) if reason else "", style="dim"),
        )
    return table if more is None else Group(table, one_line(f"more: {more}", style="dim"))


def run_record(run: Run, events: Sequence[Event], model: Model | None = None) -> RenderableType:
    """``model`` is the run's, if there is one that serves or did."""
    facts: dict[str, object] = {heading: run.get(key) for heading, key in _RUN_FACTS if run.get(key) is not None}
    if "grader" in facts and (name := _grader_name(run)) is not None:
        facts["grader"] = f"{name}  {facts['grader']}"
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
    if run.get("gate") is not None:
        facts["gate"] = gate_words(run)
    if compared := comparison_words(run):
        facts["comparison"] = compared
    if report := run.get("report"):
        facts["report"] = report["report_uri"]
    facts |= serving(run, model)
    lines: list[RenderableType] = ["", *fact_lines(facts)] if facts else []
    return Group(heading_of(run), *lines, *closing_words(run), "", events_table(events))


def _grader_name(run: Run) -> str | None:
    """As the request has it: a name, or OpenAI's JSON."""
    match run["request"].get("grader"):
        case {"name": str(name)}:
            return name
        case {"openai": _}:
            return "openai"
    return None


def gate_words(run: Run) -> str:
    """The verdict and the codes of what was found; of a run that went on all the same, that too."""
    gate = run.get("gate")
    if gate is None:
        return ""
    words = _VERDICTS.get(gate["verdict"], gate["verdict"])
    codes = f": {', '.join(gate['codes'])}" if gate["codes"] else ""
    went_on = gate["verdict"] == "closed" and run.get("job_arn") is not None
    return plain(words + codes + (_WENT_ON if went_on else ""))


def comparison_words(run: Run) -> str:
    """By how much the run's model is better, and than what."""
    compared = run.get("comparison")
    if compared is None or compared["gain"] is None:
        return ""
    than = "the live version" if compared["against"] == "live" else "the base model"
    return f"{gain_words(compared['gain'])} over {than}, {compared['records']:,} prompts"


def approval_words(run: Run) -> str:
    """That a person is waited for, and what they may say; of an approval that is over, who said what."""
    approval = run.get("approval")
    if approval is None:
        return ""
    match approval["state"]:
        case "waiting" if run["status"] not in TERMINAL:
            return f"waits for a person until {when(approval['until'])}: rft approve {run['run_id']}, or with --keep"
        case "expired":
            return "nobody decided in time"
        case "promote" | "keep" as decided:
            return f"{decided}, said {approval['decided_by'] or 'somebody'}"
    return ""


def serving(run: Run, model: Model | None) -> dict[str, str]:
    """What answers the users of the run's model now."""
    if model is None:
        return {}
    live = model["live"]
    if live is None:
        return {"serves now": "no version of this model"}
    version = "this run's model" if live["run_id"] == run["run_id"] else f"the model of {live['run_id']}"
    where = {} if live["deployment_arn"] == run.get("deployment_arn") else {"live": live["deployment_arn"]}
    return {"serves now": f"{version}, since {when(live['since'])}", **where}


def outcome(run: Run, more: str, model: Model | None = None) -> RenderableType:
    """The last words about a run that was watched; ``more`` is the command that shows it."""
    facts = {"deployment": run["deployment_arn"]} if run.get("deployment_arn") else {}
    return Group(heading_of(run), *fact_lines({**serving(run, model), **facts, "more": more}))


def heading_of(run: Run) -> Text:
    took = duration(run_seconds(run, datetime.now(UTC)))
    return Text.assemble((plain(run["run_id"]), "bold"), "  ", status_text(run["status"]), (f"  {took}", "dim"))


def closing_words(run: Run) -> list[RenderableType]:
    """What the comparison found, why a run ended as it did, and what it warns of."""
    words: list[RenderableType] = []
    if compared := run.get("comparison"):
        style = "green" if compared["recommended"] == "promote" else "yellow"
        words += ["", Text(plain(compared["sentence"]), style=style)]
    if approval := approval_words(run):
        words.append(Text(f"approval: {plain(approval)}", style="bold yellow" if "waits" in approval else "dim"))
    reason = run.get("reason")
    if reason is not None:
        words += ["", *_reason(reason, status_style(run["status"]))]
        if reason.get("details_uri"):
            words.append(Text(f"details: {plain(reason['details_uri'])}", overflow="fold"))
    said = "" if reason is None else reason["message"]
    warnings = [warning for warning in run.get("warnings") or [] if warning.removeprefix(_GATE) not in said]
    words += [Text(f"warning: {plain(warning)}", style="yellow") for warning in warnings]
    return words


def _reason(reason: Reason, style: str) -> Iterator[Text]:
    """Many problems of a request are a line each."""
    problems = _NEXT_PROBLEM.split(reason["message"]) if reason["error"] == "RequestInvalid" else [reason["message"]]
    heading = Text.assemble((plain(reason["error"]), style), ":")
    if len(problems) == 1:
        yield heading.append(f" {plain(problems[0])}")
        return
    yield heading
    yield from (Text(f"  {plain(problem)}") for problem in problems)


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

    told = (f"{name}={shown(value)}" for name, value in detail.items() if value not in (None, [], {}))
    return Text("  ".join(told), style="dim")


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
