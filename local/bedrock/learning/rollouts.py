"""Answers sampled from a policy, many at a time, with what a gradient needs of each of their positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.bedrock.learning.features import CONTEXT, Features, Floats, Ints, PromptWords
from local.bedrock.learning.vocabulary import END
from local.bedrock.learning.weights import Weights

_COLDEST = 1e-3
"""Lower temperatures above 0 mean this one: dividing by less would overflow."""

MAX_ANSWER_TOKENS = 256
"""The longest answer whatever is asked for: the reference answers a base learns from are cut below this."""


@dataclass(frozen=True, slots=True)
class Position:
    """The n-th token of all rollouts that have not ended before it.

    Rollouts of one prompt that agree so far are in one state: [states] the prompt, the last tokens. [rollouts still
    running] the rollout, its state, the token chosen and the logarithm of its probability. `entropy` is the sum over
    these rollouts, in nats. Features and probabilities are not kept, for a large batch of long answers has gigabytes
    of them; a gradient computes them again, one position after the other.
    """

    prompt: Ints
    context: Ints
    rollout: Ints
    state: Ints
    token: Ints
    log_probability: Floats
    entropy: float


@dataclass(frozen=True, slots=True)
class Rollouts:
    """`answers` are token ids without the end token; `ended` says which of them ended before the limit."""

    words: PromptWords
    positions: list[Position]
    answers: list[list[int]]
    ended: NDArray[np.bool_]

    def entropy(self) -> float:
        """The mean entropy of the next token, in nats, over all tokens said."""
        return sum(position.entropy for position in self.positions) / self._tokens()

    def loss(self, advantages: NDArray[np.float64]) -> float:
        """The mean of -advantage * log-probability over all tokens said; `advantages` has one number per rollout."""
        gains = (advantages[position.rollout] @ position.log_probability for position in self.positions)
        return -float(sum(gains)) / self._tokens()

    def gradient(self, weights: Weights, advantages: NDArray[np.float64]) -> Weights:
        """How the sum of advantage * log-probability over all rollouts changes with the weights they came from.

        Holds for answers sampled at temperature 1.
        """
        gradient = Weights(weights.rows.shape[1])
        for length, position in enumerate(self.positions):
            states, vocabulary = len(position.prompt), weights.rows.shape[1]
            own = advantages[position.rollout]
            passed = np.flatnonzero(np.bincount(position.state, own != 0, states))
            cells = position.state * vocabulary + position.token
            chosen = np.bincount(cells, own, states * vocabulary).reshape(states, vocabulary)[passed]
            features = _features(weights, self.words, position.prompt[passed], position.context[passed], length)
            slopes = chosen - chosen.sum(axis=1, keepdims=True) * softmax(weights.logits(features))
            gradient.add(features, slopes.astype(np.float32))
        return gradient

    def _tokens(self) -> int:
        return sum(len(position.token) for position in self.positions)


def roll_out(
    weights: Weights,
    words: PromptWords,
    *,
    samples: int,
    temperature: float,
    max_tokens: int,
    rng: np.random.Generator,
) -> Rollouts:
    """`samples` answers to each prompt, those to prompt p at p * samples and after; temperature 0 is greedy.

    All advance together, and each distinct state is computed once.
    """
    prompts, vocabulary = len(words.hashes), weights.rows.shape[1]
    answers: list[list[int]] = [[] for _ in range(prompts * samples)]
    ended = np.zeros(prompts * samples, np.bool_)
    positions = []
    running = np.arange(prompts * samples)
    state = running // samples
    prompt = np.arange(prompts)
    context = np.full((prompts, CONTEXT), vocabulary, np.int64)
    for length in range(min(max_tokens, MAX_ANSWER_TOKENS)):
        logits = weights.logits(_features(weights, words, prompt, context, length))
        probabilities = softmax(logits / max(temperature, _COLDEST) if temperature else logits)
        if temperature:
            drawn = rng.random(len(running), np.float32)[:, None]
            token = (np.cumsum(probabilities, axis=1)[state] <= drawn).sum(axis=1).clip(max=vocabulary - 1)
        else:
            token = logits.argmax(axis=1)[state]
        logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        entropy = float(-(probabilities * logarithms).sum(axis=1)[state].sum())
        positions.append(Position(prompt, context, running, state, token, logarithms[state, token], entropy))
        ended[running[token == END]] = True
        going_on = token != END
        running, state, token = running[going_on], state[going_on], token[going_on]
        if not len(running):
            break
        for rollout, said in zip(running.tolist(), token.tolist(), strict=True):
            answers[rollout].append(said)
        after, state = np.unique(state * vocabulary + token, return_inverse=True)
        before, said_there = after // vocabulary, after % vocabulary
        prompt = prompt[before]
        context = np.column_stack([said_there, context[before, :-1]])
    return Rollouts(words, positions, answers, ended)


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    raised: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def _features(weights: Weights, words: PromptWords, prompt: Ints, context: Ints, length: int) -> Features:
    own = PromptWords(words.hashes[prompt], words.values[prompt])
    return Features.of(context, np.full(len(prompt), length), own, buckets=weights.buckets)
