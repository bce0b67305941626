"""How IAM compares: wildcards in names and ARNs, and the operators of conditions.

Only what a policy of this application may use. An operator that isn't here is an error: a policy that these tests
can't read proves nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import cache

Context = Mapping[str, str | tuple[str, ...]]
"""What a request says of itself, by condition key (case doesn't count). A tuple is a key with several values."""


class NotUnderstood(Exception):
    """A policy says something that these tests can't evaluate."""


@cache
def _compiled(pattern: str, any_case: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(character) or re.escape(character) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else 0))


def like(value: str, pattern: str, *, any_case: bool = False) -> bool:
    """``*`` is any number of characters, colons and slashes as well; ``?`` is one."""
    return _compiled(pattern, any_case).fullmatch(value) is not None


def arn_like(value: str, pattern: str) -> bool:
    """The ARN operators compare each of the six parts by itself: a ``*`` doesn't go over a colon but in the last."""
    expected, parts = pattern.split(":", 5), value.split(":", 5)
    if len(expected) != 6:
        raise NotUnderstood(f"{pattern!r} is no ARN of six parts")
    return len(parts) == 6 and all(like(part, one) for part, one in zip(parts, expected, strict=True))


def _address(value: str, block: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(block, strict=False)


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, expected: compare(float(value), float(expected))


_Compare = Callable[[str, str], bool]
_OPERATORS: dict[str, _Compare] = {
    "stringequals": lambda value, expected: value == expected,
    "stringequalsignorecase": lambda value, expected: value.lower() == expected.lower(),
    "stringlike": like,
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": lambda value, expected: value.lower() == expected.lower(),
    "ipaddress": _address,
    "numericequals": _number(lambda value, expected: value == expected),
    "numericlessthan": _number(lambda value, expected: value < expected),
    "numericlessthanequals": _number(lambda value, expected: value <= expected),
    "numericgreaterthan": _number(lambda value, expected: value > expected),
    "numericgreaterthanequals": _number(lambda value, expected: value >= expected),
}
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
}


def holds(operator: str, key: str, expected: tuple[str, ...], context: Context) -> bool:
    """One line of a Condition: ``operator: {key: expected}``. ``context`` has its keys in lower case."""
    value = context.get(key.lower())
    if operator.lower() == "null":
        (wanted,) = expected
        return (value is None) == (wanted.lower() == "true")
    name, every, some, if_exists = _parts(operator)
    negated = name in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(name, name))
    if compare is None:
        raise NotUnderstood(f"the condition operator {operator} is not known here")
    if value is None:
        return if_exists or every or (negated and not some)
    values = (value,) if isinstance(value, str) else value
    if len(values) != 1 and not (every or some):
        raise NotUnderstood(f"{operator} compares one value, and {key} has {len(values)}")
    found = [any(compare(one, wanted) for wanted in expected) != negated for one in values]
    return any(found) if some else all(found)


def _parts(operator: str) -> tuple[str, bool, bool, bool]:
    name = operator.lower()
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    every, some = name.startswith("forallvalues:"), name.startswith("foranyvalue:")
    return name.rpartition(":")[2], every, some, if_exists
