"""What a dataset is told about its reference answers is what the grader would make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.format_validation import score_format
from rft.grading.math_reasoning import score_final_number
from rft.grading.references import REFERENCE_RULES, format_reference, format_without_reference, math_reference
from rft.grading.sample import unwrapped
from rft.steps.dataset_limits import GRADERS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
NUMBERS = st.sampled_from(["84", "#### 84", "1/2", "x = 5", "5 apples", "none", "", "{}", '{"answer": 1}', " "])
KEYS = st.sampled_from(["answer", "final_answer", "text", "other"])
REFERENCES = st.text(max_size=20) | NUMBERS | st.dictionaries(KEYS, NUMBERS | st.integers() | JSON, max_size=2)


def is_gradable(score: Any, *arguments: Any) -> bool:
    try:
        score(*arguments)
    except BadSample:
        return False
    return True


@given(REFERENCES)
def test_a_reference_is_refused_exactly_where_the_grader_can_not_use_it(reference: str | dict[str, Any]) -> None:
    seen = unwrapped(reference)
    assert (math_reference(reference) is None) == is_gradable(score_final_number, "7", seen)
    assert (format_reference(reference) is None) == is_gradable(score_format, "7", seen, {})


@given(JSON | st.fixed_dictionaries({}, optional={"keys": JSON, "max_words": JSON}), st.sampled_from([None, "", " "]))
def test_constraints_do_instead_of_a_reference_exactly_where_the_grader_can_use_them(
    constraints: Any, reference: str | None
) -> None:
    record = {"format": constraints, "reference_answer": reference}
    gradable = is_gradable(score_format, "7", reference, record)
    assert (format_without_reference(record) is None) == gradable


@pytest.mark.parametrize(
    ("reference", "good"),
    [
        ("84", True),
        ({"answer": 84}, True),
        ({"text": "84"}, True),
        ({"final_answer": "#### 1/2"}, True),
        ("eighty-four", False),
        ({"label": "84"}, False),
        ("5 or 6", False),
    ],
)
def test_math_reasoning_needs_a_number(reference: Any, good: bool) -> None:
    assert (math_reference(reference) is None) == good


@pytest.mark.parametrize(
    ("reference", "good"),
    [
        ({"a": 1}, True),
        ('{"a": 1}', True),
        ("text", True),
        ("{}", False),
        ({"text": " "}, False),
        ({"text": "x"}, True),
    ],
)
def test_format_validation_needs_fields_or_a_text(reference: Any, good: bool) -> None:
    assert (format_reference(reference) is None) == good


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({}, "reference_answer"),
        ({"format": None}, "reference_answer"),
        ({"format": {"max_words": 3}, "reference_answer": {}}, "reference_answer"),
        ({"format": {"max_words": 0}}, "format"),
        ({"format": {"keys": "name"}}, "format"),
        ({"format": "json"}, "format"),
    ],
)
def test_without_a_reference_format_validation_needs_constraints(record: dict[str, Any], path: str) -> None:
    problem = format_without_reference(record)
    assert problem is not None
    assert problem.path == path


def test_each_grader_of_the_stack_has_its_rule(request: pytest.FixtureRequest) -> None:
    folders = (request.config.rootpath / "functions" / "graders").glob("*/app.py")
    assert set(GRADERS) == set(REFERENCE_RULES) == {app.parent.name.replace("_", "-") for app in folders}


def test_a_problem_never_quotes_the_reference() -> None:
    for rule in REFERENCE_RULES.values():
        for reference in ("s3cret words", {"s3cret": "s3cret"}, {}):
            assert "s3cret" not in json.dumps(rule.problem(reference))
