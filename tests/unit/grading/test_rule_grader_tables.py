"""Each rule grader on what published graders got wrong, through its handler, as Bedrock calls it.

The cases whose ids begin with ``gsm8k``, ``finqa`` and ``pandalm`` are mistakes of the reward functions that AWS's
samples show for these datasets. Tables of the single graders' own rules are in the tests named after them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from functions.graders.code_tests import app as code_tests
from functions.graders.format_validation import app as format_validation
from functions.graders.generic import app as generic
from functions.graders.math_reasoning import app as math_reasoning
from rft.grading.handler import Handler

CANARY = "canary-7f3a"


def symbolic_math(event: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
    """Its handler. To import it takes a second, in which it has done a sum: whoever needs none goes without."""
    from functions.graders.symbolic_math import app

    results: list[dict[str, Any]] = app.handler(event, context)
    return results


class Grader(NamedTuple):
    """A grader with a right answer and a wrong one to the same reference, and a string that is a reference to it."""

    handler: Handler
    right: str
    wrong: str
    reference: Any
    reference_as_string: str
    fields: Mapping[str, Any] = MappingProxyType({})


GRADERS = {
    "math-reasoning": Grader(
        math_reasoning.handler, "#### 1,000.", "#### 1,001", {"final_answer": "1000"}, "#### 1000"
    ),
    "format-validation": Grader(format_validation.handler, '{"a": 1}', '{"b": 2}', {"a": 1}, '{"a": 1}'),
    "generic": Grader(generic.handler, "paris.", "Lyon", {"text": "Paris"}, "Paris"),
    "code-tests": Grader(
        code_tests.handler,
        "```python\ndef f(n):\n    return n + 1\n```",
        "```python\ndef f(n):\n    return n\n```",
        {"tests": [{"call": "f(1)", "equals": 2}]},
        "the tests are a field of the record",
        {"tests": ["assert f(1) == 2"]},
    ),
    "symbolic-math": Grader(symbolic_math, "#### 2x", "#### 3x", {"answer": "x+x"}, "#### $x+x$"),
}


def item(answer: Any, reference: Any, fields: Mapping[str, Any], *, role: str = "assistant") -> dict[str, Any]:
    messages = [{"role": "user", "content": "?"}, {"role": role, "content": answer}]
    return {"id": "a", "messages": messages, "metadata": {"reference_answer": reference, **fields}}


def reward(handler: Handler, answer: Any, reference: Any, **fields: Any) -> float:
    return float(handler([item(answer, reference, fields)], None)[0]["aggregate_reward_score"])


@pytest.fixture(params=GRADERS)
def case(request: pytest.FixtureRequest) -> Grader:
    return GRADERS[request.param]


def test_right_and_wrong(case: Grader) -> None:
    assert reward(case.handler, case.right, case.reference, **case.fields) == 1
    assert reward(case.handler, case.wrong, case.reference, **case.fields) == 0


def test_gsm8k_crashes_on_a_reference_that_is_a_string(case: Grader) -> None:
    assert reward(case.handler, case.right, case.reference_as_string, **case.fields) == 1
    assert reward(case.handler, case.wrong, case.reference_as_string, **case.fields) == 0


@pytest.mark.parametrize("row", [None, 5, [], {}, {"id": "a"}, {"id": "a", "messages": "?"}], ids=repr)
def test_gsm8k_loses_the_batch_to_one_bad_row(case: Grader, row: Any) -> None:
    good = item(case.right, case.reference, case.fields)
    results = case.handler([good, row, good], None)
    assert [result["aggregate_reward_score"] for result in results] == [1, 0, 1]
    assert [metric["name"] for metric in results[1]["metrics_list"]] == ["error"]


def test_gsm8k_does_not_know_nova_assistant(case: Grader) -> None:
    results = case.handler([item(case.right, case.reference, case.fields, role="nova_assistant")], None)
    assert results[0]["aggregate_reward_score"] == 1


@pytest.mark.parametrize("part", [{"type": "text"}, {}], ids=["typed", "untyped"])
def test_gsm8k_can_not_read_content_that_is_a_list(case: Grader, part: dict[str, Any]) -> None:
    half = len(case.right) // 2
    content = [part | {"text": case.right[:half]}, part | {"text": case.right[half:]}]
    assert reward(case.handler, content, case.reference, **case.fields) == 1


def test_gsm8k_looks_in_one_place_for_the_reference(case: Grader) -> None:
    beside = item(case.right, None, case.fields) | {"reference_answer": case.reference}
    as_json = item(case.right, case.reference, case.fields)
    as_json["metadata"] = json.dumps(as_json["metadata"])
    results = case.handler([beside, as_json], None)
    assert [result["aggregate_reward_score"] for result in results] == [1, 1]


def test_finqa_logs_every_sample(
    case: Grader, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    samples = [
        item(f"{CANARY} {case.right}", case.reference, case.fields),
        item(f"{CANARY} {case.wrong}", CANARY, {}),
        item([{"type": "text", "text": 5, "more": CANARY}], case.reference, case.fields),
    ]
    case.handler([sample | {"id": CANARY} for sample in samples], None)
    lines = [vars(record) for record in caplog.records]
    assert "batch graded" in [line["message"] for line in lines]
    assert CANARY not in str(lines) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "answer", ["", " \n", "nan", "NaN", "Infinity", "I can't help with that.", '{"score": 1.0}', "1"]
)
def test_pandalm_rewards_refusals_and_what_is_no_number(case: Grader, answer: str) -> None:
    value = reward(case.handler, answer, case.reference, **case.fields)
    assert math.isfinite(value)
    assert value == 0


MATH = [
    ("gsm8k: thousands and a full stop", "#### 1,000.", "1000", 1),
    ("gsm8k: the same in a sentence", "So he pays $1,000.", "1000", 1),
    ("gsm8k: thousands in the reference", "#### 1000", "#### 1,000.", 1),
    ("gsm8k: a worked reference", "#### 42", "6 * 7 = <<6*7=42>>42\n#### 42", 1),
    ("gsm8k: another number earlier", "It was 41 before.\n#### 42", "42", 1),
    ("gsm8k: the right number earlier", "It was 42 before.\n#### 41", "42", 0),
    ("finqa: 0.95 for 2.85, a near miss of 2.0", "#### 2.85", "2.0", 0),
    ("finqa: 1.0 for 150 where it is 1.5", "#### 150", "1.5", 0),
    ("finqa: per cent for the number", "#### 1.5%", "1.5", 0),
    ("finqa: the number for per cent", "#### 1.5", "1.5%", 0),
    ("finqa: the same in per cent", "#### 150%", "1.5", 1),
    ("finqa: rounded", "#### 0.33", "1/3", 0),
    ("finqa: a tenth off", "#### 9.9", "10", 0),
    ("finqa: another sign", "#### -10", "10", 0),
    ("finqa: in millions", "#### $5 million", "5000000", 1),
    ("finqa: millions left out", "#### 5", "5000000", 0),
    ("pandalm: the first number", "On the scale of 0.0 to 1.0 I give 0.8", "0.0", 0),
    ("pandalm: another scale", "#### 5", "0.5", 0),
    ("pandalm: not a number", "#### NaN", "1", 0),
    ("a fraction in LaTeX", r"\boxed{\frac{1}{2}}", "0.5", 1),
    ("scientific", "#### 3 × 10^8", "300000000", 1),
    ("either of two", "#### 5 or 42", "42", 0),
    ("a list", "#### 41, 42, 43", "42", 0),
    ("a tower of powers", "#### 9**9**9", "9", 0),
    ("a huge exponent", "#### 1e999999999", "1", 0),
    ("a negation", "The answer is not 42", "42", 0),
    ("another unit", "#### 5 km", "5 m", 0),
    ("no unit", "#### 5", "5 m", 1),
]


@pytest.mark.parametrize(("_kind", "answer", "reference", "value"), MATH, ids=[kind for kind, *_ in MATH])
def test_math_reasoning(_kind: str, answer: str, reference: str, value: float) -> None:
    assert reward(math_reasoning.handler, answer, reference) == value


@pytest.mark.parametrize(("_kind", "answer", "reference", "value"), MATH, ids=[kind for kind, *_ in MATH])
def test_symbolic_math_agrees_on_numbers(_kind: str, answer: str, reference: str, value: float) -> None:
    assert reward(symbolic_math, answer, reference) == value


TICKET = {"queue": "billing", "urgent": True, "total": 1000}
FORMAT = [
    ("gsm8k: a string that is an object", json.dumps(TICKET), json.dumps(TICKET), 1),
    (
        "gsm8k: thousands are another value",
        '{"queue": "billing", "urgent": true, "total": "1,000."}',
        TICKET,
        0.2 + 1.6 / 3,
    ),
    ("finqa: a near miss of a number", '{"queue": "billing", "urgent": true, "total": 999}', TICKET, 0.2 + 1.6 / 3),
    ("finqa: per cent for the number", '{"queue": "billing", "urgent": true, "total": 10}', TICKET, 0.2 + 1.6 / 3),
    ("pandalm: prose, then the object", f"Here it is: {json.dumps(TICKET)}", TICKET, 0),
    ("pandalm: NaN for a number", '{"queue": "billing", "urgent": true, "total": NaN}', TICKET, 0),
    ("pandalm: a string for a number", '{"queue": "billing", "urgent": true, "total": "1000"}', TICKET, 0.2 + 1.6 / 3),
    ("a name twice", '{"queue": "sales", "queue": "billing", "urgent": true, "total": 1000}', TICKET, 0),
    ("in a fence", f"```json\n{json.dumps(TICKET)}\n```", TICKET, 1),
]


@pytest.mark.parametrize(("_kind", "answer", "reference", "value"), FORMAT, ids=[kind for kind, *_ in FORMAT])
def test_format_validation(_kind: str, answer: str, reference: Any, value: float) -> None:
    assert reward(format_validation.handler, answer, reference) == pytest.approx(value)
