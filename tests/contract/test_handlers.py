"""The real handlers with the real events of events/, in the form that ``sam local invoke -e`` takes."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from rft.errors import RunNotFound
from tests.contract.application import BUCKET, Application

EVENTS = Path(__file__).resolve().parents[2] / "events"
RUN = "ticket-triage-0123456789ab"


@dataclass
class Context:
    """What Lambda tells a function about itself."""

    function_name: str
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def invoke(function: str, given: Any) -> Any:
    return importlib.import_module(f"functions.{function}.app").handler(given, Context(function))


def test_an_upload_of_a_dataset_starts_a_run_once(app: Application) -> None:
    first = invoke("start_run", event("upload_dataset"))
    assert first["status"] == "received"
    assert invoke("start_run", event("upload_dataset")) == first
    run = app.pipeline.store.get(first["run_id"])
    assert run.request["training_data"] == {
        "s3_uri": f"s3://{BUCKET}/inbox/ticket-triage.jsonl",
        "version_id": event("upload_dataset")["detail"]["object"]["version-id"],
    }
    assert len(app.named("StartExecution")) == 2, "also the repeat makes sure that the execution runs"


def test_an_upload_of_run_json_is_read_from_its_own_version(app: Application) -> None:
    given = event("upload_run_json")
    request = {"model": "ticket-triage", "training_data": {"s3_uri": "train.jsonl"}}
    s3 = boto3.client("s3")
    key = given["detail"]["object"]["key"]
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(request).encode())["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"overwritten meanwhile")
    given["detail"]["object"]["version-id"] = version
    run = app.pipeline.store.get(invoke("start_run", given)["run_id"])
    assert run.request["training_data"]["s3_uri"] == f"s3://{BUCKET}/inbox/ticket-triage/train.jsonl"


def test_a_run_json_that_is_gone_or_too_large_is_a_rejected_run(app: Application) -> None:
    given = event("upload_run_json")
    assert invoke("start_run", given)["status"] == "rejected"
    key = given["detail"]["object"]["key"]
    version = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b" " * 65_537)["VersionId"]
    given["detail"]["object"]["version-id"] = version
    rejected = invoke("start_run", given)
    reason = app.pipeline.store.get(rejected["run_id"]).reason
    assert reason is not None
    assert "65,536" in reason["message"]


def test_other_uploads_start_nothing(app: Application) -> None:
    assert invoke("start_run", event("upload_elsewhere")) == {"ignored": True}
    assert app.named("TransactWriteItems") == []


def test_an_event_starts_a_run_or_is_refused_with_a_message(app: Application) -> None:
    assert invoke("start_run", event("run_requested"))["status"] == "received"
    refused = event("run_requested_invalid")
    refused["id"] = "another"
    assert invoke("start_run", refused)["status"] == "rejected"
    (message,) = app.named("Publish")
    for path in ("training_data.s3_uri", "hyperparameters.epoch_count", "priority"):
        assert path in message["Message"]


@pytest.mark.parametrize("name", ["job_in_progress", "job_completed", "job_failed", "job_stopped"])
def test_events_of_jobs_that_are_not_ours_are_ignored(app: Application, name: str) -> None:
    assert invoke("await_job", event(name)) == {"ignored": True}


@pytest.mark.parametrize("name", ["execution_aborted", "execution_of_a_batch_failed"])
def test_the_end_of_an_execution_that_is_not_a_run_is_ignored(app: Application, name: str) -> None:
    assert invoke("close_run", event(name)) == {"ignored": True}


STATES = ["list_logs", "convert_logs", "assemble_logs", "prepare_dataset", "submit_job", "await_job", "deploy_model"]
STATES += ["compare_models", "promote_model", "discard_candidate", "publish_report", "notify", "close_run"]
OTHERS = [("await_job", "state_await_approval"), ("await_job", "approval"), ("compare_models", "state_compare_batch")]


@pytest.mark.parametrize(("function", "name"), [*((name, f"state_{name}") for name in STATES), *OTHERS])
def test_a_state_of_a_run_that_is_not_there_fails_by_name(app: Application, function: str, name: str) -> None:
    with pytest.raises(RunNotFound):
        invoke(function, event(name))
    assert app.pipeline.store.find(RUN) is None, "and leaves no half of a record"


def api(name: str) -> tuple[int, Any]:
    answer = invoke("api", event(name))
    return answer["statusCode"], json.loads(answer["body"])


def test_the_api_starts_shows_lists_and_stops(app: Application) -> None:
    status, run = api("api_post_runs")
    assert (status, run["status"]) == (201, "received")
    assert api("api_post_runs")[0] == 200
    assert [r["run_id"] for r in api("api_get_runs")[1]["runs"]] == [run["run_id"]]
    for name, field in (("api_get_run", "status"), ("api_get_events", "events"), ("api_get_metrics", "training")):
        given = event(name)
        given["path"] = given["path"].replace(RUN, run["run_id"])
        answer = invoke("api", given)
        assert (answer["statusCode"], field in json.loads(answer["body"])) == (200, True)
    stop = event("api_post_stop")
    stop["path"] = stop["path"].replace(RUN, run["run_id"])
    answer = invoke("api", stop)
    assert (answer["statusCode"], json.loads(answer["body"])["stop_requested"]) == (202, True)


def test_the_api_answers_faults_as_problems(app: Application) -> None:
    status, problem = api("api_post_runs_invalid")
    assert status == 422
    assert {error["path"] for error in problem["errors"]} == {"model", "training_data", "hyperparameters.batch_size"}
    for name in ("api_get_run", "api_get_events", "api_get_metrics", "api_post_stop"):
        assert api(name)[0] == 404
    nowhere = event("api_get_runs") | {"path": "/elsewhere", "resource": "/elsewhere"}
    assert invoke("api", nowhere)["statusCode"] == 404
    for query, path in (({"limit": "0"}, "limit"), ({"status": "x"}, "status"), ({"next_token": "x"}, "next_token")):
        given = event("api_get_runs")
        given["queryStringParameters"] = query
        given["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
        answer = invoke("api", given)
        assert answer["statusCode"] == 422
        assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
        assert json.loads(answer["body"])["errors"][0]["path"] == path


def put_dataset(records: int, *, key: str = "datasets/ticket-triage/train.jsonl", line: str = "") -> str:
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"Ticket {n}"}], "reference_answer": "fault"})
        for n in range(records)
    ]
    body = "\n".join([*lines, line]).encode()
    return str(boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"])


def check_request(**changes: Any) -> Any:
    given = event("api_post_dataset_check")
    given["body"] = json.dumps(json.loads(given["body"]) | changes)
    answer = invoke("api", given)
    return answer["statusCode"], json.loads(answer["body"])


def test_the_api_checks_a_dataset_of_the_bucket(app: Application) -> None:
    good = put_dataset(100)
    put_dataset(130, line="\n".join(["{}"] * 150))
    status, report = api("api_post_dataset_check")
    assert (status, report["valid"], report["records"]) == (200, False, 280)
    assert (report["error_counts"]["messages-missing"], len(report["errors"]) <= 100) == (150, True)
    assert (report["errors"][0]["line"], report["etag"] is not None) == (131, True)
    status, report = check_request(version_id=good)
    assert (status, report["valid"], report["version_id"]) == (200, True, good)


def test_the_api_holds_a_validation_file_against_the_training_file(app: Application) -> None:
    put_dataset(100)
    put_dataset(3, key="datasets/validation.jsonl")
    status, report = check_request(
        validation_s3_uri=f"s3://{BUCKET}/datasets/validation.jsonl", grader="math-reasoning"
    )
    assert (status, report["error_counts"]) == (200, {"reference-unusable": 100})
    status, report = check_request(validation_s3_uri=f"s3://{BUCKET}/datasets/validation.jsonl")
    assert (status, report["valid"], report["validation"]["valid"]) == (200, True, True)
    assert report["validation"]["warning_counts"] == {"prompt-in-both-files": 1}


def test_the_api_refuses_checks_that_it_can_not_make(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    status, problem = api("api_post_dataset_check_invalid")
    assert status == 422
    assert {error["path"] for error in problem["errors"]} == {"s3_uri", "grader", "max_prompt_length", "colour"}
    for changes, path in (
        ({"s3_uri": None}, "s3_uri"),
        ({"s3_uri": 7}, "s3_uri"),
        ({"s3_uri": f"s3://{BUCKET}/runs/r/dataset/train.jsonl"}, "s3_uri"),
        ({"validation_version_id": "v"}, "validation_version_id"),
        ({"validation_s3_uri": "elsewhere"}, "validation_s3_uri"),
    ):
        status, problem = check_request(**changes)
        assert (status, [error["path"] for error in problem["errors"]]) == (422, [path])
    for body, refusal in (("", 422), ("[]", 422), ("{", 422), (" " * 70_000, 413)):
        answer = invoke("api", event("api_post_dataset_check") | {"body": body})
        assert answer["statusCode"] == refusal
        assert [error["path"] for error in json.loads(answer["body"])["errors"]] == ["$"] * (refusal == 422)
    assert api("api_post_dataset_check")[0] == 404

    put_dataset(100)
    for limit, value in (("MAX_BYTES", 1000), ("MAX_SECONDS", -1.0)):
        with monkeypatch.context() as patch:
            patch.setattr(f"rft.steps.small_files.{limit}", value)
            status, problem = api("api_post_dataset_check")
        assert status == 413
        assert "run rft check-dataset on the file itself" in problem["detail"]
        assert f"s3://{BUCKET}/datasets/ticket-triage/train.jsonl" in problem["detail"]
        assert "--target" not in problem["detail"]  # which of the two it is, the API can't know


def test_an_unforeseen_fault_tells_the_caller_nothing_of_itself(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUN_TABLE")
    status, problem = api("api_get_runs")
    assert status == 500
    assert "RUN_TABLE" not in json.dumps(problem)


def test_a_missing_setting_is_named(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUN_TABLE")
    with pytest.raises(Exception, match="RUN_TABLE") as caught:
        invoke("notify", event("state_notify"))
    assert type(caught.value).__name__ == "SettingMissing"
