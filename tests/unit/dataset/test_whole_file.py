"""A whole file's check, two files held against each other, and the limits that a grader sets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from rft.dataset.limits import Limits
from rft.dataset.whole_file import check_file, report_on, with_overlap
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.dataset.dataset_limits import limits_for, limits_of_run

FEW = Limits(min_records=1)


def lines(numbers: Iterable[int], **fields: Any) -> bytes:
    records = ({"messages": [{"role": "user", "content": f"Question {n}"}], **fields} for n in numbers)
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.mark.parametrize("head", [b"[", b"PAR1", b"\x1f\x8b", b"<html>"])
@pytest.mark.parametrize("size", [5_000, 3_000_000])
@pytest.mark.parametrize("end", [b"", b"\n" + lines([1])])
def test_another_kind_of_file_is_named_though_its_first_line_is_too_long(head: bytes, size: int, end: bytes) -> None:
    data = head + b"\xffx" * (size // 2) + end
    chunks = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    for report in (check_file(chunks, FEW).report, report_on(chunks, FEW)):
        assert [(p.line, p.rule) for p in report.errors] == [(None, report.errors[0].rule)]
        assert report.errors[0].rule in {"json-array", "columnar-file", "compressed-file", "markup"}


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n"])
@pytest.mark.parametrize("count", [2, 20_000])
def test_lines_that_end_with_cr_are_told_however_long_the_first_line_is(count: int, end: bytes) -> None:
    data = lines(range(count)).rstrip().replace(b"\n", b"\r") + end
    report = report_on([data[:100], data[100:]], FEW)
    assert [(p.line, p.rule) for p in report.errors] == [(None, "cr-only")]
    assert (report.records, report.error_counts) == (0, {"cr-only": 1})


def test_a_first_record_that_is_too_long_is_that_and_nothing_else() -> None:
    report = report_on([b'{"a": [' + b"1," * 600_000 + b"1]}\n", lines(range(3))], FEW)
    assert [(p.line, p.rule) for p in report.errors] == [(1, "line-too-long")]
    assert report.records == 4


def test_the_two_ways_to_check_say_the_same() -> None:
    data = lines(range(150)) + b"{\n\n" + lines(range(2))
    for cut in (1, 7, 1000, len(data)):
        chunks = [data[start : start + cut] for start in range(0, len(data), cut)]
        assert check_file(chunks, FEW).report == report_on([data], FEW)


def test_the_hashes_are_those_of_good_records_and_bounded() -> None:
    found = check_file([lines(range(5)) + b"{\n" + lines(range(5, 20))], Limits(min_records=1, max_records=10))
    assert list(found.good_lines) == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    assert len(set(found.split_hashes)) == 10


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (range(3, 4), "1 prompt also stands in the training file (line 6 of the validation file)"),
        (range(3), "3 prompts also stand in the training file (lines 6, 7, 8 of the validation file)"),
        (range(90), "90 prompts also stand in the training file (lines 6, 7, 8, 9, 10, ... of the validation file)"),
    ],
)
def test_prompts_in_both_files_are_warned_of(shared: range, words: str) -> None:
    training = check_file([lines(range(100), reference_answer="a")], Limits())
    validation = check_file([lines(range(200, 205)) + lines(shared, reference_answer="b")], FEW)
    report = with_overlap(validation, training)
    assert report.valid
    assert report.warning_counts["prompt-in-both-files"] == 1
    assert report.warnings[-1].message == words
    assert with_overlap(check_file([lines(range(300, 310))], FEW), training).warning_counts.keys() == {
        "reference-missing"
    }


def report_for(grader: str | None, *records: dict[str, Any], **options: Any) -> list[tuple[str, str, int | None]]:
    message = {"messages": [{"role": "user", "content": "12 * 7?"}]}
    data = b"".join(json.dumps(message | record).encode() + b"\n" for record in records)
    limits = limits_for(grader, validation=True, **options)
    return [(p.rule, p.path, p.line) for p in report_on([data], limits).errors]


def test_math_reasoning_asks_for_numbers() -> None:
    records = ({"reference_answer": "#### 84"}, {"reference_answer": "eighty"}, {}, {"reference_answer": {"x": 1}})
    assert report_for("math-reasoning", *records) == [
        ("reference-unusable", "reference_answer", 2),
        ("reference-missing", "reference_answer", 3),
        ("reference-unusable", "reference_answer", 4),
    ]
    assert report_for(None, *records) == []


def test_format_validation_asks_for_something_to_compare_with() -> None:
    records = ({"reference_answer": {"a": 1}}, {"reference_answer": "text"}, {"reference_answer": "{}"}, {})
    assert report_for("format-validation", *records) == [
        ("reference-unusable", "reference_answer", 3),
        ("reference-missing", "reference_answer", 4),
    ]


def test_constraints_do_instead_of_a_reference_for_format_validation_only() -> None:
    records = ({"format": {"max_words": 5}}, {"format": {"max_words": 0}}, {"format": {"keys": ["a"]}})
    assert report_for("format-validation", *records) == [("reference-unusable", "format", 2)]
    assert len(report_for("math-reasoning", *records)) == 3


def test_long_prompts_are_warned_of_and_may_leave_too_few() -> None:
    data = lines(range(120), note="x") + lines(range(1000, 1003))
    limits = limits_for(None, max_prompt_length=3)
    report = report_on([data], limits)
    assert report.valid
    assert report.warning_counts["prompt-too-long"] == 3
    few = report_on([data], limits_for(None, max_prompt_length=2))
    assert few.error_counts == {"too-few-records": 1}


LOOKS = {"type": "string_check", "name": "a", "operation": "like", "input": "{{sample.output_text}}", "reference": "!"}
COMPARES = LOOKS | {"reference": "{{item.reference_answer}}"}


@pytest.mark.parametrize(
    ("request_", "arn", "needs", "usable"),
    [
        ({"grader": {"name": "math-reasoning"}}, "arn:aws:lambda:us-east-1:1:function:any:1", True, False),
        ({"grader": None}, "arn:aws:lambda:us-east-1:1:function:my-stack-grader-math-reasoning:3", True, False),
        ({}, "arn:aws:lambda:us-east-1:1:function:my-stack-grader-format-validation:3", True, True),
        ({"grader": {"name": "summarization"}}, "arn:aws:lambda:us-east-1:1:function:any:1", False, True),
        ({}, "arn:aws:lambda:us-east-1:1:function:my-stack-grader-rag-faithfulness:3", False, True),
        ({"grader": {"openai": COMPARES}}, "arn:aws:lambda:us-east-1:1:function:my-stack-grader-openai:3", True, True),
        ({"grader": {"openai": LOOKS}}, "arn:aws:lambda:us-east-1:1:function:my-stack-grader-openai:3", False, True),
        ({}, None, False, True),
        (
            {"grader": {"lambda_arn": "arn:aws:lambda:us-east-1:1:function:x-grader-math-reasoning:3"}},
            "arn:aws:lambda:us-east-1:1:function:x-grader-math-reasoning:3",
            False,
            True,
        ),
    ],
)
def test_a_run_is_held_to_what_its_own_grader_needs(
    request_: dict[str, Any], arn: str | None, needs: bool, usable: bool
) -> None:
    run = Run("m-1", "m", Status.PREPARING, "", "", request=request_ | {"hyperparameters": {}}, grader_arn=arn)
    limits = limits_of_run(run)
    assert (limits.require_reference, limits.min_records) == (needs, 100)
    assert (limits.reference_flaw is None or limits.reference_flaw("some words") is None) == usable
    assert limits_of_run(run, validation=True).min_records == 1


def test_a_runs_prompt_length_is_its_hyperparameter() -> None:
    run = Run("m-1", "m", Status.PREPARING, "", "", request={"hyperparameters": {"max_prompt_length": 77}})
    assert limits_of_run(run).max_prompt_tokens == 77
    assert limits_of_run(Run("m-1", "m", Status.PREPARING, "", "", request={})).max_prompt_tokens is None
