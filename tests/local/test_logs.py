"""Invocation logs as training data: from the log bucket to a trained model, and what is refused on the way."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.logs import make_logs
from tests.local.data import ANY_GAIN
from tests.local.pipeline import Pipeline, until

Short = dict[str, Any]
PREFIX = "support/"
OBJECTS, DAMAGED = 220, 22


@pytest.fixture(scope="module")
def ledger(pipeline: Pipeline) -> Any:
    """What is in the local log bucket, as its generator tells it."""
    made = make_logs(objects=OBJECTS, damaged=DAMAGED)
    bucket = pipeline.cloud.info.log_bucket

    def put(entry: tuple[str, bytes]) -> None:
        pipeline.s3.put_object(Bucket=bucket, Key=PREFIX + entry[0], Body=entry[1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, made.objects.items()))
    return made.ledger


def request_of(pipeline: Pipeline, model: str, short: Short, **logs: Any) -> dict[str, Any]:
    source = {"s3_uri": f"s3://{pipeline.cloud.info.log_bucket}/{PREFIX}", "use_prompt_response": True} | logs
    source.setdefault("metadata_equals", {"project": "triage"})
    data = {"training_data": {"invocation_logs": source}}
    return {"model": model, "hyperparameters": short, "promote": ANY_GAIN} | data


def summary_of_job(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """What the training left beside its metrics."""
    listed = pipeline.s3.list_objects_v2(Bucket=pipeline.cloud.info.bucket, Prefix=f"runs/{run_id}/output/")
    (key,) = [entry["Key"] for entry in listed["Contents"] if entry["Key"].endswith("training_summary.json")]
    summary: dict[str, Any] = json.loads(pipeline.get(f"s3://{pipeline.cloud.info.bucket}/{key}"))
    return summary


def records_of(pipeline: Pipeline, uri: str) -> dict[str, Any]:
    return {record["id"]: record for record in map(json.loads, pipeline.get(uri).splitlines())}


def test_logs_become_a_training_set_that_trains_and_every_record_is_accounted_for(
    pipeline: Pipeline, ledger: Any, short: Short
) -> None:
    pipeline.put("inbox/logs-one/run.json", request_of(pipeline, "logs-one", short, redact=["email"]))
    run = pipeline.ended(pipeline.run_of("logs-one")["run_id"])
    assert run["status"] == "promoted", run["reason"]

    told = ledger.to_json()
    report = json.loads(pipeline.get(run["conversion"]["report_uri"]))
    assert {kind: count for kind, count in report["objects"].items() if count} == told["objects"]
    assert told["objects"]["log"] == OBJECTS
    for outcome in ("records", "converted", "skipped", "failed"):
        assert report[outcome] == run["conversion"][outcome] == told[outcome], outcome
    assert report["records"] == report["converted"] + sum(report["skipped"].values()) + sum(report["failed"].values())

    # The model was trained on these prompts and no others.
    dataset = run["dataset"]
    training, validation = (records_of(pipeline, dataset[f"{name}_uri"]) for name in ("train", "validation"))
    found = training | validation
    assert {name: record["messages"] for name, record in found.items()} == ledger.prompts
    assert {name: record["reference_answer"] for name, record in found.items()} == ledger.answers
    job = pipeline.bedrock.get_model_customization_job(jobIdentifier=run["job_arn"])
    assert job["trainingDataConfig"] == {"s3Uri": dataset["train_uri"]}
    assert summary_of_job(pipeline, run["run_id"])["training_records"] == len(training)

    statuses = [e["detail"]["status"] for e in pipeline.api.events(run["run_id"]) if e["type"] == "status"]
    assert statuses == [
        "received",
        "converting",
        "preparing",
        "checking",
        "queued",
        "training",
        "deploying",
        "comparing",
        "promoted",
    ]
    (message,) = pipeline.messages(run["run_id"])
    assert f"{told['records']:,} records, {told['converted']:,} converted" in message["Message"]
    assert pipeline.transitions(run["run_id"]) <= 20
    (map_run,) = pipeline.states.list_map_runs(executionArn=run["execution_arn"])["mapRuns"]
    counts = pipeline.states.describe_map_run(mapRunArn=map_run["mapRunArn"])["itemCounts"]
    assert (counts["total"], counts["succeeded"]) == (2, 2)


def test_bedrock_reads_the_logs_itself_where_it_is_asked_to(pipeline: Pipeline, ledger: Any, short: Short) -> None:
    request = request_of(pipeline, "logs-native", short, native=True)
    run = pipeline.ended(pipeline.api.create_run(request, key="logs-native")[0]["run_id"])
    assert run["status"] == "kept", run["reason"]
    assert "validation" in run["comparison"]["sentence"], "nothing was held out, so nothing can be shown"
    assert "train_uri" not in run["dataset"]
    job = pipeline.bedrock.get_model_customization_job(jobIdentifier=run["job_arn"])
    assert job["trainingDataConfig"]["invocationLogsConfig"]["requestMetadataFilters"] == {
        "equals": {"project": "triage"}
    }
    assert summary_of_job(pipeline, run["run_id"])["training_records"] == ledger.converted


@pytest.mark.parametrize("native", [True, False])
def test_logs_of_the_stacks_own_bucket_train_too(pipeline: Pipeline, short: Short, native: bool) -> None:
    """What `rft submit` uploads, and what lies beside a run.json: the roles may read both."""
    model = "logs-native-own" if native else "logs-own"
    made = make_logs(objects=16, damaged=4, prompts=110)
    for key, body in made.objects.items():
        pipeline.put(f"inbox/{model}/logs/{key}", body)
    request = request_of(
        pipeline, model, short, s3_uri="logs/", native=native, max_failed_share=None if native else 0.5
    )
    pipeline.put(f"inbox/{model}/run.json", request | {"deploy": "none"})
    run = pipeline.ended(pipeline.run_of(model)["run_id"])
    assert run["status"] == "kept", run["reason"]
    records = summary_of_job(pipeline, run["run_id"])["training_records"]
    if native:
        assert records == made.ledger.converted
    else:
        assert run["conversion"]["failed"] == made.ledger.to_json()["failed"]
        assert run["dataset"]["train_records"] + run["dataset"]["validation_records"] == made.ledger.converted
        assert records == run["dataset"]["train_records"]


def test_too_damaged_logs_reject_the_run_before_a_job(pipeline: Pipeline, ledger: Any, short: Short) -> None:
    request = request_of(pipeline, "logs-damaged", short, max_failed_share=0.05)
    run = pipeline.ended(pipeline.api.create_run(request, key="logs-damaged")[0]["run_id"])
    assert (run["status"], run["reason"]["error"]) == ("rejected", "LogsDamaged")
    assert "at most 5.0% may fail" in run["reason"]["message"]
    assert json.loads(pipeline.get(run["reason"]["details_uri"]))["failed"] == ledger.to_json()["failed"]
    (message,) = pipeline.messages(run["run_id"])
    assert "LogsDamaged" in message["Message"]
    assert pipeline.jobs(run["run_id"]) == []

    # An execution from before there were logs says nothing of its data: it goes on as it always did.
    started = pipeline.states.start_execution(
        stateMachineArn=pipeline.cloud.info.state_machine_arn,
        name="without-data",
        input=json.dumps({"run_id": run["run_id"]}),
    )
    arn = started["executionArn"]
    until(lambda: pipeline.states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    history = pipeline.states.get_execution_history(executionArn=arn)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    assert entered[:3] == ["LogsOrDataset", "PrepareDataset", "CloseRun"]


def test_no_logs_and_no_rights_are_told_as_what_they_are(pipeline: Pipeline, short: Short) -> None:
    request = request_of(pipeline, "logs-none", short, s3_uri=f"s3://{pipeline.cloud.info.log_bucket}/nowhere")
    run = pipeline.ended(pipeline.api.create_run(request, key="logs-none")[0]["run_id"])
    assert (run["status"], run["reason"]["error"]) == ("rejected", "LogsMissing")
    assert "it is empty" in run["reason"]["message"]


def test_a_stop_while_logs_are_converted_stops_the_run(pipeline: Pipeline, ledger: Any, short: Short) -> None:
    request = request_of(pipeline, "logs-stop", short)
    run_id = pipeline.api.create_run(request, key="logs-stop")[0]["run_id"]
    assert pipeline.reached(run_id, "converting")["status"] == "converting"
    pipeline.api.stop(run_id)
    run = pipeline.ended(run_id)
    assert (run["status"], run["dataset"]) == ("stopped", None)
    assert pipeline.executions(run_id)[0]["status"] == "ABORTED"
    time.sleep(2)  # the emulator goes on with the batches of a stopped map; each sees for itself that it is over
    assert pipeline.api.run(run_id)["status"] == "stopped"
    assert "fault" not in (run["conversion"] or {})
    assert pipeline.jobs(run_id) == []
