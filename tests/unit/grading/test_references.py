"""What a dataset is told about its reference answers is what the grader would make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.graders.generic import app as generic
from rft.grading import Sample
from rft.grading.catalog import OPENAI, READY
from rft.grading.errors import BadSample
from rft.grading.format_validation import score_format
from rft.grading.judging.instruction_following import score_instruction_following
from rft.grading.judging.question import Judge
from rft.grading.judging.rag_faithfulness import score_rag_faithfulness
from rft.grading.math_reasoning import score_final_number
from rft.grading.references import (
    REFERENCE_RULES,
    context_of,
    format_reference,
    format_without_reference,
    instructions_of,
    math_reference,
    shown_reference,
    text_reference,
)
from rft.grading.sample import unwrapped
from rft.steps.dataset.dataset_limits import GRADERS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
NUMBERS = st.sampled_from(["84", "#### 84", "1/2", "x = 5", "5 apples", "none", "", "{}", '{"answer": 1}', " "])
PASSAGES = st.sampled_from(
    ["a passage", "", " ", "\u200b", {"text": "a passage"}, {"text": " "}, {"text": None}, {}, 1]
)
FIELDS = JSON | PASSAGES | st.lists(PASSAGES | JSON, max_size=4) | st.integers(0, 120).map(lambda n: ["x"] * n)
KEYS = st.sampled_from(["answer", "final_answer", "text", "other"])
REFERENCES = st.text(max_size=20) | NUMBERS | st.dictionaries(KEYS, NUMBERS | st.integers() | JSON, max_size=2)


def sample(**fields: Any) -> Sample:
    """One with an answer that no judge is asked about."""
    question = {"role": "user", "content": "What?"}
    return Sample("s", 0, "", [question, {"role": "assistant", "content": ""}], **fields)


class Nobody(Judge):
    def ask(self, question: object) -> str:
        raise AssertionError("a blank answer needs no judge")


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
    assert (text_reference(reference) is None) == is_gradable(generic.score, sample(reference=seen))


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


@given(FIELDS)
def test_the_fields_of_judges_are_refused_exactly_where_the_grader_can_not_use_them(field: Any) -> None:
    listed, context = {"instructions": field}, {"context": field}
    assert (instructions_of(listed) is None) == is_gradable(
        score_instruction_following, sample(metadata=listed), Nobody()
    )
    assert (context_of(context) is None) == is_gradable(score_rag_faithfulness, sample(metadata=context), Nobody())


@pytest.mark.parametrize(
    ("reference", "good"),
    [
        ("Paris", True),
        ({"text": "Paris"}, True),
        ({"capital": "Paris"}, True),
        ({"capital": "Paris", "country": "France"}, False),
        ({"capital": 1}, False),
        ({"capital": {"name": "Paris"}}, False),
        ({}, False),
        (" \n", False),
        (".", False),
        ("x" * 40_000, False),
        ("word " * 5_000, False),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_generic_needs_one_text(reference: Any, good: bool) -> None:
    assert (text_reference(reference) is None) == good


def test_generic_tells_a_text_that_is_too_long_from_one_that_is_missing() -> None:
    too_long, missing = text_reference("word " * 5_000), text_reference({})
    assert too_long is not None
    assert missing is not None
    assert "too long" in too_long.found
    assert "too long" not in missing.found


@pytest.mark.parametrize(
    ("reference", "good"),
    [("good", True), ({"a": 1}, True), ({"text": "x"}, True), ({}, False), ({"text": " "}, False)],
)
def test_a_judge_is_shown_a_reference_with_something_in_it(reference: Any, good: bool) -> None:
    assert (shown_reference(reference) is None) == good


@pytest.mark.parametrize(
    ("grader", "record", "path"),
    [
        ("rag-faithfulness", {}, "context"),
        ("rag-faithfulness", {"context": []}, "context"),
        ("rag-faithfulness", {"context": [" "]}, "context"),
        ("rag-faithfulness", {"context": 5}, "context"),
        ("rag-faithfulness", {"context": "A passage."}, None),
        ("rag-faithfulness", {"context": ["One.", {"text": "Two."}]}, None),
        ("instruction-following", {}, None),
        ("instruction-following", {"instructions": None}, None),
        ("instruction-following", {"instructions": []}, "instructions"),
        ("instruction-following", {"instructions": [" "]}, "instructions"),
        ("instruction-following", {"instructions": ["short"] * 21}, "instructions"),
        ("instruction-following", {"instructions": ["short"]}, None),
    ],
)
def test_fields_beside_the_reference(grader: str, record: dict[str, Any], path: str | None) -> None:
    look = REFERENCE_RULES[grader].record
    assert look is not None
    problem = look(record)
    assert (problem and problem.path) == path


def test_each_grader_of_the_stack_has_its_rule(request: pytest.FixtureRequest) -> None:
    assert set(GRADERS) == set(REFERENCE_RULES) == set(READY) - {OPENAI}
    folders = request.config.rootpath / "functions" / "graders"
    assert [name for name, ready in READY.items() if not (folders / ready.folder / "app.py").exists()] == []


def test_a_problem_never_quotes_the_reference() -> None:
    for rule in REFERENCE_RULES.values():
        for reference in ("s3cret words", {"s3cret": "s3cret"}, {}, "s3cret " * 9_000):
            assert "s3cret" not in json.dumps(rule.problem(reference))
        for record in ({"context": ["s3cret", 1]}, {"instructions": ["s3cret", 1]}):
            assert rule.record is None or "s3cret" not in json.dumps(rule.record(record))
