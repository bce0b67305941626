"""The grader to copy: what it gives for the same text, for one that is like it, and for a flood."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.graders.generic.app import score
from rft.grading import BadSample, Sample
from rft.grading.expected_text import expected_text

SENTENCE = "The capital of France is Paris"


def graded(answer: str, reference: Any) -> float:
    return float(score(Sample("s", 0, answer, [], reference)).value)


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        pytest.param("Paris", "Paris", 1, id="the same"),
        pytest.param("paris", "Paris", 1, id="case"),
        pytest.param(" Paris.\n", "Paris", 1, id="white space and a full stop"),
        pytest.param("Paris", "Paris.", 1, id="a full stop in the reference"),
        pytest.param("PARIS\u200b", "Paris", 1, id="what shows nothing"),
        pytest.param("the  capital\n of France is Paris", SENTENCE, 1, id="other white space"),
        pytest.param("“Paris”", '"Paris"', 1, id="kinds of quotes"),
        pytest.param("1000", "1000", 1, id="a number"),
        pytest.param("Paris", {"answer": "Paris"}, 1, id="an object with one field"),
        pytest.param("東京", "東京", 1, id="another script"),
        pytest.param("It is Paris", "Paris", 0.25, id="among other words"),
        pytest.param("Paris!", "Paris", 0.5, id="another sign"),
        pytest.param("France Paris", "Paris France", 0.5, id="another order"),
        pytest.param("The capital is Paris", SENTENCE, 0.375, id="some of the words"),
        pytest.param("Lyon", "Paris", 0, id="wrong"),
        pytest.param("5", ".5", 0, id="the point of a decimal"),
        pytest.param(" .5.", ".5", 1, id="a decimal and a full stop"),
        pytest.param("a", "A", 1, id="an article alone"),
        pytest.param("", "A", 0, id="empty, for an article alone"),
        pytest.param("the", "A", 0, id="another article"),
        pytest.param("???", "A", 0, id="signs, for an article alone"),
        pytest.param("", "🎉", 0, id="empty, for a sign alone"),
        pytest.param("", "Paris", 0, id="empty"),
        pytest.param(".", "Paris", 0, id="a point"),
        pytest.param("I can't help with that.", "Paris", 0, id="a refusal"),
        pytest.param("Paris " * 1000, "Paris", 0, id="a flood of the right word"),
        pytest.param(f"{SENTENCE} {'and so on ' * 50}", "Paris", 0, id="far too long"),
        pytest.param("x" * 100_000, "Paris", 0, id="too long to be read"),
        pytest.param("0.95", "2.85", 0, id="finqa: 0.95 for 2.85"),
        pytest.param("2.85", "2.0", 0, id="finqa: 2.85 for 2.0"),
        pytest.param("150", "1.5", 0, id="finqa: 150 guessed for 1.5"),
        pytest.param("1.5%", "1.5", 0, id="a percentage guessed"),
        pytest.param("-5", "5", 0, id="another sign of the number"),
        pytest.param("1,000.", "1000", 0.5, id="gsm8k: thousands and a full stop are the same word"),
    ],
)
def test_value(answer: str, reference: Any, value: float) -> None:
    assert graded(answer, reference) == pytest.approx(value)


@pytest.mark.parametrize(
    "reference", [None, "", " ", ".", 5, True, ["Paris"], {}, {"a": "x", "b": "y"}, {"a": 1}, "x " * 5000], ids=repr
)
def test_a_reference_without_a_text_is_bad_data(reference: Any) -> None:
    with pytest.raises(BadSample):
        graded("Paris", reference)


def test_components() -> None:
    result = score(Sample("s", 0, "It is Paris", [], "Paris"))
    assert result.rewards == {"same": 0, "like": 0.5}


@given(st.text(max_size=40), st.text(max_size=20))
def test_only_the_same_text_earns_more_than_half(answer: str, reference: str) -> None:
    try:
        expected_text(reference)
    except BadSample:
        return
    result = score(Sample("s", 0, answer, [], reference))
    assert (result.value > 0.5) == (result.rewards["same"] == 1)
    assert graded(reference, reference) == 1
