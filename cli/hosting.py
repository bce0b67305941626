"""The stand-in AWS of this machine: to stay (``rft up``, ``rft down``), or for the time of a demo."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Group
from rich.text import Text

from cli.faults import DemoFailed
from cli.interrupts import ending_signals_interrupt, undisturbed
from cli.steps import Steps
from cli.view import Screen, fact_lines, one_line
from local.cloud import Cloud, CloudError, CloudInfo, default_root


def bring_up(screen: Screen, *, detach: bool) -> None:
    """Start the local cloud, unless it is up; without ``detach`` stay, and stop it on Ctrl-C or SIGTERM."""
    running = Cloud.attach(default_root(), revive=True)
    if running is not None:
        _show(screen, running.info, "was up already, and nothing was deployed; stop it with: rft down")
        return
    if (default_root() / "cloud.json").exists():
        screen.say("the stand-in AWS that ran here had died; starting anew, its runs are gone")
    with ending_signals_interrupt():
        cloud = _start(default_root(), Steps(screen.console))
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
    with undisturbed():
        was_there = Cloud.clear(default_root())
    screen.result({"stopped": was_there}, Text("stopped, and its data removed" if was_there else "nothing was up"))


@contextmanager
def passing_cloud(steps: Steps, *, seed: int) -> Iterator[Cloud]:
    """A local cloud beside the one that ``rft up`` starts, stopped and removed whatever happens; one at a time."""
    root = default_root() / "demo"
    with _only_one(root.parent), ending_signals_interrupt():
        Cloud.clear(root)  # what a demo left behind that was killed
        cloud = _start(root, steps, seed=seed)
        try:
            yield cloud
        except BaseException:
            steps.fail()
            raise
        finally:
            with undisturbed():
                steps.begin("stopping everything and cleaning up")
                cloud.stop()
                steps.finish()


def _start(root: Path, steps: Steps, *, seed: int = 0) -> Cloud:
    """An interrupted start leaves nothing; one that failed leaves the logs that its fault names."""
    try:
        cloud = Cloud.start(root, on_progress=steps.begin, seed=seed)
    except BaseException as ended:
        steps.fail()
        if not isinstance(ended, CloudError):
            with undisturbed():
                Cloud.clear(root)
            if isinstance(ended, KeyboardInterrupt):
                steps.say("interrupted, nothing left")
        raise
    steps.finish()
    return cloud


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed("Another rft demo is running on this machine.") from None
        yield
    finally:
        os.close(handle)
        if is_new:
            with suppress(OSError):
                folder.rmdir()  # stays if there are logs to read, or a local cloud moved in


def _show(screen: Screen, info: CloudInfo, ending: str) -> None:
    facts = {name.replace("_", " "): value for name, value in info.to_json().items()}
    submit, runs = "rft submit examples/ticket-triage/run.json --wait", "rft runs"
    words = Group(
        Text.assemble(("the stand-in AWS of this machine", "bold cyan"), f"  {ending}"),
        "",
        *fact_lines(facts),
        "",
        one_line(f"next: {submit}"),
        one_line(f"      {runs}"),
    )
    screen.result(info.to_json(), words)
