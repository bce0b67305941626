"""What the commands read of a comparison.json that the pipeline wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.compared import Comparison, gain_words
from tests.unit.comparison.making import answer, document, missing, rewards, rows_of


def read(**made: Any) -> Comparison | None:
    return Comparison.from_document(json.loads(json.dumps(document(**made))))


def test_a_better_model_in_numbers_and_words() -> None:
    found = read(rows=rewards([0.2] * 10 + [0.4] * 10, [0.9] * 20))
    assert found is not None
    assert (found.against, found.records, found.is_better) == ("base", 20, True)
    assert (found.reward.before, found.reward.after) == (pytest.approx(0.3), pytest.approx(0.9))
    assert found.reward.gain.mean == pytest.approx(0.6)
    assert found.reward.gain.low < 0.6 < found.reward.gain.high
    assert found.verdict.startswith("Better than the base model")
    assert found.grader_arn.endswith(":grader:3")


def test_components_and_a_held_out_grader() -> None:
    sides = {
        role: [answer(reward, components={"form": reward}, held_out_reward=reward / 2)] * 12
        for role, reward in (("base", 0.2), ("live", 0.5), ("candidate", 0.4))
    }
    found = read(rows=rows_of(**sides), against="live", held_out="arn:aws:lambda:us-east-1:1:function:other:1")
    assert found is not None
    assert (found.against, found.is_better) == ("live", False)
    assert found.components["form"].gain.mean == pytest.approx(-0.1)
    assert found.held_out is not None
    assert found.held_out.gain.mean == pytest.approx(-0.05)


def test_where_nothing_was_measured_there_is_nothing_to_show() -> None:
    assert read(rows=rows_of(base=[missing()] * 10, candidate=[answer(1.0)] * 10)) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": None, "max_tokens": 64, "reasoning_effort": None}, "their own temperature, at most 64 tokens"),
        ({"temperature": 0.0, "max_tokens": None, "reasoning_effort": "low"}, "temperature 0, reasoning effort low"),
    ],
)
def test_how_the_models_were_asked(settings: dict[str, Any], words: str) -> None:
    made = document(rewards([0.1] * 10, [0.2] * 10))
    found = Comparison.from_document(made | {"settings": settings})
    assert found is not None
    assert found.asked_at == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.641, 0.57, 0.71, 0.95), "+0.64 (+0.57 to +0.71 at 95 %)"),
        ((0.641, -0.004, 0.71, 0.975), "+0.641 (-0.004 to +0.710 at 97.5 %)"),
        ((0.0, 0.0, 0.0, 0.95), "0.00 (0.00 to 0.00 at 95 %)"),
    ],
)
def test_a_gain_in_words(numbers: tuple[float, ...], words: str) -> None:
    mean, low, high, confidence = numbers
    assert gain_words({"mean": mean, "low": low, "high": high, "confidence": confidence}) == words
