from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from rft.aws.run_store import RunStore

TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def store(aws: None) -> RunStore:
    """The run table exactly as the template makes it."""
    table: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]["RunTable"]["Properties"]
    client = boto3.client("dynamodb")
    keys = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    client.create_table(TableName="runs", **{key: table[key] for key in keys})
    return RunStore(client, "runs")
