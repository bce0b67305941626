"""What the gate needs of the outside: a grader that can be called, and the base model.

Both are functions, so that the same examination serves a Lambda function, a file in a child process and a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from rft.errors import RftError


class Invocation(NamedTuple):
    """A grader's answer to one call: its bytes as they came, and the wall time in seconds."""

    payload: bytes
    seconds: float


type FailureKind = Literal["raised", "timed-out", "out-of-memory", "exited", "refused", "too-large"]


class InvocationFailed(RftError):
    """A call of the grader that brought no answer.

    ``raised``: its code raised an error. ``timed-out``: it ran to its time limit. ``out-of-memory``, ``exited``: the
    process ended. ``refused``: it can't be called at all (no permission, no such function). ``too-large``: the answer
    exceeds what Lambda passes on. ``detail`` is the name of an error's class, an exit code or the like, never a text
    of the data: it is shown to people.
    """

    def __init__(self, kind: FailureKind, detail: str = "") -> None:
        self.kind: FailureKind = kind
        self.detail = detail
        super().__init__(f"{kind}: {detail}" if detail else kind)


class BaseUnavailable(RftError):
    """The base model can't be asked. ``message`` is shown to a person and quotes no text of the data."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


type Invoke = Callable[[bytes], Invocation]
"""Calls the grader with the JSON list that Bedrock would send. Raises InvocationFailed."""

type AskBase = Callable[[Sequence[Mapping[str, Any]], int], list[str]]
"""The messages of one prompt and a number: as many answers of the base model. Raises BaseUnavailable."""


class Mapped(Protocol):
    """The built-in ``map`` of a function over a list, or one that works in threads (``Executor.map``)."""

    def __call__[A, R](self, function: Callable[[A], R], items: Sequence[A], /) -> Iterable[R]: ...
