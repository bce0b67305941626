"""What is wrong with a dataset, said so that a person can act on it: where, which rule, what was found, the fix."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

SHOWN_CHARACTERS = 80
_SEEN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Unicode calls printable and that show as nothing."""


class Flaw(NamedTuple):
    """A broken rule at ``path`` (``messages[0].role``; empty for the whole line), on a line known to the caller."""

    path: str
    rule: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A flaw and its line, counted from 1; ``line`` is None when the file as a whole is meant.

    ``message`` may quote the user's data, shortened and escaped: it belongs in their bucket and on their screen,
    never in a log.
    """

    line: int | None
    path: str
    rule: str
    message: str
    fix: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Findings:
    """Problems in the order they were found: every one counted, at most ``max_listed`` kept.

    A tenth of the list is held back for the first few of each rule, so that one mistake made on every line does
    not push a rarer one out of sight.
    """

    max_listed: int
    listed: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, line: int | None, flaw: Flaw) -> None:
        self.counts[flaw.rule] += 1
        held_back = 0 if self.counts[flaw.rule] <= 3 else self.max_listed // 10
        if len(self.listed) < self.max_listed - held_back:
            self.listed.append(Problem(line, *flaw))

    def copy(self) -> Findings:
        return Findings(self.max_listed, self.listed.copy(), self.counts.copy())


def shown(value: object) -> str:
    """A value as a message may quote it: one line of at most 80 characters.

    Control characters, and those that turn the text around or show as nothing, are escaped.
    """
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None | bool() | float() | str():
            start = value[:SHOWN_CHARACTERS] if isinstance(value, str) else value
            text = "".join(map(_plainly_seen, json.dumps(start, ensure_ascii=False)))
        case int():
            text = str(value) if value.bit_length() < 256 else "a very long number"
        case _:
            text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _plainly_seen(character: str) -> str:
    if character.isprintable() and not _SEEN_AS_NOTHING.match(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(character)[1:-1]


def described(value: object) -> str:
    """JSON's name for a value's type, and the value itself where that says more: ``a number: 7``, ``null``."""
    return kind_of(value) if value is None or isinstance(value, (dict, list)) else f"{kind_of(value)}: {shown(value)}"


def kind_of(value: object) -> str:
    """JSON's name for a value's type, with its article."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case None:
            return "null"
        case _:
            return "a number"


def member(path: str, key: str) -> str:
    """The path of a key below ``path``."""
    if not (key.isascii() and key.replace("-", "_").isidentifier()):
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key
