"""The same text as the reference, exactly or but for its dress."""

from __future__ import annotations

from rft.grading.rules.limits import comparable
from rft.grading.rules.texts import normalised

_MOST_GROWTH = 18  # times: the longest that NFKC makes of one character
_MOST_UNSEEN = 1000  # characters of white space and of those that show nothing, beside a reference's own length


def exact_match(answer: str, reference: str) -> float:
    """1 if the answer is the reference, character by character; else 0."""
    return float(answer == reference)


def normalised_match(answer: str, reference: str, *, punctuation: bool = True, articles: bool = True) -> float:
    """1 if the two are the same without regard to case, Unicode's compatible forms, white space, characters that show
    nothing, and the kind of quotes and dashes; else 0.

    ``punctuation=False`` and ``articles=False`` disregard these too, as SQuAD's evaluation does. What belongs to a
    number stays (-3.5 is not 35), and a reference that would have nothing left (the article ``A``, which may be the
    name of an option) is compared with both. Raises BadSample for a reference that is too long.
    """
    if not comparable(answer, reference) or len(answer) > _MOST_GROWTH * len(reference) + _MOST_UNSEEN:
        return 0.0
    expected = normalised(reference, punctuation=punctuation, articles=articles)
    if not expected:
        expected, punctuation, articles = normalised(reference), True, True
    return float(normalised(answer, punctuation=punctuation, articles=articles) == expected)
