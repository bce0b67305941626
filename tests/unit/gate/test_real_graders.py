"""The stack's own rule graders on the examples' data: nothing to say about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from functions.graders.format_validation import app as format_validation
from functions.graders.generic import app as generic
from functions.graders.math_reasoning import app as math_reasoning
from rft.gate import AboutGrader, choose, may_go_on
from rft.gate.probes import gold_of
from tests.unit.gate.bench import codes, example_records, gate

GRADERS = {
    "format-validation": ("ticket-triage", format_validation.handler),
    "math-reasoning": ("word-sums", math_reasoning.handler),
}


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("seed", range(5))
def test_open_on_good_data(name: str, seed: int) -> None:
    example, handler = GRADERS[name]
    records = choose(example_records(example), 16, seed)
    gold = {json.dumps(record["messages"]): gold_of(record) for record in records}

    def ask_base(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
        return [gold[json.dumps(messages)] or ""] + ["perhaps"] * (count - 1)

    report = gate(
        lambda samples: handler(samples, None),
        about=AboutGrader(name, "rule", timeout_seconds=30),
        records=records,
        ask_base=ask_base,
    )
    assert (codes(report), report.verdict) == ([], "open")
    assert may_go_on(report, "close")
    assert (report.ladder["gold"].mean, report.ladder["empty"].mean) == (1, 0)
    assert report.ladder["gold"].n == report.ladder["flood"].n == 16
    assert report.signal.differing == 16


@pytest.mark.parametrize(
    ("name", "handler", "reference"),
    [
        ("math-reasoning", math_reasoning.handler, lambda i: {"final_answer": 10 + i, "explanation": "in 2 steps"}),
        ("generic", generic.handler, lambda i: {"answer": f"town-{i}"}),
    ],
)
def test_open_where_the_right_answer_is_a_field_of_the_reference(
    name: str, handler: Any, reference: Callable[[int], dict[str, Any]]
) -> None:
    records = [record | {"reference_answer": reference(i)} for i, record in enumerate(example_records()[:16])]
    report = gate(
        lambda samples: handler(samples, None), about=AboutGrader(name, "rule"), records=records, ask_base=None
    )
    assert codes(report) == ["signal-unknown"]
    assert report.ladder["gold"].mean == 1


@pytest.mark.parametrize("name", GRADERS)
def test_closed_on_the_other_ones_data(name: str) -> None:
    """No answer to a record can be graded: no reference answer has the form that the grader reads."""
    _, handler = GRADERS[name]
    records = [record | {"reference_answer": {"note": []}} for record in example_records()[:16]]
    if name == "format-validation":
        records = [record | {"reference_answer": {}} for record in records]
    report = gate(lambda samples: handler(samples, None), records=records, ask_base=None)
    assert codes(report) == ["no-scores"]
