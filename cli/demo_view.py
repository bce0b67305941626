"""The end of the demo's screen: what was measured, what serves, what was sent, where the report is, what it proves."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from cli.compared import Comparison, gain_numbers
from cli.demo import Demo, Sample
from cli.mailbox import Notification
from cli.view import duration, excerpt, fact_lines, one_line, plain
from rft.comparison.interval import Change
from rft.comparison.verdict import credited
from rft.comparison.words import percent

_WIDTH = 100

STAND_IN = (
    "The model is a stand-in: a small one that really learns, on this machine, from the rewards of the grader Lambda. "
    "So this run proves the data, the grader, the wiring and the clean-up. It says nothing of what Nova will reach."
)
REMOVED = "This stand-in is being removed now: what the message names can't be looked at or asked any more."
STAYS = "What stays is the report, for a browser; beside it the same as Markdown, and the manifest:"
_LOOK = "If you did not expect this, look at one answer beside its reference:"
_EXCERPT = 100


def demo_report(demo: Demo) -> RenderableType:
    parts: list[RenderableType] = [""]
    if demo.comparison is not None:
        parts += [measurement(demo.comparison), *_how(demo.comparison), "", _verdict(demo.comparison)]
        if demo.sample is not None and not demo.comparison.is_better:
            parts += _look_at(demo.sample)
        parts.append("")
    if demo.run["deployment_arn"] is not None:
        parts += [*fact_lines({"deployment": demo.run["deployment_arn"]}), ""]
    parts += [*_delivered(demo.notification), ""]
    if demo.report is not None:
        parts += [Text(STAYS, style="dim"), one_line(str(demo.report), style="bold"), ""]
    if demo.went_through:
        parts += [Text(STAND_IN, style="italic"), "", Text("next", style="dim"), *_next(demo.example)]
    else:
        parts.append(Text(f"The run ended as {plain(demo.run['status'])}: no model takes over.", style="bold red"))
    parts += ["", Text(f"{duration(demo.seconds)} in all", style="dim")]
    return Constrain(Group(*parts), _WIDTH)


def _delivered(notification: Notification) -> list[RenderableType]:
    """The message as it came, its lines whole: no frame, which would cut them."""
    return [
        Text("the notification, as an SQS subscriber of the topic got it", style="dim"),
        one_line(notification.subject or "no subject", style="bold"),
        one_line(notification.message.rstrip()),
        "",
        Text(REMOVED, style="yellow"),
    ]


def _look_at(sample: Sample) -> list[RenderableType]:
    shown = {"  answer": excerpt(sample.answer, _EXCERPT), "  reference": excerpt(sample.reference, _EXCERPT)}
    return [Text(_LOOK, style="dim"), *fact_lines(shown)]


def measurement(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("validation set", min_width=20)
    for heading in (found.against, "tuned", "gain", f"{percent(found.reward.gain.confidence)} interval"):
        table.add_column(heading, justify="right", min_width=8)
    _add_change(table, Text("mean reward", style="bold"), found.reward)
    for name, change in found.components.items():
        _add_change(table, Text(f"  {plain(name)}"), change)
    if found.held_out is not None:
        _add_change(table, Text("held-out grader", style="bold"), found.held_out)
    return table


def _add_change(table: Table, name: Text, change: Change) -> None:
    mean, low, high = gain_numbers(change.gain)
    style = "bold green" if change.gain.low > 0 else ""
    table.add_row(
        name,
        f"{change.before:.2f}",
        f"{change.after:.2f}",
        Text(mean, style=style),
        Text(f"{low} to {high}", style="dim"),
    )


def _how(found: Comparison) -> list[Text]:
    words = f"{found.records} prompts, both models asked at {found.asked_at}, both graded by"
    return [Text(words, style="dim"), one_line(found.grader_arn, style="dim")]


def _verdict(found: Comparison) -> Text:
    if not found.is_better:
        return Text(found.verdict, style="bold yellow")
    return Text(f"{found.verdict} {credited(found.components)}".rstrip(), style="bold green")


def _next(example: str) -> list[Text]:
    other = (
        ("rft demo --example ticket-triage", "a task it can learn")
        if example == "word-sums"
        else ("rft demo --example word-sums", "a task beyond it")
    )
    commands = (
        ("rft up --detach", "a stand-in that stays"),
        ("rft submit examples/ticket-triage/run.json --wait", "a run through its API"),
        ("rft models ticket-triage", "what serves then, and how to call it"),
        other,
        ("sam build && sam deploy --guided", "in your AWS account"),
    )
    width = max(len(command) for command, _ in commands)
    lines = [one_line(f"  {command:<{width}}   # {what}") for command, what in commands]
    for line in lines:
        line.stylize("bold", 0, width + 2)
        line.stylize("dim", width + 2)
    return lines
