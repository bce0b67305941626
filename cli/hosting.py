"""``rft up`` and ``rft down``: the stand-in AWS of this machine."""

from __future__ import annotations

import signal

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.interrupts import ending_signals_interrupt, undisturbed
from cli.steps import Steps
from cli.view import Screen
from local.cloud import Cloud, CloudInfo, default_root


def bring_up(screen: Screen, *, detach: bool) -> None:
    """Start the local cloud, unless it is up; without ``detach`` stay, and stop it on Ctrl-C or SIGTERM."""
    running = Cloud.attach(default_root())
    if running is not None:
        _show(screen, running.info, "already up; stop it with: rft down")
        return
    steps = Steps(screen.console)
    with ending_signals_interrupt():
        try:
            cloud = Cloud.start(default_root(), on_progress=steps.begin)
        except BaseException:
            steps.fail()
            raise
        steps.finish()
        if detach:
            _show(screen, cloud.info, "goes on in the background; stop it with: rft down")
            return
        try:
            _show(screen, cloud.info, "stays until Ctrl-C")
            signal.pause()
        except KeyboardInterrupt:
            screen.say("stopping")
        finally:
            with undisturbed():
                cloud.stop()
    screen.say("stopped")


def take_down(screen: Screen) -> None:
    """Stop the local cloud and remove what it kept, the rest of a broken one too; fine if none is up."""
    was_up = Cloud.attach(default_root()) is not None
    with undisturbed():
        Cloud.clear(default_root())
    screen.result({"stopped": was_up}, Text("stopped, and its data removed" if was_up else "nothing was up"))


def _show(screen: Screen, info: CloudInfo, ending: str) -> None:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in info.to_json().items():
        facts.add_row(name.replace("_", " "), Text(value))
    facts.add_row()
    facts.add_row("next", "rft submit examples/ticket-triage/run.json --wait")
    facts.add_row("", "rft runs")
    screen.result(
        info.to_json(),
        Panel(
            facts, title="the stand-in AWS of this machine", title_align="left", subtitle=ending, border_style="cyan"
        ),
    )
