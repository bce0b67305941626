"""Waiting inside a function, for what takes seconds. What takes longer the state machine waits for, at no cost."""

from __future__ import annotations

import time
from collections.abc import Callable

from rft.errors import DeploymentPending

_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.5, 5.0


def look_again(done: Callable[[], bool], seconds: float, waited_for: str) -> None:
    """Until it is ``done``. Raises ``DeploymentPending``, saying what was ``waited_for``, after so many seconds."""
    patient_until = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while not done():
        if time.monotonic() + pause > patient_until:
            raise DeploymentPending(waited_for)
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_PAUSE_SECONDS)
