"""The paired bootstrap against references that are computed in another way, and what may be claimed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.held_out import Score, compare, paired_bootstrap

FINITE = st.floats(-1, 1, allow_nan=False)


def binomial_quantile(n: int, p: float, share: float) -> float:
    total = 0.0
    for hits in range(n + 1):
        total += math.comb(n, hits) * p**hits * (1 - p) ** (n - hits)
        if total >= share:
            return hits / n
    raise AssertionError("the probabilities of a binomial sum to 1")


def test_the_interval_of_zero_one_differences_is_the_binomial_one() -> None:
    before = [0.0] * 50
    after = [1.0] * 15 + [0.0] * 35
    change = paired_bootstrap(before, after, seed=3)
    assert change.gain.mean == pytest.approx(0.3)
    # The mean of a resample is Binomial(50, 0.3) / 50; one count of slack for the draw.
    assert change.gain.low == pytest.approx(binomial_quantile(50, 0.3, 0.025), abs=0.021)
    assert change.gain.high == pytest.approx(binomial_quantile(50, 0.3, 0.975), abs=0.021)


def test_the_interval_agrees_with_numpys_draws() -> None:
    draw = np.random.default_rng(8)
    before, after = draw.beta(2, 5, 80), draw.beta(4, 3, 80)
    differences = after - before
    means = differences[draw.integers(0, 80, (60_000, 80))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    change = paired_bootstrap(before.tolist(), after.tolist(), seed=0)
    assert change.before == pytest.approx(before.mean())
    assert change.after == pytest.approx(after.mean())
    assert change.gain.low == pytest.approx(low, abs=0.004)
    assert change.gain.high == pytest.approx(high, abs=0.004)


def test_pairing_is_what_makes_a_small_steady_gain_certain() -> None:
    before = [i / 100 for i in range(100)]
    after = [reward + 0.01 for reward in before]
    assert paired_bootstrap(before, after, seed=0).gain.is_certain
    shuffled = after[50:] + after[:50]
    assert not paired_bootstrap(before, shuffled, seed=0).gain.is_certain


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20), st.integers(0, 99))
def test_the_interval_lies_among_the_differences_and_the_seed_settles_it(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    before, after = [early for early, _ in pairs], [late for _, late in pairs]
    first = paired_bootstrap(before, after, seed=seed, resamples=200)
    differences = [late - early for early, late in pairs]
    gain = first.gain
    assert min(differences) - 1e-9 <= gain.low <= gain.high <= max(differences) + 1e-9
    assert first == paired_bootstrap(before, after, seed=seed, resamples=200)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=20))
def test_swapping_the_models_turns_the_mean_around(pairs: list[tuple[float, float]]) -> None:
    before, after = [early for early, _ in pairs], [late for _, late in pairs]
    there = paired_bootstrap(before, after, seed=0, resamples=50)
    back = paired_bootstrap(after, before, seed=0, resamples=50)
    assert there.gain.mean == pytest.approx(-back.gain.mean)


def scores(*rewards: float, **components: list[float]) -> list[Score]:
    return [Score(reward, {name: values[i] for name, values in components.items()}) for i, reward in enumerate(rewards)]


def test_better_needs_an_interval_wholly_above_zero() -> None:
    found = compare(scores(*[0.1] * 30), scores(*[0.9] * 25, *[0.1] * 5), seed=0)
    assert found.is_better
    assert found.verdict.startswith("Better")


def test_a_difference_that_may_be_chance_is_no_gain() -> None:
    found = compare(scores(*[0.0, 1.0] * 10), scores(*[1.0, 0.0] * 9, 1.0, 1.0), seed=0)
    assert found.reward.gain.mean > 0
    assert not found.is_better
    assert found.verdict.startswith("No gain could be measured")


def test_a_constant_grader_is_named_as_such() -> None:
    found = compare(scores(*[0.5] * 40), scores(*[0.5] * 40), seed=0)
    assert not found.is_better
    assert "every reward was equal (0.50)" in found.verdict


def test_a_loss_is_called_one() -> None:
    found = compare(scores(*[0.9] * 30), scores(*[0.1] * 25, *[0.9] * 5), seed=0)
    assert not found.is_better
    assert found.verdict.startswith("Worse: the mean reward on held-out records changed by -0.67")


def test_a_handful_of_records_proves_nothing() -> None:
    found = compare(scores(0.1, 0.2), scores(0.9, 1.0), seed=0)
    assert not found.is_better
    assert "2 held-out records are too few" in found.verdict


def test_a_gain_in_the_form_alone_claims_no_correct_answer() -> None:
    before = scores(*[0.0] * 40, format=[0.0] * 40, correct=[0.0] * 40)
    after = scores(*[0.2] * 40, format=[1.0] * 40, correct=[0.0] * 40)
    found = compare(before, after, seed=0)
    assert "That gain is in format; none is claimed for correct." in found.verdict


def test_components_that_not_every_answer_has_are_left_out() -> None:
    before = [Score(0.0, {"form": 0.0, "extra": 1.0}), Score(0.0, {"form": 0.0})]
    after = [Score(1.0, {"form": 1.0, "extra": 1.0}), Score(1.0, {"form": 1.0, "extra": 1.0})]
    assert set(compare(before, after, seed=0).components) == {"form"}


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same records"):
        compare(scores(1.0), scores(1.0, 1.0), seed=0)
