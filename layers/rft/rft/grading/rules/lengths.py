"""How long an answer is, in what people count."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import islice

from rft.grading.rules.limits import RuleInvalid, check_count, fits
from rft.grading.rules.texts import folded, words_of

MAX_SENTENCE_ENDS = 2000  # are looked at: what comes after so many is taken for one sentence

_JOINED = re.compile(  # don't, well-known, 3.5 and e.g. are one word each
    r"['.,:/-](?:(?<=\w['-])(?=\w)|(?<=\d[.,:/])(?=\d)|(?<=\b\w\.)(?=\w\b))"
)
_BLANK_LINES = re.compile(r"\n[ \t\r]*\n\s*")
_SENTENCE_END = re.compile(
    r"""
    [.!?…。！？\n]                    # one class first: the engine skips to it, ten times as fast
    (?: (?<=[.!?…]) [.!?…]*+ ["'”’)\]*_]*+ (?=\s|$)            # 3.5 and example.com go on
      | (?<=[。！？]) [。！？]*+ [」』”）]*+
      | (?<=\n) (?:[ \t\r]*+\n\s*+ | [ \t]*+(?:[-*•#]|\d++[.)][ ]))  # a paragraph, a list's item, a heading
    )
    """,
    re.VERBOSE,
)
_NO_END = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|cf|approx|No|Fig|Eq|Vol|Inc|Ltd|Co|e\.g|i\.e|a\.m|p\.m|[A-Z])\.$"
    r"|(?:^|\n)[ \t]*\d{1,3}\.$"  # the number of an item
)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_LONGEST_SHORT_FORM = 8  # characters, the point and what is before included


def count_characters(text: str) -> int:
    """Characters (code points), white space around the text left out."""
    return len(text.strip())


def count_words(text: str) -> int:
    """Words, as a person counts: ``don't``, ``well-known`` and ``3.5`` are one each, punctuation is none, and each
    Chinese or Japanese character is one."""
    return len(words_of(_JOINED.sub("", folded(text))))


def count_sentences(text: str) -> int:
    """Sentences: what ends in ``.``, ``!``, ``?`` or their East Asian forms, and whatever stands in a paragraph, an
    item of a list or a heading without such an end. Titles, initials and ``e.g.`` end no sentence, unless they end the
    text."""
    text = text.strip()
    sentences = begin = 0
    for end in islice(_SENTENCE_END.finditer(text), MAX_SENTENCE_ENDS):
        before = text[max(begin, end.start() - _LONGEST_SHORT_FORM) : end.start() + 1]
        if end[0] == "." and end.end() < len(text) and _NO_END.search(before):
            continue
        sentences += _says_something(text, begin, end.start())
        begin = end.end()
    return sentences + _says_something(text, begin, len(text))


def count_lines(text: str) -> int:
    """Lines that aren't blank."""
    return sum(not line.isspace() for line in text.splitlines() if line)


def count_paragraphs(text: str) -> int:
    """Blocks of lines with blank lines between."""
    text = text.strip()
    return len(_BLANK_LINES.split(text)) if text else 0


COUNTS: dict[str, Callable[[str], int]] = {
    "characters": count_characters,
    "words": count_words,
    "sentences": count_sentences,
    "lines": count_lines,
    "paragraphs": count_paragraphs,
}


def length_within(answer: str, unit: str, least: int = 1, most: int | None = None) -> float:
    """1 if the answer has at least ``least`` and at most ``most`` of ``unit`` (a key of COUNTS), else 0.

    An empty answer keeps within no limits unless ``least`` is 0. Raises RuleInvalid.
    """
    count = COUNTS.get(unit)
    if count is None:
        raise RuleInvalid(f"the unit of a length is one of {', '.join(COUNTS)}")
    check_count("least", least)
    if most is not None and check_count("most", most) < least:
        raise RuleInvalid("most must be at least as much as least")
    return float(fits(answer) and least <= count(answer) <= (math.inf if most is None else most))


def _says_something(text: str, begin: int, end: int) -> bool:
    return _LETTER_OR_DIGIT.search(text, begin, end) is not None
