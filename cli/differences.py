"""Where two texts differ, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

# Scripts without blanks between words are taken character by character.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_MOST_WORDS = 4_000

Span = tuple[int, int]


def differing_spans(before: str, after: str) -> tuple[list[Span], list[Span]]:
    """Start and end of each stretch of ``before`` that ``after`` lacks, and the other way round; blanks don't count.

    Texts of more than 4,000 words together differ as a whole: to compare them word by word would take too long.
    """
    words = [[(match[0], match.span()) for match in _WORD.finditer(text)] for text in (before, after)]
    left, right = words
    if len(left) + len(right) > _MOST_WORDS:
        return ([], []) if before == after else (_whole(before), _whole(after))
    matcher = SequenceMatcher(None, [word for word, _ in left], [word for word, _ in right], autojunk=False)
    spans: tuple[list[Span], list[Span]] = ([], [])
    for kind, first, last, other_first, other_last in matcher.get_opcodes():
        if kind == "equal":
            continue
        if last > first:
            spans[0].append((left[first][1][0], left[last - 1][1][1]))
        if other_last > other_first:
            spans[1].append((right[other_first][1][0], right[other_last - 1][1][1]))
    return spans


def _whole(text: str) -> list[Span]:
    return [(0, len(text))] if text else []
