"""A time limit for code that may never return."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from rft.grading.errors import TimeLimitExceeded


class _Expired(BaseException):
    """No Exception, so that an author's ``except Exception`` doesn't swallow it and go on."""


class TimeLimit:
    """Interrupts a function that runs longer than ``seconds``, call by call, as long as the context is open::

        with TimeLimit(1.0) as limit:
            limit.call(function, argument)      # raises TimeLimitExceeded

    It uses the process's interval timer, so it holds in the main thread only, where a Lambda handler runs; in another
    thread ``enforced`` is False and calls have no limit. A single call into C that doesn't look for signals (most
    extension modules) is interrupted only when it returns. Handler and timer are put back at the end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.enforced = False

    def __enter__(self) -> Self:
        self.enforced = threading.current_thread() is threading.main_thread()
        if self.enforced:
            self._timer_before = signal.setitimer(signal.ITIMER_REAL, 0)
            self._handler_before = signal.signal(signal.SIGALRM, _expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.enforced:
            signal.signal(signal.SIGALRM, self._handler_before)
            signal.setitimer(signal.ITIMER_REAL, *self._timer_before)

    def call[A, R](self, function: Callable[[A], R], argument: A) -> R:
        """``function(argument)``. Raises TimeLimitExceeded, and whatever the function raises."""
        if not self.enforced:
            return function(argument)
        try:
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            try:
                return function(argument)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except _Expired as expired:
            late = TimeLimitExceeded(f"score() ran longer than {self._seconds:g} s")
            raise late.with_traceback(expired.__traceback__) from None  # its trace shows where the time went


def _expire(_number: int, _frame: FrameType | None) -> None:
    raise _Expired
