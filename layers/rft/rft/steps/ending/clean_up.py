"""What is to be removed or put back, each with its name, so that a person can be told what could not be done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws.clients import error_code
from rft.errors import BedrockBusy, DeploymentPending

_PAUSES = (2.0, 4.0, 8.0, 16.0)  # seconds between the tries of a clean-up that nobody repeats
PASSING = (ClientError, BotoCoreError, BedrockBusy, DeploymentPending)
"""What may go well at another try."""


@dataclass(frozen=True, slots=True)
class Task:
    """``act`` gives back what a person should know of it; ``by_hand`` says what follows if it can't be done."""

    name: str
    act: Callable[[], str]
    by_hand: str = "it may cost money, please do it by hand"

    def undone(self, error: Exception) -> str:
        return f"COULD NOT {self.name} ({error_code(error)}): {self.by_hand}"


def carry_out(tasks: Iterable[Task]) -> list[str]:
    """Each of them, whatever becomes of the others; after that the first failure is raised."""
    said: list[str] = []
    failures: list[Exception] = []
    for task in tasks:
        try:
            said.append(task.act())
        except PASSING as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return said


def persist(task: Task, until: float) -> str:
    """Try again and again, but no longer than to ``until`` (of the monotonic clock)."""
    for pause in (*_PAUSES, None):
        try:
            return task.act()
        except PASSING as error:
            if pause is None or time.monotonic() + pause > until:
                return task.undone(error)
            time.sleep(pause)
    raise AssertionError("the last try returns")
