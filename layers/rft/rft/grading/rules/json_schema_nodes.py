"""A compiled JSON Schema at work. Part of :mod:`rft.grading.rules.json_schema`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

MAX_STEPS = 3000
"""Pairs of a schema and a value that are looked at for one answer. References and anyOf can make their number grow
exponentially; an answer that needs more than these doesn't keep to the schema."""
MAX_NESTED_STEPS = 128  # of these inside each other; each takes about four of the 1,000 calls of Python's stack

_EVERY_KIND = ("null", "boolean", "integer", "number", "string", "array", "object")
_KINDS = {bool: "boolean", int: "integer", str: "string", type(None): "null", list: "array", dict: "object"}

type Check = Callable[[Any, Work], bool]


class TooMuchWork(Exception):
    """The value is left unaccepted."""


class Work:
    """What is left of the limits while one value is checked."""

    __slots__ = ("depth", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.depth = 0

    def take(self, steps: int) -> None:
        """Raises TooMuchWork if that many steps aren't left."""
        self.steps -= steps
        if self.steps < 0:
            raise TooMuchWork


class Node:
    """One schema of a schema: what it checks, by the kind of the value."""

    __slots__ = ("_checks", "in_place")

    def __init__(self) -> None:
        self._checks: dict[str, list[Check]] = {kind: [] for kind in _EVERY_KIND}
        self.in_place: list[Node] = []
        """Schemas that look at the same value as this one: a circle of these would never end."""

    def add(self, kinds: tuple[str, ...], check: Check) -> None:
        for kind in kinds or _EVERY_KIND:
            self._checks[kind].append(check)

    def accepts(self, value: Any, work: Work) -> bool:
        work.steps -= 1
        work.depth += 1
        if work.steps < 0 or work.depth > MAX_NESTED_STEPS:
            raise TooMuchWork
        kind = _KINDS.get(type(value)) or _kind_of_number(value)
        for check in self._checks[kind]:
            if not check(value, work):
                work.depth -= 1
                return False
        work.depth -= 1
        return True


def _kind_of_number(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return "integer" if value.is_integer() else "number"
    raise TooMuchWork  # no JSON value
