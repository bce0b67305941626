"""JSON found in what a judge wrote, whatever stands around it.

A judge is asked for one JSON object, and most write it bare. Others think aloud first, put it into a code fence, or
quote the text that they judge. So the object is found by its key, and of several the last one counts.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

MAX_REPLY = 16_384
"""Characters of a reply that are read: its end, where the verdict is. About 4,000 tokens."""

MAX_VALUES = 200

_BRACE = re.compile(r'\{\s*+"|[{}]')


def last_object_with(text: str, key: str) -> dict[str, Any] | None:
    """The last JSON object in ``text`` that has ``key``, or None: see :func:`objects_with`."""
    found = objects_with(text, key)
    return found[-1] if found else None


def objects_with(text: str, key: str) -> list[dict[str, Any]]:
    """The outermost JSON objects in the end of ``text`` that have ``key``, in their order.

    What stands inside something broken doesn't count: a judge that quotes JSON in a reason and forgets to escape it has
    written no object, and the object in its quotation isn't its own. An object in which a name occurs twice doesn't
    count either. A number that isn't finite (NaN, 1e999) or has more than 18 digits is None.
    """
    return [value for value, _ in _found(text, key)]


def own_objects_with(reply: str, key: str, texts: Iterable[str]) -> list[dict[str, Any]]:
    """Those of :func:`objects_with` in a judge's reply that don't stand, word for word but for white space, in one of
    the ``texts`` that it was shown: what does is a quotation."""
    found = _found(reply, key)
    shown = [_bare(text) for text in texts] if found else []
    return [value for value, written in found if not any(_bare(written) in text for text in shown)]


def _bare(text: str) -> str:
    return "".join(text.split())


def _found(text: str, key: str) -> list[tuple[dict[str, Any], str]]:
    """Each object of :func:`objects_with`, and how it is written."""
    text = text[-MAX_REPLY:]
    found: list[tuple[dict[str, Any], str]] = []
    place = depth = 0  # depth: braces of the prose, such as those of \boxed{...}, that are open
    while brace := _BRACE.search(text, place):
        place = brace.end()
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth < 0:  # it closes what didn't read as an object: all that was found may have stood in there
                found.clear()
                depth = 0
        else:
            try:
                value, place = _DECODER.raw_decode(text, brace.start())
            except json.JSONDecodeError as broken:
                place, depth = max(broken.pos, brace.start() + 1), 0
            except RecursionError:
                line_end = text.find("\n", place)
                place = line_end if line_end >= 0 else len(text)
            else:
                if value is not None and key in value:
                    found.append((value, text[brace.start() : place]))
    return found


def values_of(text: str, key: str) -> list[Any]:
    """The JSON values that follow ``"key":`` in ``text``, also where it is in pieces; the first 200."""
    found: list[Any] = []
    for place in islice(re.finditer(rf'"{re.escape(key)}"\s*+:\s*+', text), MAX_VALUES):
        with suppress(ValueError, RecursionError):
            found.append(_DECODER.raw_decode(text, place.end())[0])
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | None:
    value = dict(pairs)
    return value if len(value) == len(pairs) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= 19 else None  # a sign and 18 digits


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_finite, parse_constant=lambda _: None
)
