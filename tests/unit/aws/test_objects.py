from __future__ import annotations

from typing import Any

import boto3
import pytest

from rft.aws import objects
from rft.errors import DatasetMissing

URI = "s3://data/inbox/a b+%C3.jsonl"


@pytest.fixture
def s3(aws: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket="data")
    client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    return client


def put(s3: Any, body: bytes) -> str:
    bucket, key = objects.split_uri(URI)
    return str(s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"])


def test_the_pinned_version_is_read_whatever_is_uploaded_later(s3: Any) -> None:
    first = put(s3, b"one")
    pinned = objects.pin(s3, URI, None)
    put(s3, b"two")
    assert (pinned.version_id, pinned.size, pinned.uri) == (first, 3, URI)
    assert b"".join(objects.chunks(s3, pinned)) == b"one"
    assert b"".join(objects.chunks(s3, objects.pin(s3, URI, None))) == b"two"
    assert b"".join(objects.chunks(s3, objects.pin(s3, URI, first))) == b"one"


def test_what_is_not_there_is_named(s3: Any) -> None:
    with pytest.raises(DatasetMissing, match="no readable object s3://data/inbox"):
        objects.pin(s3, URI, None)


def test_an_object_that_vanished_meanwhile_is_noticed(s3: Any) -> None:
    version = put(s3, b"one")
    pinned = objects.pin(s3, URI, None)
    s3.delete_object(Bucket="data", Key=pinned.key, VersionId=version)
    with pytest.raises(DatasetMissing, match="changed or removed"):
        list(objects.chunks(s3, pinned))


@pytest.mark.parametrize("size", [0, 10, 8 * 1024 * 1024, 20 * 1024 * 1024 + 7])
def test_an_object_of_any_length_is_written_whole(s3: Any, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with objects.ObjectWriter(s3, "data", "out.jsonl", "application/jsonl") as writer:
        for start in range(0, len(body), 1_000_003):
            writer.write(body[start : start + 1_000_003])
    assert s3.get_object(Bucket="data", Key="out.jsonl")["Body"].read() == body


def test_a_broken_off_object_does_not_appear_and_leaves_no_parts(s3: Any) -> None:
    with pytest.raises(RuntimeError), objects.ObjectWriter(s3, "data", "out.jsonl", "application/jsonl") as writer:
        writer.write(b"x" * (9 * 1024 * 1024))
        raise RuntimeError
    assert "Contents" not in s3.list_objects_v2(Bucket="data", Prefix="out")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="data")


@pytest.mark.parametrize("size", [10, 9_000_000])  # in one call, and in parts
def test_what_is_needed_for_days_only_carries_the_tag_of_the_lifecycle(s3: Any, size: int) -> None:
    with objects.ObjectWriter(s3, "data", "k", "text/plain", tagging=objects.INTERMEDIATE) as writer:
        writer.write(b"x" * size)
    key, _, value = objects.INTERMEDIATE.partition("=")
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [{"Key": key, "Value": value}]
