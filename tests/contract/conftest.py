"""Running stand-ins for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.useragent
import moto.backends
import moto.core.responses
import pytest
from moto.core.base_backend import BaseBackend
from moto.core.serialize import ResponseSerializer

from rft.aws.converse import Converse
from rft.steps import waiting
from rft.steps.comparing import comparison_answers, comparison_grades
from tests.contract import comparing
from tests.contract.application import BUCKET as DATA_BUCKET
from tests.contract.application import Application, application
from tests.contract.candidates import Candidates
from tests.contract.standin import BUCKET, Bedrock, FakeAws, records, running, serving


@pytest.fixture(scope="session", autouse=True)
def attributes_by_their_type() -> Iterator[None]:
    """Of DynamoDB's values moto looks for ten types under five names each: a run's record has hundreds of values."""
    serialize = ResponseSerializer._serialize_structure_member

    def quick(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.parent.name != "AttributeValue" or type(value) is not dict or key in value:
            serialize(self, serialized, value, shape, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResponseSerializer, "_serialize_structure_member", quick)
        yield


@pytest.fixture(scope="session", autouse=True)
def worked_out_once() -> Iterator[None]:
    """What moto and botocore work out anew for each call, though it is always the same."""
    urls: Any = BaseBackend.urls.fget  # type: ignore[attr-defined]
    known: dict[type, Any] = {}

    def known_urls(self: Any) -> Any:
        if type(self) not in known:
            known[type(self)] = urls(self)
        return known[type(self)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseBackend, "urls", property(known_urls))
        for module, name in (
            (moto.backends, "get_backend"),
            (moto.core.responses, "method_names_from_class"),
            (botocore.useragent, "sanitize_user_agent_string_component"),
        ):
            patch.setattr(module, name, cache(getattr(module, name)))
        yield


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


@pytest.fixture(scope="session")
def one_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bedrock, Path, str]]:
    """A quick stand-in with the model of one job, its folder, and the address of the AWS beside it."""
    aws, state = FakeAws(), tmp_path_factory.mktemp("candidates")
    aws.put_records("train.jsonl", records())
    with serving(aws.app()) as endpoint, running(state, aws, endpoint, deployment_seconds=0.05) as started:
        assert started.ended(started.job("first"))["status"] == "Completed"
        yield started, state, endpoint


@pytest.fixture
def candidates(one_model: tuple[Bedrock, Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Candidates]:
    """Runs that have a trained model, and steps that look often; what was deployed is removed at the end."""
    bedrock, state, endpoint = one_model
    monkeypatch.setattr(waiting, "_FIRST_PAUSE_SECONDS", 0.02)
    with application(bedrock, endpoint, monkeypatch) as made:
        yield (candidates := Candidates(made, state))
        candidates.clear()
        assert made.broken == []


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """One application for all tests of a module: setting one up takes longer than many of them."""
    aws = FakeAws()
    with (
        serving(aws.app()) as endpoint,
        running(tmp_path_factory.mktemp("state"), aws, endpoint) as started,
        pytest.MonkeyPatch.context() as patch,
        application(started, endpoint, patch) as made,
    ):
        yield made


@pytest.fixture
def emptied_app(shared_app: Application) -> Iterator[Application]:
    """The module's, as if new."""
    aws = shared_app.bedrock.aws
    aws.reward = comparing.same
    yield shared_app
    assert shared_app.broken == []
    for kept in (shared_app.calls, aws.grader_events, aws.graders, aws.denied, aws.objects):
        kept.clear()
    bucket, table = boto3.resource("s3").Bucket(DATA_BUCKET), boto3.resource("dynamodb").Table("runs")
    bucket.object_versions.delete()
    with table.batch_writer() as batch:
        for item in table.scan()["Items"]:
            batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> comparing.Models:
    """All models, in Converse's place, who never have to be waited for."""
    made = comparing.Models()
    monkeypatch.setattr(Converse, "ask", lambda *asked: made.ask(*asked))  # noqa: PLW0108 - a method: it gets the model
    for module in (comparison_answers, comparison_grades):
        monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)
    return made
