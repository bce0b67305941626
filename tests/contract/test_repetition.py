"""What ``rft submit --from`` sends: the manifest's request starts the same run again, whatever was uploaded since."""

from __future__ import annotations

import json
from typing import Any

import boto3

from rft.run.status import Status
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.doors.start_run import start_from_api
from rft.steps.ending.publish_report import publish_report
from tests.contract.application import BUCKET, Application
from tests.contract.standin import records

KEY = "datasets/triage.jsonl"


def put(count: int) -> str:
    lines = [{name: value for name, value in record.items() if name != "rft"} for record in records(count)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return str(boto3.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)["VersionId"])


def prepared(app: Application, request: dict[str, Any], key: str) -> str:
    run_id = start_from_api(app.pipeline, json.dumps(request), key=key, request_id="r").run.run_id
    prepare_dataset(app.pipeline, run_id)
    return run_id


def dataset(app: Application, run_id: str) -> dict[str, Any]:
    found = app.pipeline.store.get(run_id).dataset
    assert found is not None
    return found


def test_the_manifest_of_a_run_starts_it_again_with_the_same_data(app: Application) -> None:
    version = put(140)
    asked = {
        "model": "triage",
        "training_data": {"s3_uri": f"s3://{BUCKET}/{KEY}"},
        "validation_data": {"fraction": 0.2},
        "hyperparameters": {"epoch_count": 1, "learning_rate": 1e-5},
        "deploy": {"kind": "provisioned", "model_units": 2},
        "promote": "manual",
        "compare": {"max_prompts": 50, "grader": {"name": "summarization"}},
        "stop_when": {"constant_reward_steps": 20},
    }
    first = prepared(app, asked, "first")
    app.pipeline.end(first, Status.FAILED)
    publish_report(app.pipeline, first)
    report = app.pipeline.store.get(first).report
    assert report is not None
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=report["manifest_uri"].removeprefix(f"s3://{BUCKET}/"))
    manifest = json.load(body["Body"])

    put(200)
    request = manifest["request"]
    assert request["training_data"] == {"s3_uri": f"s3://{BUCKET}/{KEY}", "version_id": version}
    second = prepared(app, request, "second")
    assert second != first
    told, again = (app.pipeline.store.get(run_id) for run_id in (first, second))
    for name in ("base_model", "grader_arn", "held_out_grader_arn", "deploy", "warnings"):
        assert getattr(again, name) == getattr(told, name), name
    assert {key: again.request[key] for key in asked if key != "training_data"} == {
        key: told.request[key] for key in asked if key != "training_data"
    }
    for name in ("train_records", "validation_records", "source_version_id", "source_sha256"):
        assert dataset(app, second)[name] == dataset(app, first)[name], name
    assert [manifest[part]["arn"] for part in ("grader", "held_out_grader")] == [
        again.grader_arn,
        again.held_out_grader_arn,
    ], "what rft submit --from holds against the new run"
