"""Whether a tuned model beats its base on held-out records, and how sure that is.

Both models answer the same records and the same grader scores both answers, so each record gives one difference.
The interval of the mean difference is a paired percentile bootstrap (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13): the records are drawn anew with replacement, many times, and the mean of each draw kept.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

CONFIDENCE = 0.95
RESAMPLES = 10_000
FEWEST_RECORDS = 10  # with fewer, an interval of resampled means says next to nothing
_PLACES = 4

Components = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Score:
    """What the grader gave one answer: the reward that trains, and its named components."""

    reward: float
    components: Components


@dataclass(frozen=True, slots=True)
class Gain:
    """A mean difference, after less before, with the interval that holds it at ``confidence``."""

    mean: float
    low: float
    high: float
    confidence: float = CONFIDENCE

    @property
    def is_certain(self) -> bool:
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Change:
    """Means before and after, and their difference."""

    before: float
    after: float
    gain: Gain

    def to_json(self) -> dict[str, Any]:
        """Rounded to what a reader can use."""
        gain = {name: round(value, _PLACES) for name, value in asdict(self.gain).items()}
        return {"before": round(self.before, _PLACES), "after": round(self.after, _PLACES), "gain": gain}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same records. ``components`` holds those that every answer of both models has."""

    records: int
    reward: Change
    components: Mapping[str, Change]
    constant_reward: float | None

    @property
    def is_better(self) -> bool:
        return self.records >= FEWEST_RECORDS and self.reward.gain.is_certain

    @property
    def verdict(self) -> str:
        """What may be claimed, in words; nothing is claimed that the interval does not carry."""
        gain = self.reward.gain
        if self.constant_reward is not None:
            return (
                f"No gain could be measured: every reward was equal ({self.constant_reward:.2f}), before and after. "
                "Where all answers earn the same, there is nothing to learn from."
            )
        if self.records < FEWEST_RECORDS:
            return f"No gain could be measured: {self.records} held-out records are too few to tell."
        if gain.high < 0:
            return f"Worse: the mean reward on held-out records changed by {gain.mean:+.2f}, {_span(gain)}."
        if not self.is_better:
            return f"No gain could be measured: the difference may be chance, {_span(gain)}."
        return f"Better: the mean reward on held-out records rose by {gain.mean:+.2f}, {_span(gain)}." + self._parts()

    def _parts(self) -> str:
        """Which components the gain is in; none is claimed for the others."""
        sure = [name for name, change in self.components.items() if change.gain.is_certain]
        unsure = [name for name in self.components if name not in sure]
        if not unsure:
            return ""
        return f" That gain is in {', '.join(sure) or 'no single component'}; none is claimed for {', '.join(unsure)}."


def compare(before: Sequence[Score], after: Sequence[Score], *, seed: int) -> Comparison:
    """``before`` and ``after`` hold the scores of the same records in the same order; the same seed draws the same."""
    if not before or len(before) != len(after):
        raise ValueError("a comparison needs the same records, at least one, on both sides")
    everything = [*before, *after]
    shared = [name for name in before[0].components if all(name in score.components for score in everything)]
    rewards = {score.reward for score in everything}
    return Comparison(
        records=len(before),
        reward=paired_bootstrap([s.reward for s in before], [s.reward for s in after], seed=seed),
        components={
            name: paired_bootstrap([s.components[name] for s in before], [s.components[name] for s in after], seed=seed)
            for name in shared
        },
        constant_reward=rewards.pop() if len(rewards) == 1 else None,
    )


def paired_bootstrap(
    before: Sequence[float],
    after: Sequence[float],
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Change:
    """The change of the mean from ``before`` to ``after`` over paired values, with its percentile interval."""
    differences = [late - early for early, late in zip(before, after, strict=True)]
    count = len(differences)
    draw = random.Random(seed)  # noqa: S311  a repeatable draw, not a secret
    means = sorted(math.fsum(draw.choices(differences, k=count)) / count for _ in range(resamples))
    outside = (1 - confidence) / 2
    return Change(
        before=math.fsum(before) / count,
        after=math.fsum(after) / count,
        gain=Gain(
            mean=math.fsum(differences) / count,
            low=_quantile(means, outside),
            high=_quantile(means, 1 - outside),
            confidence=confidence,
        ),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest values, as numpy's default."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _span(gain: Gain) -> str:
    return f"with {gain.low:+.2f} to {gain.high:+.2f} at {gain.confidence:.0%} confidence"
