"""Values become one Score only if each of them is a number from 0 to 1, and what failed is named."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import ScoreInvalid
from rft.grading.rules.composition import all_of, gated, length_penalty, penalised, weighted_sum
from rft.grading.rules.limits import RuleInvalid
from rft.grading.score import Score

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "weights", "total"),
    [
        ({"a": 1.0}, {"a": 1}, 1),
        ({"a": 1.0, "b": 0.0}, {"a": 1, "b": 1}, 0.5),
        ({"a": 1.0, "b": 0.5}, {"a": 3, "b": 1}, 0.875),
        ({"a": 1.0, "b": 0.5}, {"a": 0.75, "b": 0.25}, 0.875),
        ({"a": 1.0, "b": 0.5}, {"a": 0, "b": 1}, 0.5),
        ({"a": 1, "b": True}, {"a": 1, "b": 1}, 1),
        ({"a": 1.0, "b": 0.0}, {"a": 1e308, "b": 1e308}, 0.5),
        ({"a": 1.0, "b": 0.0}, {"a": 5e-324, "b": 5e-324}, 0.5),
        ({"a": 0.1, "b": 0.1, "c": 0.1}, {"a": 0.1, "b": 0.7, "c": 0.2}, 0.1),
    ],
)
def test_weighted_sums(values: dict[str, float], weights: dict[str, float], total: float) -> None:
    score = weighted_sum(values, weights)
    assert score.value == pytest.approx(total)
    assert score.rewards == values


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"a": 1},
        {"a": 1, "c": 1},
        {"a": 1, "b": -1},
        {"a": 0, "b": 0},
        {"a": 1, "b": NAN},
        {"a": INF, "b": 1},
        {"a": "1", "b": 1},
    ],
)
def test_weights_that_make_no_sense(weights: Any) -> None:
    with pytest.raises(RuleInvalid):
        weighted_sum({"a": 1.0, "b": 1.0}, weights)


@pytest.mark.parametrize("value", [NAN, INF, -INF, -0.1, 1.0000001, "1", None, 1j, 10**400])
def test_a_value_out_of_range_gets_nowhere(value: Any) -> None:
    good = Score(1.0)
    for compose in (
        lambda: weighted_sum({"a": value, "b": 1.0}, {"a": 0, "b": 1}),
        lambda: all_of({"a": value}),
        lambda: all_of({"a": 0.0, "b": value}),
        lambda: gated(good, {"a": value}),
        lambda: gated(good, {"a": False, "b": value}),
        lambda: penalised(good, value),
    ):
        with pytest.raises(ScoreInvalid):
            compose()


def test_all_of() -> None:
    assert all_of({"a": 1.0, "b": 1.0}) == Score(1.0, rewards={"a": 1.0, "b": 1.0})
    assert all_of({"a": 1.0, "b": 0.99}) == Score(0.0, rewards={"a": 1.0, "b": 0.99})
    assert all_of({"a": 0.5, "b": 0.8}, at_least=0.5).value == 1
    assert all_of({"a": 0.4, "b": 0.8}, at_least=0.5).value == 0
    for at_least in (0, -1, 1.1, NAN, "1", None):
        with pytest.raises(RuleInvalid):
            all_of({"a": 1.0}, at_least=at_least)  # type: ignore[arg-type]


def test_gates() -> None:
    score = Score(0.8, rewards={"a": 0.8}, metrics={"words": 12})
    is_open = gated(score, {"json": 1.0, "polite": True})
    assert is_open == Score(0.8, {"a": 0.8}, {"words": 12, "gate.json": 1, "gate.polite": 1})
    shut = gated(score, {"json": 1.0, "polite": False, "short enough": 0.99})
    assert shut == Score(0.0, {"a": 0.8}, {"words": 12, "gate.json": 1, "gate.polite": 0, "gate.short_enough": 0})
    for gates in ({}, {"a b": 1.0, "a_b": 1.0}):
        with pytest.raises(RuleInvalid):
            gated(score, gates)


@pytest.mark.parametrize("values", [{}, []])
def test_nothing_to_compose(values: Any) -> None:
    for compose in (lambda: weighted_sum(values, {}), lambda: all_of(values), lambda: gated(Score(1.0), values)):
        with pytest.raises(RuleInvalid):
            compose()


@pytest.mark.parametrize(
    ("length", "factor"),
    [(0, 1), (99, 1), (100, 1), (150, 0.5), (175, 0.25), (200, 0), (10**9, 0), (INF, 0), (100.5, 0.995)],
)
def test_length_penalty(length: float, factor: float) -> None:
    assert length_penalty(length, free=100, limit=200) == pytest.approx(factor)


@pytest.mark.parametrize(("free", "limit"), [(2, 1), (1, 1), (-1, 1), (0, INF), (NAN, 1), (0, NAN), ("0", 1)])
def test_penalties_that_make_no_sense(free: Any, limit: Any) -> None:
    with pytest.raises(RuleInvalid):
        length_penalty(1, free=free, limit=limit)


@pytest.mark.parametrize("length", [-1, NAN, "1", None])
def test_a_length_that_is_none(length: Any) -> None:
    with pytest.raises(ScoreInvalid):
        length_penalty(length, free=0, limit=1)


def test_penalised() -> None:
    score = penalised(Score(0.8, {"a": 0.8}), 0.5)
    assert score == Score(0.4, {"a": 0.8}, {"length_penalty": 0.5})
    assert penalised(score, 1, name="repeats").value == 0.4
    with pytest.raises(RuleInvalid, match="already"):
        penalised(score, 0.5)


def test_components_are_named_as_a_score_wants_them() -> None:
    with pytest.raises(ScoreInvalid, match="name of a component"):
        weighted_sum({"a b": 1.0}, {"a b": 1})
    with pytest.raises(ScoreInvalid, match="own metrics"):
        all_of({"Reward": 1.0})


UNIT = st.floats(0, 1)
WEIGHTS = st.floats(0, 1e308)


@given(st.dictionaries(st.sampled_from("abcde"), st.tuples(UNIT, WEIGHTS), min_size=1))
def test_a_weighted_sum_is_between_its_values(parts: dict[str, tuple[float, float]]) -> None:
    values, weights = {n: v for n, (v, _) in parts.items()}, {n: w for n, (_, w) in parts.items()}
    if not any(weights.values()):
        return
    total = weighted_sum(values, weights).value
    assert min(values.values()) - 1e-9 <= total <= max(values.values()) + 1e-9
    assert total == weighted_sum(dict(reversed(values.items())), weights).value


@given(st.floats(0), st.floats(0, 1e300), st.floats(0, 1e300))
def test_a_penalty_is_in_range_and_falls(length: float, free: float, limit: float) -> None:
    if free < limit:
        factor = length_penalty(length, free=free, limit=limit)
        assert 0 <= factor <= 1
        assert length_penalty(math.nextafter(length, INF), free=free, limit=limit) <= factor


@given(st.dictionaries(st.text(max_size=3), st.floats() | st.booleans() | st.none(), max_size=3))
def test_anything_is_composed_or_refused(values: dict[str, Any]) -> None:
    for compose in (all_of, lambda v: weighted_sum(v, v), lambda v: gated(Score(0.5), v)):
        try:
            score = compose(values)
        except (RuleInvalid, ScoreInvalid):
            continue
        assert 0 <= score.value <= 1
