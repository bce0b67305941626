"""A Score is in range, finite and nameable, or it isn't made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rft.grading.errors import ScoreInvalid
from rft.grading.score import MAX_COMPONENT_NAME, MAX_COMPONENTS, Score, component_name


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, 0.5, True])
def test_values(value: float) -> None:
    assert Score(value).value == value


@pytest.mark.parametrize(
    "value", [-0.1, 1.0000001, -5, 1e9, float("nan"), float("inf"), -float("inf"), 10**400, "0.5", None, 1j]
)
def test_a_value_out_of_range_is_refused_not_clamped(value: Any) -> None:
    with pytest.raises(ScoreInvalid, match="from 0 to 1"):
        Score(value)


def test_components_may_be_any_finite_number() -> None:
    score = Score(0.5, rewards={"f1": 0.5, "field.name-2": -3}, metrics={"length": 10**12})
    assert score.rewards == {"f1": 0.5, "field.name-2": -3}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1", None])
@pytest.mark.parametrize("kind", ["rewards", "metrics"])
def test_a_component_that_is_no_finite_number_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ScoreInvalid, match="finite"):
        Score(0.5, **{kind: {"f1": value}})


@pytest.mark.parametrize("name", ["", " ", "a b", ".a", "é", "a\n", "a" * (MAX_COMPONENT_NAME + 1), 5, "a/b"])
def test_a_name_that_is_no_metric_name_is_refused(name: Any) -> None:
    with pytest.raises(ScoreInvalid, match="name of a component"):
        Score(0.5, metrics={name: 1})


@pytest.mark.parametrize("name", ["Reward", "Errors", "Duration", "error"])
def test_the_librarys_own_names_are_refused(name: str) -> None:
    with pytest.raises(ScoreInvalid, match="own metrics"):
        Score(0.5, rewards={name: 1})


def test_a_name_is_a_reward_or_a_metric() -> None:
    with pytest.raises(ScoreInvalid, match="at once"):
        Score(0.5, rewards={"f1": 1}, metrics={"f1": 1})


def test_the_number_of_components_is_bounded() -> None:
    names = [f"n{i}" for i in range(MAX_COMPONENTS + 1)]
    assert Score(1, metrics=dict.fromkeys(names[1:], 1.0))
    with pytest.raises(ScoreInvalid, match="64 components"):
        Score(1, rewards=dict.fromkeys(names[:1], 1.0), metrics=dict.fromkeys(names[1:], 1.0))


@given(st.text())
@example("Reward")
@example("error")
def test_any_text_can_be_made_a_name(text: str) -> None:
    assert Score(1, metrics={component_name(text): 1.0})
