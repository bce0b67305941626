"""PublishReport: three files for every kind of run, whatever of it is missing, and a manifest that repeats it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rft.aws import clients
from rft.aws.graders import GraderFunction
from rft.errors import DatasetInvalid, GateClosed, RunNotFound
from rft.run.status import Status
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.doors.start_run import start_from_api, start_from_event
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending.close_run import close_run
from rft.steps.ending.publish_report import publish_report
from rft.steps.gate import check_grader as gate
from rft.steps.gate import grader_trial
from rft.steps.gate.check_grader import check_grader
from rft.steps.pipeline import Pipeline
from tests.contract.application import BUCKET, GRADER, Application, application
from tests.contract.candidates import Refusal
from tests.contract.standin import FakeAws, running, serving
from tests.contract.test_gate import same
from tests.contract.test_handlers import event, invoke
from tests.contract.test_requests import start, submitted
from tests.unit.report import materials
from tests.unit.report.hostile import Parsed

CURVE = "curve-of-a-grader"
FUNCTION = GraderFunction(30, 512, "1", "c29tZSBjb2Rl")
TRAINING = """step_number,epoch_number,critic/rewards/mean,critic/rewards/max,critic/rewards/min,actor/entropy
1,1,0.25,1.0,0.0,0.9
2,1,0.5,1.0,0.0,0.8
"""
VALIDATION = "step_number,epoch_number,val-score/rewards/mean@1\n0,0,0.2\n2,1,0.45\n"
CANARY = "zq7canary"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """One application for all of these tests: setting one up takes longer than most of them."""
    aws = FakeAws()
    with (
        serving(aws.app()) as endpoint,
        running(tmp_path_factory.mktemp("state"), aws, endpoint) as bedrock,
        pytest.MonkeyPatch.context() as patch,
        application(bedrock, endpoint, patch) as made,
    ):
        patch.setenv("READ_CURVE_FUNCTION", CURVE)
        for module in (gate, grader_trial.graders):
            patch.setattr(module, "described", lambda client, arn: FUNCTION)
        yield made


@pytest.fixture
def app(shared: Application) -> Iterator[Application]:
    """As if new; at the end every request has to fit its service's model."""
    shared.bedrock.aws.reward = same
    points = [{"at": f"2026-01-01T00:0{n}:00Z", "reward_mean": n / 9, "components": {"form": 1.0}} for n in range(9)]
    shared.bedrock.aws.functions[CURVE] = lambda _: {"points": points}
    yield shared
    assert shared.broken == []
    shared.calls.clear()
    boto3.resource("s3").Bucket(BUCKET).object_versions.delete()
    table = boto3.resource("dynamodb").Table("runs")
    with table.batch_writer() as batch:
        for item in table.scan()["Items"]:
            batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})


def put(run_id: str, name: str, body: bytes) -> str:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"runs/{run_id}/{name}", Body=body)
    return f"s3://{BUCKET}/runs/{run_id}/{name}"


def read(uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def compared(app: Application, *, live: float | None = None, **changes: Any) -> str:
    """A run that was prepared, tried, submitted and compared."""
    run_id = start(app, **({"grader": {"name": "format-validation"}} | changes))
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    check_grader(app.pipeline, run_id)
    submitted_as = {"job_arn": materials.JOB, "job_submitted_at": app.pipeline.store.get(run_id).updated_at}
    app.pipeline.store.record(run_id, "job", {"job_status": "Completed"}, **submitted_as)
    folder = "output/model-customization-job-abc"
    put(run_id, f"{folder}/training_artifacts/step_wise_training_metrics.csv", TRAINING.encode())
    put(run_id, f"{folder}/validation_artifacts/validation_metrics.csv", VALIDATION.encode())
    rows = materials.rows(live=live)
    document = materials.comparison(rows)
    uris = {
        "rows_uri": put(run_id, "comparison.jsonl", materials.lines(rows)),
        "document_uri": put(run_id, "comparison.json", json.dumps(document).encode()),
    }
    summary = {"against": document["against"], **document["verdict"], **uris}
    app.pipeline.store.record(run_id, "comparison", {}, comparison=summary)
    return run_id


def published(pipeline: Pipeline, run_id: str) -> tuple[str, str, Any]:
    """Page, Markdown and manifest, once it is sure that they are on record and what they should be."""
    assert publish_report(pipeline, run_id) == {"run_id": run_id}
    run = pipeline.store.get(run_id)
    assert run.report is not None
    folder = f"s3://{BUCKET}/runs/{run_id}/"
    names = {"report_uri": "report.html", "markdown_uri": "report.md", "manifest_uri": "manifest.json"}
    assert run.report == {name: folder + file for name, file in names.items()}
    events = pipeline.store.events(run_id, limit=100, token=None).items
    assert [event["detail"] for event in events if event["type"] == "report"][-1] == run.report
    page, text, manifest = (read(run.report[name]).decode() for name in names)
    head = boto3.client("s3").head_object(Bucket=BUCKET, Key=f"runs/{run_id}/report.html")
    assert head["ContentType"] == "text/html; charset=utf-8"
    assert Parsed(page).unclosed == []
    return page, text, json.loads(manifest)


def test_a_promoted_run(app: Application) -> None:
    run_id = compared(app, live=0.5)
    app.pipeline.end(run_id, Status.PROMOTED, deployment_arn=materials.LIVE)
    page, text, manifest = published(app.pipeline, run_id)
    words = " ".join(Parsed(page).text.split())
    for expected in (
        "Promoted",
        "The worst regressions",
        "Reward by training step",
        "Components of the reward by minute",
    ):
        assert expected in words
    assert "could not be read" not in words
    assert text.startswith("## 🟢")
    assert manifest["model"]["deployment_arn"] == materials.LIVE
    assert manifest["grader"]["code_sha256"] == FUNCTION.code_sha256
    assert manifest["comparison"]["gain"]["mean"] > 0
    assert manifest["cost"]["estimated"]["usd"]["run"]
    assert not manifest["is_stand_in"]


def test_the_state_publishes_it(app: Application) -> None:
    run_id = start(app)
    app.pipeline.end(run_id, Status.KEPT)
    assert invoke("publish_report", {"run_id": run_id}) == {"run_id": run_id}
    assert app.pipeline.store.get(run_id).report is not None
    with pytest.raises(RunNotFound):
        invoke("publish_report", event("state_publish_report"))


def test_the_stand_in_is_told_of(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IS_STAND_IN", "true")
    run_id = compared(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    page, text, manifest = published(app.pipeline, run_id)
    assert "Not a Bedrock model." in page and "Not a Bedrock model." in text
    assert manifest["is_stand_in"]


def test_a_run_that_was_kept(app: Application) -> None:
    run_id = compared(app)
    app.pipeline.end(run_id, Status.KEPT)
    assert "Kept" in published(app.pipeline, run_id)[0]


def test_a_run_that_deploys_nothing(app: Application) -> None:
    run_id = start(app, deploy="none")
    prepare_dataset(app.pipeline, run_id)
    app.pipeline.end(run_id, Status.KEPT)
    assert "not deployed, as the request asked" in published(app.pipeline, run_id)[0]


def test_a_closed_gate_is_told_with_its_findings(app: Application) -> None:
    app.bedrock.aws.reward = lambda _: 0.5
    run_id = start(app, grader={"name": "format-validation"})
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    with pytest.raises(GateClosed) as closed:
        check_grader(app.pipeline, run_id)
    close_run(app.pipeline, run_id, "GateClosed", json.dumps({"errorMessage": str(closed.value)}))
    page, text, manifest = published(app.pipeline, run_id)
    assert "constant-reward" in page and "constant" in text
    assert page.index('id="gate"') < page.index('id="dataset"')
    assert manifest["reason"]["error"] == "GateClosed"
    assert manifest["grader"]["code_sha256"] == FUNCTION.code_sha256


def test_a_refused_dataset_is_told_by_its_rules_without_its_texts(app: Application) -> None:
    run_id = start(app)
    broken = json.dumps({"messages": [{"role": CANARY, "content": CANARY}]})
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/m.jsonl", Body=f"{broken}\n".encode() * 140)
    with pytest.raises(DatasetInvalid) as invalid:
        prepare_dataset(app.pipeline, run_id)
    close_run(app.pipeline, run_id, "DatasetInvalid", json.dumps({"errorMessage": str(invalid.value)}))
    page, text, manifest = published(app.pipeline, run_id)
    assert "unknown-role" in page
    assert CANARY not in page + text + json.dumps(manifest)


def test_a_refused_request(app: Application) -> None:
    event = {"id": "1", "detail": {"model": "m", "training_data": {"s3_uri": f"s3://{BUCKET}/x"}, "colour": "red"}}
    run_id = start_from_event(app.pipeline, event).run.run_id
    page, _, manifest = published(app.pipeline, run_id)
    assert "colour" in page
    assert manifest["request"] == {}


def test_a_run_that_was_stopped_or_failed_before_there_was_anything(app: Application) -> None:
    stopped = start(app)
    stop_run(app.pipeline, stopped)
    close_run(app.pipeline, stopped, "RunStopped", "stopped as asked")
    assert "Stopped" in published(app.pipeline, stopped)[0]
    failed = start(app, model="f")
    close_run(app.pipeline, failed, "Lambda.Unknown", "")
    assert "no reason was given" in published(app.pipeline, failed)[0]


def test_the_manifest_starts_the_same_run_again(app: Application) -> None:
    run_id = compared(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    manifest = published(app.pipeline, run_id)[2]
    key = f"s3://{BUCKET}/datasets/m.jsonl"
    source = read(key)
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/m.jsonl", Body=b"overwritten meanwhile")
    again = start_from_api(app.pipeline, json.dumps(manifest["request"]), key="again", request_id="r").run.run_id
    assert again != run_id
    prepare_dataset(app.pipeline, again)
    first, second = (app.pipeline.store.get(run).dataset or {} for run in (run_id, again))
    same_again = ("source_uri", "source_version_id", "source_sha256", "train_records", "validation_records")
    assert {name: first[name] for name in same_again} == {name: second[name] for name in same_again}
    assert first["source_sha256"] == hashlib.sha256(source).hexdigest()
    data = manifest["data"]
    assert data["training"]["source"]["sha256"] == first["source_sha256"]
    for side, name in (("training", "train"), ("validation", "validation")):
        canonical = data[side]["canonical"]
        assert canonical["sha256"] == first[f"{name}_sha256"] == hashlib.sha256(read(canonical["uri"])).hexdigest()
    assert (data["validation_fraction"], manifest["request"]["validation_data"]) == (0.1, {"fraction": 0.1})


def test_a_validation_file_is_pinned_as_well(app: Application) -> None:
    start(app, model="v")
    run_id = start(app, validation_data={"s3_uri": f"s3://{BUCKET}/datasets/v.jsonl"})
    prepare_dataset(app.pipeline, run_id)
    app.pipeline.end(run_id, Status.KEPT)
    manifest = published(app.pipeline, run_id)[2]
    pinned = manifest["request"]["validation_data"]
    assert pinned["version_id"] == manifest["data"]["validation"]["source"]["version_id"]
    assert "validation_fraction" not in (app.pipeline.store.get(run_id).dataset or {})


def test_bedrocks_request_ids_are_kept(app: Application) -> None:
    run_id = submitted(app)
    events = app.pipeline.store.events(run_id, limit=100, token=None).items
    (requests,) = [event["detail"]["requests"] for event in events if "requests" in event["detail"]]
    assert [request["operation"] for request in requests] == ["CreateModelCustomizationJob"]
    stop_run(app.pipeline, run_id)
    close_run(app.pipeline, run_id, "RunStopped", "")
    (told,) = published(app.pipeline, run_id)[2]["bedrock_requests"]
    assert told["request_id"] == requests[0]["request_id"]
    assert len(told["request_id"]) > 20


DOCUMENTS = ("gate.json", "dataset/report.json", "comparison.json", "comparison.jsonl")


def test_what_is_missing_or_odd_costs_its_own_part(app: Application, caplog: pytest.LogCaptureFixture) -> None:
    run_id = compared(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    kept = {name: read(f"s3://{BUCKET}/runs/{run_id}/{name}") for name in DOCUMENTS}
    odd = (b"", b"[]", b"\xff\xfe", b"[" * 200_000, b'{"roles": {"base": [1]}, "findings": 3}')
    with caplog.at_level(logging.INFO):
        for name in DOCUMENTS:
            for body in odd:
                put(run_id, name, body)
                published(app.pipeline, run_id)
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"runs/{run_id}/{name}")
            page = published(app.pipeline, run_id)[0]
            assert name in page and "could not be read (" in page
            put(run_id, name, kept[name])
    put(run_id, "output/x/training_metrics.csv", b"\x00\xff,step\n" * 9 + b'"' + b"x" * 200_000)
    page = published(app.pipeline, run_id)[0]
    assert "Fernway" in page, "the texts are in the report"
    assert "Fernway" not in caplog.text, "and in no log"


def test_whatever_can_not_be_read_there_is_a_report(app: Application) -> None:
    """One call of S3 after the other is refused, until it is the one that writes the report."""
    run_id = compared(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    app.calls.clear()
    refused = []
    while True:
        refusal = Refusal(len(refused), "AccessDenied", "s3")
        events = clients.client("s3").meta.events
        events.register(refusal.moment, refusal)
        try:
            publish_report(app.pipeline, run_id)
        except ClientError:
            assert refusal.of == "PutObject", "only a report that can't be written is none"
            break
        finally:
            events.unregister(refusal.moment, refusal)
        refused.append(refusal.of)
    assert {*refused} == {"GetObject", "ListObjectsV2"}
    assert len(refused) >= 7
    assert all("VersionId" not in params for params in app.named("GetObject")), "the role may read no versions"


def test_memory_does_not_grow_with_the_comparison(app: Application) -> None:
    run_id = compared(app)
    rows = materials.rows()
    for row in rows:
        row["answers"]["candidate"]["text"] = "x" * 200_000
    put(run_id, "comparison.jsonl", materials.lines(rows))
    app.pipeline.end(run_id, Status.PROMOTED)
    assert len(published(app.pipeline, run_id)[0]) < 150_000


def test_a_report_that_is_written_twice_is_the_same_but_for_its_time(app: Application) -> None:
    run_id = compared(app)
    app.pipeline.end(run_id, Status.PROMOTED)
    first, second = (published(app.pipeline, run_id)[2] for _ in range(2))
    assert first | {"written_at": None} == second | {"written_at": None}


def test_a_grader_without_a_name_is_told_by_its_arn(app: Application) -> None:
    run_id = start(app, grader={"lambda_arn": GRADER})
    app.pipeline.end(run_id, Status.KEPT)
    assert published(app.pipeline, run_id)[2]["grader"]["arn"] == GRADER
