"""The steps of a longer command: a spinner while one runs, then a tick and its time."""

from __future__ import annotations

import time

from rich.console import Console
from rich.status import Status
from rich.text import Text

from cli.view import duration, plain

_WIDTH = 72


class Steps:
    """One step at a time; on a pipe only the finished steps are printed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._words: str | None = None
        self._started = 0.0
        self._status: Status | None = None

    def begin(self, words: str) -> None:
        """Start a step; the one before is done."""
        self.finish()
        self._words, self._started = plain(words), time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(Text(self._words), spinner_style="cyan")
            self._status.start()

    def note(self, words: str) -> None:
        """How far the present step has come; only a terminal shows it."""
        if self._status is not None:
            self._status.update(Text.assemble(self._words or "", (f"  {plain(words)}", "dim")))

    def say(self, words: str) -> None:
        """A remark between two steps."""
        self._console.print(Text(plain(words), style="dim"))

    def finish(self) -> None:
        self._end("✓", "green")

    def fail(self) -> None:
        self._end("✗", "red")

    def _end(self, mark: str, style: str) -> None:
        if self._words is None:
            return
        if self._status is not None:
            self._status.stop()
        took = duration(time.monotonic() - self._started)
        room = max(_WIDTH - len(took), len(self._words) + 2)
        self._console.print(Text.assemble((mark, style), f" {self._words:<{room}}", (took, "dim")), soft_wrap=True)
        self._words, self._status = None, None
