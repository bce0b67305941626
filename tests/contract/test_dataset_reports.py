"""What PrepareDataset leaves of its check: for the run's own grader and hyperparameters, and both files together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import boto3
import pytest

from rft.errors import DatasetInvalid
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.doors.start_run import start_from_api
from tests.contract.application import BUCKET, Application


def put(key: str, numbers: Iterable[int], **fields: Any) -> str:
    lines = [
        {"messages": [{"role": "user", "content": f"Ticket {n}"}], "reference_answer": {"category": "fault"}} | fields
        for n in numbers
    ]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def start(app: Application, training: str, **request: Any) -> str:
    document = {"model": "m", "training_data": {"s3_uri": training}, "grader": {"name": "format-validation"}} | request
    return start_from_api(app.pipeline, json.dumps(document), key="k", request_id="r").run.run_id


def report_of(run_id: str) -> Any:
    key = f"runs/{run_id}/dataset/report.json"
    return json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_prompts_in_both_files_are_warned_of_and_do_not_stop_the_run(app: Application) -> None:
    training, validation = put("datasets/t.jsonl", range(120)), put("datasets/v.jsonl", range(110, 130))
    run_id = start(app, training, validation_data={"s3_uri": validation})
    prepare_dataset(app.pipeline, run_id)
    report = report_of(run_id)
    assert report["training"]["warning_counts"] == {}
    assert report["validation"]["warning_counts"] == {"prompt-in-both-files": 1}
    dataset = app.pipeline.store.get(run_id).dataset
    assert dataset is not None
    assert (dataset["train_records"], dataset["validation_records"]) == (120, 20)


def test_references_that_the_runs_grader_can_not_use_reject_it(app: Application) -> None:
    run_id = start(app, put("datasets/t.jsonl", range(120), reference_answer="{}"))
    with pytest.raises(DatasetInvalid, match="reference-unusable 120"):
        prepare_dataset(app.pipeline, run_id)
    assert report_of(run_id)["training"]["errors"][0]["path"] == "reference_answer"


def test_constraints_do_instead_of_references(app: Application) -> None:
    run_id = start(app, put("datasets/t.jsonl", range(120), reference_answer="", format={"max_words": 9}))
    prepare_dataset(app.pipeline, run_id)
    assert report_of(run_id)["training"]["valid"]


def test_prompts_over_the_jobs_length_are_warned_of(app: Application) -> None:
    run_id = start(app, put("datasets/t.jsonl", range(1, 1120)), hyperparameters={"max_prompt_length": 2})
    with pytest.raises(DatasetInvalid, match="too-few-records 1"):
        prepare_dataset(app.pipeline, run_id)
    report = report_of(run_id)["training"]
    assert report["warning_counts"] == {"prompt-too-long": 1119 - 9}
    assert report["warnings"][0]["line"] == 10
