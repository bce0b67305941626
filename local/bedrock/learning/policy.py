"""A policy: given a prompt, a distribution over answers, token by token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np

from local.bedrock.learning.base import fit_to
from local.bedrock.learning.features import PromptWords
from local.bedrock.learning.rollouts import roll_out
from local.bedrock.learning.vocabulary import Vocabulary
from local.bedrock.learning.weights import Weights


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer, the number of tokens it took, and why it stopped there."""

    text: str
    tokens: int
    stop_reason: Literal["end_turn", "max_tokens"]


@dataclass(frozen=True, slots=True)
class Policy:
    """A vocabulary and the weights that say which of its tokens comes next. Training changes the weights in place."""

    vocabulary: Vocabulary
    weights: Weights

    @classmethod
    def base(cls, references: Sequence[str], *, seed: int) -> Self:
        """An untrained policy for a dataset with these reference answers; see `base` for what it knows.

        A dataset without references: give what `text.imitable_texts` finds, or nothing at all.
        """
        return cls(*fit_to(references, seed=seed))

    def complete(self, prompt: str, *, temperature: float, max_tokens: int, rng: np.random.Generator) -> Completion:
        """One answer to the prompt, of at most `max_tokens` (and MAX_ANSWER_TOKENS); temperature 0 is greedy."""
        return self.complete_all([prompt], temperature=temperature, max_tokens=max_tokens, rng=rng)[0]

    def complete_all(
        self, prompts: Sequence[str], *, temperature: float, max_tokens: int, rng: np.random.Generator
    ) -> list[Completion]:
        """One answer to each prompt, all of them advancing together, which is much faster than one after the other."""
        words = PromptWords.of(prompts)
        rollouts = roll_out(self.weights, words, samples=1, temperature=temperature, max_tokens=max_tokens, rng=rng)
        return [
            Completion(self.vocabulary.decode(answer), len(answer), "end_turn" if ended else "max_tokens")
            for answer, ended in zip(rollouts.answers, rollouts.ended, strict=True)
        ]

    def copy(self) -> Self:
        """A policy that can be trained apart from this one."""
        return type(self)(self.vocabulary, Weights.of(*self.weights.touched()))

    def save(self, path: Path) -> None:
        """Writes the policy to a file of exactly this name, which appears only when it is whole."""
        partial = path.with_name(path.name + ".partial")
        buckets, rows = self.weights.touched()
        tokens = np.frombuffer(json.dumps(self.vocabulary.tokens).encode(), np.uint8)
        with partial.open("wb") as file:
            np.savez(file, tokens=tokens, buckets=buckets, rows=rows)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The policy that `save` wrote: it gives the same completions."""
        with np.load(path) as stored:
            vocabulary = Vocabulary(tuple(json.loads(stored["tokens"].tobytes())))
            return cls(vocabulary, Weights.of(stored["buckets"], stored["rows"]))
