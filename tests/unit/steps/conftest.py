"""What the tests of tenants share (``two_teams``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rft.aws import clients, links
from tests.run_table import create_run_table
from tests.unit.steps.two_teams import BUCKET, LINE, VARIABLES, Functions, World, populated


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        clients._made.cache_clear()
        links._signer.cache_clear()
        for table in ("runs", "own", "many"):
            create_run_table(boto3.client("dynamodb"), table)
        s3: Any = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for key in ("datasets/acme-triage/train.jsonl", "inbox/acme-triage/train.jsonl", "datasets/globex-m/own.jsonl"):
            s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join([LINE] * 120).encode())
        trust = {"Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole", "Effect": "Allow"}
        role = boto3.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}}}
        boto3.client("stepfunctions").create_state_machine(
            name="rft-run", definition=json.dumps(definition), roleArn=role["Arn"]
        )
        patch.setenv("TOPIC_ARN", boto3.client("sns").create_topic(Name="runs")["TopicArn"])
        yield
    clients._made.cache_clear()
    links._signer.cache_clear()


@pytest.fixture
def world(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One of a test's own, to change."""
    functions = Functions()
    monkeypatch.setattr("rft.aws.functions.lambda_client", functions.client)
    monkeypatch.setenv("RUN_TABLE", "own")
    yield populated(functions)
    table = boto3.resource("dynamodb").Table("own")
    with table.batch_writer() as batch:
        for item in table.scan()["Items"]:
            batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.fixture(scope="module")
def own_runs(aws: None) -> set[str]:
    """globex' runs in the table ``many``: six, among many more of acme's. And five models of each."""
    own = {f"globex-m-{number:012x}" for number in range(100, 500, 80)} | {"globex-m-000000000003"}
    others = {f"acme-triage-{number:012x}" for number in range(101, 180)}
    with boto3.resource("dynamodb").Table("many").batch_writer() as batch:
        for name in own | others:
            number = int(name[-12:], 16)
            at = f"2026-01-{number // 60 + 1:02}T12:{number % 60:02}:00.000Z"
            run = {"run_id": name, "model": name[:-13], "status": "training", "created_at": at, "updated_at": at}
            batch.put_item(Item=run | {"pk": f"RUN#{name}", "sk": "RUN", "entity": "run"})
        for name in (f"{tenant}-{letter}" for tenant in ("globex", "acme") for letter in "abcde"):
            model = {"name": name, "created_at": f"2026-01-01T12:00:0{ord(name[-1]) - 96}Z", "updated_at": "u"}
            batch.put_item(Item=model | {"pk": f"MODEL#{name}", "sk": "MODEL", "entity": "model"})
    return own


@pytest.fixture(scope="module")
def filled(aws: None) -> World:
    return populated(Functions())


@pytest.fixture
def still(filled: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One for all tests whose calls change nothing, which is seen to at the end of each."""
    monkeypatch.setattr("rft.aws.functions.lambda_client", filled.functions.client)
    before = filled.table()
    yield filled
    assert filled.table() == before, "nothing was written"
    assert filled.functions.called == [], "no other function was asked"
