"""Code tests: what the code of an answer earns, and what a record must hold for it."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.graders.code_tests import app
from rft.grading.code_tests import running
from rft.grading.code_tests.cases import MAX_CASES, MAX_CODE, Case, code_of, read_cases, same_result
from rft.grading.code_tests.child import portable
from rft.grading.code_tests.running import run_calls
from rft.grading.code_tests.scoring import score_code
from rft.grading.errors import BadSample, CodeNotRun

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
HAS_FILTER = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")

ADD = [{"call": "add(2, 3)", "equals": 5}, {"call": "add('a', 'b')", "equals": "ab"}]
GOOD = "def add(a, b):\n    return a + b\n"


def fenced(code: str, language: str = "python") -> str:
    return f"Here it is:\n\n```{language}\n{code}\n```\nIt adds."


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        pytest.param(fenced(GOOD), 1, id="right"),
        pytest.param(fenced("def add(a, b):\n    return int(a) + int(b)"), 0.5, id="one case raises"),
        pytest.param(fenced("def add(a, b):\n    return 5"), 0.5, id="one case hard-coded"),
        pytest.param(fenced("def add(a, b):\n    return str(a + b)"), 0.5, id="a string for a number"),
        pytest.param(fenced("def add(a, b):\n    print(a + b)"), 0, id="printed, not returned"),
        pytest.param(fenced("def plus(a, b):\n    return a + b"), 0, id="another name"),
        pytest.param(fenced("def add(a, b)\n    return a + b"), 0, id="syntax error"),
        pytest.param(fenced(GOOD + "1 / 0"), 0, id="raises when it is loaded"),
        pytest.param(fenced(GOOD + "import sys; print('x' * 10**6, file=sys.stderr)"), 1, id="prints"),
        pytest.param(fenced(GOOD + "if __name__ == '__main__':\n    input()"), 1, id="a main block isn't run"),
        pytest.param(fenced("from operator import add"), 1, id="a standard module"),
        pytest.param(fenced("import numpy\n" + GOOD), 0, id="a package that isn't there"),
        pytest.param(fenced("add = lambda a, b: a + b"), 1, id="a lambda"),
        pytest.param(GOOD, 1, id="an answer that is nothing but code"),
        pytest.param(fenced("def add(a, b): return 0") + fenced(GOOD), 1, id="the last block counts"),
        pytest.param(fenced(GOOD) + fenced("def add(a, b): return 0"), 0, id="and not the best one"),
        pytest.param(fenced(GOOD) + fenced("$ python add.py", "console"), 1, id="a block of another language after it"),
        pytest.param(fenced(GOOD, ""), 1, id="a fence without a language"),
        pytest.param(fenced(GOOD, "Python"), 1, id="a fence in capitals"),
        pytest.param(fenced(GOOD, "javascript"), 0, id="only another language"),
        pytest.param("```python\n" + GOOD, 1, id="a fence that is never closed"),
        pytest.param("I can't help with that.", 0, id="a refusal"),
        pytest.param("", 0, id="empty"),
        pytest.param(fenced("# " + "x" * MAX_CODE + "\n" + GOOD), 0, id="too long"),
        pytest.param(fenced("from dataclasses import dataclass\n@dataclass\nclass P: x: int\n" + GOOD), 1, id="class"),
        pytest.param(fenced("import asyncio\nasync def f(a, b): return a + b\n"
                            "def add(a, b): return asyncio.run(f(a, b))"), 1, id="asyncio"),
        pytest.param(fenced("def add(a, b):\n    while True: pass"), 0, id="endless calls"),
    ],
)  # fmt: skip
def test_the_share_of_cases_that_pass(answer: str, passed: float) -> None:
    score = score_code(answer, None, {"tests": ADD})
    assert score.value == passed
    assert score.rewards == {"passed": passed}


def test_sets_have_one_order() -> None:
    code = "def f(): return list({'a', 'b', 'c', 'd', 'e', 'f'})"
    assert run_calls(code, ["f()"]).values == run_calls(code, ["f()"]).values


def test_a_child_that_does_not_start_is_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(CodeNotRun):
        run_calls(GOOD, ["add(1, 2)"])


def test_a_child_that_fails_before_the_code_is_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_OPTIONS", ("-c", "raise SystemExit"))
    with pytest.raises(CodeNotRun):
        run_calls(GOOD, ["add(1, 2)"])


def test_without_a_filter_the_code_still_runs_and_a_metric_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_filter", lambda: "")
    score = score_code(fenced(GOOD), None, {"tests": ADD})
    assert (score.value, score.metrics["filtered"]) == (1, 0)


@pytest.mark.parametrize(
    ("code", "metrics"),
    [
        (GOOD, {"has_code": 1, "loads": 1, "in_time": 1, "filtered": HAS_FILTER}),
        ("1 / 0", {"has_code": 1, "loads": 0, "in_time": 1, "filtered": HAS_FILTER}),
        ("", {"has_code": 0}),
    ],
)
def test_metrics(code: str, metrics: dict[str, float]) -> None:
    assert score_code(fenced(code), None, {"tests": ADD}).metrics == metrics


@pytest.mark.parametrize(
    ("test", "case"),
    [
        ({"call": "f(1)", "equals": [1, {"a": None}]}, Case("f(1)", [1, {"dict": [["a", None]]}])),
        ("assert f(1) == 2", Case("f(1)", 2)),
        ("  assert f( 1 ) == (1, 'a'), 'message'\n", Case("f(1)", [1, "a"])),
        ("assert f(x=[1])[0] == -1.5", Case("f(x=[1])[0]", -1.5)),
        ("assert f() == {1, 2}", Case("f()", {"set": [1, 2]})),
        ("assert f() == {1: (2,)}", Case("f()", {"dict": [[1, [2]]]})),
        ("assert f()", Case("f()", equals=True)),
        ("assert not f()", Case("f()", equals=False)),
        ("assert f() == None", Case("f()", None)),
    ],
)
def test_the_forms_of_a_case(test: Any, case: Case) -> None:
    assert read_cases(None, {"tests": [test]}) == [case]
    assert read_cases({"tests": [test]}, {}) == [case]


@pytest.mark.parametrize(
    "tests",
    [
        None,
        [],
        "assert f() == 1",
        {"call": "f()", "equals": 1},
        [1],
        [None],
        [{"call": "f()"}],
        [{"call": "f()", "equals": 1, "more": 1}],
        [{"call": 1, "equals": 1}],
        [{"call": "x = 1", "equals": 1}],
        [{"call": "f(", "equals": 1}],
        [{"call": "f()\nf()", "equals": 1}],
        [{"call": "\0", "equals": 1}],
        [{"call": "(" * 1000, "equals": 1}],
        [{"call": "f(" + "1," * 4000 + ")", "equals": 1}],
        [{"call": "f()", "equals": "x" * 70_000}],
        ["f() == 1"],
        ["assert f() == g()"],
        ["assert f() < 1"],
        ["assert 1 < f() == 1"],
        ["assert f() == 1; import os"],
        ["assert all(f(x) for x in y) and g()"],
        ["import os"],
        ["assert f() == {[]}"],
        ["assert f() == b'x'"],
        [{"call": "f()", "equals": 1}] * (MAX_CASES + 1),
    ],
    ids=lambda tests: repr(tests)[:30],
)
def test_a_record_that_can_not_be_tested_is_bad_data(tests: Any) -> None:
    with pytest.raises(BadSample):
        score_code(fenced(GOOD), None, {"tests": tests})
    with pytest.raises(BadSample):
        score_code("", {"tests": tests}, {})


def test_a_problem_quotes_no_test() -> None:
    with pytest.raises(BadSample) as bad:
        read_cases(None, {"tests": [{"call": "canary(", "equals": 1}]})
    assert "canary" not in str(bad.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (0.1 + 0.2, 0.3, True),
        (0.3, 0.30001, False),
        (2.85, 2.0, False),
        (float("nan"), float("nan"), False),
        (10**400, 1.0, False),
        ("1", 1, False),
        (None, 0, False),
        (None, None, True),
        ([1, 2], (1, 2), True),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({2, 1}, {1, 2}, True),
        ({1, 2}, [1, 2], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({1: "a"}, {"1": "a"}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({}, [], False),
        (set(), {}, False),
    ],
)
def test_equal_results(one: Any, other: Any, same: bool) -> None:
    assert same_result(portable(one), portable(other)) == same
    assert same_result(portable(other), portable(one)) == same


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_is_equal_to_itself_after_its_way_through_json(value: Any) -> None:
    assert same_result(json.loads(json.dumps(portable(value))), portable(value))


@given(st.text(alphabet="`python \n~def", max_size=80))
def test_any_answer_has_code_or_none(answer: str) -> None:
    code = code_of(answer)
    assert code is None or code.strip()


def test_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    items = json.loads((ROOT / "events" / "grader_code_tests.json").read_text())
    results = app.handler(items, None)
    assert [result["aggregate_reward_score"] for result in results] == [1, 0.5, 0, 0]
    assert [result["metrics_list"][0]["name"] for result in results] == ["passed", "passed", "passed", "error"]
    assert "similar" not in capsys.readouterr().out
