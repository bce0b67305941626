"""Check a Python value against a shape of a botocore service model, with all the constraints the model states.

botocore's own ``ParamValidator`` stops at required, unknown, type and *minimum*; maximum, enum, pattern and the
"exactly one member" rule of a union are only enforced by the service. This module enforces them all, so that a value
without violations here is one that AWS's own request validation would let through.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# As written this fragment can split n hyphens in 2^n ways; the class already holds the hyphen, so it means the same.
_EXPONENTIAL = r"(-*[a-zA-Z0-9\+\-\.])*"
_LINEAR = r"[a-zA-Z0-9\+\-\.]*"


def violations(shape: Shape, value: Any, path: str = "") -> list[str]:
    """Every way in which ``value`` breaks ``shape``, in the wording of AWS; an empty list means that it fits.

    ``value`` has boto3's Python types: ``datetime`` for timestamps, ``bytes`` for blobs. ``path`` names the value;
    list items are counted from one (``jobTags.1.member.key``), as AWS does.
    """
    return [f"Value at '{place}' failed to satisfy constraint: {rule}" for place, rule in _broken(shape, value, path)]


def _broken(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        yield path, "Member must not be null"
    elif not _TYPES[shape.type_name](value):
        yield path, f"Member must be of type {shape.type_name}"
    elif isinstance(shape, StructureShape):
        yield from _broken_structure(shape, value, path)
    elif isinstance(shape, ListShape | MapShape):
        yield from _broken_collection(shape, value, path)
    elif isinstance(shape, StringShape):
        yield from _broken_string(shape, value, path)
    elif shape.type_name == "blob":
        yield from _broken_size(shape, len(value), "length", path)
    elif shape.type_name in _NUMBERS:
        yield from _broken_size(shape, value, "value", path)


def _broken_collection(shape: ListShape | MapShape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield from _broken_size(shape, len(value), "length", path)
    if isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _broken(shape.member, item, f"{path}.{number}.member")
    else:
        for key, item in value.items():
            yield from _broken(shape.key, key, f"{path}.{key}.key")
            yield from _broken(shape.value, item, f"{path}.{key}.value")


def _broken_structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if shape.is_document_type:
        return
    given = {name: member for name, member in value.items() if member is not None}
    for name in shape.required_members:
        if name not in given:
            yield _below(path, name), "Member must not be null"
    for name in given:
        if name not in shape.members:
            yield _below(path, name), f"Member is unknown; must be one of: [{', '.join(shape.members)}]"
    if shape.is_tagged_union and len(given) != 1:
        yield path, f"Member must have exactly one of: [{', '.join(shape.members)}]"
    for name, member in shape.members.items():
        if name in given:
            yield from _broken(member, given[name], _below(path, name))


def _broken_string(shape: StringShape, value: str, path: str) -> Iterator[tuple[str, str]]:
    yield from _broken_size(shape, len(value), "length", path)
    if shape.enum and value not in shape.enum:
        yield path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    maximum = shape.metadata.get("max")
    # A value that is too long is refused already; matching it would only cost time.
    if pattern is not None and (maximum is None or len(value) <= maximum) and not _matches(pattern, value):
        yield path, f"Member must satisfy regular expression pattern: {pattern}"


def _broken_size(shape: Shape, size: float, what: str, path: str) -> Iterator[tuple[str, str]]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and size < minimum:
        yield path, f"Member must have {what} greater than or equal to {minimum}"
    if maximum is not None and size > maximum:
        yield path, f"Member must have {what} less than or equal to {maximum}"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches. A pattern in a dialect Python lacks (``\\p{L}``) accepts everything."""
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern.replace(_EXPONENTIAL, _LINEAR), re.ASCII)
    except re.error:
        return None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "structure": lambda value: isinstance(value, dict),
    "map": lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value),
    "list": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "long": _is_integer,
    "float": _is_number,
    "double": _is_number,
    "timestamp": lambda value: isinstance(value, datetime),
    "blob": lambda value: isinstance(value, bytes | bytearray),
}
_NUMBERS = {"integer", "long", "float", "double"}
