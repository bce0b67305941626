"""What a judge is asked to decide: criteria, each with a closed list of verdicts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rft.grading.rules.limits import RuleInvalid

MAX_CRITERIA = 24

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_VERDICT = re.compile(r"[a-z][a-z0-9]*(?:[ -][a-z0-9]+)*")


class Verdict(NamedTuple):
    """A choice. ``value`` is what it is worth, 0 to 1; ``anchor`` says when it is the one to choose."""

    name: str
    value: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing to be judged.

    ``verdicts`` go from the best, worth 1, down to the worst, worth 0. ``weight`` is the criterion's part in the score,
    beside the weights of the others. With ``gate`` the worst verdict makes the whole score 0: for what nothing else
    makes up for.

    Raises RuleInvalid.
    """

    name: str
    question: str
    verdicts: tuple[Verdict, ...]
    weight: float
    gate: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RuleInvalid("the name of a criterion is 1 to 48 of a-z 0-9 _ with a letter first")
        if not (self.question.strip() and all(verdict.anchor.strip() for verdict in self.verdicts)):
            raise RuleInvalid(f"the criterion {self.name} and each of its verdicts need words that explain them")
        if not all(_VERDICT.fullmatch(verdict.name) for verdict in self.verdicts):
            raise RuleInvalid(f"the verdicts of {self.name} must be lower-case words")
        if len({verdict.name for verdict in self.verdicts}) < len(self.verdicts):
            raise RuleInvalid(f"two verdicts of {self.name} have the same name")
        values = [verdict.value for verdict in self.verdicts]
        if values[:1] != [1] or values[-1:] != [0] or any(not better > worse for better, worse in pairwise(values)):
            raise RuleInvalid(f"the values of {self.name} must fall from 1 for the first verdict to 0 for the last")
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise RuleInvalid(f"the weight of {self.name} must be a finite number above 0")

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of the verdicts, best first."""
        return tuple(verdict.name for verdict in self.verdicts)

    @property
    def worst(self) -> str:
        return self.verdicts[-1].name

    def value_of(self, name: str) -> float:
        """What a verdict is worth. Raises KeyError."""
        return {verdict.name: verdict.value for verdict in self.verdicts}[name]


@dataclass(frozen=True, slots=True)
class Rubric:
    """``task`` tells the judge in a few sentences what it judges. Raises RuleInvalid."""

    task: str
    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        if not self.task.strip():
            raise RuleInvalid("a rubric must say what is to be judged")
        if not 0 < len(self.criteria) <= MAX_CRITERIA:
            raise RuleInvalid(f"a rubric has 1 to {MAX_CRITERIA} criteria")
        if len({criterion.name for criterion in self.criteria}) < len(self.criteria):
            raise RuleInvalid("two criteria of a rubric have the same name")
