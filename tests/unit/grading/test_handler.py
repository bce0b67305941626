"""What a grader's function prints and raises: the reward curve, log lines without text, systemic faults."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from rft.grading import Sample, Score, SystemicFault, grader
from rft.grading.errors import EverySampleFailed

CANARY = "canary-in-the-text"
Printed = Callable[[], tuple[list[dict[str, Any]], list[dict[str, Any]]]]


def sample(answer: str = CANARY, run_id: str | None = "m-0123456789ab", model: str | None = "m") -> dict[str, Any]:
    return {
        "id": f"id-{CANARY}",
        "messages": [{"role": "user", "content": CANARY}, {"role": "assistant", "content": answer}],
        "metadata": {"reference_answer": CANARY, "rft": {"run_id": run_id, "model": model}},
    }


def score(sample: Sample) -> Score:
    if sample.answer.startswith("fail"):
        raise ValueError(sample.answer)
    return Score(0.5, rewards={"half": 0.5}, metrics={"length": len(sample.answer)})


class Context:
    """A Lambda context whose deadline comes 7 ms nearer each time that one looks."""

    def __init__(self) -> None:
        self.left = 1000

    def get_remaining_time_in_millis(self) -> int:
        self.left -= 7
        return self.left


@pytest.fixture
def name() -> str:
    return f"grader-{uuid.uuid4().hex}"  # Powertools keeps a logger per name, with the stream of its first test


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Metric records and log lines printed so far."""
    monkeypatch.delenv("POWERTOOLS_SERVICE_NAME", raising=False)

    def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        text = capsys.readouterr().out
        assert CANARY not in text
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if "_aws" in line], [line for line in lines if "level" in line]

    return read


def test_the_reward_curve(name: str, printed: Printed) -> None:
    grader(score, name=name)([sample("four"), sample("fail"), sample("seventy")], Context())
    [record], _ = printed()
    [directive] = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "RFT/Grader"
    assert directive["Dimensions"] == [["grader", "model", "run_id"], ["grader"]]
    assert {m["Name"]: m["Unit"] for m in directive["Metrics"]} == {
        "Reward": "None",
        "Errors": "Count",
        "Duration": "Milliseconds",
        "half": "None",
        "length": "None",
    }
    assert {key: value for key, value in record.items() if key != "_aws"} == {
        "grader": name,
        "model": "m",
        "run_id": "m-0123456789ab",
        "Reward": [0.5, 0.0, 0.5],
        "Errors": [1.0],
        "Duration": [7.0],
        "half": [0.5, 0.5],
        "length": [4.0, 7.0],
    }


@pytest.mark.parametrize(
    ("run", "dimensions"),
    [
        ({"run_id": None, "model": None}, [["grader"]]),
        ({"run_id": None}, [["grader", "model"], ["grader"]]),
        ({"model": None}, [["grader", "run_id"], ["grader"]]),
    ],
)
def test_a_dimension_that_is_not_known_is_left_out(
    run: dict[str, Any], dimensions: list[list[str]], name: str, printed: Printed
) -> None:
    grader(score, name=name)([sample(**run)], None)
    [record], _ = printed()
    assert record["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == dimensions
    assert "Duration" not in record


def test_each_run_of_a_batch_has_a_record_of_its_own(name: str, printed: Printed) -> None:
    batch = [sample("x", run_id="a-1"), sample("fail", run_id="b-2"), sample("x", run_id="a-1"), None]
    grader(score, name=name)(batch, None)
    records, _ = printed()
    assert {r.get("run_id"): (r["Reward"], r["Errors"]) for r in records} == {
        "a-1": ([0.5, 0.5], [0.0]),
        "b-2": ([0.0], [1.0]),
        None: ([0.0], [1.0]),
    }


def test_a_long_batch_is_cut_into_records_of_at_most_100_values(name: str, printed: Printed) -> None:
    grader(score, name=name)([sample("x") for _ in range(250)], None)
    records, _ = printed()
    assert [len(record["Reward"]) for record in records] == [100, 100, 50]
    assert [record.get("Errors") for record in records] == [[0.0], None, None]
    assert all({m["Name"] for m in r["_aws"]["CloudWatchMetrics"][0]["Metrics"]} <= r.keys() for r in records)


def test_many_components_are_cut_into_records_of_at_most_100_metrics(name: str, printed: Printed) -> None:
    def wide(sample: Sample) -> Score:
        return Score(1, metrics={f"{sample.answer}{n}": n for n in range(60)})

    grader(wide, name=name)([sample("a"), sample("b")], None)
    records, _ = printed()
    assert [len(r["_aws"]["CloudWatchMetrics"][0]["Metrics"]) for r in records] == [100, 22]


def test_the_template_names_the_grader(name: str, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"{name}-of-the-template")
    grader(score, name=name)([sample()], None)
    [record], [line] = printed()
    assert record["grader"] == line["service"] == f"{name}-of-the-template"
    assert "service" not in record


def test_log_lines_say_what_failed_and_where_and_no_word_of_it(name: str, printed: Printed) -> None:
    grader(score, name=name)([sample(), sample(f"fail {CANARY}"), {"id": CANARY}, sample()], None)
    _, lines = printed()
    told = [{k: v for k, v in line.items() if k not in ("location", "timestamp", "service")} for line in lines]
    at = f"test_handler.py:{score.__code__.co_firstlineno + 2}"
    assert told[:2] == [
        {"level": "INFO", "message": "batch graded", "run_id": "m-0123456789ab", "samples": 3, "errors": 1},
        {
            "level": "WARNING",
            "message": "samples without a score",
            "run_id": "m-0123456789ab",
            "kinds": {"ValueError": 1},
            "first": [{"position": 1, "error": "ValueError", "at": at}],
        },
    ]
    assert told[3]["kinds"] == {"BadSample": 1}
    assert told[3]["first"][0]["position"] == 2


def test_the_list_of_errors_is_bounded(name: str, printed: Printed) -> None:
    grader(score, name=name)([*(sample("fail") for _ in range(500)), sample()], None)
    _, lines = printed()
    assert lines[1]["kinds"] == {"ValueError": 500}
    assert len(lines[1]["first"]) == 20


def test_a_grader_that_always_fails_fails_the_invocation_and_logs_why(name: str, printed: Printed) -> None:
    handler = grader(score, name=name)
    with pytest.raises(EverySampleFailed, match="all 2 samples that it was given: ValueError at") as caught:
        handler([sample(f"fail {CANARY}"), sample(f"fail {CANARY}")], None)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    records, lines = printed()
    assert records == []
    assert lines[-1]["kinds"] == {"ValueError": 2}


def test_a_batch_of_one_that_fails_is_the_graders_fault_until_it_has_worked(name: str, printed: Printed) -> None:
    handler = grader(score, name=name)
    with pytest.raises(EverySampleFailed):
        handler([sample("fail")], None)
    handler([sample("x")], None)
    [result] = handler([sample("fail")], None)
    assert result["aggregate_reward_score"] == 0
    assert result["metrics_list"] == [{"name": "error", "value": 1.0, "type": "Metric"}]


def test_bad_data_alone_never_fails_the_invocation(name: str, printed: Printed) -> None:
    assert [r["aggregate_reward_score"] for r in grader(score, name=name)([None, 5], None)] == [0, 0]


def test_a_systemic_fault_fails_the_invocation(name: str, printed: Printed) -> None:
    def denied(_: Sample) -> Score:
        raise SystemicFault("the judge denies access")

    with pytest.raises(SystemicFault, match="denies access"):
        grader(denied, name=name)([sample(), sample()], None)


def test_outside_the_main_thread_a_log_line_says_that_there_is_no_limit(name: str, printed: Printed) -> None:
    handler = grader(score, name=name)
    thread = threading.Thread(target=handler, args=([sample()], None))
    thread.start()
    thread.join()
    _, lines = printed()
    assert lines[0]["message"] == "no time limit for a sample outside the main thread"


def test_an_empty_batch_prints_nothing(name: str, printed: Printed) -> None:
    assert grader(score, name=name)([], None) == []
    assert printed() == ([], [])


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="time_limit"):
        grader(score, time_limit=limit)
