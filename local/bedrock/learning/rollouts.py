"""Answers sampled from a policy, many at a time, with what a gradient needs of each of their positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.bedrock.learning.features import CONTEXT, Features, Floats, Ints, PromptWords
from local.bedrock.learning.vocabulary import END
from local.bedrock.learning.weights import Weights

MAX_ANSWER_TOKENS = 256
"""The longest answer whatever is asked for: the reference answers a base learns from are cut below this."""


@dataclass(frozen=True, slots=True)
class Position:
    """The n-th token of all rollouts that have not ended before it.

    Rollouts of one prompt that agree so far are in one state. [states] features and probabilities; [rollouts still
    running] the rollout, its state, and the token chosen.
    """

    features: Features
    probabilities: Floats
    rollout: Ints
    state: Ints
    token: Ints


@dataclass(frozen=True, slots=True)
class Rollouts:
    """`answers` are token ids without the end token; `ended` says which of them ended before the limit."""

    positions: list[Position]
    answers: list[list[int]]
    ended: NDArray[np.bool_]


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
        own_words = PromptWords(words.hashes[prompt], words.values[prompt])
        features = Features.of(context, np.full(len(prompt), length), own_words, buckets=weights.buckets)
        logits = weights.logits(features)
        probabilities = softmax(logits / temperature if temperature else logits)
        if temperature:
            drawn = rng.random(len(running), np.float32)[:, None]
            token = (np.cumsum(probabilities, axis=1)[state] <= drawn).sum(axis=1).clip(max=vocabulary - 1)
        else:
            token = logits.argmax(axis=1)[state]
        positions.append(Position(features, probabilities, running, state, token))
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
    return Rollouts(positions, answers, ended)


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    raised: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
