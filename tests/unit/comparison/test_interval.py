"""The BCa interval against scipy's, and in the cases where it has no formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from rft.comparison.interval import (
    Interval,
    _acceleration,
    _bias,
    _level,
    _resampled,
    bca,
    change_of,
    quantile,
)

pytestmark = pytest.mark.thorough

FINITE = st.floats(-1, 1, allow_nan=False, allow_subnormal=False)
REWARDS = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])

draw = np.random.default_rng(20)
SETS: dict[str, Any] = {
    "normal": draw.normal(0.1, 0.3, 120),
    "few": draw.normal(0.1, 0.3, 12),
    "rewards of a rule grader": draw.choice([0, 0.5, 1], 150) - draw.choice([0, 0, 0.5, 1], 150),
    "the same, of many prompts": draw.choice([0, 0.5, 1], 900) - draw.choice([0, 0, 0.5, 1], 900),
    "mostly nothing": draw.choice([0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0], 200),
    "skewed": draw.exponential(1.0, 60) ** 2 - 1,
    "skewed to the left": 1 - draw.exponential(1.0, 60) ** 2,
}


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("name", SETS)
def test_the_ends_are_scipys(name: str, confidence: float) -> None:
    values = SETS[name]
    scipys = stats.bootstrap(
        (values,), np.mean, method="BCa", confidence_level=confidence, n_resamples=40_000, batch=4_000, rng=1
    )
    ours = bca(values.tolist(), confidence=confidence, seed=1)
    assert ours.mean == pytest.approx(values.mean())
    means, theirs = scipys.bootstrap_distribution, scipys.confidence_interval
    for end, their_end in ((ours.low, theirs.low), (ours.high, theirs.high)):
        lowest, highest = _by_chance(means, np.mean(means <= their_end))
        assert lowest <= end <= highest


def _by_chance(means: Any, share: float) -> tuple[float, float]:
    """Where another draw may have the end that lies at this share of their means: four deviations to either side.

    The number of ours below it is binomial, of 10,000 and their own 40,000. The bias that is read off as many means has
    a deviation of 1.25 / sqrt(number) as well, and moves the level by up to three times as much.
    """
    draws = 1 / (1 / 10_000 + 1 / 40_000)
    aside, bias = 4 * math.sqrt(share * (1 - share) / draws), 4 * 3 * 1.25 / math.sqrt(draws)
    low = stats.norm.cdf(stats.norm.ppf(max(share - aside, 1e-6)) - bias)
    high = stats.norm.cdf(stats.norm.ppf(min(share + aside, 1 - 1e-6)) + bias)
    lowest, highest = np.quantile(means, [low, high])
    return lowest, highest


@pytest.mark.parametrize(("name", "side"), [("skewed", 1), ("skewed to the left", -1)])
def test_a_skewed_set_moves_both_ends_toward_its_tail(name: str, side: int) -> None:
    """By more than chance could: what tells BCa from the percentile interval."""
    values = SETS[name]
    ours = bca(values.tolist(), seed=1)
    low, high = stats.bootstrap((values,), np.mean, method="percentile", batch=4_000, rng=1).confidence_interval
    error = stats.sem(values)
    assert side * (ours.low - low) > 0.15 * error
    assert side * (ours.high - high) > 0.15 * error


def test_the_level_of_each_end_is_efrons_formula() -> None:
    """With the very means that were drawn: no tolerance for chance."""
    values = sorted(SETS["skewed to the left"].tolist())
    mean = math.fsum(values) / len(values)
    means = np.array(_resampled(values, 5, 2_000))
    left_out = np.array([(sum(values) - value) / (len(values) - 1) for value in values])
    spread = left_out.mean() - left_out
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    bias = stats.norm.ppf((means < mean).mean())
    assert _acceleration(values, mean) == pytest.approx(acceleration)
    assert _bias(means.tolist(), mean, 1e-12) == pytest.approx(bias)
    interval = bca(values, seed=5, resamples=2_000)
    shifted = bias + stats.norm.ppf([0.025, 0.975])
    levels = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
    assert [interval.low, interval.high] == pytest.approx(np.quantile(means, levels).tolist())


def test_drawing_how_often_each_value_comes_is_drawing_values() -> None:
    """Few values in many places take the quick way; a trifle that makes each of them its own takes the other."""
    values = SETS["the same, of many prompts"]
    apart = values + np.arange(len(values)) * 1e-9
    quick, slow = bca(values.tolist(), seed=3), bca(apart.tolist(), seed=3)
    error = stats.sem(values)
    assert quick.low == pytest.approx(slow.low, abs=0.15 * error)
    assert quick.high == pytest.approx(slow.high, abs=0.15 * error)


@pytest.mark.parametrize("count", [1, 2, 200])
def test_equal_differences_have_no_width(count: int) -> None:
    assert bca([0.25] * count, seed=0) == Interval(0.25, 0.25, 0.25, 0.95)


def test_what_is_equal_but_for_the_last_bit_has_no_width() -> None:
    early, late = [0.5, 0.4, 0.1, 0.0], [0.8, 0.7, 0.4, 0.3]
    assert len({b - a for a, b in zip(early, late, strict=True)}) > 1
    gain = change_of(early, late, seed=0).gain
    assert gain.low == gain.high == gain.mean == pytest.approx(0.3)


def test_two_differences() -> None:
    assert bca([0.0, 1.0], seed=0) == Interval(0.5, 0.0, 1.0, 0.95)


def test_one_value_far_out_keeps_the_ends_among_the_values() -> None:
    for far in (-1.0, 1.0):
        gain = bca([far, *[0.0] * 9], confidence=0.999, seed=0)
        assert min(far, 0.0) <= gain.low <= gain.high <= max(far, 0.0)


def test_a_correction_without_a_finite_value_is_the_outermost() -> None:
    assert _level(3.0, 0.16, 3.3) == 1.0
    assert _level(-3.0, -0.16, -3.3) == 0.0


def test_a_mean_outside_of_all_that_was_drawn_is_taken_for_the_outermost() -> None:
    assert _bias([1.0] * 10, 0.0, 1e-12) == pytest.approx(stats.norm.ppf(0.05))
    assert _bias([-1.0] * 10, 0.0, 1e-12) == pytest.approx(stats.norm.ppf(0.95))


@pytest.mark.parametrize("values", [[], [math.nan], [0.1, math.inf], [-math.inf], [1e200]])
def test_what_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        bca(values, seed=0)


@pytest.mark.parametrize("confidence", [0.0, 1.0, math.nan])
def test_a_confidence_that_is_none(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        bca([0.0, 1.0], confidence=confidence, seed=0)


@given(st.lists(FINITE, min_size=1, max_size=25), st.integers(0, 2**63), st.randoms(use_true_random=False))
def test_order_says_nothing_and_the_seed_settles_it(values: list[float], seed: int, random: Any) -> None:
    gain = bca(values, seed=seed, resamples=100)
    shuffled = random.sample(values, len(values))
    assert bca(shuffled, seed=seed, resamples=100) == gain
    assert min(values) - 1e-9 <= gain.low <= gain.high <= max(values) + 1e-9


@given(st.lists(st.tuples(REWARDS, REWARDS), min_size=1, max_size=25), st.integers(0, 99))
@example([(0.0, 0.0), (0.0, 0.2), (0.2, 0.0)], 1)  # its own mirror image
def test_turning_the_sides_around_turns_the_interval_around(pairs: list[tuple[float, float]], seed: int) -> None:
    there = bca([late - early for early, late in pairs], seed=seed, resamples=100)
    back = bca([early - late for early, late in pairs], seed=seed, resamples=100)
    assert (there.low, there.mean, there.high) == (-back.high, -back.mean, -back.low)


def test_a_change_has_the_means_of_both_sides() -> None:
    change = change_of([0.0, 0.5, 0.1], [0.5, 0.5, 0.8], seed=0)
    assert (change.before, change.after) == (pytest.approx(0.2), pytest.approx(0.6))
    assert change.gain == bca([0.5, 0.0, 0.7], seed=0)
    with pytest.raises(ValueError, match="longer"):
        change_of([0.0], [0.0, 1.0], seed=0)


@given(st.lists(FINITE, min_size=2, max_size=25))
def test_more_confidence_is_a_wider_interval(values: list[float]) -> None:
    narrow, wide = (bca(values, confidence=confidence, seed=0, resamples=200) for confidence in (0.8, 0.99))
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_of_a_large_set_fewer_means_are_drawn() -> None:
    assert len(_resampled([0.0, 1.0] * 100, 0, 10_000)) == 10_000
    assert len(_resampled([0.0, 1.0] * 1_000, 0, 10_000)) == 5_000
    assert len(_resampled([0.0, 1.0] * 4_000, 0, 10_000)) == 2_000
    assert len(_resampled([0.0, 1.0] * 4_000, 0, 300)) == 300


@given(st.lists(FINITE, min_size=1, max_size=9), st.floats(0, 1))
def test_quantiles_are_numpys(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == pytest.approx(float(np.quantile(values, share)), abs=1e-12)
