from __future__ import annotations

import pytest

from rft.gate.ladder import Rung, constant_of, ladder_findings, ladder_of
from rft.gate.probes import KINDS, Kind, Probe
from rft.gate.reading import Grade


def ladder(**rewards: list[float | None]) -> dict[Kind, Rung]:
    """Rewards by kind of answer; None is an error."""
    return ladder_of(
        (Probe(kind, place, {"id": "x"}), Grade(0.0, error=True) if reward is None else Grade(reward))
        for kind in KINDS
        for place, reward in enumerate(rewards.get(kind, []))
    )


def test_errors_are_no_rewards() -> None:
    rungs = ladder(gold=[1.0, 0.5, None], empty=[None])
    assert rungs["gold"].to_json() == {"n": 2, "mean": 0.75, "min": 0.5, "max": 1.0, "errors": 1}
    assert rungs["empty"].to_json() == {"n": 0, "mean": None, "min": None, "max": None, "errors": 1}
    assert rungs["base"].to_json() == {"n": 0, "mean": None, "min": None, "max": None, "errors": 0}


def test_what_has_no_grade_does_not_count() -> None:
    assert ladder_of([(Probe("gold", 0, {"id": "x"}), None)])["gold"].n == 0


@pytest.mark.parametrize(
    ("rewards", "constant"),
    [
        ({"gold": [0.5, 0.5], "empty": [0.5]}, 0.5),
        ({"gold": [0.5, 0.5], "empty": [0.5], "base": [0.6]}, None),
        ({"gold": [0.5, 0.5]}, None),  # nothing bad was graded
        ({"empty": [0.0], "echo": [0.0]}, None),  # nothing good was
        ({"empty": [0.0], "base": [0.0]}, 0.0),
        ({"gold": [None], "empty": [0.0], "base": [0.0]}, None),  # the right answers are errors: that's the news
        ({}, None),
    ],
)
def test_constant(rewards: dict[str, list[float | None]], constant: float | None) -> None:
    assert constant_of(ladder(**rewards)) == constant


@pytest.mark.parametrize(
    ("rewards", "codes"),
    [
        ({}, []),
        ({"gold": [1.0], "empty": [0.0], "other": [0.5], "echo": [0.5], "flood": [0.9], "truncated": [1.0]}, []),
        ({"gold": [0.69], "empty": [0.0]}, ["gold-low"]),
        ({"gold": [0.7], "empty": [0.0]}, []),
        ({"gold": [0.8], "empty": [0.79]}, ["gold-not-above"]),
        ({"gold": [0.8], "empty": [0.0], "other": [0.9]}, ["gold-not-above"]),
        ({"gold": [0.8], "empty": [0.0], "truncated": [0.9]}, ["truncated-above-gold"]),
        ({"gold": [0.8], "empty": [0.0], "echo": [0.9]}, ["echo-above-gold"]),
        ({"gold": [0.8], "empty": [0.0], "flood": [0.9]}, ["flood-above-gold"]),
        ({"gold": [0.8], "empty": [0.0], "flood": [0.79]}, ["flood-as-good"]),
        ({"gold": [0.8], "empty": [0.21]}, ["empty-rewarded"]),
        ({"gold": [0.8], "empty": [0.2], "echo": [0.51]}, ["echo-rewarded"]),
        ({"empty": [0.3], "echo": [0.6], "flood": [1.0]}, ["empty-rewarded", "echo-rewarded"]),
        ({"gold": [None, 1.0, 1.0, 1.0], "empty": [0.0]}, ["some-errors"]),
        ({"gold": [None, 1.0, 1.0], "empty": [0.0]}, ["gold-errors"]),
        ({"gold": [None], "empty": [None]}, ["no-scores"]),
        ({"gold": [1.0], "empty": [0.0], "base": [None]}, ["some-errors"]),
    ],
)
def test_findings(rewards: dict[str, list[float | None]], codes: list[str]) -> None:
    assert [finding.code for finding in ladder_findings(ladder(**rewards))] == codes


def test_words() -> None:
    rungs = ladder(gold=[0.8, 0.6], empty=[1.0], other=[0.9, None])
    assert [finding.message for finding in ladder_findings(rungs)] == [
        "1 answer marked as errors: other 1.",
        "The right answer earns 0.70 on average, an empty one 1.00 and another record's 0.90.",
    ]
