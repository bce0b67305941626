"""An answer settles on one option by what it states last, or on none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.rules.choice import MAX_SEARCHED, multiple_choice, settled_choice
from rft.grading.rules.limits import RuleInvalid

CITIES = ["Paris", "Rome", "Berlin", "Paris, Texas"]


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        " (B)\n",
        "B.",
        "**B**",
        "[[B]]",
        "$\\boxed{B}$",
        "Ｂ",
        "B) Rome",
        "B. Rome",
        "B: Rome",
        "B - Rome",
        "Rome",
        "*rome*.",
        "The answer is B",
        "The answer is (B).",
        "the answer is b",
        "The answer is Rome",
        "The answer is Rome, as C is in Germany",
        "Answer: B",
        "**Answer:** B",
        "**Final Answer**\n\n(B)",
        "The answer is\n(B) Rome",
        "The correct option is B",
        "The correct answer is: **B) Rome**",
        "The answer is option B because A and C are wrong",
        "The answer is B, not A",
        "I choose B",
        "I would pick B",
        "B is correct.",
        "I think (B) is the right one, A is wrong",
        "\\boxed{\\text{B}}",
        "the answer is \\boxed{B}.",
        "#### B",
        "<answer>B</answer>",
        "<answer>\n(b) Rome\n</answer> Thank you",
        "The answer is A. Wait, that is wrong. The answer is B.",
        "The answer is A.\n\nB",
        "A) Paris is in France.\nC) Berlin is in Germany.\nThe answer is B",
        "The answer is not A. The answer is B",
        "İstanbul is none of these. The answer is B",
        "The answer is B\n\nI hope this helps!",
    ],
)
def test_settles_on_b(answer: str) -> None:
    assert settled_choice(answer, CITIES) == "B"
    assert multiple_choice(answer, "B", CITIES) == multiple_choice(answer, "Rome.", CITIES) == 1
    assert multiple_choice(answer, "C", CITIES) == 0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "A or B",
        "A, B",
        "A/B",
        "A and B",
        "Either A or B",
        "A B",
        "AB",
        "The answer is A or B",
        "The answer is both A and B",
        "The answer is (A), (B)",
        "The answer is B or maybe C",
        "The answer is B (or C)",
        "The answer is B; C is also correct",
        "The answer is Rome or Berlin",
        "The answer is A&B",
        "\\boxed{A,B}",
        "\\boxed{AB}",
        "The answer is B) Paris",
        "B) Paris",
        "A) Paris\nB) Rome\nC) Berlin",
        "The answer is not B",
        "The answer is B. No, the answer is not B.",
        "The answer is none of these",
        "The answer is B. In fact the answer is neither",
        "The answer is a city in France",
        "The answer is unclear",
        "A city in France",
        "I considered A and then B",
        "It could be B",
        "If B is correct, then so is A",
        "Is B correct?",
        "A is correct or B is correct",
        "В",  # a Cyrillic letter
        "The answer is E",
        "E",
        "I",
        "42",
    ],
)
def test_settles_on_nothing(answer: str) -> None:
    assert settled_choice(answer, CITIES) is None
    assert multiple_choice(answer, "B", CITIES) == 0


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("The answer is Paris", "A"),
        ("The answer is Paris, Texas", "D"),
        ("Paris, Texas", "D"),
        ("D) Paris, Texas", "D"),
        ("A", "A"),
        ("The answer is A", "A"),
    ],
)
def test_the_longest_option_counts(answer: str, letter: str) -> None:
    assert settled_choice(answer, CITIES) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B) foo", "B"),
        ("(C): foo", "C"),
        ("The answer is D", "D"),
        ("The answer is foo", None),
        ("foo", None),
        ("F", None),
    ],
)
def test_where_only_letters_are_known(answer: str, letter: str | None) -> None:
    assert settled_choice(answer, 4) == letter


def test_options_with_letters_of_their_own() -> None:
    options = {"W": "yes", "x": "no", "Y": "a dog"}
    assert settled_choice("The answer is x", options) == "X"
    assert settled_choice("The answer is a dog", options) == "Y"
    assert settled_choice("The answer is A", options) is None
    assert multiple_choice("Y", "A  DOG", options) == 1


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["one"],
        ["same", "Same "],
        ["", "b"],
        ["x"] * 27,
        {"AB": "x", "C": "y"},
        [["x"], "y"],
        [1, 2],
        {1: "x", 2: "y"},
        None,
        {"a": "x", "A": "y"},
        1,
        27,
        True,
        "AB",
        ["x" * 501, "y"],
    ],
    ids=repr,
)
def test_options_that_make_no_sense(options: object) -> None:
    with pytest.raises(RuleInvalid):
        settled_choice("A", options)  # type: ignore[arg-type]


@pytest.mark.parametrize("correct", ["E", "London", "", "AB"])
def test_a_correct_option_that_is_none(correct: str) -> None:
    with pytest.raises(BadSample, match="correct option"):
        multiple_choice("A", correct, CITIES)


def test_only_the_end_of_an_endless_answer_is_searched() -> None:
    assert settled_choice("The answer is B. " + "So it is. " * MAX_SEARCHED, CITIES) is None
    assert settled_choice("So it is. " * MAX_SEARCHED + "The answer is B.", CITIES) == "B"


PIECES = st.lists(
    st.sampled_from(
        [
            "A",
            "B",
            "(C)",
            "D)",
            " ",
            "\n",
            "answer",
            "is",
            ":",
            "The answer is ",
            "\\boxed{",
            "}",
            "####",
            "or",
            "not",
            "Rome",
            "Paris",
            ", ",
            ".",
            "**",
            "<answer>",
            "</answer>",
            "correct",
            " is correct",
            "İ",
            "é",
            "I choose ",
        ]
    )
).map("".join)


@given(PIECES | st.text())
def test_any_answer_settles_on_one_option_or_none(answer: str) -> None:
    letters = [letter for letter in "ABCD" if multiple_choice(answer, letter, CITIES) == 1]
    assert len(letters) <= 1
    assert settled_choice(answer, CITIES) == (letters[0] if letters else None)


@given(PIECES, st.sampled_from("ABCD"))
def test_what_is_stated_last_counts(before: str, letter: str) -> None:
    assert settled_choice(f"{before}\n\nThe answer is ({letter}).", CITIES) == letter
