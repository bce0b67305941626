"""The end of the demo's screen: what was measured, what was deployed, what was sent, and what it proves."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.demo import Demo
from cli.held_out import CONFIDENCE, Change, Comparison
from cli.mailbox import Notification
from cli.view import duration, plain

_WIDTH = 100

STAND_IN = (
    "The model is a stand-in: a small one that really learns, on this machine, from the rewards of the grader Lambda. "
    "So this run proves the data, the grader, the wiring and the clean-up. It says nothing of what Nova will reach."
)
NEXT = (
    ("rft up --detach", "keep the stand-in AWS running"),
    ("rft submit examples/ticket-triage/run.json --wait", "a run of your own, through the API"),
    ("rft demo --example word-sums", "a task beyond the stand-in: no gain is shown"),
    ("sam build && sam deploy --guided", "the same application in your AWS account"),
)


def demo_report(demo: Demo) -> RenderableType:
    parts: list[RenderableType] = [""]
    if demo.comparison is not None:
        parts += [measurement(demo.comparison), _how(demo, demo.comparison), "", _verdict(demo.comparison), ""]
    if demo.run["deployment_arn"] is not None:
        parts += [Text.assemble(("deployment  ", "dim"), plain(demo.run["deployment_arn"]), overflow="fold"), ""]
    parts += [_delivered(demo.notification), ""]
    if demo.went_through:
        parts += [Text(STAND_IN, style="italic"), "", Text("next", style="dim"), _next()]
    else:
        parts.append(
            Text(f"The run ended as {plain(demo.run['status'])}: nothing could be measured.", style="bold red")
        )
    parts += ["", Text(f"{duration(demo.seconds)} in all", style="dim")]
    return Constrain(Group(*parts), _WIDTH)


def _delivered(notification: Notification) -> Panel:
    return Panel(
        Text(plain(notification.message).rstrip()),
        title=Text(plain(notification.subject) or "no subject", style="bold"),
        subtitle="as an SQS subscriber of the topic got it",
        title_align="left",
        subtitle_align="left",
        border_style="dim",
    )


def measurement(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("held-out records", min_width=20)
    for heading in ("base", "tuned", "gain", f"{CONFIDENCE:.0%} interval"):
        table.add_column(heading, justify="right", min_width=8)
    _add_change(table, Text("mean reward", style="bold"), found.reward)
    for name, change in found.components.items():
        _add_change(table, Text(f"  {plain(name)}"), change)
    return table


def _add_change(table: Table, name: Text, change: Change) -> None:
    gain = change.gain
    style = "bold green" if gain.is_certain else ""
    table.add_row(
        name,
        f"{change.before:.2f}",
        f"{change.after:.2f}",
        Text(f"{gain.mean:+.2f}", style=style),
        Text(f"{gain.low:+.2f} to {gain.high:+.2f}", style="dim"),
    )


def _how(demo: Demo, found: Comparison) -> Text:
    words = f"{found.records} records, both models asked at {demo.how}, both graded by\n{demo.run['grader_arn']}"
    return Text(plain(words), style="dim", overflow="fold")


def _verdict(found: Comparison) -> Text:
    return Text(found.verdict, style="bold green" if found.is_better else "bold yellow")


def _next() -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    for command, what in NEXT:
        table.add_row(Text(f"  {command}", style="bold"), Text(what, style="dim"))
    return table
