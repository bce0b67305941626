"""The slow look at a line's text: every reason why it isn't JSON that all parsers read alike."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from rft.dataset.problems import Flaw, member, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CRLF = Flaw("", "crlf", "the line ends with CR LF", "end lines with LF alone (dos2unix does it)")
INFINITE = (float("inf"), float("-inf"))
FLAWS_OF_ONE_LINE = 100  # of values: a line of NaNs has as many as it has bytes
NUMBER_FIX = "give a finite number, null or a string"
_INSTEAD_OF_A_NUMBER = {"reference_answer": "give a string or an object", "id": "give a string"}
_CONTROL_NAMES = {0x08: ("backspace", "\\b"), 0x09: ("tab", "\\t"), 0x0C: ("form feed", "\\f"), 0x0D: ("CR", "\\r")}
SURROGATE = re.compile("[\ud800-\udfff]")
MERGED_RECORDS = re.compile(rb'\} *\{ *"(?:messages|id|reference_answer)"')


class UnreadableNumber:
    """Stands where the text has NaN, Infinity or a number that no 64-bit float holds."""

    def __init__(self, written: str) -> None:
        self.written = written

    def __str__(self) -> str:
        return self.written


class RepeatingObject(dict[str, Any]):
    """An object whose text gives some keys more than once; the last value counts, as in orjson."""

    repeated: list[str]


class NotJson(Exception):
    """The line can't be read at all. ``flaws`` says why."""

    def __init__(self, flaws: list[Flaw]) -> None:
        self.flaws = flaws
        super().__init__()


def read_leniently(data: bytes) -> tuple[Any, list[Flaw]]:
    """What the line seems to mean, and every flaw of its text.

    Reads past what it can (a byte order mark, bytes that are no UTF-8, NaN, repeated keys, lone surrogates), so that
    the record's shape can be checked in the same go. Raises NotJson with the flaws when nothing can be made of it.
    """
    flaws = list(_flaws_of_bytes(data))
    body = data.removeprefix(BYTE_ORDER_MARK)
    try:
        value = _DECODER.decode(body.decode(errors="replace"))
    except json.JSONDecodeError as error:
        damaged = any(flaw.rule in ("nul-byte", "invalid-utf-8") for flaw in flaws)
        raise NotJson(flaws if damaged else [*flaws, _syntax_flaw(body, error)]) from None
    except RecursionError:
        raise NotJson([*flaws, TOO_DEEP]) from None
    flaws.extend(islice(_flaws_of_values(value), FLAWS_OF_ONE_LINE))
    if not flaws and (refusal := _refusal_of_orjson(body)):
        raise NotJson([refusal])
    return value, flaws


def _flaws_of_bytes(data: bytes) -> Iterator[Flaw]:
    if data.startswith(BYTE_ORDER_MARK):
        yield Flaw(
            "", "byte-order-mark", "the line starts with a byte order mark", "save the file as UTF-8 without BOM"
        )
    if data.endswith(b"\r"):
        yield CRLF
    if (at := data.find(0)) >= 0:
        yield Flaw("", "nul-byte", f"a NUL byte at offset {at} of the line", "save the file as UTF-8 text")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start} of the line isn't UTF-8"
        yield Flaw("", "invalid-utf-8", found, "save the file as UTF-8")


def _flaws_of_values(value: Any) -> Iterator[Flaw]:
    levels: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]  # one for each depth: no recursion, little memory
    while levels:
        path, here = next(levels[-1], (None, None))
        if path is None:
            levels.pop()
            continue
        match here:
            case dict():
                yield from _flaws_of_keys(path, here)
                levels.append(_members(path, here))
            case list():
                levels.append(_items(path, here))
            case str() if half := SURROGATE.search(here):
                yield _surrogate_flaw(path, half)
            case UnreadableNumber():
                found = f"{shown(here)} isn't a number in JSON, or too large for a 64-bit float"
                yield Flaw(path, "not-finite-number", found, _INSTEAD_OF_A_NUMBER.get(path, NUMBER_FIX))


def _members(path: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, below in value.items():
        yield member(path, key), below


def _items(path: str, value: list[Any]) -> Iterator[tuple[str, Any]]:
    for index, below in enumerate(value):
        yield f"{path}[{index}]", below


def _flaws_of_keys(path: str, value: dict[str, Any]) -> Iterator[Flaw]:
    if isinstance(value, RepeatingObject):
        for key in value.repeated:
            found = f"the key {shown(key)} is given more than once in one object"
            yield Flaw(member(path, key), "repeated-key", found, "keep one of them; parsers differ in which they take")
    for key in value:
        if half := SURROGATE.search(key):
            yield _surrogate_flaw(member(path, key), half)


def _surrogate_flaw(path: str, half: re.Match[str]) -> Flaw:
    found = f"\\u{ord(half[0]):04x} is half of a surrogate pair"
    return Flaw(path, "lone-surrogate", found, "write the whole character, or leave it out")


def _syntax_flaw(data: bytes, error: json.JSONDecodeError) -> Flaw:
    """orjson's words, the parser that decides; the lenient one's where they disagree."""
    refusal = _refusal_of_orjson(data)
    found = f"{error.msg} at column {error.colno}, near {shown(error.doc[max(error.pos - 15, 0) : error.pos + 15])}"
    return refusal or Flaw("", "invalid-json", found, _json_fix(data))


def _refusal_of_orjson(data: bytes) -> Flaw | None:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            return TOO_DEEP
        text = data.decode(errors="replace")
        where = f"at column {error.colno}, near {shown(text[max(error.pos - 15, 0) : error.pos + 15])}"
        if "control character" in error.msg and (flaw := _control_flaw(text[error.pos : error.pos + 1], where)):
            return flaw
        found = f"{error.msg} {where}"
        return Flaw("", "invalid-json", found, _json_fix(data))
    return None


def _control_flaw(character: str, where: str) -> Flaw | None:
    if not character or ord(character) >= 0x20:
        return None
    code = ord(character)
    name, escape = _CONTROL_NAMES.get(code, ("control character", f"\\u{code:04x}"))
    return Flaw(
        "", "invalid-json", f"a raw {name} (0x{code:02x}) in a string {where}", f"write {escape}, or leave it out"
    )


def _json_fix(data: bytes) -> str:
    """The mend for the mistakes that are made most, else the general advice."""
    start, end = data[:20].lstrip(), data[-20:].rstrip()
    if start.startswith(b"{'"):
        return "this is how Python prints a dict: write it with json.dumps"
    if end.endswith(b"},"):
        return "remove the comma at the end: nothing stands between the records of JSON Lines"
    if start.startswith(b"```"):
        return "remove the Markdown fence: the file holds records and nothing else"
    if MERGED_RECORDS.search(data):
        return "give each record a line of its own"
    return JSON_FIX


def _integer(digits: str) -> int | UnreadableNumber:
    return UnreadableNumber(digits) if float(digits) in INFINITE else int(digits)  # finite: at most 309 digits


def _float(digits: str) -> float | UnreadableNumber:
    number = float(digits)
    return UnreadableNumber(digits) if number in INFINITE else number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeating = RepeatingObject(members)
    repeating.repeated = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]
    return repeating


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=UnreadableNumber
)
JSON_FIX = "write each record as one JSON object on one line, with a JSON library"
TOO_DEEP = Flaw("", "too-deep", "lists and objects lie more than 1024 levels deep", "flatten the record")
