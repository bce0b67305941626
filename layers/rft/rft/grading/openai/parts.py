"""What the graders have in common, whatever their type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from rft.grading.judging.question import Judge
from rft.grading.openai.template import Template
from rft.grading.openai.values import Values


class Grade(NamedTuple):
    """What one grader says: a value from 0 to 1, and what else is worth watching."""

    value: float
    metrics: Mapping[str, float]


class Part(Protocol):
    """A grader that isn't made of others. ``judge_calls``: questions to a judge for one answer, 0 or 1."""

    @property
    def judge_calls(self) -> int: ...

    @property
    def templates(self) -> tuple[Template, ...]: ...

    def grade(self, values: Values, judge: Judge | None) -> Grade:
        """Raises BadSample and VerdictUnreadable with OpenAI's flags, and what the judge raises."""
        ...


def passed(value: float, threshold: float | None) -> dict[str, float]:
    """The metric of a ``pass_threshold``, if there is one."""
    return {} if threshold is None else {"passed": float(value >= threshold)}
