"""Taking personal data and secrets out of texts before they become training data.

An ordered list of rules; each replaces what it finds by its name in brackets, such as ``[EMAIL]``. Four are ready.
They are made to leave ordinary text alone: order numbers, dates, addresses of machines and decimals are no phones and
no cards. So they can't find everything: a phone number written as bare digits looks like any other number.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import orjson

from rft.invocation_logs.secrets import hide_cards, hide_emails, hide_keys, hide_phones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Find = Callable[[str, str], tuple[str, int]]  # text, replacement: the text without, and how many were found

READY_RULES: dict[str, Find] = {
    "email": hide_emails,
    "phone": hide_phones,
    "card": hide_cards,
    "key": hide_keys,
}
NAME = re.compile("[a-z][a-z0-9_-]{0,31}")
MAX_PATTERN = 1000
MAX_RULES = 32
JSON_STRING = re.compile(r'("(?:[^"\\]++|\\.)*+")(\s*:)?', re.ASCII)  # a second group is behind a key
RULE_FORM = 'give "email", "phone", "card" or "key", or {"name": ..., "pattern": ...}'


class Redactor:
    """Applied to every text of messages, to the arguments of tool calls and to the reference answer."""

    READY = tuple(READY_RULES)

    def __init__(self, rules: Sequence[tuple[str, Find]]) -> None:
        self._rules = [(name, f"[{name.upper()}]", find) for name, find in rules]
        self.counts: Counter[str] = Counter()
        """How many places each rule has replaced."""

    @classmethod
    def parse(cls, rules: Sequence[str | Mapping[str, str]]) -> Self:
        """Rules in the order they are applied: names of ready ones, and ``{"name", "pattern"}`` with a pattern in RE2.

        Raises ``ValueError`` with everything that is wrong with them.
        """
        problems: list[str] = []
        read: list[tuple[str, Find]] = []
        if not isinstance(rules, list | tuple) or len(rules) > MAX_RULES:
            raise ValueError(f"give a list of at most {MAX_RULES} rules")
        for index, rule in enumerate(rules):
            try:
                name, find = _rule(rule)
            except ValueError as wrong:
                problems.append(f"[{index}]: {wrong}")
                continue
            if any(name == other for other, _ in read):
                problems.append(f"[{index}]: there are two rules named {name!r}")
            read.append((name, find))
        if problems:
            raise ValueError("; ".join(problems))
        return cls(read)

    def redact(self, text: str) -> str:
        for name, replacement, find in self._rules:
            text, times = find(text, replacement)
            if times:
                self.counts[name] += times
        return text

    def redact_turns(self, turns: list[dict[str, Any]]) -> None:
        """Chat-completions messages, changed where they are."""
        for turn in turns:
            if turn["content"] is not None:
                turn["content"] = self.redact(turn["content"])
            for call in turn.get("tool_calls", ()):
                call["function"]["arguments"] = self._redact_json(call["function"]["arguments"])

    def _redact_json(self, text: str) -> str:
        """The strings of a JSON text changed where they stand, so that numbers and spaces stay as they were written.

        Keys that become the same are told apart by a number: none is lost.
        """
        try:
            orjson.loads(text)
        except ValueError:
            return self.redact(text)
        keys: dict[str, str] = {}
        taken = {_unquoted(found[1]) for found in JSON_STRING.finditer(text) if found[2]}

        def replaced(found: re.Match[str]) -> str:
            quoted = found[1]
            plain = _unquoted(quoted)
            clean = self.redact(plain)
            if clean == plain:
                return found[0]
            if not found[2]:
                return orjson.dumps(clean).decode()
            if plain not in keys:
                keys[plain] = _untaken(clean, taken)
                taken.add(keys[plain])
            return orjson.dumps(keys[plain]).decode() + found[2]

        return JSON_STRING.sub(replaced, text)


def _unquoted(text: str) -> str:
    value: str = orjson.loads(text)
    return value


def _untaken(name: str, taken: set[str]) -> str:
    return next(new for new in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if new not in taken)


def _rule(rule: Any) -> tuple[str, Find]:
    if isinstance(rule, str):
        if rule not in READY_RULES:
            raise ValueError(f"{rule[:80]!r} is no ready rule; {RULE_FORM}")
        return rule, READY_RULES[rule]
    if not isinstance(rule, dict) or rule.keys() != {"name", "pattern"}:
        raise ValueError(RULE_FORM)
    name, pattern = rule["name"], rule["pattern"]
    if not isinstance(name, str) or NAME.fullmatch(name) is None or name in READY_RULES:
        raise ValueError(
            "a name has 1 to 32 characters out of a-z 0-9 _ -, begins with a letter and is no ready rule's"
        )
    if not isinstance(pattern, str) or not 1 <= len(pattern) <= MAX_PATTERN:
        raise ValueError(f"a pattern has 1 to {MAX_PATTERN} characters")
    return name, _own(pattern)


def _own(pattern: str) -> Find:
    """A pattern of the user's. RE2 has no backtracking: no pattern makes it hang."""
    import re2  # noqa: PLC0415 - most conversions do without

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        raise ValueError(
            "the pattern is no regular expression in RE2's syntax (no lookaround, no references)"
        ) from None
    if compiled.search(""):
        raise ValueError("the pattern matches the empty text")

    def find(text: str, replacement: str) -> tuple[str, int]:
        changed, times = compiled.subn(replacement, text)
        return str(changed), int(times)

    return find
