"""The fields of one object of a grader's JSON, read one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from rft.grading.openai.problems import Problems
from rft.grading.openai.template import Template, parse_template

MAX_NAME = 128  # characters
MAX_VARIABLES = 32
"""Variables of a text, and of all messages of a prompt together."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def joined(path: str, key: str) -> str:
    """The path of a field: ``graders.quality``, or ``graders["a b"]`` for a key that isn't a plain word."""
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key[:50])}]"


def listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]


class Fields:
    """Each reader notes what is wrong with its field, and then returns a value that will do to go on with: a grader
    with problems is never used. A field that may be left out may be null."""

    def __init__(self, value: Mapping[str, Any], path: str, problems: Problems) -> None:
        self._value = value
        self.path = path
        self.problems = problems

    def at(self, key: str) -> str:
        return joined(self.path, key)

    def get(self, key: str) -> Any:
        return self._value.get(key)

    def has(self, key: str) -> bool:
        return key in self._value

    def wrong(self, key: str, message: str) -> None:
        self.problems.add(self.at(key), message)

    def only(self, *allowed: str) -> None:
        """Any other key would go unheeded, so it is refused."""
        for key in self._value:
            if key not in allowed:
                self.wrong(str(key), f"there is no such field here: the fields are {', '.join(allowed)}")

    def name(self) -> None:
        """``name`` is OpenAI's label of a grader, and has no effect."""
        name = self.get("name")
        if name is not None and not (isinstance(name, str) and name.strip() and len(name) <= MAX_NAME):
            self.wrong("name", f"must be a text of 1 to {MAX_NAME} characters")

    def choice(self, key: str, choices: Sequence[str], hints: Mapping[str, str] | None = None) -> str:
        value = self.get(key)
        if isinstance(value, str) and value in choices:
            return value
        hint = (hints or {}).get(value) if isinstance(value, str) else None
        self.wrong(key, f"must be {listed(choices)}" + (f": {hint}" if hint else ""))
        return choices[0]

    def number(self, key: str, low: float, high: float) -> float | None:
        """None where it is left out."""
        value = self.get(key)
        if value is None:
            return None
        if is_number(value) and low <= value <= high:
            return float(value)
        self.wrong(key, f"must be a number from {low:g} to {high:g}")
        return low

    def whole_number(self, key: str, low: int, high: int) -> int | None:
        value = self.get(key)
        if value is None:
            return None
        if is_number(value) and low <= value <= high and value == int(value):
            return int(value)
        self.wrong(key, f"must be a whole number from {low:,} to {high:,}")
        return low

    def template(self, key: str) -> Template:
        return self.template_of(self.get(key), self.at(key))

    def template_of(self, value: Any, path: str) -> Template:
        """``value`` as the template that stands at ``path``."""
        if not isinstance(value, str):
            self.problems.add(path, "must be a text, which may hold {{ item.x }} and {{ sample.output_text }}")
            return Template(("",), ())
        template, faults = parse_template(value)
        for fault in faults:
            self.problems.add(path, fault)
        if len(template.variables) > MAX_VARIABLES:
            self.problems.add(path, f"has more than {MAX_VARIABLES} variables in double braces")
        return template


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
