"""What a person sees of an examined grader: the verdict, what each kind of answer earns, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.dataset_view import visible
from cli.grader_check import Examined
from cli.grading import unlimited_words
from cli.view import duration
from rft.gate.codes import Severity
from rft.gate.findings import Finding
from rft.gate.ladder import Rung
from rft.gate.probes import KINDS, Kind
from rft.gate.reading import counted
from rft.gate.report import GateReport, Verdict
from rft.gate.settings import JOB_BATCH
from rft.gate.timing import JudgeLoad, Timing

_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "open": ("open", "bold green"),
    "warnings": ("open with warnings", "bold yellow"),
    "closed": ("closed", "bold red"),
}
_SEVERITIES: dict[Severity, tuple[str, str]] = {
    "contract": ("breaks the contract", "bold red"),
    "closed": ("closes the gate", "red"),
    "warning": ("warning", "yellow"),
}
_ANSWERS: dict[Kind, str] = {
    "gold": "the right answer",
    "empty": "nothing at all",
    "other": "another record's",
    "truncated": "half of the right",
    "echo": "the prompt",
    "flood": "a pile of words",
    "base": "the base model's",
}
_NO_BASE = "the signal needs a base model: rft up --detach starts a stand-in, --target aws asks the one of Bedrock"
_STAND_IN_JUDGE = "the stand-in's judge only counts words in common (docs/local.md); --target aws asks a real one"
_BAR = 12  # columns
_REASONS_SHOWN = 3
_EIGHTHS = " ▏▎▍▌▋▊▉"


def gate_report(examined: Examined, source: str) -> RenderableType:
    """``source``: what the records are from."""
    report = examined.report
    parts: list[RenderableType] = [_verdict(report, source)]
    if any(rung.n or rung.errors for rung in report.ladder.values()):
        parts += [Text(), _ladder(report), Text(), _facts(examined)]
    parts += [part for finding in report.findings for part in (Text(), *_finding(finding))]
    is_unknown = any(finding.code == "signal-unknown" for finding in report.findings)
    notes = [_NO_BASE] if is_unknown and not examined.base_asked else []
    notes += [_STAND_IN_JUDGE] if report.judge is not None and examined.in_stand_in else []
    notes += [f"the grader ran in a limited process{unlimited_words(examined.unlimited)}"] if examined.unlimited else []
    parts += [part for note in notes for part in (Text(), Text(note, style="dim"))]
    return Group(*parts)


def _verdict(report: GateReport, source: str) -> Text:
    told = f"{counted(report.records, 'record')} of {visible(source)}"
    name = (visible(report.grader.name), "bold")
    return Text.assemble(_VERDICTS[report.verdict], "  ", name, f"  {told}", overflow="fold")


def _ladder(report: GateReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("answer", no_wrap=True)
    table.add_column("mean reward", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("min to max", no_wrap=True)
    table.add_column("graded", justify="right", no_wrap=True)
    for kind in KINDS:
        rung = report.ladder[kind]
        answer = Text.assemble(f"{kind:<{max(map(len, KINDS))}}", (f"  {_ANSWERS[kind]}", "dim"))
        table.add_row(answer, *_numbers(kind, rung))
    return table


def _numbers(kind: Kind, rung: Rung) -> Iterator[Text]:
    errors = Text(f" +{counted(rung.errors, 'error')}", style="red") if rung.errors else Text()
    if rung.mean is None or rung.min is None or rung.max is None:
        yield from (Text("-", style="dim"), Text(), Text(), Text.assemble("0", errors))
        return
    yield Text(_bar(rung.mean), style="green" if kind == "gold" else "cyan")
    yield Text(f"{rung.mean:.2f}", style="bold")
    least, most = f"{rung.min:.2f}", f"{rung.max:.2f}"
    yield Text(f"{least} to {most}" if least != most else "", style="dim")
    yield Text.assemble(f"{rung.n}", errors)


def _bar(reward: float) -> str:
    """From 0 to 1; what lies outside is cut off."""
    eighths = round(min(1.0, max(0.0, reward)) * _BAR * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def _facts(examined: Examined) -> Table:
    report = examined.report
    facts = {"signal": _signal(report)}
    if report.timing is not None:
        facts["time"] = _time(report.timing)
    if report.judge is not None:
        facts["judge"] = _judge(report.judge)
    if any(rung.errors for rung in report.ladder.values()) and examined.reasons:
        told = examined.reasons.most_common(_REASONS_SHOWN)
        facts["errors"] = ", ".join(f"{visible(reason)} ({count:,})" for reason, count in told)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in facts.items():
        table.add_row(name, Text(words))
    return table


def _signal(report: GateReport) -> str:
    signal = report.signal
    if signal.unknown is not None or signal.mean is None:
        return f"unknown: {visible(signal.unknown or 'no answers')}"
    return (
        f"the base model's answers differ in reward for {signal.differing} of {counted(signal.prompts, 'prompt')}; "
        f"{signal.positive} of {counted(signal.answers, 'answer')} above 0, mean {signal.mean:.2f}"
    )


def _time(timing: Timing) -> str:
    step = "" if timing.step_seconds is None else f", a training step {_brief(timing.step_seconds)}"
    return f"{_brief(timing.seconds_per_sample)} a sample, {_brief(timing.batch_seconds)} for {JOB_BATCH} at once{step}"


def _judge(judge: JudgeLoad) -> str:
    quota = "not known" if judge.quota_per_minute is None else f"{judge.quota_per_minute:,}"
    calls = counted(judge.calls_per_sample, "call")
    speed = float(f"{judge.requests_per_minute:.2g}")  # more digits would say more than was measured
    return f"{calls} a sample, about {speed:,.0f} a minute at this speed; the quota is {quota}"


def _brief(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else duration(seconds)


def _finding(finding: Finding) -> Iterator[RenderableType]:
    words, style = _SEVERITIES[finding.severity]
    yield Text.assemble((words, style), f"  {visible(finding.code)}", overflow="fold")
    yield _indented(Text(visible(finding.message), overflow="fold"))
    yield _indented(Text(visible(finding.advice), style="dim", overflow="fold"))


def _indented(words: Text) -> Padding:
    return Padding(words, (0, 0, 0, 2), expand=False)
