"""What a stack leaves in an account, kind by kind: how it is found, removed, and known to be gone.

Nothing is noted between two tries of leaving: each looks for what is there. A thing is the stack's if CloudFormation
lists it, or if it carries the tag ``rft:stack``. No tag of CloudFormation's counts: any application has those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from rft.aws.clients import error_code

STACK_TAG = "rft:stack"


@dataclass(frozen=True, slots=True)
class Thing:
    """``name`` is for the eye, ``note`` what else one cares for, ``cost`` what it costs while it is there."""

    kind: str
    id: str
    name: str
    note: str = ""
    cost: str = ""

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "id": self.id, "name": self.name, "note": self.note, "cost": self.cost}


@dataclass(frozen=True, slots=True)
class Left:
    """A thing that is still there, and why."""

    thing: Thing
    reason: str

    def to_json(self) -> dict[str, str]:
        return {**self.thing.to_json(), "reason": self.reason}


class NotYet(Exception):
    """It may go at another try: AWS is at it, or something else has to go first."""


class Stays(Exception):
    """It will not go, however often it is tried."""


class Kind(Protocol):
    """All things of a kind. ``title`` is their plural; ``patience`` in seconds, how long their end is waited for.

    ``stops_all``: nothing after it is touched as long as one of them is left. ``is_data``: kept without ``--all``.
    """

    title: str
    patience: float
    stops_all: bool
    is_data: bool

    def find(self) -> list[Thing]: ...

    def remove(self, thing: Thing) -> None:
        """Ask for its end; again is harmless. Raises ``NotYet``, ``Stays``, or AWS's own error."""
        ...

    def is_gone(self, thing: Thing) -> bool: ...

    def unseen(self) -> list[Thing]:
        """What ``find`` came upon, at its last call, and may not look at: nobody knows whose it is."""
        ...

    def progress(self) -> str:
        """How far it has come, for a reader who waits."""
        ...


class Plain:
    """What most kinds share."""

    patience = 300.0
    stops_all = False
    is_data = False

    def unseen(self) -> list[Thing]:
        return []

    def progress(self) -> str:
        return ""


@contextmanager
def passing_over(*codes: str) -> Iterator[None]:
    """What AWS refuses with one of these codes is as good as done: mostly, as the thing is gone already."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


def has_stack_tag(tags: Iterable[dict[str, Any]], stack: str) -> bool:
    """Whether tags in AWS's usual form, of either spelling, say that a thing is the stack's."""
    return any(
        (tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value"))) == (STACK_TAG, stack) for tag in tags
    )


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e7 else f"{size / 1e6:.2f} MB"
