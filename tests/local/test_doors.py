"""The happy path by each of the three doors, with the short training; and what each door refuses."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from cli.faults import ApiProblem
from tests.local.data import ANY_GAIN
from tests.local.pipeline import Pipeline, until

Short = dict[str, Any]


def check_promoted(pipeline: Pipeline, run: dict[str, Any], records: int) -> None:
    """What a run that went through leaves."""
    run_id = run["run_id"]
    assert run["status"] == "promoted", run["reason"]
    assert run["job_status"] == "Completed"
    deployment = pipeline.bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=run["deployment_arn"])
    assert (deployment["status"], deployment["modelArn"]) == ("Active", run["custom_model_arn"])
    answer = pipeline.cloud.client("bedrock-runtime").converse(
        modelId=run["deployment_arn"], messages=[{"role": "user", "content": [{"text": "The invoice is wrong."}]}]
    )
    assert answer["output"]["message"]["content"][0]["text"]

    dataset = run["dataset"]
    assert dataset["train_records"] + dataset["validation_records"] == records
    lines = pipeline.get(dataset["train_uri"]).splitlines()
    assert len(lines) == dataset["train_records"]
    assert json.loads(lines[0])["rft"] == {"run_id": run_id, "model": run["model"]}
    request = json.loads(pipeline.get(f"s3://{pipeline.cloud.info.bucket}/runs/{run_id}/job-request.json"))
    assert request["clientRequestToken"] == request["jobName"] == run_id

    metrics = pipeline.api.metrics(run_id)
    assert metrics["training"] and metrics["validation"]
    assert all(0 <= point["reward_mean"] <= 1 for point in metrics["training"])

    (execution,) = pipeline.executions(run_id)
    assert execution["status"] == "SUCCEEDED"
    assert pipeline.transitions(run_id) <= 20
    assert len(pipeline.jobs(run_id)) == 1

    (message,) = pipeline.messages(run_id)
    assert "promoted" in message["Subject"]
    assert run["deployment_arn"] in message["Message"]
    statuses = [e["detail"]["status"] for e in pipeline.api.events(run_id) if e["type"] == "status"]
    assert statuses == ["received", "preparing", "checking", "queued", "training", "deploying", "comparing", "promoted"]


def test_a_bare_dataset_in_the_inbox(pipeline: Pipeline, tickets: bytes) -> None:
    pipeline.put("inbox/Door One.jsonl", tickets)
    run = pipeline.ended(pipeline.run_of("door-one")["run_id"])
    check_promoted(pipeline, run, tickets.count(b"\n"))
    # A validation set was split off, and the grader is the stack's default.
    assert run["dataset"]["validation_records"] > 10
    assert ":function:rft-grader-format-validation:" in run["grader_arn"]


def test_run_json_with_files_beside_it(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    pipeline.put("inbox/door-two/train.jsonl", tickets)
    # More prompts than one batch of the comparison has.
    pipeline.put("inbox/door-two/held out.jsonl", b"".join(tickets.splitlines(keepends=True)[:120]))
    pipeline.put(
        "inbox/door-two/run.json",
        {
            "model": "door-two",
            "training_data": {"s3_uri": "train.jsonl"},
            "validation_data": {"s3_uri": "held out.jsonl"},
            "hyperparameters": short,
            "promote": ANY_GAIN,
            "tags": {"team": "support"},
        },
    )
    run = pipeline.ended(pipeline.run_of("door-two")["run_id"])
    check_promoted(pipeline, run, tickets.count(b"\n") + 120)
    assert (run["comparison"]["records"], run["comparison"]["missing"]) == (120, 0)
    (map_run,) = pipeline.states.list_map_runs(executionArn=run["execution_arn"])["mapRuns"]
    counts = pipeline.states.describe_map_run(mapRunArn=map_run["mapRunArn"])["itemCounts"]
    assert (counts["total"], counts["succeeded"]) == (2, 2)
    tags = pipeline.bedrock.list_tags_for_resource(resourceARN=run["job_arn"])["tags"]
    assert {"key": "team", "value": "support"} in tags
    assert len(pipeline.api.runs(model="door-two")["runs"]) == 1, "the files beside run.json start nothing"


def test_an_event_on_the_bus_and_the_pipelines_own_events(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    heard = pipeline.listen("door-three", {"source": ["rft.pipeline"], "detail": {"model": ["door-three"]}})
    uri = pipeline.put("datasets/door-three.jsonl", tickets)
    request = {"model": "door-three", "training_data": {"s3_uri": uri}, "hyperparameters": short, "promote": ANY_GAIN}
    entry = {"Source": "com.example", "DetailType": "RFT Run Requested", "Detail": json.dumps(request)}
    assert pipeline.cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    run = pipeline.ended(pipeline.run_of("door-three")["run_id"])
    check_promoted(pipeline, run, tickets.count(b"\n"))

    until(lambda: "promoted" in {event["detail"]["status"] for event in heard()})
    seen = heard()
    assert {event["detail-type"] for event in seen} == {"RFT Run State Change"}
    assert {event["detail"]["status"] for event in seen} >= {
        "received",
        "training",
        "deploying",
        "comparing",
        "promoted",
    }


def test_the_api_and_its_idempotency_key(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    uri = pipeline.put("datasets/door-api.jsonl", tickets)
    request = {"model": "door-api", "training_data": {"s3_uri": uri}, "hyperparameters": short, "deploy": "none"}
    run, created = pipeline.api.create_run(request, key="key-1")
    again, created_again = pipeline.api.create_run(request, key="key-1")
    assert (created, created_again, again["run_id"]) == (True, False, run["run_id"])
    with pytest.raises(ApiProblem) as refused:
        pipeline.api.create_run(request | {"deploy": "on-demand"}, key="key-1")
    assert refused.value.status == 409
    run = pipeline.ended(run["run_id"])
    assert (run["status"], run["deployment_arn"]) == ("kept", None)
    assert pipeline.bedrock.get_custom_model(modelIdentifier=run["custom_model_arn"])["modelStatus"] == "Active"
    assert len(pipeline.executions(run["run_id"])) == 1
    assert [r["run_id"] for r in pipeline.api.runs(status="kept", model="door-api")["runs"]] == [run["run_id"]]


def test_provisioned_throughput(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    uri = pipeline.put("datasets/door-pt.jsonl", tickets)
    request = {"model": "door-pt", "training_data": {"s3_uri": uri}, "hyperparameters": short, "promote": ANY_GAIN}
    request["deploy"] = "provisioned"
    run = pipeline.ended(pipeline.api.create_run(request, key="pt")[0]["run_id"])
    assert (run["status"], run["deployment_kind"]) == ("promoted", "provisioned")
    found = pipeline.bedrock.get_provisioned_model_throughput(provisionedModelId=run["deployment_arn"])
    assert found["status"] == "InService"
    assert "commitmentDuration" not in found
    answer = pipeline.cloud.client("bedrock-runtime").converse(
        modelId=run["deployment_arn"], messages=[{"role": "user", "content": [{"text": "hello"}]}]
    )
    assert answer["stopReason"] in ("end_turn", "max_tokens")


def test_the_same_upload_event_five_times_starts_one_run(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": ["inbox/five-times/run.json"]}}}
    heard = pipeline.listen("five-times", pattern)
    document = {
        "model": "five-times",
        "training_data": {"s3_uri": pipeline.put("datasets/five-times.jsonl", tickets)},
        "hyperparameters": short,
        "promote": ANY_GAIN,
    }
    pipeline.put("inbox/five-times/run.json", document)
    event = until(heard)[0]
    ids = {pipeline.run_of("five-times")["run_id"]}
    for _ in range(4):
        answer = pipeline.cloud.client("lambda").invoke(
            FunctionName="rft-start-run", Payload=json.dumps(event).encode()
        )
        ids.add(json.loads(answer["Payload"].read())["run_id"])
    assert len(ids) == 1
    run = pipeline.ended(ids.pop())
    assert run["status"] == "promoted"
    assert len(pipeline.executions(run["run_id"])) == len(pipeline.jobs(run["run_id"])) == 1


def test_a_refused_request_is_told_whole_by_api_bucket_and_bus(pipeline: Pipeline) -> None:
    bad = {
        "model": "door-bad",
        "training_data": {"s3_uri": "s3://somebody-else/t.jsonl"},
        "hyperparameters": {"epoch_count": 99},
        "colour": "red",
    }
    paths = {"training_data.s3_uri", "hyperparameters.epoch_count", "colour"}
    with pytest.raises(ApiProblem) as refused:
        pipeline.api.create_run(bad, key="bad")
    assert refused.value.status == 422
    assert {problem.path for problem in refused.value.problems} == paths

    def told(run: dict[str, Any]) -> None:
        run = pipeline.ended(run["run_id"])
        assert run["status"] == "rejected"
        problems = json.loads(pipeline.get(run["reason"]["details_uri"]))["problems"]
        assert {problem["path"] for problem in problems} == paths
        (message,) = pipeline.messages(run["run_id"])
        assert all(path in message["Message"] for path in paths)
        assert not pipeline.executions(run["run_id"])

    pipeline.put("inbox/door-bad/run.json", bad)
    told(pipeline.run_of("door-bad"))
    events = pipeline.cloud.client("events")
    bad["model"] = "door-bad-event"
    events.put_events(Entries=[{"Source": "com.example", "DetailType": "RFT Run Requested", "Detail": json.dumps(bad)}])
    told(pipeline.run_of("door-bad-event"))


def test_an_unsigned_call_is_turned_away(pipeline: Pipeline) -> None:
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{pipeline.cloud.info.api_url}/runs", timeout=10)
    assert refused.value.code == 403
    refused.value.close()


def test_a_grader_tells_its_rewards_live(pipeline: Pipeline, tickets: bytes, short: Short) -> None:
    began = int(time.time() * 1000)  # of the log of all tests before, the emulator gives the beginning only
    uri = pipeline.put("datasets/live.jsonl", tickets)
    request = {"model": "live", "training_data": {"s3_uri": uri}, "hyperparameters": short, "deploy": "none"}
    run = pipeline.ended(pipeline.api.create_run(request, key="live")[0]["run_id"])
    run_id = run["run_id"]
    logs = pipeline.cloud.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/aws/lambda/rft-grader-format-validation", startTime=began
    )
    lines = [event["message"] for page in pages for event in page["events"]]
    metrics = [json.loads(line) for line in lines if "CloudWatchMetrics" in line]
    ours = [line for line in metrics if line.get("run_id") == run_id]
    assert ours
    assert all("Reward" in line for line in ours)
    graded = sum(len(line["Reward"]) for line in ours)
    steps = pipeline.api.metrics(run_id)
    assert (
        graded == 2 * run["dataset"]["train_records"] + len(steps["validation"]) * run["dataset"]["validation_records"]
    ), "what the gate tried is no part of the run's curve"
    assert not [line for line in lines if "VPN" in line or "invoice" in line], "no prompt or answer in a log"
