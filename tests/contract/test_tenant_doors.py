"""The doors that nobody calls, of a stack with tenants: an upload speaks for its folder's tenant, an event for its
source's. What is refused is filed where whoever sent it can see it, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from rft.run.status import Status
from rft.run.tenants import TenantsInvalid
from rft.steps.doors.start_run import Started, start_from_event, start_from_upload
from tests.contract.application import BUCKET, Application

STS = "arn:aws:sts::123456789012:assumed-role"
TENANTS = f"acme={STS}/acme/*,globex={STS}/globex/*,*={STS}/ops/*"


@pytest.fixture
def shared(emptied_app: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """A stack that acme and globex share."""
    monkeypatch.setenv("TENANTS", TENANTS)
    return emptied_app


def upload(app: Application, key: str, request: Any = None) -> Started:
    body = json.dumps(request).encode() if request is not None else b"{}\n"
    version = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
    place = {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": version, "etag": "e"}}
    started = start_from_upload(app.pipeline, {"detail": place})
    assert started is not None
    return started


def ask(app: Application, source: str, model: str, event_id: str = "e-1", **changes: Any) -> Started:
    detail = {"model": model, "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/{model}/train.jsonl"}} | changes
    return start_from_event(app.pipeline, {"id": event_id, "source": source, "detail": detail})


def refused(started: Started, model: str, *paths: str) -> str:
    run = started.run
    assert (run.status, run.model) == (Status.REJECTED, model)
    assert run.reason is not None
    message = str(run.reason["message"])
    assert [problem.partition(":")[0] for problem in message.split("; ")] == list(paths)
    return message


def started_nothing(app: Application) -> None:
    assert app.named("StartExecution") == []
    assert app.named("GetModelCustomizationJob") == []


@pytest.mark.parametrize(
    ("key", "request_"),
    [
        ("inbox/acme-triage.jsonl", None),
        ("inbox/acme-triage/run.json", {"model": "acme-triage", "training_data": {"s3_uri": "train.jsonl"}}),
        ("inbox/acme-x/run.json", {"model": "acme-y", "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/acme-y"}}),
    ],
)
def test_a_tenants_upload_starts_a_run_of_its_own(shared: Application, key: str, request_: Any) -> None:
    run = upload(shared, key, request_).run
    assert (run.status, run.model.startswith("acme-")) == (Status.RECEIVED, True)
    assert len(shared.named("StartExecution")) == 1


@pytest.mark.parametrize(
    ("request_", "model", "paths"),
    [
        ({"model": "globex-m", "training_data": {"s3_uri": "t.jsonl"}}, "acme-triage", ["model"]),
        ({"model": "globex-m", "training_data": {"s3_uri": "t.jsonl"}, "x": 1}, "acme-triage", ["model"]),
        (
            {"model": "acme-m", "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/globex-m/t.jsonl"}},
            "acme-m",
            ["training_data.s3_uri"],
        ),
        (
            {
                "model": "acme-m",
                "training_data": {
                    "invocation_logs": {"s3_uri": "s3://invocation-logs-123456789012/", "use_prompt_response": True}
                },
            },
            "acme-m",
            ["training_data.invocation_logs.s3_uri"],
        ),
        (
            {
                "model": "acme-m",
                "training_data": {"invocation_logs": {"s3_uri": f"s3://{BUCKET}/inbox/", "use_prompt_response": True}},
            },
            "acme-m",
            ["training_data.invocation_logs.s3_uri"],
        ),
    ],
)
def test_what_is_anothers_starts_nothing_and_is_told_to_who_asked(
    shared: Application, request_: Any, model: str, paths: list[str]
) -> None:
    started = upload(shared, "inbox/acme-triage/run.json", request_)
    refused(started, model, *paths)
    assert shared.pipeline.store.runs(model="globex-m", status=None, limit=9, token=None).items == []
    started_nothing(shared)


@pytest.mark.parametrize("key", ["inbox/m.jsonl", "inbox/acme.jsonl", "inbox/Acme-m.jsonl", "inbox/acme_m/run.json"])
def test_a_folder_that_is_no_tenants_starts_nothing(shared: Application, key: str) -> None:
    message = refused(upload(shared, key, {"model": "acme-triage"}), "unnamed", "$")
    assert "inbox/<tenant>-<model>" in message
    started_nothing(shared)


def test_an_event_is_for_the_tenant_in_its_source_only(shared: Application) -> None:
    assert ask(shared, "rft.tenant.acme", "acme-triage").run.status is Status.RECEIVED
    shared.calls.clear()
    refused(ask(shared, "rft.tenant.acme", "globex-m", "e-2"), "acme-unnamed", "model")
    elsewhere = {"training_data": {"s3_uri": f"s3://{BUCKET}/datasets/globex-m/train.jsonl"}}
    refused(ask(shared, "rft.tenant.acme", "acme-m", "e-3", **elsewhere), "acme-m", "training_data.s3_uri")
    for number, source in enumerate(("my.service", "rft.tenant.", "rft.tenant.*", "rft.tenant.initech")):
        message = refused(ask(shared, source, "acme-triage", f"e-1{number}"), "unnamed", "source")
        assert "rft.tenant.<tenant>" in message
    started_nothing(shared)


def test_tenants_that_can_not_be_read_start_nothing(shared: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event stays in the dead letters."""
    monkeypatch.setenv("TENANTS", "acme=*")
    with pytest.raises(TenantsInvalid, match="entry 1"):
        ask(shared, "rft.tenant.acme", "acme-m")
    with pytest.raises(TenantsInvalid):
        upload(shared, "inbox/acme-m.jsonl")
    started_nothing(shared)


def test_without_tenants_any_folder_and_any_source_start_a_run(emptied_app: Application) -> None:
    assert upload(emptied_app, "inbox/m.jsonl").run.status is Status.RECEIVED
    assert ask(emptied_app, "my.service", "acme-triage").run.status is Status.RECEIVED


def test_without_tenants_an_upload_names_any_model_and_any_data(emptied_app: Application) -> None:
    """Which docs/security.md says of use-bucket.json: folders are no wall then."""
    elsewhere = {"model": "globex-m", "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/other/t.jsonl"}}
    run = upload(emptied_app, "inbox/triage/run.json", elsewhere).run
    assert (run.status, run.model) == (Status.RECEIVED, "globex-m")
