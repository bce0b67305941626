"""A solution commits to one number, and a reference is never guessed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.final_answer import MAX_SEARCHED, final_answer, reference_quantity
from rft.grading.math_reasoning import score_final_number
from rft.grading.numbers import Quantity


def as_fraction(quantity: Quantity) -> Fraction:
    return Fraction(quantity.numerator, quantity.denominator)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6 * 7 = 42\n#### 42", 42),
        ("#### 1,000.", 1000),
        ("####42", 42),
        ("#### $42", 42),
        ("#### **42**", 42),
        ("#### 42 ####", 42),
        ("#### 42\r\n", 42),
        ("#### 42 apples (in all)", 42),
        ("#### 41\nNo, wait.\n#### 42", 42),
        (r"so \boxed{42}.", 42),
        (r"\boxed{\frac{1}{2}}", Fraction(1, 2)),
        (r"\boxed{\text{42}}", 42),
        (r"\boxed{41} or rather \boxed{42}", 42),
        (r"\boxed{\boxed{42}}", 42),
        (r"#### \boxed{42}", 42),
        ("\\boxed{41}\n#### 42", 42),
        ("#### 41\n\\boxed{42}", 42),
        ("\\boxed{42}, and the answer is 41", 42),
        ("The answer is 42.", 42),
        ("the final answer is: 42, because 6 * 7 = 42 and 3 is odd", 42),
        ("**Answer:** 42", 42),
        ("Answer = 42", 42),
        ("The answer is *42*.", 42),
        ("THE ANSWER IS -42", -42),
        ("The answer is $42$, as 3 shows", 42),
        ("The answer is 41. No: the answer is 42.", 42),
        ("#### Step 3: adding up 5 and 6\nThe answer is 42", 42),
        ("#### 3. Conclusion\nThe answer is 42", 42),
    ],
)
def test_marked_answers(text: str, value: Fraction | int) -> None:
    found = final_answer(text)
    assert found.quantity is not None
    assert as_fraction(found.quantity) == value
    assert found.marked


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("He has 6 bags of 7, so 42 apples.", 42),
        ("6*7 = 42", 42),
        ("x=42", 42),
        ("(42)", 42),
        ("It is 1 1/2", Fraction(3, 2)),
        ("It costs $1,000.", 1000),
        ("that is 50 percent.", Fraction(1, 2)),
        ("that is 50 per cent", Fraction(1, 2)),
        ("about 5 million, then", 5_000_000),
        ("of these 42, million by million", 42),
        ("it is *42*.", 42),
        ("The result is -42", -42),
        (r"It is \(42\).", 42),
        (r"It is $3\times10^{2}$", 300),
        (r"It is \frac{1}{2}.", Fraction(1, 2)),
        ("<think>6 * 7 = 42</think><answer>42</answer>", 42),
        ("The answer is <b>42</b>.", 42),
        ("5 apples or pears make 42", 42),
    ],
)
def test_the_last_number_where_nothing_is_marked(text: str, value: Fraction | int) -> None:
    found = final_answer(text)
    assert found.quantity is not None
    assert as_fraction(found.quantity) == value
    assert not found.marked


@pytest.mark.parametrize(
    "text",
    [
        r"It is 42, so \boxed{x+1}",
        r"It is 42, so \boxed{42",
        r"\boxed{5 or 42}",
        "#### 5 or 42",
        "42\n#### 5 + 37 apples",
        "The answer is not 42",
        "The answer isn't 42",
        "The answer is 5 or 42",
        "The answer is 2x + 42",
    ],
)
def test_a_marker_that_cannot_be_read_is_wrong_whatever_else_is_there(text: str) -> None:
    found = final_answer(text)
    assert found.quantity is None
    assert found.marked


@pytest.mark.parametrize(
    "text",
    [
        *("", "no number", "####", "\\boxed", "it is 1 000", "it is 20,000,00", "x = - 5", "see Q42x", "at 3:42"),
        *("5 or 42", "it is 5, or maybe 42.", "either 5 or 42", "5 OR $42$"),
    ],
)
def test_no_number(text: str) -> None:
    found = final_answer(text)
    assert found.quantity is None
    assert not found.marked


def test_only_the_end_of_an_endless_answer_is_searched() -> None:
    assert final_answer("#### 42" + " word" * (MAX_SEARCHED // 5)).quantity is None
    assert final_answer("word " * MAX_SEARCHED + "#### 42").quantity == reference_quantity(42)


@pytest.mark.parametrize("digits", [301, 1000, 1_000_000])
def test_no_part_of_a_number_that_is_too_long_is_the_number(digits: int) -> None:
    for before in ("", "it is ", "#### ", "####", "The answer is ", "\\boxed{", "The answer is   $"):
        assert final_answer(before + "9" * digits + "} and so on").quantity is None


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "#### 9**9**9",
        "#### 1e999999999",
        "(" * 300 + "1" + ")" * 300,
        "\\boxed{" * 50_000,
        "\\boxed{" + "{" * 1_000_000,
        "####" * 250_000,
        "answer is " * 100_000,
        "answer" + " " * 1_000_000,
        "1," * 500_000,
        "1/" * 500_000,
        "$" * 1_000_000,
        "\\" * 1_000_000,
        "\\boxed{" + "\\frac" * 50 + "}",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_answers_score_nothing(text: str) -> None:
    assert score_final_number(text, "42").value == 0


@pytest.mark.parametrize(
    "reference",
    [
        "42",
        " 42 ",
        "42.0",
        "#### 42",
        42,
        42.0,
        {"answer": 42},
        {"answer": "42"},
        {"final_answer": "42"},
        {"final_answer": "#### 42", "explanation": "of no interest"},
        {"final_answer": 42, "answer": "a long story"},
        "Ann sold 48 / 2 = <<48/2=24>>24 clips in May.\nWith 18 more it is 24 + 18 = <<24+18=42>>42.\n#### 42",
        r"Therefore the value is $\boxed{42}$, as 3 of them are odd.",
        "The answer is 42.",
    ],
)
def test_reads_the_number_of_a_reference(reference: Any) -> None:
    assert as_fraction(reference_quantity(reference)) == 42


@pytest.mark.parametrize(
    "reference",
    [
        None,
        "",
        "forty-two",
        "a story of 42 apples",
        "1,5",
        "#### none",
        True,
        float("nan"),
        float("inf"),
        10**4000,
        [42],
        {},
        {"result": 42},
        {"answer": None},
        {"answer": {"value": 42}},
        {"answer": True},
        "9" * 400,
    ],
    ids=lambda reference: repr(reference)[:20],
)
def test_a_reference_without_a_number_is_bad_data(reference: Any) -> None:
    with pytest.raises(BadSample, match="reference_answer must be a number"):
        score_final_number("#### 42", reference)


@pytest.mark.parametrize(
    ("answer", "reference", "correct", "marked"),
    [
        ("#### 42", "42", 1, 1),
        ("It is 42", "42", 1, 0),
        ("#### 41", "42", 0, 1),
        ("", "42", 0, 0),
        # Rows of published graders that went wrong: a trailing dot, a percentage that was guessed, a near miss.
        ("#### 1,000.", "1000", 1, 1),
        ("#### 150", "1.5", 0, 1),
        ("#### 0.95", "2.85", 0, 1),
        ("#### 2.85", "2.0", 0, 1),
        ("#### 1.5%", "1.5", 0, 1),
        ("#### 1.5%", "0.015", 1, 1),
    ],
)
def test_score(answer: str, reference: str, correct: float, marked: float) -> None:
    score = score_final_number(answer, reference)
    assert score.value == correct
    assert score.rewards == {"correct": correct}
    assert score.metrics == {"answer_format": marked}


@given(st.text(), st.integers(-(10**9), 10**9))
def test_whatever_stands_before_the_mark_the_marked_number_counts(story: str, number: int) -> None:
    assert score_final_number(f"{story}\n#### {number}", number).value == 1
    assert score_final_number(f"{story}\n#### {number + 1}", number).value == 0


@given(st.text(alphabet="0123456789.,/%$-+e^ \n\\{}#boxedanswr is:=*()"))
def test_any_text_has_a_score(text: str) -> None:
    assert score_final_number(text, 42).value in (0, 1)
