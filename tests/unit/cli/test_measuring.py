"""Asking models and grading their answers: the forms on the wire, and that an error is never a score."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cli.faults import MeasurementFailed
from cli.held_out import Score
from cli.measuring import Asking, ask, grade, records_in

HOW = Asking(temperature=0.5, max_tokens=64)


def record(i: int, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Sort."}, {"role": "user", "content": f"ticket {i}"}]
    return {"id": f"t-{i}", "messages": messages, "reference_answer": {"category": "a"}, **fields}


class Runtime:
    """bedrock-runtime: answers with what the user said, in capitals."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def converse(self, **call: Any) -> Any:
        with self._lock:
            self.calls.append(call)
        text = call["messages"][-1]["content"][0]["text"].upper()
        return {"output": {"message": {"content": [{"reasoningContent": {}}, {"text": text}]}}}


class Function:
    """lambda: answers with what ``score`` makes of the batch."""

    def __init__(self, score: Callable[[Any], Any], *, error: str | None = None) -> None:
        self._score = score
        self._error = error
        self.batches: list[Any] = []

    def invoke(self, **call: Any) -> Any:
        assert call["FunctionName"] == "arn:grader"
        self.batches.append(json.loads(call["Payload"]))
        answer = self._score(self.batches[-1])
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return {"Payload": io.BytesIO(content)} | ({"FunctionError": self._error} if self._error else {})


def by_position(batch: Any) -> Any:
    metrics = [{"name": "form", "value": 1, "type": "Metric"}]
    return [
        {"id": item["id"], "aggregate_reward_score": i / 100, "metrics_list": metrics} for i, item in enumerate(batch)
    ]


def graded(function: Function, count: int = 2) -> list[Score]:
    records = [record(i) for i in range(count)]
    return grade("arn:grader", records, ["answer"] * count, functions=function)  # type: ignore[arg-type]


def test_answers_come_in_the_order_of_the_records() -> None:
    runtime, done = Runtime(), []
    records = [record(i) for i in range(40)]
    answers = ask("arn:model", records, HOW, runtime=runtime, done=lambda: done.append(1))  # type: ignore[arg-type]
    assert answers == [f"TICKET {i}" for i in range(40)]
    assert len(done) == 40


def test_a_record_is_asked_as_converse_wants_it() -> None:
    runtime = Runtime()
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    ask("arn:model", [{"messages": [{"role": "user", "content": parts}]}, record(1)], HOW, runtime=runtime, done=int)  # type: ignore[arg-type]
    calls = sorted(runtime.calls, key=lambda call: len(call["system"]))
    assert calls[0]["messages"] == [{"role": "user", "content": [{"text": "one two"}]}]
    assert calls[1] == {
        "modelId": "arn:model",
        "system": [{"text": "Sort."}],
        "messages": [{"role": "user", "content": [{"text": "ticket 1"}]}],
        "inferenceConfig": {"temperature": 0.5, "maxTokens": 64},
    }


def test_the_grader_sees_what_bedrock_would_send_it() -> None:
    function = Function(by_position)
    records = [record(0, rft={"run_id": "r"}), {"messages": [{"role": "user", "content": "x"}]}]
    grade("arn:grader", records, ["yes", "no"], functions=function)  # type: ignore[arg-type]
    first, second = function.batches[0]
    assert first["id"] == "t-0"
    assert first["messages"][-1] == {"role": "assistant", "content": "yes"}
    assert first["metadata"] == {"reference_answer": {"category": "a"}, "rft": {"run_id": "r"}}
    assert (second["id"], second["metadata"]) == ("record-1", {})


def test_scores_come_by_position_over_all_batches() -> None:
    function = Function(by_position)
    scores = graded(function, 130)
    assert [len(batch) for batch in function.batches] == [64, 64, 2]
    assert scores[65] == Score(0.01, {"form": 1.0})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"not json", "not JSON"),
        ({"statusCode": 200, "body": "[]"}, "list of as many results"),
        ([{"id": "t-0", "aggregate_reward_score": 1}], "list of as many results"),
        ([{"id": "t-1", "aggregate_reward_score": 1}, {"id": "t-0", "aggregate_reward_score": 1}], "'t-0'"),
        ([{"id": "t-0"}, {"id": "t-1"}], "no finite number"),
        ([{"id": "t-0", "aggregate_reward_score": True}] * 2, "no finite number"),
        (b'[{"id": "t-0", "aggregate_reward_score": NaN}, {"id": "t-1"}]', "no finite number"),
        (
            [
                {"id": f"t-{i}", "aggregate_reward_score": 1, "metrics_list": [{"name": "m", "value": "1"}]}
                for i in (0, 1)
            ],
            "no finite number",
        ),
        (
            [{"id": f"t-{i}", "aggregate_reward_score": 1, "metrics_list": [{"value": 1}]} for i in (0, 1)],
            "a metric without",
        ),
    ],
)
def test_a_broken_answer_is_an_error_and_no_score(answer: Any, words: str) -> None:
    with pytest.raises(MeasurementFailed, match=words):
        graded(Function(lambda _: answer))


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"errorType": "JudgeDenied", "errorMessage": "no access"}, "JudgeDenied: no access"), (b"", "no reason")],
)
def test_a_failing_grader_is_an_error_and_no_score(answer: Any, words: str) -> None:
    with pytest.raises(MeasurementFailed, match=words):
        graded(Function(lambda _: answer, error="Unhandled"))


def test_the_records_of_a_file() -> None:
    assert records_in(b'{"id": "1"}\r\n\n{"id": "2"}') == [{"id": "1"}, {"id": "2"}]
