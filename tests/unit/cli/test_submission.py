"""Uploads (moto's S3), the request that is sent, and the key that keeps a repeat from paying twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cli.faults import CliFault, UsageFault
from cli.submission import Submitted, request_key, submit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "data-bucket"


class KeptRequests:
    """The client's ``create_run``, keeping what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], str]] = []

    def create_run(self, request: dict[str, Any], *, key: str) -> tuple[dict[str, Any], bool]:
        known = any(seen == key for _, seen in self.asked)
        self.asked.append((request, key))
        return {"run_id": "r"}, not known


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def api() -> KeptRequests:
    return KeptRequests()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def hand_in(s3: S3Client, api: KeptRequests, said: list[str]) -> Any:
    def run(file: Path, **options: Any) -> Submitted:
        chosen = {"model": None, "key": None, "again": False} | options
        return submit(file, api=api, s3=s3, bucket=BUCKET, say=said.append, **chosen)  # type: ignore[arg-type]

    return run


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    file = tmp_path / "Support Tickets (März).jsonl"
    file.write_text('{"messages": []}\n')
    return file


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text("{}\n")
    (tmp_path / "validation.jsonl").write_text("{}\n{}\n")
    file = tmp_path / "run.json"
    request = {
        "model": "ticket-triage",
        "training_data": {"s3_uri": "data/train.jsonl"},
        "validation_data": {"s3_uri": "validation.jsonl"},
        "deploy": "none",
    }
    file.write_text(json.dumps(request))
    return file


def test_a_dataset_becomes_a_request_with_the_stacks_defaults(
    hand_in: Any, api: KeptRequests, s3: S3Client, dataset: Path
) -> None:
    hand_in(dataset)
    (request, _), sha256 = api.asked[0], hashlib.sha256(dataset.read_bytes()).hexdigest()
    key = f"datasets/support-tickets-marz/{sha256[:12]}/Support-Tickets-(M-rz).jsonl"
    there = s3.head_object(Bucket=BUCKET, Key=key)
    assert there["Metadata"] == {"sha256": sha256}
    assert request == {
        "model": "support-tickets-marz",
        "training_data": {"s3_uri": f"s3://{BUCKET}/{key}", "version_id": there["VersionId"]},
    }


def test_the_model_may_be_named(hand_in: Any, api: KeptRequests, dataset: Path) -> None:
    hand_in(dataset, model="triage")
    assert api.asked[0][0]["model"] == "triage"


def test_files_beside_a_request_are_uploaded_and_pinned(
    hand_in: Any, api: KeptRequests, s3: S3Client, request_file: Path
) -> None:
    hand_in(request_file)
    request, _ = api.asked[0]
    assert request["deploy"] == "none"
    for source, file in (("training_data", "data/train.jsonl"), ("validation_data", "validation.jsonl")):
        key = request[source]["s3_uri"].removeprefix(f"s3://{BUCKET}/")
        stored = s3.get_object(Bucket=BUCKET, Key=key, VersionId=request[source]["version_id"])["Body"].read()
        assert stored == (request_file.parent / file).read_bytes()


def test_the_same_command_twice_uploads_once_and_asks_for_the_same_run(
    hand_in: Any, api: KeptRequests, s3: S3Client, request_file: Path, said: list[str]
) -> None:
    assert [hand_in(request_file).created for _ in range(2)] == [True, False]
    assert api.asked[0] == api.asked[1]
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 2
    assert said[2:] == ["train.jsonl is in the bucket already", "validation.jsonl is in the bucket already"]


def test_again_asks_for_another_run(hand_in: Any, api: KeptRequests, request_file: Path) -> None:
    assert all(hand_in(request_file, again=True).created for _ in range(2))
    assert api.asked[0][1] != api.asked[1][1]


def test_changed_data_is_another_run(hand_in: Any, request_file: Path) -> None:
    hand_in(request_file)
    (request_file.parent / "validation.jsonl").write_text("{}\n{}\n{}\n")
    assert hand_in(request_file).created


def test_a_key_of_ones_own_is_taken(hand_in: Any, api: KeptRequests, request_file: Path) -> None:
    hand_in(request_file, key="nightly-7")
    assert api.asked[0][1] == "nightly-7"


def test_key_and_again_exclude_each_other(hand_in: Any, request_file: Path) -> None:
    with pytest.raises(UsageFault):
        hand_in(request_file, key="k", again=True)


def test_an_object_of_the_bucket_is_pinned_so_that_a_new_version_is_a_new_run(
    hand_in: Any, api: KeptRequests, s3: S3Client, tmp_path: Path
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"model": "m", "training_data": {"s3_uri": f"s3://{BUCKET}/mine/d.jsonl"}}))
    for content in (b"one", b"two"):
        version = s3.put_object(Bucket=BUCKET, Key="mine/d.jsonl", Body=content)["VersionId"]
        assert hand_in(file).created
        assert api.asked[-1][0]["training_data"]["version_id"] == version


@pytest.mark.parametrize(
    "source",
    [{"s3_uri": "s3://another/d.jsonl"}, {"s3_uri": f"s3://{BUCKET}/gone.jsonl"}, {"s3_uri": 7}, "text", None, {}],
)
def test_what_only_the_api_can_judge_is_passed_on(
    hand_in: Any, api: KeptRequests, tmp_path: Path, source: object
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"model": ["no name"], "training_data": source}))
    hand_in(file)
    assert api.asked[0][0] == {"model": ["no name"], "training_data": source}


def test_every_file_that_is_missing_or_elsewhere_is_named_at_once(hand_in: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    sources = {"training_data": {"s3_uri": "gone.jsonl"}, "validation_data": {"s3_uri": "../secret.jsonl"}}
    file.write_text(json.dumps({"model": "m", **sources}))
    with pytest.raises(CliFault) as refused:
        hand_in(file)
    assert [problem.path for problem in refused.value.problems] == ["training_data.s3_uri", "validation_data.s3_uri"]
    assert "'gone.jsonl'" in refused.value.problems[0].message


@pytest.mark.parametrize("content", ["{", "[1]", '{"model": "a", "model": "b"}', "\xff", "[" * 100_000])
def test_a_request_that_is_no_json_object_is_refused(hand_in: Any, tmp_path: Path, content: str) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(CliFault, match=r"run\.json (is not JSON|must hold a JSON object)"):
        hand_in(file)


@pytest.mark.parametrize("name", ["data.csv", "----.jsonl"])
def test_a_file_that_gives_no_request_is_wrong_usage(hand_in: Any, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("")
    with pytest.raises(UsageFault):
        hand_in(file)


def test_a_request_names_its_model_itself(hand_in: Any, request_file: Path) -> None:
    with pytest.raises(UsageFault):
        hand_in(request_file, model="other")


def test_the_order_of_keys_does_not_make_another_request() -> None:
    assert request_key({"a": 1, "b": {"c": 2, "d": 3}}) == request_key({"b": {"d": 3, "c": 2}, "a": 1})
    assert request_key({"a": 1}) != request_key({"a": 2})
