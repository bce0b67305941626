"""A grader's own file, called as Lambda calls it, in a process that can take little and harm nothing.

It guards against mistakes (loops, memory, a forgotten ``sys.exit``, a call to the network), not against malice: a
grader is code of the user's own. What it gets is an empty folder, an environment without credentials, limits of memory,
processor time, files and processes, no network where the system allows that, and a wall-clock limit after which
it is ended with all that it started.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Self

from cli.grader_child import ANSWER, CALL, HEADER, MAX_BYTES, READY
from cli.grader_pipes import Ended, Limits, Running, TimedOut, failure_of
from rft.gate.ports import Invocation, InvocationFailed

_LIMITED = ("network", "processes", "memory")


class GraderProcess:
    """Calls the ``handler`` of ``app_py``. One process answers all calls, as a warm Lambda function does; after one
    that it did not survive a new one is started.

    ``words`` is the end of what the grader has printed. ``unlimited`` names what this system can't limit.
    """

    def __init__(self, app_py: Path, *, limits: Limits | None = None) -> None:
        self._app_py = app_py.resolve()
        self._limits = limits or Limits()
        self._running: Running | None = None
        self._words = bytearray()
        self._one_at_a_time = threading.Lock()
        self.unlimited: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def words(self) -> str:
        return self._words.decode(errors="replace")

    def start(self) -> None:
        """Import the grader, unless it runs. Raises ``InvocationFailed`` of the kind ``refused``."""
        if self._running is not None:
            return
        self._running = Running(self._app_py, self._limits, self._words)
        try:
            kind, content = self._running.exchange(b"", self._limits.start_seconds)
        except TimedOut:
            self._stop()
            raise InvocationFailed("refused", f"its import takes over {self._limits.start_seconds:g} s") from None
        except Ended as ended:
            self._stop()
            raise InvocationFailed("refused", f"it ended in its import: {ended.failure.detail}") from None
        except BaseException:
            self._stop()
            raise
        if kind != READY:
            self._stop()
            raise InvocationFailed("refused", failure_of(kind, content).detail)
        held = json.loads(content)
        self.unlimited = tuple(limit for limit in _LIMITED if limit not in held)

    def invoke(self, payload: bytes) -> Invocation:
        """The handler's answer to the JSON document ``payload``, as Lambda passes it on. Raises ``InvocationFailed``.

        The time is that of the call alone, without a start.
        """
        if len(payload) > MAX_BYTES:
            raise InvocationFailed("too-large", f"an event of {len(payload) / 1e6:.1f} MB")
        with self._one_at_a_time:
            self.start()
            assert self._running is not None
            began = time.monotonic()
            try:
                message = HEADER.pack(CALL, len(payload)) + payload
                kind, content = self._running.exchange(message, self._limits.seconds)
            except TimedOut:
                self._stop()
                raise InvocationFailed("timed-out", f"{self._limits.seconds:g} s") from None
            except Ended as ended:
                self._stop()
                raise ended.failure from None
            except BaseException:
                self._stop()
                raise
        if kind != ANSWER:
            raise failure_of(kind, content)
        return Invocation(content, time.monotonic() - began)

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.stop()
