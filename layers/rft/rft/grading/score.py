"""What a grader says about one answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from rft.grading.errors import ScoreInvalid

MAX_COMPONENTS = 64
MAX_COMPONENT_NAME = 64

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{MAX_COMPONENT_NAME - 1}}}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")
OUR_METRICS = frozenset(
    {
        *("Reward", "Errors", "Duration", "error"),
        *("JudgeCalls", "JudgeCacheHits", "JudgeRetries", "JudgeParseFailures"),
        *("JudgeInputTokens", "JudgeOutputTokens"),
    }
)


@dataclass(frozen=True, slots=True)
class Score:
    """The reward of one answer, from 0 to 1, and what it is made of.

    ``value`` trains the model. ``rewards`` are its components, by name; ``metrics`` are other things worth watching,
    which don't enter it. Both become curves of the run, so a name has 1 to 64 of ``A-Z a-z 0-9 _ . -`` and begins with
    a letter or digit; there may be 64 names in all.

    Raises ScoreInvalid: a number out of range or not finite is a mistake of the grader, and is never clamped.
    """

    value: float
    rewards: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (_is_finite(self.value) and 0 <= self.value <= 1):
            raise ScoreInvalid("the value of a Score must be a finite number from 0 to 1")
        if len(self.rewards) + len(self.metrics) > MAX_COMPONENTS:
            raise ScoreInvalid(f"a Score may have {MAX_COMPONENTS} components, rewards and metrics together")
        for components in (self.rewards, self.metrics):
            for name, value in components.items():
                _check_component(name, value)
        if not self.rewards.keys().isdisjoint(self.metrics):
            raise ScoreInvalid("a component of a Score can't be a reward and a metric at once")


def component_name(text: str) -> str:
    """Any text as a name that Score takes: other characters become ``_``, what is too long is cut off, and one that is
    the library's own gets a ``_``."""
    name = _NOT_IN_A_NAME.sub("_", text[:MAX_COMPONENT_NAME])
    if name in OUR_METRICS:
        return f"{name}_"
    return name if _NAME.fullmatch(name) else f"x{name}"[:MAX_COMPONENT_NAME]


def _check_component(name: object, value: object) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ScoreInvalid("the name of a component must be 1 to 64 of A-Z a-z 0-9 _ . -, a letter or digit first")
    if name in OUR_METRICS:
        raise ScoreInvalid(f"{name} is the name of one of the library's own metrics")
    if not _is_finite(value):
        raise ScoreInvalid(f"the component {name} must be a finite number")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and -sys.float_info.max <= value <= sys.float_info.max
