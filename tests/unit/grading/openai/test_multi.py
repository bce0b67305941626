"""multi: several graders, and a formula over what they give."""

from __future__ import annotations

from typing import Any

import pytest

from rft.grading.batch import grade_batch
from rft.grading.errors import BadSample, VerdictUnreadable
from rft.grading.time_limit import TimeLimit
from tests.unit.grading.openai.parts import (
    Scripted,
    label_model,
    multi,
    parse,
    result,
    sample,
    score_model,
    string_check,
    text_similarity,
)

ANY = {"a": string_check("eq", reference="yes"), "b": string_check("like", reference="y")}
"""Graders for formulas: an answer "yes" gives 1 and 1, "y" 0 and 1, "no" 0 and 0."""


@pytest.mark.parametrize(
    ("formula", "answer", "value"),
    [
        ("a", "yes", 1),
        ("b", "y", 1),
        ("0.5 * a + 0.5 * b", "y", 0.5),
        ("(a + b) / 2", "yes", 1),
        ("(a + b) / 2", "no", 0),
        ("0.25*a+0.75*b", "y", 0.75),
        ("min(a, b)", "y", 0),
        ("max(a, b)", "y", 1),
        ("a * b", "yes", 1),
        ("1 - a", "no", 1),
        ("1 - a", "yes", 0),
        ("max(0, a - b)", "y", 0),
        ("min(1, a + b)", "yes", 1),
        ("abs(a - b)", "y", 1),
        ("sqrt((a + b) / 2)", "y", 0.7071067811865476),
        ("((a + b) / 2) ^ 2", "y", 0.25),
        ("((a + b) / 2) ** 2", "y", 0.25),
        ("exp(a + b - 2)", "yes", 1),
        ("floor((a + b) / 2)", "y", 0),
        ("ceil((a + b) / 2)", "y", 1),
        ("log(1 + (a + b) / 2) / log(2)", "yes", 1),
        ("0.1 * a + 0.2 * a + 0.7 * b", "yes", 1),
        ("0.6 * a + 0.3 * b + 0.1 * a", "yes", 1),
        ("(3 * 0.4 - 0.2) * a", "yes", 1),  # 1.0000000000000002 in floats
        ("1 - (3 * 0.4 - 0.2) * a", "yes", 0),
    ],
)
def test_formulas(formula: str, answer: str, value: float) -> None:
    score = parse(multi(formula, **ANY)).score(sample(answer), None)
    assert score.value == pytest.approx(value)
    assert 0 <= score.value <= 1
    assert dict(score.rewards) == {"a": float(answer == "yes"), "b": float("y" in answer)}


def test_each_grader_is_a_reward_and_its_metrics_have_its_name() -> None:
    document = multi(
        "0.5 * quality + 0.3 * label + 0.2 * near",
        quality=score_model(range=[1, 5], pass_threshold=3),
        label=label_model(),
        near=text_similarity(pass_threshold=0.9),
    )
    judge = Scripted(result(3), result("good"))
    score = parse(document).score(sample("abcd", "abce"), judge)
    assert score.value == pytest.approx(0.25 + 0.3 + 0.15)
    assert dict(score.rewards) == {"quality": 0.5, "label": 1, "near": 0.75}
    assert dict(score.metrics) == {"quality.raw": 3, "quality.passed": 1, "near.passed": 0}
    assert len(judge.questions) == 2


def test_openais_own_example() -> None:
    document = {
        "type": "multi",
        "graders": {
            "name": {
                "name": "name_grader",
                "type": "text_similarity",
                "input": "{{sample.output_json.name}}",
                "reference": "{{item.name}}",
                "evaluation_metric": "fuzzy_match",
                "pass_threshold": 0.9,
            },
            "email": {
                "name": "email_grader",
                "type": "string_check",
                "input": "{{sample.output_json.email}}",
                "reference": "{{item.email}}",
                "operation": "eq",
            },
        },
        "calculate_output": "(name + email) / 2",
    }
    grader = parse(document)
    record = {"name": "John Doe", "email": "john.doe@gmail.com"}
    assert grader.score(sample('{"name": "John Doe", "email": "john.doe@gmail.com"}', **record), None).value == 1
    assert grader.score(sample('{"name": "Jon Doe", "email": "john.doe@gmail.com"}', **record), None).value > 0.9
    assert grader.score(sample('{"name": "John Doe", "email": "x"}', **record), None).value == 0.5
    assert not grader.needs_reference


@pytest.mark.parametrize(
    ("formula", "flag"),
    [
        ("near / (4 * near - 3) ", "formula_parse_error"),  # near is 0.75
        ("log(near - 0.75) * 0 + near", "formula_parse_error"),
        ("sqrt(near - 0.8) * 0 + near", "formula_parse_error"),
        ("near + 2 * near * (1 - near)", "other_error"),  # 0 and 1 at its ends, and above 1 between them
        ("near - 6 * near * (1 - near)", "other_error"),
    ],
)
def test_a_formula_without_a_value_or_out_of_range_is_an_error_of_the_sample(formula: str, flag: str) -> None:
    with pytest.raises(BadSample) as bad:
        parse(multi(formula, near=text_similarity())).score(sample("abcd", "abce"), None)
    assert bad.value.flags == (flag,)


def test_a_grader_with_an_error_makes_the_whole_an_error() -> None:
    document = multi("0.5 * a + 0.5 * b", a=string_check(), b=score_model())
    with pytest.raises(BadSample):
        parse(document).score(sample("x"), Scripted(result(1)))
    with pytest.raises(VerdictUnreadable):
        parse(document).score(sample("x", "x"), Scripted("?", "?"))


def test_the_flags_come_back_as_metrics_beside_the_error() -> None:
    document = multi("json", json=string_check(input="{{ sample.output_json.a }}"))
    item = {
        "id": "1",
        "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "no JSON"}],
        "metadata": {"reference_answer": "A"},
    }
    grader = parse(document)
    (graded,) = grade_batch(lambda given: grader.score(given, None), [item], TimeLimit(1))
    assert graded.to_json() == {
        "id": "1",
        "aggregate_reward_score": 0,
        "metrics_list": [
            {"name": "error", "value": 1, "type": "Metric"},
            {"name": "sample_parse_error", "value": 1, "type": "Metric"},
        ],
    }


def test_many_graders() -> None:
    names = [f"g{number}" for number in range(16)]
    graders: dict[str, Any] = {name: text_similarity(pass_threshold=0.5) for name in names}
    score = parse(multi(f"({' + '.join(names)}) / 16", **graders)).score(sample("abcd", "abce"), None)
    assert score.value == pytest.approx(0.75)
    assert len(score.rewards) == len(score.metrics) == 16


def test_a_grader_may_read_the_record_alone_if_another_reads_the_answer() -> None:
    document = multi("a * hard", a=string_check(), hard=string_check(input="{{ item.level }}", reference="hard"))
    assert parse(document).score(sample("x", "x", level="hard"), None).value == 1
    assert parse(document).score(sample("x", "x", level="easy"), None).value == 0
