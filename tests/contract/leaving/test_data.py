"""Buckets and log groups: emptied first, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from cli.leaving import data
from tests.contract.application import client
from tests.contract.leaving.looks import is_empty
from tests.contract.leaving.scene import Scene


def test_a_bucket_is_emptied_page_by_page_and_what_s3_refuses_comes_again(
    bare: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data._BATCH == 1000, "the most that S3 takes in one call"
    monkeypatch.setattr(data, "_BATCH", 5)
    s3 = client("s3")
    for number in range(10):
        s3.put_object(Bucket=bare.bucket, Key=f"many/{number}", Body=b"")
    refused = iter([True])

    def answered(parsed: dict[str, Any], **_: Any) -> None:
        if next(refused, False):
            parsed["Errors"] = [{"Key": "many/7", "Code": "InternalError", "Message": "again"}]

    bare.on("s3", "after-call.s3.DeleteObjects", answered)
    outcome = bare.left()
    assert outcome.left == []
    assert bare.changes.count("DeleteObjects") >= 3
    assert is_empty(bare)


def test_log_groups_that_came_after_the_stack_go_too_and_no_others(beside: Scene) -> None:
    logs, leaving = client("logs"), beside.leaving()
    leaving._logs._names = ["/aws/lambda/rft-api", "API-Gateway-Execution-Logs_abc/v1"]
    for name in ("/aws/lambda/rft-api", "/aws/lambda/rft-api-of-another", "API-Gateway-Execution-Logs_abc/v1"):
        logs.create_log_group(logGroupName=name)
    assert leaving.carry_out().left == []
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == [
        "/aws/lambda/rft-api-of-another",
        "/aws/lambda/rft-two-api",
    ]
