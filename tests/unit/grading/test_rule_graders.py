"""The ready-made rule graders as Lambda loads them, on the events that ``sam local invoke -e`` takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.graders.format_validation import app as format_validation
from functions.graders.generic import app as generic
from functions.graders.math_reasoning import app as math_reasoning
from rft.grading.catalog import READY

ROOT = Path(__file__).parents[3]
HANDLERS = [math_reasoning.handler, format_validation.handler, generic.handler]
READY_RULES = sorted(ready.folder for ready in READY.values() if ready.kind == "rule")
HEAVY = {
    *("boto3", "botocore", "pydantic", "numpy", "sympy", "math_verify", "orjson", "simdjson", "jsonschema", "re2"),
    *("aws_xray_sdk", "asyncio", "http", "ssl"),
}


def event(name: str) -> Any:
    return json.loads((ROOT / "events" / f"grader_{name}.json").read_text())


def rewards(results: list[dict[str, Any]]) -> list[float]:
    return [result["aggregate_reward_score"] for result in results]


def check_contract(items: list[Any], results: Any) -> None:
    """What Bedrock demands of a reward function's return value."""
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    assert len(results) == len(items)
    for item, result in zip(items, results, strict=True):
        assert result.keys() == {"id", "aggregate_reward_score", "metrics_list"}
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            assert result["id"] == item["id"]
        assert 0 <= result["aggregate_reward_score"] <= 1
        for metric in result["metrics_list"]:
            assert metric.keys() == {"name", "value", "type"}
            assert isinstance(metric["name"], str)
            assert isinstance(metric["value"], float)
            assert metric["type"] in ("Metric", "Reward")


def test_math_reasoning_event() -> None:
    items = event("math_reasoning")
    results = math_reasoning.handler(items, None)
    check_contract(items, results)
    assert rewards(results) == [1, 0, 1, 1, 0]
    assert [[m["name"] for m in r["metrics_list"]] for r in results[-2:]] == [["correct", "answer_format"], ["error"]]


def test_format_validation_event() -> None:
    items = event("format_validation")
    results = format_validation.handler(items, None)
    check_contract(items, results)
    assert rewards(results) == pytest.approx([1, 0.6, 0, 1, 1, 0])
    assert results[-1]["metrics_list"][0]["name"] == "error"


def test_generic_event() -> None:
    items = event("generic")
    results = generic.handler(items, None)
    check_contract(items, results)
    assert rewards(results) == pytest.approx([1, 0.25, 0, 1, 0])
    assert [[m["name"] for m in r["metrics_list"]] for r in results[-2:]] == [["same", "like"], ["error"]]


def test_the_tests_here_are_of_every_ready_rule_grader() -> None:
    assert len(READY_RULES) == len(HANDLERS)


@pytest.mark.parametrize("name", READY_RULES)
def test_the_events_hold_what_makes_graders_stumble(name: str) -> None:
    items = event(name)
    assert len({item["id"] for item in items}) < len(items)
    assert {m["role"] for item in items for m in item["messages"]} >= {"assistant", "nova_assistant"}
    assert {type(m["content"]) for item in items for m in item["messages"]} == {str, list}
    references = [item["metadata"].get("reference_answer") for item in items if isinstance(item["metadata"], dict)]
    assert {type(reference) for reference in references} >= {str, dict}
    assert any("reference_answer" in item for item in items)


@pytest.mark.parametrize("handler", HANDLERS)
def test_trajectories_around_the_batch(handler: Any) -> None:
    items = event("math_reasoning")
    assert handler({"trajectories": items}, None) == handler(items, None)


TEXT = st.text(max_size=8) | st.sampled_from(["#### 42", '{"a": 1}', "assistant", "42"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reference_answer", "answer", "text", "format", "keys", "max_words", "rft", "a"]), inner
        )
    ),
    max_leaves=10,
)
ITEMS = JSON | st.fixed_dictionaries(
    {
        "id": JSON,
        "messages": st.lists(st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXT}), min_size=1),
        "metadata": JSON,
    },
    optional={"reference_answer": JSON},
)


@given(st.lists(ITEMS, max_size=4))
def test_no_event_breaks_the_contract(items: list[Any]) -> None:
    for handler in HANDLERS:
        check_contract(items, handler(items, None))


@pytest.mark.parametrize("name", [*READY_RULES, "code_tests"])
def test_a_rule_grader_loads_nothing_heavy(name: str) -> None:
    # Powertools looks for botocore to sign its requests; the bare package has no weight, its submodules do.
    program = "import app, sys, json; print(json.dumps([m for m in sys.modules if m != 'botocore']))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{ROOT}/functions/graders/{name}:{ROOT}/layers/rft"},
    )
    loaded = {module.partition(".")[0] for module in json.loads(result.stdout)}
    assert loaded & HEAVY == set()
    assert "rft" in loaded
