"""What a base policy knows before any reward: the words and shapes of the reference answers, and nothing else.

It is fitted by maximum likelihood to the reference answers alone. The prompts are not at hand here, so it cannot learn
which answer fits which prompt. Half of the answers are wrapped in a chat model's usual prose, so that even the form
is not certain: there is something for a format grader to teach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from local.bedrock.learning.features import CONTEXT, Features, Ints, PromptWords
from local.bedrock.learning.rollouts import softmax
from local.bedrock.learning.vocabulary import Vocabulary
from local.bedrock.learning.weights import AdaGrad, Weights

MAX_REFERENCE_TOKENS = 200
"""Longer reference answers are cut here (or after 1,600 characters), and end here for the base."""

_MAX_REFERENCE_CHARACTERS = 8 * MAX_REFERENCE_TOKENS
_MAX_POSITIONS = 2**14
"""Token positions a pass may use: those of the first answers of the shuffle, when the dataset has more."""
_PASSES = 4
_BATCH_POSITIONS = 64
_RATE = 0.3

_PROSE = (
    ("Sure, here is the answer: ", ""),
    ("The answer is ", ". Let me know if you need more."),
    ("I think it is ", "."),
    ("Thanks for asking! ", " Hope this helps."),
)


def fit_to(references: Sequence[str], *, seed: int) -> tuple[Vocabulary, Weights]:
    """The vocabulary of these answers and weights under which they are likely.

    An empty answer is an answer. Without any, the base has no words but those of the prose.
    """
    rng = np.random.default_rng(seed)
    answers = [reference[:_MAX_REFERENCE_CHARACTERS] for reference in references] or [""]
    answers = [answers[place] for place in rng.permutation(len(answers))]
    wrapped = [_in_prose(answer, rng) if place % 2 else answer for place, answer in enumerate(answers)]
    vocabulary = Vocabulary.of([*answers, *(part for pair in _PROSE for part in pair)])
    texts = _within_positions([vocabulary.encode(text, MAX_REFERENCE_TOKENS) for text in wrapped])
    weights = Weights(len(vocabulary))
    ascent = AdaGrad(weights, _RATE)
    for _ in range(_PASSES):
        contexts, lengths, tokens = _positions([texts[place] for place in rng.permutation(len(texts))], len(vocabulary))
        for start in range(0, len(tokens), _BATCH_POSITIONS):
            batch = slice(start, start + _BATCH_POSITIONS)
            features = _promptless(contexts[batch], lengths[batch], weights)
            gradient = Weights(len(vocabulary))
            slopes = -softmax(weights.logits(features))
            slopes[np.arange(len(slopes)), tokens[batch]] += 1
            gradient.add(features, slopes)
            ascent.ascend(gradient)
    return vocabulary, weights


def _promptless(context: Ints, length: Ints, weights: Weights) -> Features:
    """The features of positions of an answer to no prompt at all."""
    no_words = PromptWords.of([""] * len(context))
    return Features.of(context, length, no_words, buckets=weights.buckets)


def _in_prose(answer: str, rng: np.random.Generator) -> str:
    before, after = _PROSE[rng.integers(len(_PROSE))]
    return before + answer + after


def _within_positions(texts: list[list[int]]) -> list[list[int]]:
    kept = int(np.searchsorted(np.cumsum([len(text) for text in texts]), _MAX_POSITIONS))
    return texts[: max(kept, 1)]


def _positions(texts: list[list[int]], vocabulary: int) -> tuple[Ints, Ints, Ints]:
    """Every token of the texts with what comes before it: contexts, lengths so far, tokens."""
    contexts, lengths, tokens = [], [], []
    for text in texts:
        padded = [vocabulary] * CONTEXT + text
        for length, token in enumerate(text):
            contexts.append(padded[length : length + CONTEXT][::-1])
            lengths.append(length)
            tokens.append(token)
    return np.array(contexts), np.array(lengths), np.array(tokens)
