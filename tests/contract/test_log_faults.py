"""Faults while logs are converted: a run is told the true one, and what does not agree does not go unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from rft.errors import DatasetMissing, LogsInconsistent
from rft.steps.ending import close_run as closing
from rft.steps.ending.close_run import close_run
from rft.steps.logs import convert_logs as converting
from rft.steps.logs import list_logs as listing
from rft.steps.logs.assemble_logs import assemble_logs
from rft.steps.logs.convert_logs import convert_logs
from rft.steps.logs.list_logs import list_logs
from tests.contract.application import BUCKET, Application
from tests.contract.test_logs import conversion, put_logs, raw, read, start


def test_the_cause_is_the_first_fault_that_no_retry_cures(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that a retry has healed is no cause, and a later one doesn't take the place of the first."""
    monkeypatch.setattr(listing, "BATCH_OBJECTS", 7)
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    before = conversion(app, run_id)

    def fail(batch: int, error: Exception) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(converting, "_convert", lambda *_: (_ for _ in ()).throw(error))
            with pytest.raises(type(error)):
                convert_logs(app.pipeline, run_id, batch)

    slow = ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "GetObject")
    fail(0, slow)
    convert_logs(app.pipeline, run_id, 0)
    fail(1, DatasetMissing("not ours"))
    fail(2, MemoryError("too late"))
    fail(2, slow)
    assert conversion(app, run_id) == before, "and what is known of the logs stays"
    close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "")
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert (reason["error"], reason["message"]) == ("DatasetMissing", "batch 1 of the logs: not ours.")


def test_where_retries_are_used_up_the_cause_is_that_batchs_fault(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    monkeypatch.setattr(closing, "_EVENTS", 3)
    for batch, code in ((0, "A"), (4, "B"), (4, "C"), (4, "SlowDown"), (1, "D")):
        error = ClientError({"Error": {"Code": code, "Message": "later"}}, "GetObject")
        monkeypatch.setattr(converting, "_convert", lambda *_, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(ClientError):
            convert_logs(app.pipeline, run_id, batch)
    close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "")
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["error"] == "ClientError"
    assert reason["message"].startswith("batch 4 of the logs (failed 3 times): An error occurred (SlowDown)")


def test_a_map_that_fails_without_a_word_of_its_batches_is_told_as_it_is(app: Application) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "a batch timed out")
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_fault_that_cannot_be_noted_is_raised_all_the_same(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)

    def refuse(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "TransactWriteItems")

    monkeypatch.setattr(converting, "_convert", lambda *_: (_ for _ in ()).throw(DatasetMissing("not ours")))
    monkeypatch.setattr(app.pipeline.store, "record", refuse)
    with pytest.raises(DatasetMissing):
        convert_logs(app.pipeline, run_id, 0)


def test_what_counts_as_cured_by_a_retry_is_what_the_state_machine_retries() -> None:
    machine = (Path(__file__).resolve().parents[2] / "statemachines" / "rft_run.asl.yaml").read_text()
    batch = yaml.safe_load(machine)["States"]["ConvertLogs"]["ItemProcessor"]["States"]["ConvertBatch"]
    names = {name for retry in batch["Retry"] for name in retry["ErrorEquals"]}
    of_the_platform = ("Lambda.", "States.", "Sandbox.", "Runtime.")
    assert {name for name in names if not name.startswith(of_the_platform)} == converting.RETRIED


@pytest.mark.parametrize("change", ["a prompt less", "a prompt more", "the counts of another time"])
def test_prompts_that_are_not_those_counted_fail_the_run(app: Application, change: str) -> None:
    put_logs()
    run_id = start(app)
    list_logs(app.pipeline, run_id)
    convert_logs(app.pipeline, run_id, 0)
    folder = f"runs/{run_id}/dataset/logs/shard-00000"
    shard, counts = raw(f"{folder}.jsonl"), read(f"{folder}.json")
    lines = shard.splitlines(keepends=True)
    if change == "the counts of another time":
        counts["counts"]["converted"] -= 1
        counts["counts"]["records"] -= 1
    else:
        lines = lines[1:] if change == "a prompt less" else [*lines, lines[0]]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}.jsonl", Body=b"".join(lines))
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}.json", Body=json.dumps(counts).encode())
    with pytest.raises(LogsInconsistent, match=r"shard of batch 0 has .* counted.*start the run anew") as found:
        assemble_logs(app.pipeline, run_id)
    assert "records" not in conversion(app, run_id)
    closed = close_run(app.pipeline, run_id, "LogsInconsistent", json.dumps({"errorMessage": str(found.value)}))
    assert closed["status"] == "failed"
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["message"] == f"{found.value}."
