"""What a look at a training brings: its curve on record and in the API, warnings once, the stop that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rft.grading.telemetry import NAMESPACE
from rft.run.record import Run
from rft.steps.ending.close_run import close_run
from rft.steps.training import job_metrics as curves
from rft.steps.training.await_job import await_job, on_job_event
from rft.steps.training.job_metrics import job_metrics
from rft.steps.training.read_curve import MAX_POINTS, period_of, read_curve
from tests.contract.application import Application
from tests.contract.standin import until
from tests.contract.test_handlers import event, invoke
from tests.contract.test_metrics import put_training
from tests.contract.test_requests import submitted

FLAT = [f"{step},0.5,0.5,0.5" for step in range(1, 13)]


@pytest.fixture
def stalled(app: Application) -> Application:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    return app


def run_of(app: Application, run_id: str) -> Run:
    return app.pipeline.store.get(run_id)


def events(app: Application, run_id: str, kind: str) -> list[dict[str, Any]]:
    page = app.pipeline.store.events(run_id, limit=100, token=None)
    return [item["detail"] for item in page.items if item["type"] == kind]


def put_graded(run_id: str, *minutes: list[float], grader: str = "grader", model: str = "m", **others: float) -> None:
    """What a grader published: the rewards of each of the last minutes."""
    cloudwatch = boto3.client("cloudwatch")
    dimensions = [{"Name": k, "Value": v} for k, v in {"grader": grader, "model": model, "run_id": run_id}.items()]
    now = datetime.now(UTC)
    for age, rewards in enumerate(reversed(minutes)):
        at = now - timedelta(minutes=age)
        curves = {"Reward": rewards, "Errors": [1.0], "Duration": [250.0]} | {k: [v] for k, v in others.items()}
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Values": values}
            for name, values in curves.items()
        ]
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)


# -- the curve ----------------------------------------------------------------------------------------------------


def test_the_newest_of_the_jobs_curve_is_on_record(stalled: Application) -> None:
    run_id = submitted(stalled)
    await_job(stalled.pipeline, run_id, "token")
    assert run_of(stalled, run_id).training is None
    put_training(run_id, "1,0.25,0,1")
    await_job(stalled.pipeline, run_id, "token")
    put_training(run_id, "1,0.25,0,1", "2,0.375,0,1")
    await_job(stalled.pipeline, run_id, "token")
    assert run_of(stalled, run_id).training == {
        "step": 2,
        "reward_mean": 0.375,
        "constant_steps": 0,
        "source": "job",
    }
    writes = [w for w in stalled.named("TransactWriteItems") if "'#training'" in str(w)]
    await_job(stalled.pipeline, run_id, "token")
    assert len(writes) == 2 == len([w for w in stalled.named("TransactWriteItems") if "'#training'" in str(w)])


def test_the_end_of_the_curve_is_seen_with_the_jobs_end(app: Application) -> None:
    run_id = submitted(app)
    app.pipeline.store.store_token(run_id, "token")
    job = app.bedrock.ended(run_id)
    put_training(run_id, "9,0.75,0,1")
    on_job_event(app.pipeline, {"detail": {"jobName": run_id, "jobArn": job["jobArn"]}})
    training = run_of(app, run_id).training
    assert training is not None and training["step"] == 9
    assert len(app.named("SendTaskSuccess")) == 1


def test_before_the_jobs_files_tell_the_grader_does(stalled: Application) -> None:
    run_id = submitted(stalled)  # 64 prompts a step, 2 answers each
    put_graded(run_id, [0.0, 1.0] * 64, [0.5] * 300)
    await_job(stalled.pipeline, run_id, "token")
    assert run_of(stalled, run_id).training == {
        "step": 3,
        "reward_mean": 0.5,
        "constant_steps": 2,
        "source": "grader",
    }


def test_the_api_tells_what_the_grader_saw(stalled: Application) -> None:
    run_id = submitted(stalled)
    await_job(stalled.pipeline, run_id, "token")
    # Under a name of its own, which the ARN doesn't tell: found by the run's id.
    put_graded(run_id, [0.0, 0.25, 1.0], [0.5], grader="somebodys", accuracy=0.75)
    put_graded("n-0123456789ab", [0.9], model="n")
    answer = job_metrics(stalled.pipeline, run_id)
    assert (answer["run_id"], answer["training"], answer["validation"]) == (run_id, [], [])
    assert set(answer["phases"]) == {"validation", "dataProcessing", "training"}
    first, second = answer["grader"]
    assert first.pop("at") < second.pop("at")
    assert first == {
        "reward_mean": pytest.approx(1.25 / 3),
        "reward_min": 0,
        "reward_max": 1,
        "samples": 3,
        "errors": 1,
        "milliseconds": 250,
        "components": {"accuracy": 0.75},
    }
    assert (second["samples"], second["reward_mean"]) == (1, 0.5)


def test_a_curve_that_can_not_be_read_disturbs_nothing(
    stalled: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = submitted(stalled)
    stalled.bedrock.aws.functions["read-curve"] = lambda _: 1 / 0
    assert job_metrics(stalled.pipeline, run_id)["grader"] == []
    await_job(stalled.pipeline, run_id, "token")
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")
    for fault in (denied, KeyError("a mistake of ours")):
        monkeypatch.setattr(curves.objects, "found", lambda *_, fault=fault: (_ for _ in ()).throw(fault))
        assert await_job(stalled.pipeline, run_id, "token")["job_status"] == "InProgress"
    assert stalled.named("SendTaskFailure") == [], "the training is paid for and goes on"


def test_a_run_without_a_job_asks_for_no_curve(app: Application) -> None:
    from tests.contract.test_requests import start

    app.bedrock.aws.functions["read-curve"] = lambda _: pytest.fail("asked")
    answer = job_metrics(app.pipeline, start(app))
    assert (answer["grader"], answer["phases"]) == ([], None)


@pytest.mark.parametrize(
    ("age", "length", "period"),
    [
        ({"hours": 1}, {"hours": 1}, 60),
        ({"hours": 24}, {"hours": 24}, 240),
        ({"days": 14}, {"hours": 2}, 60),
        ({"days": 16}, {"hours": 2}, 300),
        ({"days": 64}, {"hours": 2}, 3600),
        ({"days": 64}, {"days": 30}, 7200),
    ],
)
def test_a_point_is_as_fine_as_cloudwatch_still_has_it(age: Any, length: Any, period: int) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(**age)
    until_then = since + timedelta(**length)
    assert period_of(since, until_then, now) == period
    assert (until_then - since).total_seconds() / period <= MAX_POINTS


def test_a_run_that_nothing_was_published_of_has_no_points(app: Application) -> None:
    now = datetime.now(UTC).isoformat()
    wanted = {"run_id": "m-0123456789ab", "model": "m", "grader": "g", "since": now, "until": now}
    assert read_curve(wanted) == {"points": []}


def test_its_function_answers_its_event(app: Application) -> None:
    assert invoke("read_curve", event("read_curve")) == {"points": []}


# -- rewards that don't differ ------------------------------------------------------------------------------------


def test_ten_steps_without_a_difference_are_warned_of_once(stalled: Application) -> None:
    run_id = submitted(stalled)
    put_training(run_id, *FLAT[:9])
    await_job(stalled.pipeline, run_id, "token")
    assert run_of(stalled, run_id).warnings == []
    for steps in (10, 12):
        put_training(run_id, *FLAT[:steps])
        await_job(stalled.pipeline, run_id, "token")
    (warning,) = run_of(stalled, run_id).warnings
    assert warning.startswith("constant reward: the rewards of the last 10 training steps did not differ")
    (told,) = events(stalled, run_id, "constant_reward")
    assert (told["step"], told["constant_steps"]) == (10, 10)
    assert stalled.named("SendTaskFailure") == [], "who didn't ask for a stop goes on"


def test_a_stop_that_was_asked_for_ends_the_wait_and_the_job(stalled: Application) -> None:
    run_id = submitted(stalled, stop_when={"constant_reward_steps": 4})
    put_training(run_id, "1,0.4,0,1", *FLAT[1:4])
    await_job(stalled.pipeline, run_id, "token-1")
    assert stalled.named("SendTaskFailure") == []
    put_training(run_id, "1,0.4,0,1", *FLAT[1:6])
    await_job(stalled.pipeline, run_id, "token-2")
    (settled,) = stalled.named("SendTaskFailure")
    assert (settled["taskToken"], settled["error"]) == ("token-2", "RewardConstant")
    assert "last 5 training steps did not differ (the mean is 0.5)" in settled["cause"]
    assert "after 4" in settled["cause"] and "docs/operations.md#constant-reward" in settled["cause"]
    closed = close_run(stalled.pipeline, run_id, settled["error"], settled["cause"])
    assert closed["status"] == "stopped"
    until(lambda: stalled.bedrock.status(run_id) == "Stopped")
    run = run_of(stalled, run_id)
    assert (run.reason or {})["error"] == "RewardConstant"
    assert run.training is not None and run.training["constant_steps"] == 5


def test_a_training_that_ended_by_itself_is_not_stopped(app: Application) -> None:
    run_id = submitted(app, stop_when={"constant_reward_steps": 3})
    app.bedrock.ended(run_id)
    put_training(run_id, *FLAT)
    await_job(app.pipeline, run_id, "token")
    assert app.named("SendTaskFailure") == []
    assert len(app.named("SendTaskSuccess")) == 1
    assert run_of(app, run_id).warnings[0].startswith("constant reward: "), "what was learned is told all the same"


# -- waits that are stuck -----------------------------------------------------------------------------------------


def test_a_wait_of_more_than_the_stacks_hours_is_told_once(stalled: Application) -> None:
    run_id = submitted(stalled)
    await_job(stalled.pipeline, run_id, "token")
    assert stalled.named("Publish") == []
    stalled.pipeline.store.record(run_id, job_submitted_at="2026-01-01T00:00:00.000Z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOB_DEADLINE_HOURS", "1e6")
        for _ in range(3):
            await_job(stalled.pipeline, run_id, "token")
    (message,) = stalled.named("Publish")
    assert run_id in message["Message"]
    (warning,) = run_of(stalled, run_id).warnings
    assert warning.startswith("stuck: the training job has been waited for longer than 24 hours")
    (told,) = events(stalled, run_id, "stuck")
    assert (told["hours"] > 24, told["job_status"]) == (True, "InProgress")
    assert stalled.named("SendTaskFailure") == []


def test_a_job_that_has_ended_is_not_stuck(app: Application) -> None:
    run_id = submitted(app)
    app.bedrock.ended(run_id)
    app.pipeline.store.record(run_id, job_submitted_at="2026-01-01T00:00:00.000Z")
    await_job(app.pipeline, run_id, "token")
    assert events(app, run_id, "stuck") == []
