"""Running stand-ins for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.application import Application, application
from tests.contract.standin import BUCKET, Bedrock, FakeAws, records, running, serving


@pytest.fixture
def fake_aws() -> Iterator[tuple[FakeAws, str]]:
    aws = FakeAws()
    aws.put_records("train.jsonl", records())
    with serving(aws.app()) as url:
        yield aws, url


@pytest.fixture
def bedrock(tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> Iterator[Bedrock]:
    """A stand-in with nothing in it."""
    with running(tmp_path, *fake_aws) as started:
        yield started


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bedrock]:
    """A stand-in with one completed job ``first`` that other tests share: they add to it, and break nothing."""
    aws = FakeAws()
    aws.put_records("train.jsonl", records())
    aws.put_records("validation.jsonl", [record | {"id": f"v{record['id']}"} for record in records(20)])
    with serving(aws.app()) as endpoint, running(tmp_path_factory.mktemp("state"), aws, endpoint) as started:
        job = started.job(
            "first",
            validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]},
            jobTags=[{"key": "run", "value": "run-1"}],
            customModelTags=[{"key": "made-by", "value": "first"}],
            hyper_parameters={"epochCount": 4, "batchSize": 20, "evalInterval": 5, "trainingSamplePerPrompt": 8},
        )
        assert started.ended(job)["status"] == "Completed", started.ended(job)
        yield started


@pytest.fixture
def app(bedrock: Bedrock, fake_aws: tuple[FakeAws, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """The pipeline's steps beside a stand-in; at the end every request they sent has to fit its service's model."""
    with application(bedrock, fake_aws[1], monkeypatch) as made:
        yield made
        assert made.broken == []
