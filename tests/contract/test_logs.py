"""Invocation logs as the data of a run: the steps that convert them, and the jobs that read them themselves."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.bedrock.protocol.service import service_model
from local.bedrock.protocol.shapes import violations
from rft.aws import objects
from rft.aws.clients import client
from rft.errors import (
    DatasetInvalid,
    DatasetMissing,
    LogsDamaged,
    LogsMissing,
    RequestInvalid,
    RunStopped,
)
from rft.invocation_logs import MetadataFilter, Redactor
from rft.run.log_source import LogSource
from rft.run.record import Run
from rft.run.request import parse_request
from rft.run.status import Status
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.doors.start_run import start_from_api
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending.close_run import close_run
from rft.steps.ending.message_parts import Sender
from rft.steps.ending.message_text import ended
from rft.steps.logs import list_logs as listing
from rft.steps.logs import log_reading
from rft.steps.logs.assemble_logs import assemble_logs
from rft.steps.logs.convert_logs import convert_logs
from rft.steps.logs.list_logs import list_logs
from rft.steps.training.submit_job import submit_job
from tests.contract.application import BUCKET, LOG_BUCKET, Application
from tests.contract.logs import make_logs

SHORT = {"epoch_count": 1, "batch_size": 64, "inference_max_tokens": 8, "training_sample_per_prompt": 2}
FILTER = {"metadata_equals": {"project": "triage"}, "use_prompt_response": True, "redact": ["email"]}


def put_logs(prefix: str = "", bucket: str = LOG_BUCKET, **options: Any) -> Any:
    made = make_logs(**{"objects": 20, "damaged": 2, "prompts": 130} | options)
    s3 = boto3.client("s3")
    for key, body in made.objects.items():
        s3.put_object(Bucket=bucket, Key=prefix + key, Body=body)
    return made


def start(app: Application, uri: str = f"s3://{LOG_BUCKET}/", *, model: str = "m", **changes: Any) -> str:
    request = {"model": model, "training_data": {"invocation_logs": {"s3_uri": uri} | FILTER | changes}}
    request |= {"hyperparameters": SHORT, "grader": {"name": "format-validation"}}
    return start_from_api(app.pipeline, json.dumps(request), key=model, request_id="r").run.run_id


def convert(app: Application, run_id: str) -> None:
    """What the state machine does with a run whose data are logs."""
    list_logs(app.pipeline, run_id)
    manifest = read(f"runs/{run_id}/dataset/logs/manifest.json")
    for item in manifest:
        assert item["run_id"] == run_id
        convert_logs(app.pipeline, run_id, item["batch"])
    assemble_logs(app.pipeline, run_id)


def read(key: str) -> Any:
    return json.loads(raw(key))


def raw(key: str) -> bytes:
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def conversion(app: Application, run_id: str) -> dict[str, Any]:
    found = app.pipeline.store.get(run_id).conversion
    assert found is not None
    return found


def test_every_record_is_accounted_for_and_the_prompts_are_the_converted_ones(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BATCH_OBJECTS", 7)
    ledger = put_logs().ledger
    run_id = start(app)
    assert json.loads(app.named("StartExecution")[0]["input"]) == {"run_id": run_id, "data": "logs"}
    convert(app, run_id)
    report = read(f"runs/{run_id}/dataset/conversion.json")
    told = ledger.to_json()
    assert {name: report[name] for name in told} | {"objects": _found(report)} == told
    assert report["redacted"]["email"] > 5
    assert {problem["reason"] for problem in report["problems"]} == set(told["failed"])
    records = [json.loads(line) for line in raw(f"runs/{run_id}/dataset/source.jsonl").splitlines()]
    assert {r["id"]: r["messages"] for r in records} == ledger.prompts
    assert {r["id"]: r["reference_answer"] for r in records} == ledger.answers
    summary = conversion(app, run_id)
    assert {name: summary[name] for name in ("records", "converted", "skipped", "failed")} == {
        name: told[name] for name in ("records", "converted", "skipped", "failed")
    }
    prepare_dataset(app.pipeline, run_id)
    run = app.pipeline.store.get(run_id)
    assert run.dataset is not None
    assert run.dataset["train_records"] + run.dataset["validation_records"] == ledger.converted
    assert f"{ledger.records} records, {ledger.converted} converted" in message_of(run)
    app.hand_over_dataset()
    submit_job(app.pipeline, run_id)
    assert app.bedrock.ended(run_id)["status"] == "Completed"
    events = {event["type"]: event["detail"] for event in app.pipeline.store.events(run_id, limit=50, token=None).items}
    assert events["logs_converted"]["records"] == ledger.records


def message_of(run: Run) -> str:
    """What its end would be told with."""
    return ended(replace(run, status=Status.KEPT), Sender("rft", "us-east-1", BUCKET)).text


def _found(report: dict[str, Any]) -> dict[str, int]:
    return {kind: count for kind, count in report["objects"].items() if count}


def test_a_batch_that_is_converted_again_leaves_the_same(app: Application) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    first = None
    for _ in range(2):
        convert_logs(app.pipeline, run_id, 0)
        files = [raw(f"runs/{run_id}/dataset/logs/shard-00000.{kind}") for kind in ("json", "jsonl")]
        assert first in (None, files)
        first = files
    for _ in range(2):
        assemble_logs(app.pipeline, run_id)
    assert conversion(app, run_id)["records"] == read(f"runs/{run_id}/dataset/conversion.json")["records"]


def test_the_prompts_on_their_way_are_for_days_only(app: Application) -> None:
    put_logs()
    run_id = start(app)
    convert(app, run_id)
    folder = f"runs/{run_id}/dataset/"
    found = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=folder)["Contents"]
    tagged = {
        entry["Key"].removeprefix(folder)
        for entry in found
        if boto3.client("s3").get_object_tagging(Bucket=BUCKET, Key=entry["Key"])["TagSet"]
    }
    assert tagged == {"logs/shard-00000.jsonl"}


def test_batches_are_bounded_by_number_and_by_bytes(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = boto3.client("s3")
    for number, size in enumerate((10, 10, 10, 50, 200, 10)):
        s3.put_object(Bucket=LOG_BUCKET, Key=f"{number}.json.gz", Body=b"x" * size)
    monkeypatch.setattr(listing, "BATCH_OBJECTS", 3)
    monkeypatch.setattr(listing, "BATCH_BYTES", 100)
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    sizes = [
        [entry["size"] for entry in read(f"runs/{run_id}/dataset/logs/batch-{item['batch']:05d}.json")["objects"]]
        for item in read(f"runs/{run_id}/dataset/logs/manifest.json")
    ]
    assert sizes == [[10, 10, 10], [50], [200], [10]]


def test_nothing_to_read_is_a_rejected_run_that_says_what_is_there(app: Application) -> None:
    boto3.client("s3").put_object(Bucket=LOG_BUCKET, Key="a/readme.txt", Body=b"x")
    run_id = start(app, f"s3://{LOG_BUCKET}/a/")
    with pytest.raises(LogsMissing, match=r"1 of kind other.*AWSLogs") as missing:
        list_logs(app.pipeline, run_id)
    assert close_run(app.pipeline, run_id, "LogsMissing", str(missing.value))["status"] == "rejected"
    with pytest.raises(LogsMissing, match="it is empty"):
        list_logs(app.pipeline, start(app, f"s3://{LOG_BUCKET}/b/", model="b"))
    client("s3").delete_object(Bucket=LOG_BUCKET, Key="a/readme.txt")
    boto3.client("s3").delete_bucket(Bucket=LOG_BUCKET)
    with pytest.raises(LogsMissing, match="NoSuchBucket"):
        list_logs(app.pipeline, start(app, f"s3://{LOG_BUCKET}/c/", model="c"))


@pytest.mark.parametrize(("limit", "value"), [("MAX_OBJECTS", 5), ("MAX_BYTES", 1_000)])
def test_more_logs_than_one_run_can_take_are_refused(
    app: Application, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(listing, limit, value)
    put_logs(objects=6)
    with pytest.raises(DatasetInvalid, match="narrower prefix"):
        list_logs(app.pipeline, start(app))


def test_too_large_a_share_of_failures_rejects_the_run_with_its_reasons(app: Application) -> None:
    put_logs()
    run_id = start(app, max_failed_share=0.01)
    with pytest.raises(LogsDamaged, match=r"can't be read \(.*damaged-gzip.*at most 1\.0%") as damaged:
        convert(app, run_id)
    closed = close_run(app.pipeline, run_id, "LogsDamaged", json.dumps({"errorMessage": str(damaged.value)}))
    assert closed["status"] == "rejected"
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["details_uri"] == f"s3://{BUCKET}/runs/{run_id}/dataset/conversion.json"
    assert app.named("CreateModelCustomizationJob") == []


def test_too_few_prompts_are_a_rejected_run_that_says_what_was_left_out(app: Application) -> None:
    put_logs(objects=14, damaged=0, prompts=40)
    run_id = start(app, max_failed_share=1)
    with pytest.raises(DatasetInvalid, match=r"gave 4\d training prompts; Bedrock wants at least 100\. Left out: .*"):
        convert(app, run_id)


def test_a_sample_is_taken_of_more_prompts_than_asked_for(app: Application) -> None:
    ledger = put_logs().ledger
    samples = []
    for model, seed in (("a", 1), ("b", 1), ("c", 2)):
        run_id = start(app, model=model, max_prompts=110, seed=seed)
        convert(app, run_id)
        samples.append([json.loads(line)["id"] for line in raw(f"runs/{run_id}/dataset/source.jsonl").splitlines()])
        skipped = conversion(app, run_id)["skipped"]
        assert (
            skipped["over-max-prompts"] + skipped["duplicate"] == ledger.converted - 110 + ledger.skipped["duplicate"]
        )
    assert [len(sample) for sample in samples] == [110, 110, 110]
    assert samples[0] == samples[1] != samples[2]


def test_an_object_that_changes_while_it_is_read_fails_alone(app: Application) -> None:
    made = put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    logs = [entry["key"] for entry in read(f"runs/{run_id}/dataset/logs/batch-00000.json")["objects"]]
    boto3.client("s3").put_object(Bucket=LOG_BUCKET, Key=logs[0], Body=gzip.compress(b"{}\n"))
    boto3.client("s3").delete_object(Bucket=LOG_BUCKET, Key=logs[-1])
    convert_logs(app.pipeline, run_id, 0)
    assemble_logs(app.pipeline, run_id)
    found = conversion(app, run_id)
    assert found["failed"]["changed-while-read"] == 2
    assert found["records"] == found["converted"] + sum(found["skipped"].values()) + sum(found["failed"].values())
    assert found["records"] < made.ledger.records


def test_an_answer_that_the_grader_cannot_use_is_left_out_and_does_not_reject_the_run(app: Application) -> None:
    ledger = put_logs().ledger
    record = {"operation": "Converse", "timestamp": "", "requestMetadata": {"project": "triage"}}
    lines = []
    for number, answer in enumerate(("{}", "{ }", '{"reference_answer": 1, "a": {"b": ",\\"reference_answer\\":"}}')):
        asked = {"messages": [{"role": "user", "content": [{"text": f"odd {number}"}]}]}
        message = {"role": "assistant", "content": [{"text": answer}]}
        said = {"output": {"message": message}, "stopReason": "end_turn"}
        sides = {"input": {"inputBodyJson": asked}, "output": {"outputBodyJson": said}}
        lines.append(json.dumps(record | {"requestId": f"odd-{number}"} | sides))
    boto3.client("s3").put_object(Bucket=LOG_BUCKET, Key="AWSLogs/odd.json", Body="\n".join(lines).encode())
    run_id = start(app)
    convert(app, run_id)
    found = conversion(app, run_id)
    assert (found["records"], found["converted"]) == (ledger.records + 3, ledger.converted + 1)
    assert found["skipped"]["reference-unusable"] == 2
    prepare_dataset(app.pipeline, run_id)


def test_large_objects_are_streamed(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "STREAMED_BYTES", 3_000)
    monkeypatch.setattr(log_reading, "WINDOW_BYTES", 5_000)
    monkeypatch.setattr(objects, "CHUNK_BYTES", 1_000)
    ledger = put_logs().ledger
    run_id = start(app)
    convert(app, run_id)
    found = conversion(app, run_id)
    assert (found["records"], found["converted"]) == (ledger.records, ledger.converted)


def test_bodies_are_read_below_the_prefix_only(app: Application) -> None:
    """A record may name any object: it must not bring one to light that its writer couldn't read."""
    s3 = boto3.client("s3")
    secret = {"messages": [{"role": "user", "content": [{"text": "secret"}]}]}
    s3.put_object(Bucket=LOG_BUCKET, Key="others/data/x_input.json.gz", Body=json.dumps(secret).encode())
    s3.put_object(Bucket=BUCKET, Key="runs/other/x_input.json.gz", Body=json.dumps(secret).encode())
    made = put_logs("mine/")
    record = {"schemaType": "ModelInvocationLog", "operation": "Converse", "requestMetadata": {"project": "triage"}}
    places = (
        f"s3://{LOG_BUCKET}/others/data/x_input.json.gz",
        f"s3://{BUCKET}/runs/other/x_input.json.gz",
        "x",
        "s3://",
    )
    lines = [
        json.dumps(record | {"requestId": f"r{n}", "timestamp": "", "input": {"inputBodyS3Path": place}, "output": {}})
        for n, place in enumerate(places)
    ]
    s3.put_object(Bucket=LOG_BUCKET, Key="mine/stolen.json", Body="\n".join(lines).encode())
    run_id = start(app, f"s3://{LOG_BUCKET}/mine")
    convert(app, run_id)
    assert b"secret" not in raw(f"runs/{run_id}/dataset/source.jsonl")
    assert conversion(app, run_id)["failed"]["body-missing"] == made.ledger.failed["body-missing"] + len(places)


def test_a_batch_that_may_not_be_read_says_why_in_the_runs_own_words(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    get = client("s3").get_object

    def denied(**given: Any) -> Any:
        if given["Bucket"] == LOG_BUCKET:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        return get(**given)

    monkeypatch.setattr(client("s3"), "get_object", denied)
    with pytest.raises(DatasetMissing, match="InvocationLogKeyArn"):
        convert_logs(app.pipeline, run_id, 0)
    closed = close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "")
    assert closed["status"] == "rejected"
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["error"] == "DatasetMissing"
    assert reason["message"].startswith(f"batch 0 of the logs: s3://{LOG_BUCKET}/")


def test_a_damaged_timestamp_poisons_no_run(app: Application) -> None:
    ledger = put_logs().ledger
    asked = {"messages": [{"role": "user", "content": [{"text": "odd"}]}]}
    message = {"role": "assistant", "content": [{"text": '{"reference_answer": 1, "a": 2}'}]}
    said = {"output": {"message": message}, "stopReason": "end_turn"}
    record: dict[str, Any] = {"operation": "Converse", "timestamp": "2026\n", "requestId": "odd"}
    record |= {"requestMetadata": {"project": "triage"}}
    record |= {"input": {"inputBodyJson": asked}, "output": {"outputBodyJson": said}}
    boto3.client("s3").put_object(Bucket=LOG_BUCKET, Key="AWSLogs/odd.json", Body=json.dumps(record).encode())
    run_id = start(app)
    convert(app, run_id)
    assert conversion(app, run_id)["converted"] == ledger.converted + 1


def test_a_run_that_is_to_stop_converts_no_further_batch(app: Application) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    assert app.pipeline.store.get(run_id).status is Status.CONVERTING
    stop_run(app.pipeline, run_id)
    assert len(app.named("StopExecution")) == 1
    for step in (lambda: convert_logs(app.pipeline, run_id, 0), lambda: assemble_logs(app.pipeline, run_id)):
        with pytest.raises(RunStopped):
            step()
    assert app.pipeline.store.get(run_id).conversion == conversion(app, run_id), "and notes no fault of a batch"
    assert close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "")["status"] == "stopped"


def test_native_logs_go_to_bedrock_as_they_are(app: Application) -> None:
    ledger = put_logs().ledger
    validation = [{"messages": [{"role": "user", "content": f"ticket {n}"}], "reference_answer": "x"} for n in range(9)]
    body = "".join(json.dumps(record) + "\n" for record in validation).encode()
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/v.jsonl", Body=body)
    logs = {"s3_uri": f"s3://{LOG_BUCKET}/AWSLogs", "native": True, "use_prompt_response": True}
    logs["request_metadata_filters"] = {"andAll": [{"equals": {"project": "triage"}}, {"notEquals": {"stage": "test"}}]}
    request = {"model": "m", "training_data": {"invocation_logs": logs}, "hyperparameters": SHORT}
    request["validation_data"] = {"s3_uri": f"s3://{BUCKET}/datasets/v.jsonl"}
    run_id = start_from_api(app.pipeline, json.dumps(request), key=None, request_id="r").run.run_id
    assert json.loads(app.named("StartExecution")[0]["input"])["data"] == "dataset"
    prepare_dataset(app.pipeline, run_id)
    run = app.pipeline.store.get(run_id)
    assert run.dataset is not None
    assert (run.dataset["validation_records"], run.dataset.get("train_uri")) == (9, None)
    assert any("native" in warning for warning in run.warnings)
    assert "9 validation" not in message_of(run)
    app.hand_over_dataset()
    submit_job(app.pipeline, run_id)
    (asked,) = app.named("CreateModelCustomizationJob")
    assert asked["trainingDataConfig"] == {
        "invocationLogsConfig": {
            "usePromptResponse": True,
            "invocationLogSource": {"s3Uri": f"s3://{LOG_BUCKET}/AWSLogs/"},
            "requestMetadataFilters": logs["request_metadata_filters"],
        }
    }
    assert app.bedrock.ended(run_id)["status"] == "Completed"
    samples = [sample for event in app.bedrock.aws.grader_events for sample in event]
    assert {sample["id"] for sample in samples} & set(ledger.prompts)


SHAPE = service_model("bedrock").operation_model("CreateModelCustomizationJob").input_shape


@pytest.mark.parametrize(
    "given",
    [
        {"metadata_equals": {"k" * 256: "v" * 256}},
        {"metadata_equals": {f"k{n}": "" for n in range(16)}},
        {"request_metadata_filters": {"equals": {"aZ09 ._:/=+$@-": "aZ09 ._:/=+$@-"}}},
        {"request_metadata_filters": {"notEquals": {"a": ""}}},
        {"request_metadata_filters": {"orAll": [{"equals": {"a": "b"}, "notEquals": {"c": "d"}}] * 16}},
        {"metadata_equals": {f"k{n}": "" for n in range(17)}},
        {"metadata_equals": {"": "v"}},
        {"metadata_equals": {"k" * 257: "v"}},
        {"metadata_equals": {"k": "v" * 257}},
        {"metadata_equals": {"k": "ü"}},
        {"request_metadata_filters": {"equals": {"a": "b", "c": "d"}}},
        {"request_metadata_filters": {"equals": {}}},
        {"request_metadata_filters": {"andAll": []}},
        {"request_metadata_filters": {"andAll": [{"equals": {"a": "b"}}] * 17}},
        {"request_metadata_filters": {"equals": {"a": "b"}, "orAll": [{"equals": {"a": "b"}}]}},
        {"request_metadata_filters": {"noneOf": {"a": "b"}}},
        {"s3_uri": f"s3://{LOG_BUCKET}/dt=1/"},
        {"s3_uri": f"s3://{LOG_BUCKET}/a b/"},
        {"s3_uri": f"s3://{LOG_BUCKET}/-!_*'()./9/"},
        {"s3_uri": f"s3://{LOG_BUCKET}/a//b/"},
    ],
)
def test_what_native_logs_may_ask_for_is_what_bedrocks_model_allows(app: Application, given: dict[str, Any]) -> None:
    """The door and the service's own model, one against the other; our own conversion takes the same filters."""
    native = {"s3_uri": f"s3://{LOG_BUCKET}/", "native": True, "use_prompt_response": True} | given
    document = {"model": "m", "training_data": {"invocation_logs": native}}
    try:
        parse_request(document, app.pipeline.environment.stack)
        taken = True
    except RequestInvalid:
        taken = False
    source = LogSource.of(document)
    assert source is not None
    assert SHAPE is not None
    allowed = not violations(SHAPE.members["trainingDataConfig"], {"invocationLogsConfig": source.config()})
    assert taken is allowed
    if taken and source.metadata_filter:
        MetadataFilter.parse(source.metadata_filter)


@pytest.mark.parametrize(
    "rules",
    [
        ["email", "phone", "card", "key"],
        [{"name": "customer", "pattern": "C-[0-9]{8}"}],
        ["emails"],
        ["email", "email"],
        [{"name": "Customer", "pattern": "x"}],
        [{"name": "email", "pattern": "x"}],
        [{"name": "a", "pattern": "("}],
        [{"name": "a", "pattern": "(?<=x)y"}],
        [{"name": "a", "pattern": "x*"}],
        [{"name": "a", "pattern": ""}],
        [{"name": "a", "pattern": "x" * 1_001}],
        [{"name": "a", "pattern": "x"}] * 2,
        [{"name": "a" * 33, "pattern": "x"}],
        [{"name": "a"}],
        [7],
        [{"name": f"a{n}", "pattern": "x"} for n in range(33)],
    ],
)
def test_the_door_takes_the_redactions_that_the_conversion_takes(app: Application, rules: list[Any]) -> None:
    logs = {"s3_uri": f"s3://{LOG_BUCKET}/", "use_prompt_response": True, "redact": rules}
    try:
        parse_request({"model": "m", "training_data": {"invocation_logs": logs}}, app.pipeline.environment.stack)
        taken = True
    except RequestInvalid as refused:
        taken = False
        assert all(problem.path.startswith("training_data.invocation_logs.redact") for problem in refused.problems)
    try:
        Redactor.parse(rules)
        works = True
    except ValueError:
        works = False
    assert taken is works
