"""How well an answer does, in shares from 0 to 1, as far as counting common words can tell.

Words are compared without case and punctuation, and each as often as it occurs: saying a word ten times finds it once
where it stands once. Every measure is 0 for an answer without words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rft.grading.rules.texts import folded, words_of

type Yardstick = Literal["reference", "context", "question"]
"""What an answer is held against: an ideal answer, what it must rest on, or only what was asked."""

_ECHO = 0.8
"""F1 with the question from which an answer is taken to repeat it."""

_FEWEST_WORDS = 3
"""Content words that an answer needs for a full share where there is no reference to tell its length."""

_FUNCTION_WORDS = """
    a about after all also an and any are as at be because been but by can could did do does for from had has have he
    how i if in into is it its may more most no not of on or our she so some such than that the their them then there
    these they this those to us was we were what when where which who why will with would you your
"""
_EMPTY_OF_CONTENT = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True)
class Overlap:
    """The words of an answer, those of its yardstick, and how many both have."""

    yardstick: Yardstick
    given: int
    expected: int
    common: int
    different: int
    """Different words of the answer."""

    @classmethod
    def of(cls, answer: str, expected: str, yardstick: Yardstick) -> Overlap:
        """With a reference all words count; elsewhere those that carry content, if there are any."""
        words = _words if yardstick == "reference" else _content_words
        said, sought = words(answer), words(expected)
        return cls(yardstick, said.total(), sought.total(), (said & sought).total(), len(said))

    @property
    def precision(self) -> float:
        """The share of the answer's words that the yardstick has."""
        return self.common / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """The share of the yardstick's words that the answer has."""
        return self.common / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return 2 * self.common / (self.given + self.expected) if self.common else 0.0


def overall(found: Overlap) -> float:
    """F1 with a reference. Without one, how much of the answer is about its yardstick and not an echo of it."""
    match found.yardstick:
        case "reference":
            return found.f1
        case "context":
            return found.precision * _long_enough(found)
        case "question":  # a good answer has more words of its own than of the question
            return 0.0 if found.f1 > _ECHO else min(1.0, 2 * found.precision) * _long_enough(found)


def coverage(found: Overlap) -> float:
    """How much of the reference the answer has; one of more than twice its length pays for what it adds."""
    if found.yardstick != "reference":
        return overall(found)
    return found.recall * min(1.0, 2 * found.expected / found.given) if found.given else 0.0


def support(found: Overlap) -> float:
    """How much of the answer the reference or the context has."""
    return found.precision if found.yardstick == "reference" else overall(found)


def conciseness(found: Overlap) -> float:
    """How near the answer's length is to the reference's, or that it isn't longer than its yardstick; of an answer
    that is about it at all."""
    if not found.given or not found.expected:
        return 0.0
    ratio = found.expected / found.given
    if found.yardstick == "reference":
        return min(ratio, 1 / ratio) * min(1.0, 2 * found.f1)
    return min(ratio, 1.0) * min(1.0, 2 * overall(found))


_BY_NAME: tuple[tuple[tuple[str, ...], Callable[[Overlap], float]], ...] = (
    (("faith", "support", "ground", "halluc", "attribut", "citation", "consisten"), support),
    (("cover", "complete", "recall", "key_point", "includ"), coverage),
    (("concis", "brev", "length", "short", "padding", "focus"), conciseness),
)


def measure_for(criterion: str) -> Callable[[Overlap], float]:
    """The measure that a criterion's name suggests."""
    name = criterion.casefold()
    return next((measure for parts, measure in _BY_NAME if any(part in name for part in parts)), overall)


def _long_enough(found: Overlap) -> float:
    return min(1.0, found.different / _FEWEST_WORDS)


def _words(text: str) -> Counter[str]:
    return Counter(words_of(folded(text)))


def _content_words(text: str) -> Counter[str]:
    words = _words(text)
    return Counter({word: count for word, count in words.items() if word not in _EMPTY_OF_CONTENT}) or words
