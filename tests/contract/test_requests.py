"""Every step of a run against Bedrock's own rules; the fixture holds each request against its service's model."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rft.aws import bedrock
from rft.aws.clients import client
from rft.aws.clock import now
from rft.errors import (
    DatasetInvalid,
    JobQuotaFull,
    JobRefused,
    NotificationPending,
    RunEnded,
    RunStopped,
)
from rft.run.job import job_request
from rft.run.status import Status
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.doors.start_run import start_from_api, start_from_event
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending import clean_up
from rft.steps.ending import notify as telling
from rft.steps.ending.close_run import close_ended_execution, close_run
from rft.steps.ending.notify import notify
from rft.steps.serving.deploy_model import deploy_model
from rft.steps.training.await_job import await_job
from rft.steps.training.submit_job import submit_job
from tests.contract.application import BUCKET, KEY, MACHINE, Application
from tests.contract.standin import ROLE, records, until

FULL = {"epoch_count": 50, "batch_size": 512, "learning_rate": 1e-3, "max_prompt_length": 262_144}
FULL |= {"training_sample_per_prompt": 16, "inference_max_tokens": 262_144, "reasoning_effort": "high"}
FULL |= {"eval_interval": 100}
SHORT = {"epoch_count": 1, "batch_size": 64, "inference_max_tokens": 8, "training_sample_per_prompt": 2}


def start(app: Application, model: str = "m", **changes: Any) -> str:
    lines = [{name: value for name, value in record.items() if name != "rft"} for record in records(140)]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"datasets/{model}.jsonl", Body=body.encode())
    request = {"model": model, "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/{model}.jsonl"}}
    document = json.dumps(request | {"hyperparameters": SHORT} | changes)
    return start_from_api(app.pipeline, document, key=model, request_id="r").run.run_id


def submitted(app: Application, model: str = "m", **changes: Any) -> str:
    run_id = start(app, model, **changes)
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    submit_job(app.pipeline, run_id)
    return run_id


def trained(app: Application, model: str = "m", **changes: Any) -> str:
    run_id = submitted(app, model, **changes)
    assert app.bedrock.ended(run_id)["status"] == "Completed"
    await_job(app.pipeline, run_id, "token")
    return run_id


def status(app: Application, run_id: str) -> Status:
    return app.pipeline.store.get(run_id).status


def test_a_whole_run_sends_only_what_aws_accepts(app: Application) -> None:
    run_id = trained(app, "a" * 40, tags={"team": "x" * 256})
    deploy_model(app.pipeline, run_id)
    app.pipeline.end(run_id, Status.PROMOTED)
    assert notify(app.pipeline, run_id)["status"] == "promoted"
    services = {name for name, _ in app.calls}
    assert services >= {
        "CreateModelCustomizationJob",
        "GetModelCustomizationJob",
        "GetCustomModel",
        "CreateCustomModelDeployment",
        "GetCustomModelDeployment",
        "TransactWriteItems",
        "PutEvents",
        "Publish",
        "StartExecution",
        "PutObject",
    }
    (published,) = app.named("Publish")
    assert len(published["Subject"]) < 100
    assert notify(app.pipeline, run_id)["status"] == "promoted"
    assert len(app.named("Publish")) == 1, "told once"


def test_a_run_whose_request_has_nulls_goes_its_way(app: Application) -> None:
    nulls = {"grader": None, "budget": None, "validation_data": {"s3_uri": None, "fraction": 0.2}}
    run_id = submitted(app, **nulls)
    run = app.pipeline.store.get(run_id)
    assert run.dataset is not None
    assert run.dataset["validation_records"] > 0
    assert run.warnings == []


def test_the_largest_request_is_within_every_maximum(app: Application) -> None:
    tags = {f"{n}" + "k" * 120: "v" * 256 for n in range(40)}
    run_id = start(app, "b" * 40, hyperparameters=FULL, tags=tags)
    prepare_dataset(app.pipeline, run_id)
    run = app.pipeline.store.get(run_id)
    request = job_request(run, bucket=BUCKET, role_arn=ROLE, stack="rft", model_key_arn=KEY)
    client("bedrock").create_model_customization_job(**request)
    sent = request["customizationConfig"]["rftConfig"]["hyperParameters"]
    assert len(sent) == 8


def test_a_step_that_is_repeated_pays_nothing_twice(app: Application) -> None:
    run_id = submitted(app)
    assert submit_job(app.pipeline, run_id)["job_arn"] == app.pipeline.store.get(run_id).job_arn
    first, second = app.named("CreateModelCustomizationJob")
    assert first == second
    assert len(app.bedrock.control.list_model_customization_jobs()["modelCustomizationJobSummaries"]) == 1


def test_a_job_whose_answer_was_lost_is_adopted(app: Application) -> None:
    run_id = submitted(app)
    request = app.named("CreateModelCustomizationJob")[0]
    known = app.pipeline.store.get(run_id).job_arn
    # As if the token were no longer remembered: the name is taken, by our own job.
    assert bedrock.create_job(client("bedrock"), request | {"clientRequestToken": "another"}) == known
    other = request | {"clientRequestToken": "another", "jobTags": []}
    assert bedrock.create_job(client("bedrock"), other) == known, "the tags of the job that is there count"


def test_a_strangers_job_under_our_name_is_not_adopted(app: Application) -> None:
    run_id = start(app)
    prepare_dataset(app.pipeline, run_id)
    app.bedrock.job(run_id)
    with pytest.raises(JobRefused, match="another job has the name"):
        submit_job(app.pipeline, run_id)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("ServiceQuotaExceededException", JobQuotaFull),
        ("ValidationException", JobRefused),
        ("ResourceNotFoundException", JobRefused),
        ("AccessDeniedException", ClientError),
    ],
)
def test_bedrocks_refusals_get_our_names(app: Application, error: str, expected: type[Exception]) -> None:
    run_id = start(app)
    prepare_dataset(app.pipeline, run_id)
    app.bedrock.faults([{"operation": "CreateModelCustomizationJob", "error": error, "times": 1}])
    with pytest.raises(expected):
        submit_job(app.pipeline, run_id)
    assert status(app, run_id) is Status.QUEUED
    assert submit_job(app.pipeline, run_id)["job_arn"], "the next try goes through"


def test_throttling_is_waited_out(app: Application) -> None:
    run_id = start(app)
    prepare_dataset(app.pipeline, run_id)
    rule = {"operation": "CreateModelCustomizationJob", "error": "ThrottlingException", "times": 2}
    app.bedrock.faults([rule])
    assert submit_job(app.pipeline, run_id)["job_arn"]


def test_an_invalid_dataset_asks_for_no_job(app: Application) -> None:
    run_id = start(app)
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/m.jsonl", Body=b"{}\n" * 3)
    with pytest.raises(DatasetInvalid, match="report"):
        prepare_dataset(app.pipeline, run_id)
    closed = close_run(app.pipeline, run_id, "DatasetInvalid", json.dumps({"errorMessage": "3 problems"}))
    assert closed["status"] == "rejected"
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["message"] == "3 problems."
    assert reason["details_uri"].endswith("/dataset/report.json")
    assert app.named("CreateModelCustomizationJob") == []


def test_a_job_past_its_deadline_ends_the_wait(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = submitted(app)
    await_job(app.pipeline, run_id, "token")
    assert app.named("SendTaskFailure") == []
    monkeypatch.setenv("JOB_DEADLINE_HOURS", "0.000001")
    await_job(app.pipeline, run_id, "token-2")
    (settled,) = app.named("SendTaskFailure")
    assert (settled["taskToken"], settled["error"]) == ("token-2", "JobTimedOut")
    assert close_run(app.pipeline, run_id, "JobTimedOut", "too long")["status"] == "failed"
    until(lambda: app.bedrock.status(run_id) == "Stopped")


def test_a_job_that_was_born_while_its_run_was_stopped_is_stopped(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = start(app)
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    create = bedrock.create_job

    def stopped_meanwhile(*arguments: Any) -> str:
        arn = create(*arguments)
        app.pipeline.store.move(run_id, Status.STOPPED)
        return arn

    monkeypatch.setattr(bedrock, "create_job", stopped_meanwhile)
    with pytest.raises(RunStopped):
        submit_job(app.pipeline, run_id)
    until(lambda: app.bedrock.status(run_id) == "Stopped")
    assert status(app, run_id) is Status.STOPPED


def test_clean_up_finds_a_job_that_nobody_noted(app: Application) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = start(app)
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    run = app.pipeline.store.get(run_id)
    client("bedrock").create_model_customization_job(
        **job_request(run, bucket=BUCKET, role_arn=ROLE, stack="rft", model_key_arn=KEY)
    )
    close_run(app.pipeline, run_id, "States.Timeout", "")
    until(lambda: app.bedrock.status(run_id) == "Stopped")


def test_a_run_that_has_ended_takes_no_further_step(app: Application) -> None:
    run_id = start(app)
    app.pipeline.end(run_id, Status.FAILED)
    for step in (prepare_dataset, submit_job, deploy_model):
        with pytest.raises(RunEnded):
            step(app.pipeline, run_id)
    await_job(app.pipeline, run_id, "token")
    assert app.named("SendTaskFailure")[0]["error"] == "RunEnded"
    with pytest.raises(RunEnded):
        stop_run(app.pipeline, run_id)


def test_a_run_that_is_to_stop_takes_no_further_step(app: Application) -> None:
    run_id = start(app)
    stop_run(app.pipeline, run_id)
    assert len(app.named("StopExecution")) == 1
    with pytest.raises(RunStopped):
        prepare_dataset(app.pipeline, run_id)
    event = {"detail": {"name": run_id, "status": "ABORTED"}}
    assert close_ended_execution(app.pipeline, event)["status"] == "stopped"
    assert len(app.named("Publish")) == 1
    assert close_ended_execution(app.pipeline, event)["status"] == "stopped"
    assert len(app.named("Publish")) == 1
    assert close_ended_execution(app.pipeline, {"detail": {"name": "no-such-run", "status": "FAILED"}}) == {
        "ignored": True
    }


def test_a_clean_up_that_fails_is_tried_again_and_in_the_end_told_to_a_person(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_up, "_PAUSES", (0.0, 0.0))
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = submitted(app)
    denied = {"operation": "StopModelCustomizationJob", "error": "AccessDeniedException", "times": 99}
    app.bedrock.faults([{"job": "*", "do": "stall"}, denied])
    with pytest.raises(ClientError):
        close_run(app.pipeline, run_id, "JobTimedOut", "too long")
    assert app.pipeline.store.get(run_id).reason is not None
    assert not status(app, run_id).is_terminal, "the state machine tries again"
    close_ended_execution(app.pipeline, {"detail": {"name": run_id, "status": "FAILED", "cause": "CloseRun failed"}})
    (message,) = app.named("Publish")
    assert "COULD NOT stop the training job" in message["Message"]
    assert "AccessDeniedException" in message["Message"]
    assert "JobTimedOut: too long." in message["Message"], "the first reason is the true one"
    assert status(app, run_id) is Status.FAILED


@pytest.mark.parametrize("error", ["ConflictException", "ValidationException"])
def test_a_refused_stop_is_not_believed_of_a_job_that_runs(app: Application, error: str) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = submitted(app)
    rule = {"operation": "StopModelCustomizationJob", "error": error, "times": 1}
    app.bedrock.faults([{"job": "*", "do": "stall"}, rule])
    with pytest.raises(ClientError):
        stop_run(app.pipeline, run_id)
    await_job(app.pipeline, run_id, "token")
    until(lambda: app.bedrock.status(run_id) == "Stopped")


@pytest.mark.parametrize("error", ["AccessDeniedException", "ResourceNotFoundException", "ThrottlingException"])
def test_a_look_that_fails_does_not_end_a_training_that_is_paid_for(app: Application, error: str) -> None:
    app.bedrock.faults([{"job": "*", "do": "stall"}])
    run_id = submitted(app)
    rule = {"operation": "GetModelCustomizationJob", "error": error, "times": 9}
    app.bedrock.faults([{"job": "*", "do": "stall"}, rule])
    await_job(app.pipeline, run_id, "token")
    assert app.named("SendTaskFailure") == []
    assert status(app, run_id) is Status.TRAINING
    app.bedrock.faults([])
    app.bedrock.ended(run_id)
    await_job(app.pipeline, run_id, "token")
    assert app.named("SendTaskSuccess")
    assert app.pipeline.store.get(run_id).custom_model_arn, "known as soon as the job has it"


def test_a_topic_that_is_gone_changes_nothing_of_how_the_run_ended(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    boto3.client("sns").delete_topic(TopicArn=app.topic)
    for attempt in range(5):
        with pytest.raises(ClientError):
            notify(app.pipeline, run_id, attempt=attempt)
    assert notify(app.pipeline, run_id, attempt=5)["status"] == "promoted"
    events = [event["type"] for event in app.pipeline.store.events(run_id, limit=50, token=None).items]
    assert events.count("notification_failed") == 6


def test_two_who_want_to_tell_at_once_tell_once(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start(app)
    app.pipeline.end(run_id, Status.FAILED)
    monkeypatch.setattr(telling, "_LOOK_PAUSE", 0.0)
    assert app.pipeline.store.claim_message(run_id, at=now(), stale_before=now(seconds_ago=60))
    with pytest.raises(NotificationPending):
        notify(app.pipeline, run_id)
    assert app.named("Publish") == []
    monkeypatch.setattr(telling, "STALE_SECONDS", -1.0)
    notify(app.pipeline, run_id)
    assert len(app.named("Publish")) == 1, "whoever claimed it has died"


def test_a_request_with_thousands_of_faults_is_refused_like_any_other(app: Application) -> None:
    detail = {f"k{n}": 0 for n in range(4_000)} | {"model": "many", "k" * 9_000: 1}
    started = start_from_event(app.pipeline, {"id": "e-1", "detail": detail})
    assert started.run.status is Status.REJECTED
    assert "more problems" in started.run.reason["message"]  # type: ignore[index]
    (message,) = app.named("Publish")
    assert len(message["Message"]) < 20_000
    huge = {f"k{n}": 0 for n in range(40_000)} | {"model": "huge"}
    assert start_from_event(app.pipeline, {"id": "e-2", "detail": huge}).run.status is Status.REJECTED


def test_a_run_whose_execution_never_began_can_be_stopped(app: Application) -> None:
    run_id = start(app)
    boto3.client("stepfunctions").delete_state_machine(stateMachineArn=MACHINE)
    app.pipeline.store.record(run_id, execution_arn=None)
    assert stop_run(app.pipeline, run_id).status is Status.STOPPED
