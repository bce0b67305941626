"""The manifest: enough to repeat a run, whatever became of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rft.report.manifest import VERSION, manifest_of, repeatable
from rft.run.request import parse_request
from rft.run.stack import Stack
from tests.unit.report import materials
from tests.unit.report.materials import BUCKET, DATASET, FOLDER, MODEL

STACK = Stack(
    bucket=BUCKET,
    region="us-east-1",
    base_model=materials.BASE,
    grader="generic",
    graders={"format-validation": materials.GRADER, "generic": materials.GRADER},
    log_bucket="logs-123456789012",
    judge_model=None,
)


@pytest.mark.parametrize("kind", materials.KINDS)
def test_every_kind_of_run_has_one_and_its_request_is_taken_again(kind: str) -> None:
    material = materials.KINDS[kind]()
    manifest = json.loads(json.dumps(manifest_of(material)))
    assert (manifest["version"], manifest["run_id"], manifest["status"]) == (
        VERSION,
        material.run.run_id,
        material.run.status,
    )
    assert set(manifest["hyperparameters"]) >= {"epoch_count", "learning_rate", "eval_interval"}
    if not material.run.request:
        assert manifest["request"] == {}
        return
    request = parse_request(manifest["request"], STACK)
    assert request.to_json() == manifest["request"]


def test_what_was_left_to_the_defaults_is_written_out_and_the_data_are_pinned() -> None:
    material = materials.promoted()
    bare = {"model": MODEL, "training_data": {"s3_uri": f"s3://{BUCKET}/inbox/{MODEL}/train.jsonl"}}
    held = {**DATASET, "validation_fraction": 0.1}
    run = replace(material.run, request=bare, dataset=held)
    assert repeatable(replace(material, run=run)) == {
        "model": MODEL,
        "base_model": materials.BASE,
        "training_data": bare["training_data"] | {"version_id": DATASET["source_version_id"]},
        "validation_data": {"fraction": 0.1},
        "grader": {"name": "format-validation"},
    }


def test_a_version_that_is_none_pins_nothing() -> None:
    request = repeatable(materials.promoted())
    assert request["validation_data"] == {"s3_uri": f"s3://{BUCKET}/inbox/{MODEL}/validation.jsonl"}


def test_a_grader_of_somebodys_own_stays_what_it_was() -> None:
    material = materials.promoted()
    arn = "arn:aws:lambda:us-east-1:123456789012:function:mine:3"
    run = replace(material.run, request=material.run.request | {"grader": {"lambda_arn": arn}})
    assert repeatable(replace(material, run=run, grader_name=None))["grader"] == {"lambda_arn": arn}


def _of_logs(**logs: Any) -> dict[str, Any]:
    material = materials.promoted()
    source = {"s3_uri": "s3://logs-123456789012/AWSLogs/", "use_prompt_response": True, **logs}
    held = {**DATASET, "source_uri": f"{FOLDER}/dataset/source.jsonl"}
    request = {"model": MODEL, "training_data": {"invocation_logs": source}}
    return repeatable(replace(material, run=replace(material.run, request=request, dataset=held)))


def test_converted_logs_are_repeated_from_the_dataset_that_came_of_them() -> None:
    request = _of_logs()
    assert request["training_data"] == {
        "s3_uri": f"{FOLDER}/dataset/source.jsonl",
        "version_id": DATASET["source_version_id"],
    }
    assert parse_request(request, STACK).to_json() == request


def test_logs_that_bedrock_reads_itself_stay_logs() -> None:
    assert _of_logs(native=True)["training_data"]["invocation_logs"]["native"] is True


def test_it_names_what_the_run_was_made_from_and_what_it_made() -> None:
    manifest = manifest_of(materials.promoted())
    assert manifest["data"]["training"]["source"] == {
        "uri": DATASET["source_uri"],
        "version_id": DATASET["source_version_id"],
        "sha256": DATASET["source_sha256"],
        "records": 480,
    }
    assert manifest["data"]["training"]["canonical"]["sha256"] == DATASET["train_sha256"]
    assert manifest["grader"] == {
        "name": "format-validation",
        "arn": materials.GRADER,
        "version": "7",
        "code_sha256": "q1pZ0vTq8y0=",
        "memory_mb": 512,
        "timeout_seconds": 30.0,
    }
    assert manifest["model"]["live_arn"] == materials.LIVE
    (request,) = manifest["bedrock_requests"]
    assert request["operation"] == "CreateModelCustomizationJob"
    assert [stage["status"] for stage in manifest["times"]["stages"]][-1] == "promoted"
    assert manifest["cost"]["estimated"]["unknown"] == ["training", "model-storage"]
    assert manifest["cost"]["measured"]["items"]["training"]["usd"] is None
    assert manifest["comparison"]["means"]["candidate"] > manifest["comparison"]["means"]["base"]
    assert manifest["verdict"]["recommended"] == "promote"
    assert manifest["code"]["version"] == "0.1.0"


def test_it_has_no_prompt_and_no_answer() -> None:
    text = json.dumps(manifest_of(materials.promoted()))
    assert "Fernway" not in text, "the shop of every prompt"
    assert "billing" not in text


def test_provisioned_throughput_has_no_price_by_the_token() -> None:
    material = materials.promoted()
    measured = manifest_of(replace(material, run=replace(material.run, deploy="provisioned")))["cost"]["measured"]
    assert measured["items"]["tuned model, read"]["usd"] is None
    assert measured["items"]["base model, read"]["usd"] > 0
    assert measured["usd"] == pytest.approx(sum(i["usd"] for i in measured["items"].values() if i["usd"] is not None))
