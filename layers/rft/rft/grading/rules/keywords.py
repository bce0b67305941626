"""Which words and phrases are in an answer.

They are found as whole words, without regard to case, Unicode's compatible forms, white space, and the kind of quotes
and dashes: ``cat`` is in ``The Cat's hat`` but not in ``concatenate``. Punctuation of a phrase must be there, so
``C++`` isn't in ``C``. In scripts without spaces between words each character is a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rft.grading.rules.limits import RuleInvalid, check_text, fits
from rft.grading.rules.texts import folded, words_and_signs

MAX_KEYWORDS = 64  # the text is searched once for each


def has_all(answer: str, keywords: Sequence[str]) -> float:
    """1 if each of the keywords is in the answer, else 0. Raises RuleInvalid."""
    return float(all(_found(answer, keywords)))


def has_any(answer: str, keywords: Sequence[str]) -> float:
    """1 if one of the keywords at least is in the answer, else 0. Raises RuleInvalid."""
    return float(any(_found(answer, keywords)))


def has_none(answer: str, keywords: Sequence[str]) -> float:
    """1 if none of the keywords is in the answer and the answer isn't blank, else 0. Raises RuleInvalid."""
    found = _found(answer, keywords)
    return float(fits(answer) and not answer.isspace() and answer != "" and not any(found))


def keyword_share(answer: str, keywords: Sequence[str]) -> float:
    """The share of the keywords that are in the answer. Raises RuleInvalid."""
    found = _found(answer, keywords)
    return sum(found) / len(found)


def _found(answer: str, keywords: Sequence[str]) -> list[bool]:
    if not isinstance(keywords, list | tuple) or not 1 <= len(keywords) <= MAX_KEYWORDS:
        raise RuleInvalid(f"keywords must be a list of 1 to {MAX_KEYWORDS} texts")
    wanted = [_in_words(check_text("a keyword", keyword)) for keyword in keywords]
    if not fits(answer):
        return [False] * len(wanted)
    text = _spaced(answer)
    return [keyword in text for keyword in wanted]


@lru_cache(maxsize=512)
def _in_words(keyword: str) -> str:
    words = _spaced(keyword)
    if not words.strip():
        raise RuleInvalid("a keyword must have a letter, a digit or a sign that can be seen")
    return words


def _spaced(text: str) -> str:
    return f" {' '.join(words_and_signs(folded(text)))} "
