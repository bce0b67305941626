"""What is examined, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

JOB_BATCH = 128
"""Samples that one call of a training job may hold. Bedrock documents no number; Amazon's other reinforcement
fine-tuning (Nova on SageMaker) sends 64 or 128."""

LAMBDA_SECONDS = 900.0
LAMBDA_BYTES = 6_000_000
"""What a synchronous call of a Lambda function may take, and bring back."""

MAX_CALL_BYTES = 5_000_000
MAX_RECORD_BYTES = 2_000_000
"""Of the records that are sampled from, together: so that each of the gate's steps is a call or two, never twenty."""


class AboutGrader(NamedTuple):
    """What is known of the grader beforehand.

    ``kind``: ``rule`` computes, ``judge`` asks a model, ``declared`` does what the JSON of a request says, ``own`` is
    a user's. ``judge_calls``: questions to a model for one answer. ``timeout_seconds``: of the function, None where it
    has none. ``judge_requests_per_minute``: the quota of the judge model, None where it isn't known.
    """

    name: str
    kind: Literal["rule", "judge", "declared", "own"]
    judge_calls: int = 0
    timeout_seconds: float | None = None
    judge_requests_per_minute: int | None = None

    @property
    def computes(self) -> bool:
        """Whether equal answers must have equal rewards."""
        return self.kind in ("rule", "declared") and not self.judge_calls


@dataclass(frozen=True, slots=True)
class Settings:
    """``records``: how many training records are sampled. ``base_answers``: answers of the base model to each.
    ``batch``: samples in a call of the gate. ``samples_per_step``: answers that a training step grades (batch size
    times answers to a prompt). ``max_answer_tokens``: of an answer in training; both None where they aren't known.
    """

    records: int = 16
    base_answers: int = 4
    batch: int = 64
    samples_per_step: int | None = None
    max_answer_tokens: int | None = None
    seed: int = 0
