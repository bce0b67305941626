"""A judge's function: whole batches, in order, in parallel; what it prints, and no word of a sample in it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from rft.errors import SettingMissing
from rft.grading.errors import (
    BadSample,
    EventNotAList,
    EverySampleFailed,
)
from rft.grading.judging.question import Judge
from rft.grading.judging.rubric import rubric_score
from rft.grading.sample import Sample
from rft.grading.score import Score
from rft.judges.calls import METRICS
from rft.judges.handler import judge_grader
from tests.unit.judges.fakes import (
    CANARY,
    NO,
    RUBRIC,
    YES,
    Context,
    Model,
    Printed,
    by_words,
    handler_of,
    item,
    rewards,
)


def test_each_result_stands_where_its_sample_stood(name: str, printed: Printed) -> None:
    batch = [item("good"), item("bad"), item("fair"), item("good"), item("")]
    results = handler_of(by_words, name)(batch, None)
    assert rewards(results) == [1, 0, 0.5, 1, 0]
    assert [result["id"] for result in results] == [each["id"] for each in batch]
    assert results[2]["metrics_list"] == [
        {"name": "good", "value": 0.5, "type": "Reward"},
        {"name": "words", "value": 1.0, "type": "Metric"},
    ]


def test_64_samples_are_judged_by_as_many_threads_as_there_are_workers(name: str, printed: Printed) -> None:
    together = threading.Barrier(16)

    def behaviour(answer: str, _: int) -> str:
        together.wait(10)  # breaks unless sixteen come at once
        return YES if int(answer.split()[1]) % 2 else NO

    results = handler_of(behaviour, name)([item(f"number {n}") for n in range(64)], Context(60))
    assert rewards(results) == [n % 2 for n in range(64)]


def test_equal_answers_are_judged_once(name: str, printed: Printed) -> None:
    model = Model(by_words)
    handler = handler_of(model, name)
    assert rewards(handler([item("good")] * 10 + [item("bad")] * 10, None)) == [1] * 10 + [0] * 10
    assert rewards(handler([item("good")], None)) == [1]
    assert len(model.asked) == 2
    records, _ = printed()
    assert [(r["JudgeCalls"], r["JudgeCacheHits"]) for r in records] == [([2.0], [18.0]), ([0.0], [1.0])]


def test_one_bad_sample_does_not_touch_the_others(name: str, printed: Printed) -> None:
    batch = [
        item("good"),
        None,
        5,
        {"id": "x", "messages": []},
        item(5),
        item("fair", metadata="no json"),
        item("good"),
    ]
    results = handler_of(by_words, name)(batch, None)
    assert rewards(results) == [1, 0, 0, 0, 0, 0, 1]
    assert [result["metrics_list"][0]["name"] for result in results[1:-1]] == ["error"] * 5


def test_the_curves_of_each_run(name: str, printed: Printed) -> None:
    def of_run(run: str, answer: str) -> dict[str, Any]:
        return item(answer, metadata={"rft": {"run_id": run, "model": "m"}})

    handler_of(by_words, name)([of_run("a-1", "good a"), of_run("b-2", "bad b"), of_run("b-2", "fair b")], Context(60))
    records, lines = printed()
    assert {record["run_id"]: record["JudgeCalls"] for record in records} == {"a-1": [1.0], "b-2": [2.0]}
    record = next(record for record in records if record["run_id"] == "b-2")
    told = {key: value for key, value in record.items() if key != "_aws"}
    assert told == {
        "grader": name,
        "model": "m",
        "run_id": "b-2",
        "Reward": [0.0, 0.5],
        "Errors": [0.0],
        "Duration": [7.0],
        "good": [0.0, 0.5],
        "words": [2.0, 2.0],
        "JudgeCalls": [2.0],
        "JudgeCacheHits": [0.0],
        "JudgeRetries": [0.0],
        "JudgeParseFailures": [0.0],
        "JudgeInputTokens": [200.0],
        "JudgeOutputTokens": [20.0],
    }
    units = {metric["Name"]: metric["Unit"] for metric in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {units[metric] for metric in METRICS} == {"Count"}
    assert [line["message"] for line in lines] == ["batch graded"] * 2


def test_log_lines_hold_no_word_of_a_sample(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str:
        return CANARY if answer.startswith("odd") else YES

    batch = [item(f"odd {CANARY}"), *(item(f"good {CANARY} {n}") for n in range(9)), {"id": CANARY}]
    handler_of(behaviour, name)(batch, None)
    _, lines = printed()
    assert lines[1]["first"][0]["error"] == "VerdictUnreadable"


def broken(sample: Sample, judge: Judge) -> Score:
    if sample.answer == "fine":
        return Score(1.0)
    if sample.answer == "nan":
        return Score(float("nan"))
    raise KeyError(CANARY)


def test_a_scorer_that_always_fails_fails_the_batch(name: str, printed: Printed) -> None:
    with pytest.raises(EverySampleFailed, match=r"KeyError at test_handler\.py"):
        handler_of(by_words, name, score=broken)([item("a"), item("b")], None)


def test_a_scorer_that_fails_sometimes_does_not(name: str, printed: Printed) -> None:
    handler = handler_of(by_words, name, score=broken)
    results = handler([item("fine"), item("nan"), item("b")], None)
    assert rewards(results) == [1, 0, 0]
    assert rewards(handler([item("b")], None)) == [0]


def test_bad_data_alone_never_fails_the_batch(name: str, printed: Printed) -> None:
    def bad(sample: Sample, judge: Judge) -> Score:
        raise BadSample("no context", flags=("no_context",))

    results = handler_of(by_words, name, score=bad)([item("a"), item("b")], None)
    assert [[m["name"] for m in result["metrics_list"]] for result in results] == [["error", "no_context"]] * 2


@pytest.mark.parametrize("event", [{}, "text", None, {"trajectories": 5}])
def test_no_batch(event: Any, name: str, printed: Printed) -> None:
    with pytest.raises(EventNotAList):
        handler_of(by_words, name)(event, None)


def test_an_empty_batch(name: str, printed: Printed) -> None:
    assert handler_of(by_words, name)([], None) == []
    assert handler_of(by_words, name)({"trajectories": []}, Context(60)) == []
    assert printed() == ([], [])


def test_the_model_is_named_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_MODEL_ID", raising=False)
    handler = judge_grader(rubric_score(RUBRIC), name=name)
    with pytest.raises(SettingMissing, match="JUDGE_MODEL_ID"):
        handler([item()], None)
    monkeypatch.setenv("JUDGE_MODEL_ID", "")
    with pytest.raises(SettingMissing, match="JUDGE_MODEL_ID"):
        handler([item()], None)
