"""What sections are made of: a page and a Markdown text say the same, each in its own way.

Texts in here are not escaped, but they are harmless otherwise (``rft.report.texts``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rft.report.pictures import Picture
from rft.report.samples import Sample
from rft.report.texts import Excerpt

Tone = Literal["plain", "good", "bad", "warn", "quiet"]


@dataclass(frozen=True, slots=True)
class Cell:
    """``bar``: from 0 to 1, a bar beside the words. ``code``: an id, an ARN, an address."""

    text: str
    tone: Tone = "plain"
    bar: float | None = None
    code: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The first column names the row. ``numeric``: which columns hold numbers; ``loose``: which hold words that may be
    broken anywhere, such as ARNs. Rows of a ``wide`` one stand below each other on a phone."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: frozenset[int] = frozenset()
    loose: frozenset[int] = frozenset()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what belongs to them, below each other."""

    items: Sequence[tuple[str, Cell]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Figure:
    picture: Picture
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side, where there is room."""

    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Tally:
    """Parts of a whole, as one bar and in words."""

    caption: str
    parts: Sequence[tuple[str, int, Tone]]

    @property
    def total(self) -> int:
        return sum(number for _, number, _ in self.parts)


@dataclass(frozen=True, slots=True)
class Note:
    """Something found: what, in which words, and what to do about it."""

    tone: Tone
    label: str
    title: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    items: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Answers:
    """Records with both answers; ``sides`` names the two models."""

    title: str
    none: str
    sides: tuple[str, str]
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the users."""

    title: str
    excerpt: Excerpt


Block = Table | Facts | Paragraph | Gallery | Tally | Notes | Answers | Text


@dataclass(frozen=True, slots=True)
class Section:
    """``id`` is the anchor of its heading."""

    id: str
    title: str
    blocks: Sequence[Block]


def kind(block: object) -> str:
    """The name by which a template knows a block."""
    return type(block).__name__.lower()
