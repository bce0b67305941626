"""When an estimate is over its budget, and what is said where dollars don't tell all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.cost import DEFAULT_MAX_ROLLOUTS, Prices, check_budget, estimate
from tests.unit.cost.plans import ALL_KNOWN, a_plan, told

SHIPPED = Prices.of_file()
FULL: dict[str, Any] = {
    "epoch_count": 2,
    "batch_size": 64,
    "training_sample_per_prompt": 4,
    "eval_interval": 10,
    "inference_max_tokens": 800,
}


def test_without_a_budget_nothing_is_over_it() -> None:
    check = check_budget(told(20_000, prices=SHIPPED), max_usd=None, max_rollouts=None)
    assert check.to_json() == {"over": False, "reasons": [], "warnings": []}


def test_the_high_end_counts() -> None:
    made = told(**FULL)
    assert made.known.low < made.known.high
    assert check_budget(made, max_usd=made.known.high, max_rollouts=None).over is False
    check = check_budget(made, max_usd=(made.known.low + made.known.high) / 2, max_rollouts=None)
    assert check.over and "is more than the budget of $" in check.reasons[0]
    assert not check.warnings


def test_the_first_month_counts() -> None:
    made = told(request={"deploy": "provisioned"}, **FULL)
    check = check_budget(made, max_usd=made.run.high + 1, max_rollouts=None)
    assert check.over and "first month" in check.reasons[0]


def test_with_unknown_prices_the_budget_holds_on_rollouts() -> None:
    within = check_budget(told(1_000, **FULL, prices=SHIPPED), max_usd=100, max_rollouts=None)
    assert not within.over
    (warning,) = within.warnings
    assert "the prices of training and model-storage aren't known" in warning
    assert "at most 100,000 (the default" in warning
    beyond = check_budget(told(20_000, **FULL, prices=SHIPPED), max_usd=1_000_000, max_rollouts=None)
    assert beyond.over and "100,000 that are allowed" in beyond.reasons[0]


def test_the_requests_own_bound_replaces_the_default() -> None:
    made = told(20_000, **FULL, prices=SHIPPED)
    check = check_budget(made, max_usd=1_000_000, max_rollouts=1_000_000)
    assert not check.over and "1,000,000 (budget.max_rollouts)" in check.warnings[0]
    assert check_budget(told(1_000, **FULL, prices=SHIPPED), max_usd=100, max_rollouts=5_000).over


def test_a_bound_of_rollouts_alone_is_held_whatever_the_prices() -> None:
    for prices in (SHIPPED, ALL_KNOWN):
        made = told(1_000, **FULL, prices=prices)
        assert check_budget(made, max_usd=None, max_rollouts=int(made.rollouts.high) - 1).over
        check = check_budget(made, max_usd=None, max_rollouts=int(made.rollouts.high))
        assert not check.over and not check.warnings


def test_with_all_prices_known_the_default_bound_is_no_bound() -> None:
    made = told(20_000, **FULL)
    assert made.rollouts.high > DEFAULT_MAX_ROLLOUTS
    assert not check_budget(made, max_usd=1_000_000, max_rollouts=None).over


def test_both_reasons_are_told_at_once() -> None:
    assert len(check_budget(told(20_000), max_usd=0.01, max_rollouts=1).reasons) == 2


@given(
    st.integers(100, 20_000),
    st.floats(0.01, 1_000_000),
    st.none() | st.integers(1, 10_000_000),
    st.sampled_from([SHIPPED, ALL_KNOWN]),
)
def test_a_larger_budget_never_closes_what_a_smaller_one_leaves_open(
    size: int, usd: float, rollouts: int | None, prices: Prices
) -> None:
    made = estimate(a_plan(size, **FULL), prices)
    check = check_budget(made, max_usd=usd, max_rollouts=rollouts)
    assert check.over == bool(check.reasons)
    more = check_budget(made, max_usd=usd * 2, max_rollouts=None if rollouts is None else rollouts * 2)
    assert check.over or not more.over


@pytest.mark.parametrize("prices", [SHIPPED, ALL_KNOWN])
def test_the_same_estimate_gives_the_same_verdict(prices: Prices) -> None:
    made = told(prices=prices)
    assert check_budget(made, max_usd=5, max_rollouts=9) == check_budget(made, max_usd=5, max_rollouts=9)
