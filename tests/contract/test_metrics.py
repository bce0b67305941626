"""What real steps and graders print as metrics; every metric that an alarm or the dashboard names is among it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import pytest

from rft.errors import GateClosed
from rft.grading import Sample, Score, grader
from rft.run.status import Status
from rft.steps.ending.close_run import close_run
from rft.steps.gate.check_grader import check_grader
from rft.steps.training.await_job import await_job
from tests.contract.application import BUCKET, Application, application
from tests.contract.standin import FakeAws, running, serving
from tests.contract.test_gate import prepared, same
from tests.contract.test_requests import start, submitted
from tests.observability import (
    AWS_METRICS,
    OWN,
    Metric,
    metrics_of_alarms,
    metrics_of_dashboard,
    named_in,
    printed_metrics,
)
from tests.unit.judges.fakes import YES, handler_of, item

Records = list[dict[str, Any]]
Read = Callable[[], Records]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Read:
    return lambda: list(printed_metrics(capsys.readouterr().out))


@contextmanager
def output() -> Iterator[io.StringIO]:
    text = io.StringIO()
    with redirect_stdout(text):
        yield text


def values(records: Records, name: str) -> list[tuple[dict[str, str], float]]:
    """Of a metric: the dimensions of all its sets, and the value."""
    found = []
    for record in records:
        (directive,) = record["_aws"]["CloudWatchMetrics"]
        if name in {metric["Name"] for metric in directive["Metrics"]}:
            dimensions = {key: record[key] for names in directive["Dimensions"] for key in names}
            found += [(dimensions, value) for value in record[name]]
    return found


def put_training(run_id: str, *rows: str) -> None:
    """The file of a job, so far."""
    head = "step_number,critic/rewards/mean,critic/rewards/min,critic/rewards/max"
    boto3.client("s3").put_object(
        Bucket=BUCKET,
        Key=f"runs/{run_id}/output/job/training_artifacts/step_wise_training_metrics.csv",
        Body="\n".join([head, *rows]).encode(),
    )


def test_each_status_is_counted_once_however_often_its_step_is_tried(app: Application, printed: Read) -> None:
    run_id = start(app)
    for _ in range(3):
        app.pipeline.begin(run_id, Status.CHECKING)
    app.pipeline.end(run_id, Status.KEPT)
    app.pipeline.end(run_id, Status.FAILED)
    records = printed()
    assert values(records, "RunStatus") == [
        ({"stack": "rft", "status": status}, 1) for status in ("received", "checking", "kept")
    ]
    ((dimensions, seconds),) = values(records, "RunSeconds")
    assert (dimensions, 0 <= seconds < 600) == ({"stack": "rft"}, True)
    assert values(records, "RunFailures") == []


@pytest.mark.parametrize(
    ("error", "status", "failures"),
    [("JobFailed", "failed", 1), ("ExecutionTimedOut", "failed", 1), ("JobStopped", "stopped", 0)],
)
def test_only_a_failure_is_one(app: Application, printed: Read, error: str, status: str, failures: int) -> None:
    close_run(app.pipeline, start(app), error, "")
    records = printed()
    assert ({"stack": "rft", "status": status}, 1) in values(records, "RunStatus")
    assert values(records, "RunFailures") == [({"stack": "rft"}, 1)] * failures


def test_the_gates_verdict_and_estimate_are_counted_once(app: Application, printed: Read) -> None:
    app.bedrock.aws.reward = same
    run_id = prepared(app)
    check_grader(app.pipeline, run_id)
    # Of the first look: on a busy machine the second may find the grader slower, or quicker, and say so.
    gate = json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=f"runs/{run_id}/gate.json")["Body"].read())
    check_grader(app.pipeline, run_id)
    records = printed()
    assert values(records, "GateOutcome") == [({"stack": "rft", "verdict": gate["verdict"]}, 1)]
    ((_, usd),) = values(records, "SpendEstimateUsd")
    assert usd == gate["cost"]["usd"]["run"]["high"] > 0


def test_a_look_tells_how_old_the_wait_is_and_how_long_rewards_have_been_equal(
    app: Application, printed: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = submitted(app)
    put_training(run_id, "1,0.4,0,1", "2,0.5,0.5,0.5", "3,0.5,0.5,0.5")
    app.pipeline.store.record(run_id, job_submitted_at="2026-01-01T00:00:00.000Z")
    printed()
    await_job(app.pipeline, run_id, "token")
    records = printed()
    ((dimensions, minutes),) = values(records, "WaitAgeMinutes")
    assert (dimensions, minutes > 24 * 60) == ({"stack": "rft"}, True)
    assert values(records, "StuckWaits") == [({"stack": "rft"}, 1)]
    assert values(records, "ConstantRewardSteps") == [({"stack": "rft", "model": "m"}, 2)]
    monkeypatch.setenv("STUCK_HOURS", "1e6")
    await_job(app.pipeline, run_id, "token")
    assert values(printed(), "StuckWaits") == [({"stack": "rft"}, 0)]


def of_graders() -> str:
    """A rule and a judge, both of a training and of a stack."""

    def score(sample: Sample) -> Score:
        return Score(0.5, rewards={"half": 0.5})

    with output() as text:
        grader(score, name="rule-of-a-test")([item("a"), item("b")], Context())
        handler_of(lambda *_: YES, "judge-of-a-test")([item("a"), item("b")], Context())
    return text.getvalue()


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> set[Metric]:
    """All that two runs, one refused by the gate and one whose job failed, and two graders print."""
    aws = FakeAws()
    aws.reward = lambda _: 0.5
    state: Path = tmp_path_factory.mktemp("state")
    with (
        serving(aws.app()) as url,
        running(state, aws, url) as bedrock,
        pytest.MonkeyPatch.context() as patch,
        application(bedrock, url, patch) as app,
        output() as text,
    ):
        refused = prepared(app)
        with pytest.raises(GateClosed):
            check_grader(app.pipeline, refused)
        close_run(app.pipeline, refused, "GateClosed", "")
        bedrock.faults([{"job": "*", "do": "stall"}])
        failed = submitted(app, "f")
        put_training(failed, "1,0.5,0.5,0.5")
        await_job(app.pipeline, failed, "token")
        close_run(app.pipeline, failed, "JobFailed", "")
        assert app.broken == []
        graders = of_graders()
    return named_in(printed_metrics(text.getvalue() + graders))


def test_each_alarm_watches_a_metric_that_code_prints_or_aws_documents(emitted: set[Metric]) -> None:
    named = metrics_of_alarms()
    assert {metric for metric in named.values() if metric[0] in OWN} <= emitted
    assert {metric for metric in named.values() if metric[0] not in OWN} <= AWS_METRICS
    assert len(named) >= 8


def test_each_widget_shows_a_metric_that_code_prints_or_aws_documents(emitted: set[Metric]) -> None:
    named = metrics_of_dashboard()
    assert {metric for metric in named if metric[0] in OWN} <= emitted
    assert {metric for metric in named if metric[0] not in OWN} <= AWS_METRICS


def test_whatever_the_pipeline_prints_is_shown_somewhere(emitted: set[Metric]) -> None:
    shown = metrics_of_dashboard() | set(metrics_of_alarms().values())
    names = {(namespace, name) for namespace, name, _ in shown}
    assert {(namespace, name) for namespace, name, _ in emitted if namespace == "RFT/Pipeline"} <= names


def test_no_metric_of_the_pipeline_is_told_apart_by_run(emitted: set[Metric]) -> None:
    assert {d for namespace, _, dimensions in emitted if namespace == "RFT/Pipeline" for d in dimensions} == {
        *("stack", "status", "verdict", "model", "grader")
    }
