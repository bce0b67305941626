"""How a grader fares in a training: what alarms watch, under the stack that its function belongs to."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from rft.aws import metrics
from rft.grading import Sample, Score, SystemicFault, grader
from rft.grading.errors import EventNotAList, EverySampleFailed
from rft.grading.telemetry import STACK_NAMESPACE, STACK_VARIABLE

Health = Callable[[], list[dict[str, Any]]]


class Context:
    def __init__(self) -> None:
        self.left = 1000

    def get_remaining_time_in_millis(self) -> int:
        self.left -= 7
        return self.left


def sample(answer: str, **rft: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}],
        "metadata": {"rft": {"run_id": "m-0123456789ab", "model": "m"} | rft},
    }


def score(sample: Sample) -> Score:
    if sample.answer == "fail":
        raise ValueError
    if sample.answer == "denied":
        raise SystemicFault("the judge denies access")
    return Score(0.5)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(STACK_VARIABLE, "rft-dev")
    monkeypatch.delenv("POWERTOOLS_SERVICE_NAME", raising=False)
    return grader(score, name=f"g-{uuid.uuid4().hex}")  # Powertools keeps a logger per name


@pytest.fixture
def health(capsys: pytest.CaptureFixture[str]) -> Health:
    def read() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        records = [line for line in lines if "_aws" in line]
        return [r for r in records if r["_aws"]["CloudWatchMetrics"][0]["Namespace"] == STACK_NAMESPACE]

    return read


def test_the_namespace_is_the_pipelines_own() -> None:
    assert metrics.NAMESPACE == STACK_NAMESPACE


def test_the_share_of_errors_and_the_time_of_a_call(handler: Any, health: Health) -> None:
    handler([sample("a"), sample("fail"), sample("b"), sample("c")], Context())
    (record,) = health()
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["stack", "grader"], ["stack"]]
    assert {m["Name"]: m["Unit"] for m in directive["Metrics"]} == {
        "GraderErrorPercent": "Percent",
        "GraderMilliseconds": "Milliseconds",
    }
    assert (record["stack"], record["GraderErrorPercent"], record["GraderMilliseconds"]) == ("rft-dev", [25], [7])
    assert record["grader"].startswith("g-")


def test_each_run_of_a_batch_by_itself(handler: Any, health: Health) -> None:
    handler([sample("a"), sample("fail", run_id="n-0123456789ab")], None)
    assert sorted(record["GraderErrorPercent"][0] for record in health()) == [0, 100]


def test_answers_that_are_meant_to_be_bad_count_for_nothing(handler: Any, health: Health) -> None:
    handler([sample("a", phase="gate"), sample("fail", phase="gate")], None)
    with pytest.raises(EverySampleFailed):
        grader(score, name="other")([sample("fail", phase="gate")] * 2, None)
    handler([sample("a", run_id=None)], None)
    assert health() == []


@pytest.mark.parametrize(
    ("batch", "fault"),
    [([sample("a"), sample("denied")], SystemicFault), ([sample("fail")] * 3, EverySampleFailed)],
)
def test_a_batch_that_is_refused_has_no_score_at_all(handler: Any, health: Health, batch: Any, fault: Any) -> None:
    with pytest.raises(fault):
        handler(batch, None)
    (record,) = health()
    assert record["GraderErrorPercent"] == [100]


def test_what_is_no_batch_is_no_error_of_a_training(handler: Any, health: Health) -> None:
    with pytest.raises(EventNotAList):
        handler("text", None)
    assert health() == []


def test_outside_of_a_stack_there_is_none(handler: Any, health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STACK_VARIABLE)
    handler([sample("a")], None)
    assert health() == []
