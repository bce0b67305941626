"""Whether an object in a line repeats a key, which orjson lets pass in silence, keeping the last value.

The parser tells how many keys it kept; the text shows how many were written, one colon each. If the two numbers are
equal, none was lost. The work is in counting the colons that follow a key without reading every byte of a long
prompt in Python: ``bytes.find`` for one byte runs at memory speed, so only colons cost anything.
"""

from __future__ import annotations

from typing import Any

BACKSLASH, QUOTE = b'\\"'
SPACE = ord(" ")
SPACE_BEFORE_COLON = (b" :", b"\t", b"\r")  # no string holds a bare tab or carriage return


def every_key_was_kept(text: bytes, record: Any, *, at_least: int = 0, before_longest: int = 0) -> bool:
    """True is certain. False means "look closer": a string may begin with a colon, which looks like a key's.

    ``text`` is valid JSON and ``record`` what orjson made of it. ``at_least`` is a number of keys the record is known
    to have; if it is all of them the answer is found sooner. ``before_longest`` is the length of the contents
    before the longest one, a hint where that one starts; a wrong hint costs time only.
    """
    longest = text.find(b'"', text.find(b'content":', before_longest) + 9) + 1  # behind a quote, or 0
    behind = next_key_colon(text, longest)
    if text.count(b":", 0, longest) + text.count(b":", behind) == at_least:
        return True
    key_end = text.rfind(b'"', longest, behind)
    outside = text[:longest] + text[behind if key_end < 0 else key_end :]
    if outside.count(b'":') == at_least and not any(map(outside.__contains__, SPACE_BEFORE_COLON)):
        return True
    return _count_key_colons(outside) == count_keys(record)


def next_key_colon(text: bytes, start: int) -> int:
    """Where the first colon from ``start`` on is that may follow a key, or the length of ``text``.

    A key's colon follows an unescaped quote, perhaps with white space between. Two backslashes before the quote
    leave open whether it is escaped: then it is taken for a key's, so none is ever missed.
    """
    find = text.find
    colon = find(b":", start)
    while colon > 0:
        before = colon - 1
        while text[before] <= SPACE:
            before -= 1
        if text[before] == QUOTE and (text[before - 1] != BACKSLASH or text[before - 2] == BACKSLASH):
            return colon
        colon = find(b":", colon + 1)
    return len(text)


def count_keys(value: Any) -> int:
    """The keys of all objects in a parsed JSON value, however deep."""
    keys = 0
    containers: list[Any] = [[value]]
    for container in containers:  # grows as it goes: no recursion, so depth is no danger
        members = container
        if type(container) is dict:
            keys += len(container)
            members = container.values()
        for member in members:
            if type(member) is dict or type(member) is list:
                containers.append(member)
    return keys


def _count_key_colons(text: bytes) -> int:
    colons = 0
    start = 0
    while (start := next_key_colon(text, start) + 1) <= len(text):
        colons += 1
    return colons
