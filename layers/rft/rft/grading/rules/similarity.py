"""How alike two texts are: the metrics of OpenAI's text_similarity grader, by their names, and token_f1.

All are 0 to 1. Words are cut, and values computed, as the reference implementation of each metric does it:

===============  ======================================================================================
fuzzy_match      2 M / (a + b): of the characters of both, the share in their longest common subsequence.
                 RapidFuzz's ``fuzz.ratio`` / 100, without preprocessing. At most 5,000 characters each.
bleu             BLEU-4, smoothed as mteval does (NIST's geometric sequence), with equal weights; an answer
                 of fewer than four words has as many orders as words. NLTK's ``sentence_bleu`` with
                 ``method3`` and ``auto_reweigh``. Case counts.
gleu             Google's BLEU: the lower of precision and recall of all runs of 1 to 4 words. NLTK's
                 ``sentence_gleu``. Case counts.
meteor           Exact matches, then stems (Porter's), no synonyms; alpha 0.9, beta 3, gamma 0.5. NLTK's
                 ``meteor_score`` with a WordNet that knows no word. Texts of one word reach 0.5 at most.
cosine           The cosine of the angle between the counts of the words, case and punctuation
                 disregarded. (OpenAI's compares embeddings, which this doesn't.)
rouge_1 .. 5     F1 of the runs of so many words; ``rouge_l`` of the longest common subsequence of words.
                 ``rouge_score`` without its stemmer.
token_f1         F1 of the words, without case, punctuation and articles, as SQuAD's evaluation does it;
                 two texts without words are alike.
===============  ======================================================================================

For BLEU, GLEU and METEOR a word is a run of letters and digits, or one of punctuation (NLTK's wordpunct_tokenize). For
ROUGE it is a run of ``a-z`` and ``0-9`` in the lower-cased text: **of a text in another script nothing is left**, and
the value is 0. Use gleu, cosine or token_f1 for those, or give ``rouge_n`` and ``rouge_l`` other words.

An answer that is too long to be compared is worth 0; a reference that is raises BadSample. Metrics word by word take at
most 4,000 words on each side, and at most 32,768 characters (10,240 beyond ASCII).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise

from rft.grading.rules.lcs import lcs_length
from rft.grading.rules.limits import MAX_TEXT, RuleInvalid, comparable, fits, too_long
from rft.grading.rules.ngrams import MAX_WORDS, common_ngrams
from rft.grading.rules.texts import folded, normalised_words, words_and_runs, words_of

MAX_FUZZY = 5000
"""Characters of either text in fuzzy_match: its time grows with the product of their numbers."""
MAX_STEMMED_WORDS = 400
"""Different words without an exact match, on either side, that METEOR stems; where there are more, none is."""

_ORDERS = 4
_PROBE = 3 * MAX_WORDS  # characters
_LATIN_WORD = re.compile("[a-z0-9]+")

type Words = Callable[[str], Sequence[str]]


def similarity(metric: str, answer: str, reference: str) -> float:
    """How alike the two are, by a metric's name. Raises RuleInvalid for a name that is none, and BadSample."""
    compute = METRICS.get(metric)
    if compute is None:
        raise RuleInvalid(f"there is no metric of that name; there are: {', '.join(METRICS)}")
    return compute(answer, reference)


def fuzzy_match(answer: str, reference: str) -> float:
    if len(reference) > MAX_FUZZY:
        raise too_long(MAX_FUZZY, "characters")
    if answer == reference:
        return 1.0
    if len(answer) > MAX_FUZZY:
        return 0.0
    return 2 * lcs_length(answer, reference) / (len(answer) + len(reference))


def bleu(answer: str, reference: str) -> float:
    words, expected = _both(words_and_runs, answer, reference)
    common = _common_by_order(words, expected)
    if not common[0]:
        return 0.0
    orders = min(_ORDERS, len(words))
    misses, logarithms = 0, []
    for order in range(orders):
        misses += not common[order]
        logarithms.append(math.log((common[order] or 0.5**misses) / (len(words) - order)))
    brevity = min(0.0, 1 - len(expected) / len(words))
    return math.exp(brevity + math.fsum(logarithms) / orders)


def gleu(answer: str, reference: str) -> float:
    words, expected = _both(words_and_runs, answer, reference)
    runs = sum(max(0, max(len(words), len(expected)) - before) for before in range(_ORDERS))
    return sum(_common_by_order(words, expected)) / runs if runs else 0.0


def rouge_n(answer: str, reference: str, order: int, words: Words | None = None) -> float:
    given, expected = _both(words or _latin_words, answer, reference)
    runs = len(given) - order + 1, len(expected) - order + 1
    return _f1(common_ngrams(given, expected, order), *runs)


def rouge_l(answer: str, reference: str, words: Words | None = None) -> float:
    given, expected = _both(words or _latin_words, answer, reference)
    return _f1(lcs_length(given, expected), len(given), len(expected))


def token_f1(answer: str, reference: str) -> float:
    given, expected = _both(_plain_words, answer, reference)
    if not given or not expected:
        return float(not expected and fits(answer) and not _plain_words(answer))
    return _f1(common_ngrams(given, expected, 1), len(given), len(expected))


def cosine(answer: str, reference: str) -> float:
    given, expected = _both(_folded_words, answer, reference)
    one, other = Counter(given), Counter(expected)
    if one == other:
        return float(bool(one))
    product = sum(count * other[word] for word, count in one.items() if word in other)
    if not product:
        return 0.0
    # The root of the product, not the product of roots: parallel counts come out as 1.
    return min(1.0, product / math.sqrt(_square(one) * _square(other)))


def meteor(answer: str, reference: str) -> float:
    given, expected = _both(_lower_words, answer, reference)
    pairs = _aligned(given, expected)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(given), len(pairs) / len(expected)
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    chunks = 1 + sum(after != (at + 1, place + 1) for (at, place), after in pairwise(pairs))
    return (1 - 0.5 * (chunks / len(pairs)) ** 3) * mean


METRICS: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": fuzzy_match,
    "bleu": bleu,
    "gleu": gleu,
    "meteor": meteor,
    "cosine": cosine,
    **{f"rouge_{order}": partial(rouge_n, order=order) for order in range(1, 6)},
    "rouge_l": rouge_l,
    "token_f1": token_f1,
}


def _both(words: Words, answer: str, reference: str) -> tuple[Sequence[str], tuple[str, ...]]:
    """The words of both; none where the answer is too long to be compared."""
    expected = _words_of_reference(words, reference)
    if not fits(answer):
        return (), expected
    if len(answer) > _PROBE and len(words(answer[:_PROBE])) > MAX_WORDS:
        return (), expected  # it's clear from the beginning: the rest isn't cut
    given = expected if answer == reference else words(answer)
    return (given if len(given) <= MAX_WORDS else ()), expected


@lru_cache(maxsize=8)  # a prompt has several answers
def _words_of_reference(words: Words, reference: str) -> tuple[str, ...]:
    if not comparable("", reference):
        raise too_long(MAX_TEXT, "characters")
    expected = tuple(words(reference))
    if len(expected) > MAX_WORDS:
        raise too_long(MAX_WORDS, "words")
    return expected


def _latin_words(text: str) -> Sequence[str]:
    return _LATIN_WORD.findall(text.lower())


def _lower_words(text: str) -> Sequence[str]:
    if text.isascii():
        return words_and_runs(text.lower())
    return [word.lower() for word in words_and_runs(text)]


def _plain_words(text: str) -> Sequence[str]:
    return normalised_words(text, punctuation=False, articles=False)


def _folded_words(text: str) -> Sequence[str]:
    return words_of(folded(text))


def _common_by_order(words: Sequence[str], expected: tuple[str, ...]) -> list[int]:
    """Common runs of 1 to 4 words; where there is none, no longer one is looked for."""
    common = [common_ngrams(words, expected, 1)]
    for order in range(2, _ORDERS + 1):
        common.append(common_ngrams(words, expected, order) if common[-1] else 0)
    return common


def _f1(common: int, given: int, expected: int) -> float:
    return 2 * common / (given + expected) if common else 0.0


def _square(counts: Counter[str]) -> int:
    return sum(count * count for count in counts.values())


def _aligned(given: Sequence[str], expected: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places of matching words, in the order of the answer: the same word first, then the same stem."""
    from rft.grading.rules.porter import stem  # noqa: PLC0415 - of all metrics this one alone needs it

    pairs, left, expected_left = _matched(list(enumerate(given)), list(enumerate(expected)))
    if max(len({word for _, word in words}) for words in (left, expected_left)) <= MAX_STEMMED_WORDS:
        pairs += _matched([(at, stem(word)) for at, word in left], [(at, stem(word)) for at, word in expected_left])[0]
    return sorted(pairs)


type _Placed = list[tuple[int, str]]


def _matched(given: _Placed, expected: _Placed) -> tuple[list[tuple[int, int]], _Placed, _Placed]:
    """Each word with the last place of the same word that isn't taken, from the end on; and what is left of both."""
    places: dict[str, list[int]] = {}
    for at, word in expected:
        places.setdefault(word, []).append(at)
    pairs, left = [], []
    for at, word in reversed(given):
        if free := places.get(word):
            pairs.append((at, free.pop()))
        else:
            left.append((at, word))
    taken = {place for _, place in pairs}
    return pairs, left[::-1], [(at, word) for at, word in expected if at not in taken]
