"""How sure a mean difference is: the paired bootstrap with the BCa interval.

Two models answer the same prompts and the same grader scores them, so each prompt gives one difference. The prompts
are drawn anew with replacement, as many as there are, many times, and the mean of each draw is kept. The interval is
read off those means at levels that are corrected for bias and skewness, "bias-corrected and accelerated": Efron, Better
bootstrap confidence intervals, JASA 82 (1987); DiCiccio and Efron, Bootstrap confidence intervals, Statistical Science
11 (1996). Rewards are neither normal nor symmetric (many equal, a few far apart), which the correction is for.

Resamples: 10,000, at which the draw moves an end of a 95 % interval by some 3 % of a standard error. A set so large
that this were more than 10 million draws gets fewer, never below 2,000: 5,000 for 2,000 prompts. Where values repeat (a
rule grader gives a handful) it is only drawn how often each comes, by one binomial after the other: the same
distribution, and for large sets many times faster.

Limits of any bootstrap: it knows no value but those it saw, so of few prompts, or of many of which few differ, it is
too narrow. Measured over 1,000 simulated sets, a 95 % interval of normal differences held the true mean in 91 % with 10
prompts, 94 % with 40 and 95 % with 200. Equal differences give an interval of no width. The verdict therefore asks for
a number of prompts as well.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
RESAMPLES = 10_000

_MOST_DRAWS = 10_000_000
_FEWEST_RESAMPLES = 2_000
_A_BINOMIAL_IN_DRAWS = 20  # what one costs, measured in single draws
_LARGEST = 1e100  # its cube is a float as well
_NOISE = 1e-12
_PLACES = 12
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the interval that holds the true one at ``confidence`` (0 to 1)."""

    mean: float
    low: float
    high: float
    confidence: float = CONFIDENCE

    @property
    def width(self) -> float:
        return self.high - self.low

    def to_json(self) -> dict[str, float]:
        """As in ``comparison.json``."""
        return {
            "mean": round(self.mean, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """The means before and after over the same prompts, and the gain: after less before."""

    before: float
    after: float
    gain: Interval

    def to_json(self) -> dict[str, object]:
        return {"before": round(self.before, 6), "after": round(self.after, 6), "gain": self.gain.to_json()}


def bca(
    differences: Sequence[float], *, confidence: float = CONFIDENCE, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """The mean of ``differences`` and its BCa interval. The same for the same numbers, in any order, and seed; turned
    around for the numbers with their signs turned around.

    A single difference, or several that are all equal, give an interval of no width: there is no spread to draw from,
    and no acceleration. Raises ValueError without any, and for one that isn't finite.
    """
    if not differences or not all(-_LARGEST <= value <= _LARGEST for value in differences):
        raise ValueError("an interval needs one difference at least, and finite ones")
    if not 0 < confidence < 1:
        raise ValueError("a confidence lies between 0 and 1")
    values = sorted(differences)
    mirrored = [-value for value in reversed(values)]
    if mirrored < values:  # of the two the same one is always drawn from, so that turning them around is exact
        other = bca(mirrored, confidence=confidence, seed=seed, resamples=resamples)
        return Interval(-other.mean, -other.high, -other.low, confidence)
    mean = math.fsum(values) / len(values)
    noise = _NOISE * max(1.0, abs(values[0]), abs(values[-1]))
    if values[-1] - values[0] <= noise:
        return Interval(mean, mean, mean, confidence)
    means = sorted(_resampled(values, seed, resamples))
    bias = _bias(means, mean, noise)
    acceleration = _acceleration(values, mean)
    low, high = (
        quantile(means, _level(bias, acceleration, _NORMAL.inv_cdf(share)))
        for share in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    if mirrored == values:  # what isn't symmetric about 0 is the draw's doing alone
        low, high = (low - high) / 2, (high - low) / 2
    return Interval(mean, low, high, confidence)


def change_of(before: Sequence[float], after: Sequence[float], *, confidence: float = CONFIDENCE, seed: int) -> Change:
    """Of paired values, at least one pair. Raises ValueError."""
    # Rounded so that what is equal but for the last bit of a float is equal.
    differences = [round(late - early, _PLACES) for early, late in zip(before, after, strict=True)]
    gain = bca(differences, confidence=confidence, seed=seed)
    return Change(math.fsum(before) / len(before), math.fsum(after) / len(after), gain)


def _resampled(values: Sequence[float], seed: int, resamples: int) -> list[float]:
    """The mean of each resample."""
    count = len(values)
    resamples = min(resamples, max(_FEWEST_RESAMPLES, _MOST_DRAWS // count))
    chance = random.Random(seed)  # noqa: S311 - a repeatable draw, no secret
    distinct = Counter(values)
    total: Callable[[], float]
    if len(distinct) * _A_BINOMIAL_IN_DRAWS < count:
        total = _by_counts(distinct, chance)
    else:
        choices = chance.choices

        def total() -> float:
            return sum(choices(values, k=count))

    return [total() / count for _ in range(resamples)]


def _by_counts(distinct: Counter[float], chance: random.Random) -> Callable[[], float]:
    """A sum of as many draws as there are values: how many are the first, how many of the rest the second…"""
    count = left = distinct.total()
    steps = []
    for value, times in distinct.items():
        steps.append((value, times / left))
        left -= times
    binomial = chance.binomialvariate

    def total() -> float:
        draws, result = count, 0.0
        for value, share in steps:
            drawn = binomial(draws, share) if share < 1 else draws
            result += value * drawn
            draws -= drawn
        return result

    return total


def _bias(means: Sequence[float], mean: float, noise: float) -> float:
    """z0: where the mean stands among the resampled ones. Those that equal it count half, as Efron and scipy have it.

    Were it outside all of them, which chance can do with few resamples, it is taken for the outermost.
    """
    below = sum(each < mean - noise for each in means)
    equal = sum(each <= mean + noise for each in means) - below
    share = (below + equal / 2) / len(means)
    edge = 1 / (2 * len(means))
    return _NORMAL.inv_cdf(min(max(share, edge), 1 - edge))


def _acceleration(values: Sequence[float], mean: float) -> float:
    """A sixth of the skewness of the mean, from the jackknife; for a mean that is this sum."""
    from_mean = [value - mean for value in values]
    squares = math.fsum(each * each for each in from_mean)
    return math.fsum(each * each * each for each in from_mean) / (6 * squares * math.sqrt(squares))


def _level(bias: float, acceleration: float, z: float) -> float:
    """At which share of the resampled means an end of the interval lies. Where the correction has no finite value it
    is the outermost mean."""
    shifted = bias + z
    scale = 1 - acceleration * shifted
    if scale <= 0:
        return 1.0 if shifted > 0 else 0.0
    return _NORMAL.cdf(bias + shifted / scale)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest values, as numpy's default."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
