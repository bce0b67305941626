"""An answer that must be JSON, one object say, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_ANSWER = 32_768  # characters, about what 8,192 tokens hold
MAX_DEPTH = 64


class NotJson(ValueError):
    """The text isn't one JSON value, or is one that readers of JSON disagree about."""


class NotOneObject(NotJson):
    """The text isn't one JSON object, or is one that readers of JSON disagree about."""


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object that ``text`` is, as parse_json reads it. Raises NotOneObject, for any other JSON value too."""
    try:
        value = parse_json(text)
    except NotJson as exc:
        raise NotOneObject(str(exc)) from exc
    if not isinstance(value, dict):
        raise NotOneObject("JSON, but no object")
    return value


def parse_json(text: str) -> Any:
    """The JSON value that ``text`` is, after white space and one Markdown code fence around it.

    Raises NotJson for anything else: prose beside it, a name that occurs twice in an object, NaN and Infinity, a number
    beyond the range of a double, more than 64 levels, more than 32,768 characters.
    """
    if len(text) > MAX_ANSWER:
        raise NotJson("too long")
    try:
        value = _DECODER.decode(_without_fence(text.strip()))
    except (ValueError, RecursionError) as exc:
        raise NotJson("no JSON") from exc
    if _is_deeper(value, MAX_DEPTH):
        raise NotJson("too deep")
    return value


def same_value(one: object, other: object) -> bool:
    """Whether two JSON values are equal, types included: 1 is 1.0, but neither true nor "1"."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def _without_fence(text: str) -> str:
    if not (text.startswith("```") and text.endswith("```")):
        return text
    language, newline, body = text[3:-3].partition("\n")
    return body if newline and language.strip().lower() in ("", "json") else text


def _is_deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        inner: list[Any] = []
        for each in level:
            if type(each) is dict:  # these come from the decoder: no subclasses, and it's three times faster
                inner.extend(each.values())
            elif type(each) is list:
                inner.extend(each)
        if not inner:
            return False
        level = inner
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJson("a name occurs twice")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotJson("a number that isn't finite")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)
