"""However a run ends, it ends in the right status, leaves nothing that costs money, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.faults import ApiProblem
from tests.local.data import ANY_GAIN
from tests.local.pipeline import Pipeline, until

Short = dict[str, Any]
Faults = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def start(pipeline: Pipeline, tickets: bytes, short: Short) -> Callable[..., str]:
    def start(model: str, **changes: Any) -> str:
        uri = pipeline.put(f"datasets/{model}.jsonl", tickets)
        request = {"model": model, "training_data": {"s3_uri": uri}, "hyperparameters": short, "promote": ANY_GAIN}
        request |= changes
        return str(pipeline.api.create_run(request, key=model)[0]["run_id"])

    return start


def nothing_paid_for_is_left(pipeline: Pipeline, run_id: str) -> None:
    assert all(job["status"] not in ("InProgress", "Stopping") for job in pipeline.jobs(run_id))
    names = [
        d["customModelDeploymentName"]
        for d in pipeline.bedrock.list_custom_model_deployments()["modelDeploymentSummaries"]
    ]
    assert run_id not in names


def test_an_invalid_dataset_is_rejected_line_by_line_before_anything_is_paid_for(
    pipeline: Pipeline, tickets: bytes, short: Short
) -> None:
    lines = tickets.splitlines(keepends=True)
    lines[6] = b"{not json}\n"
    lines[41] = b'{"messages": []}\n'
    lines[99] = lines[99].replace(b'"user"', b'"customer"')
    pipeline.put("inbox/invalid.jsonl", b"".join(lines))
    run = pipeline.ended(pipeline.run_of("invalid")["run_id"])
    assert (run["status"], run["reason"]["error"]) == ("rejected", "DatasetInvalid")
    assert pipeline.jobs(run["run_id"]) == []
    (message,) = pipeline.messages(run["run_id"])
    link = run["reason"]["details_uri"]
    assert link in message["Message"]
    assert "rejected" in message["Subject"]
    report = json.loads(pipeline.get(link))["training"]
    assert {problem["line"] for problem in report["errors"]} == {7, 42, 100}
    assert all(problem["rule"] and problem["fix"] for problem in report["errors"])
    assert pipeline.executions(run["run_id"])[0]["status"] == "SUCCEEDED"


def test_many_uploads_at_once_are_each_answered_once(pipeline: Pipeline) -> None:
    models = [f"burst-{n}" for n in range(12)]
    for model in models:
        pipeline.put(f"inbox/{model}.jsonl", b"{}\n")
    for model in models:
        run = pipeline.ended(pipeline.run_of(model)["run_id"])
        assert (run["status"], run["reason"]["error"]) == ("rejected", "DatasetInvalid")
        assert len(pipeline.messages(run["run_id"])) == 1


def test_a_dataset_that_is_not_there_is_rejected(pipeline: Pipeline, short: Short) -> None:
    uri = f"s3://{pipeline.cloud.info.bucket}/datasets/nowhere.jsonl"
    request = {"model": "nowhere", "training_data": {"s3_uri": uri}, "hyperparameters": short}
    run = pipeline.ended(pipeline.api.create_run(request, key="nowhere")[0]["run_id"])
    assert (run["status"], run["reason"]["error"]) == ("rejected", "DatasetMissing")


def test_a_failed_job_is_a_failed_run_with_bedrocks_reason(
    pipeline: Pipeline, start: Callable[..., str], faults: Faults
) -> None:
    faults([{"job": "job-fails-*", "do": "fail", "message": "capacity was lost"}])
    run = pipeline.ended(run_id := start("job-fails"))
    assert (run["status"], run["reason"]["error"], run["job_status"]) == ("failed", "JobFailed", "Failed")
    assert "capacity was lost" in run["reason"]["message"]
    (message,) = pipeline.messages(run_id)
    assert "capacity was lost" in message["Message"]
    assert pipeline.executions(run_id)[0]["status"] == "FAILED"
    assert pipeline.transitions(run_id) <= 20
    nothing_paid_for_is_left(pipeline, run_id)


def test_a_stop_while_training_stops_the_job(pipeline: Pipeline, start: Callable[..., str], faults: Faults) -> None:
    faults([{"job": "stopped-*", "do": "stall"}])
    run_id = start("stopped")
    pipeline.reached(run_id, "training")
    assert pipeline.api.stop(run_id)["stop_requested"]
    run = pipeline.ended(run_id)
    assert (run["status"], run["job_status"]) == ("stopped", "Stopped")
    assert pipeline.bedrock.get_model_customization_job(jobIdentifier=run["job_arn"])["status"] == "Stopped"
    assert "stopped" in pipeline.messages(run_id)[0]["Subject"]
    with pytest.raises(ApiProblem) as refused:
        pipeline.api.stop(run_id)
    assert refused.value.status == 409
    nothing_paid_for_is_left(pipeline, run_id)


def test_an_aborted_execution_stops_its_job_and_says_so(
    pipeline: Pipeline, start: Callable[..., str], faults: Faults
) -> None:
    faults([{"job": "aborted-*", "do": "stall"}])
    run_id = start("aborted")
    run = pipeline.reached(run_id, "training")
    pipeline.states.stop_execution(executionArn=run["execution_arn"], cause="pressed in the console")
    run = pipeline.ended(run_id)
    assert (run["status"], run["reason"]["error"]) == ("failed", "ExecutionAborted")
    assert len(pipeline.messages(run_id)) == 1
    job = run["job_arn"]
    until(lambda: pipeline.bedrock.get_model_customization_job(jobIdentifier=job)["status"] == "Stopped")
    nothing_paid_for_is_left(pipeline, run_id)


def test_a_stop_while_the_model_is_deployed_removes_the_deployment(
    pipeline: Pipeline, start: Callable[..., str], faults: Faults
) -> None:
    faults([{"deployment": "stop-late-*", "do": "stay"}])
    run_id = start("stop-late")
    until(lambda: pipeline.api.run(run_id)["deployment_arn"])
    pipeline.api.stop(run_id)
    run = pipeline.ended(run_id)
    assert run["status"] == "stopped"
    assert run["custom_model_arn"] in run["reason"]["message"], "the model that was paid for is kept, and said to be"
    nothing_paid_for_is_left(pipeline, run_id)


def test_a_failed_deployment_is_removed(pipeline: Pipeline, start: Callable[..., str], faults: Faults) -> None:
    faults([{"deployment": "bad-deploy-*", "do": "fail", "message": "no hardware"}])
    run = pipeline.ended(run_id := start("bad-deploy"))
    assert (run["status"], run["reason"]["error"]) == ("failed", "DeploymentFailed")
    assert "no hardware" in run["reason"]["message"]
    nothing_paid_for_is_left(pipeline, run_id)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        ("lost", {"do": "lose"}),
        ("doubled", {"do": "repeat", "copies": 3}),
        ("reordered", {"do": "hold", "status": "InProgress", "until": "Completed"}),
    ],
)
def test_whatever_happens_to_its_events_the_run_ends_once(
    pipeline: Pipeline, start: Callable[..., str], faults: Faults, model: str, rule: dict[str, Any]
) -> None:
    faults([{"events": f"{model}-*"} | rule])
    run = pipeline.ended(run_id := start(model))
    assert run["status"] == "promoted"
    assert len(pipeline.messages(run_id)) == 1
    statuses = [e["detail"]["status"] for e in pipeline.api.events(run_id) if e["type"] == "status"]
    assert statuses == ["received", "preparing", "checking", "queued", "training", "deploying", "comparing", "promoted"]


def test_a_foreign_job_event_changes_nothing(pipeline: Pipeline, start: Callable[..., str], faults: Faults) -> None:
    faults([{"job": "foreign-*", "do": "stall"}])
    run_id = start("foreign")
    run = pipeline.reached(run_id, "training")
    forged = {"jobName": run_id, "jobArn": run["job_arn"], "jobStatus": "Completed"}
    entry = {"Source": "local.bedrock", "DetailType": "Model Customization Job State Change"}
    arn = run["job_arn"][:-12] + "zzzzzzzzzzzz"
    pipeline.cloud.client("events").put_events(
        Entries=[entry | {"Detail": json.dumps(detail)} for detail in (forged, forged | {"jobArn": arn})]
    )
    functions = pipeline.cloud.client("lambda")
    payload = json.dumps({"detail-type": "x", "detail": forged}).encode()
    answer = json.loads(functions.invoke(FunctionName="rft-await-job", Payload=payload)["Payload"].read())
    assert answer["job_status"] == "InProgress", "the job was asked, not the event"
    assert pipeline.api.run(run_id)["status"] == "training"
    pipeline.api.stop(run_id)
    assert pipeline.ended(run_id)["status"] == "stopped"


def test_a_run_outlives_a_crash_of_the_stand_in(pipeline: Pipeline, start: Callable[..., str], faults: Faults) -> None:
    faults([{"job": "crash-*", "do": "stall"}])
    run_id = start("crash")
    run = pipeline.reached(run_id, "training")
    pipeline.cloud.restart_bedrock()
    assert pipeline.bedrock.get_model_customization_job(jobIdentifier=run["job_arn"])["status"] == "InProgress"
    faults([])
    assert pipeline.ended(run_id)["status"] == "promoted"
