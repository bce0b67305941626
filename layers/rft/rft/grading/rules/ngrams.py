"""Runs of words, counted: what BLEU, GLEU and ROUGE are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

MAX_WORDS = 4000
"""Words of a text that is compared word by word. An answer with more is worth 0, a reference with more is bad data."""


def common_ngrams(words: Sequence[str], reference: tuple[str, ...], order: int) -> int:
    """How many runs of ``order`` words the two have in common, each counted as often as it is in both."""
    if len(words) < order or len(reference) < order:
        return 0
    counts = _counts(reference, order)
    runs = _runs(words, order)
    different = set(runs)
    shared = different & counts.keys()
    if len(different) == len(runs):
        return len(shared)
    given = Counter(filter(shared.__contains__, runs))
    return sum(map(min, map(given.__getitem__, shared), map(counts.__getitem__, shared)))


@lru_cache(maxsize=16)  # a prompt has several answers: its reference is counted once, in up to five orders
def _counts(words: tuple[str, ...], order: int) -> Counter[object]:
    return Counter(_runs(words, order))


def _runs(words: Sequence[str], order: int) -> Sequence[object]:
    return words if order == 1 else list(zip(*(words[at:] for at in range(order)), strict=False))
