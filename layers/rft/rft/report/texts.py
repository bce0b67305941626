"""Foreign texts on a page: prompts, answers, names. Whatever they hold, they are shown and do nothing.

Escaping for HTML or Markdown comes later, by whoever writes the page; here goes what escaping leaves: characters that
can't be seen, that turn the line around, and more text than anybody reads.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

HEAD, TAIL = 900, 300
"""Characters shown of a long text: its beginning, and its end, where an answer often has its result."""
HEAD_LINES, TAIL_LINES = 18, 8
_MARKS_IN_A_ROW = 6  # no script needs more; a tower of them covers the lines above
_JOINERS = "\u200c\u200d"  # Persian and the emoji of families need them
_PICTURES = 0x2400  # U+2400 and on: a picture for each control character
_NEARLY_ALL = re.compile(r"[\t\n\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027]*")
_LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")


class Excerpt(NamedTuple):
    """The beginning of a text and, where ``cut`` characters between them are left out, its end."""

    head: str
    cut: int = 0
    tail: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.head or self.cut or self.tail)


def excerpt(text: str, *, head: int = HEAD, tail: int = TAIL) -> Excerpt:
    """At most ``head`` and ``tail`` characters of ``text``, and not many lines. Cheap for a text of any length."""
    begins = _first_lines(text[:head], HEAD_LINES)
    rest = len(text) - len(begins)
    if rest <= 0:
        return Excerpt(plain(begins))
    ends = _last_lines(text[-min(tail, rest) :], TAIL_LINES) if tail else ""
    cut = rest - len(ends)
    if cut <= 0:
        return Excerpt(plain(begins + ends))
    return Excerpt(plain(begins), cut, plain(ends))


def plain(text: str) -> str:
    """``text`` with every character that can't be seen, or that does something, written out. Line ends stay."""
    if _NEARLY_ALL.fullmatch(text):
        return text
    told: list[str] = []
    marks = 0
    for character in _LINE_ENDS.sub("\n", text):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MARKS_IN_A_ROW:
            told.append(_seen(character))
    return "".join(told)


def line(text: object, most: int = 200) -> str:
    """The same on one line of at most ``most`` characters, for names and messages."""
    whole = str(text)
    shown = " ".join(plain(whole[: 4 * most]).split())
    return shown if len(shown) <= most and len(whole) <= 4 * most else f"{shown[: most - 1].rstrip()}…"


def _seen(character: str) -> str:
    if character in "\n\t\xa0" or character in _JOINERS or character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    # Other kinds of space are seen as what they are.
    return " " if unicodedata.category(character) == "Zs" else f"\u27e8U+{code:04X}\u27e9"


def _first_lines(text: str, most: int) -> str:
    lines = text.splitlines(keepends=True)
    return text if len(lines) <= most else "".join(lines[:most]).rstrip("\r\n")


def _last_lines(text: str, most: int) -> str:
    lines = text.splitlines(keepends=True)
    return text if len(lines) <= most else "".join(lines[-most:])
