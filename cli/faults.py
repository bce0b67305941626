"""Faults a person can do something about: each one clear answer, never a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rft.errors import RequestProblem


class CliFault(Exception):
    """The answer is no. ``problems`` lists everything wrong, ``hint`` says what to do next.

    Exit code 1; the subclasses ``UsageFault`` and ``ApiProblem`` add what they know::

        CliFault
        ├── UsageFault          the command line itself is wrong: exit code 2
        ├── TargetMissing       there is no stack to talk to
        ├── ApiProblem          the API refused, with a status and its problems
        ├── ApiUnreachable      no answer, after all retries
        └── DemoFailed
    """

    exit_code = 1

    def __init__(self, message: str, *, problems: Sequence[RequestProblem] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.hint = hint

    def to_json(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "problems": [problem.to_json() for problem in self.problems],
            "hint": self.hint,
        }


class UsageFault(CliFault):
    exit_code = 2


class TargetMissing(CliFault):
    pass


class ApiProblem(CliFault):
    """A problem+json answer of the API; ``status`` is its HTTP status."""

    def __init__(
        self, status: int, message: str, *, problems: Sequence[RequestProblem] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, problems=problems, hint=hint)
        self.status = status

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status, **super().to_json()}


class ApiUnreachable(CliFault):
    pass


class DemoFailed(CliFault):
    pass
