from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from rft.aws.run_store import RunStore
from tests.run_table import create_run_table


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
    client = boto3.client("dynamodb")
    create_run_table(client)
    return RunStore(client, "runs")
