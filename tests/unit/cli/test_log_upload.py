"""A folder of logs beside a request: brought up once, whole, under a place of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.faults import CliFault
from tests.unit.cli.test_submission import BUCKET, KeptRequests, api, hand_in, s3, said

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["api", "hand_in", "s3", "said"]
HOUR = "AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/01/05/09"


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    for name, content in ((f"{HOUR}/a.json.gz", b"a"), (f"{HOUR}/data/r_input.json.gz", b"bb"), ("b.jsonl", b"ccc")):
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "logs" / ".DS_Store").write_bytes(b"x")
    file = tmp_path / "run.json"
    logs = {"s3_uri": "logs/", "use_prompt_response": True}
    file.write_text(json.dumps({"model": "m", "training_data": {"invocation_logs": logs}}))
    return file


def keys(s3: S3Client) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_folder_is_uploaded_with_its_paths_and_named_by_its_content(
    hand_in: Any, api: KeptRequests, s3: S3Client, request_file: Path, said: list[str]
) -> None:
    hand_in(request_file)
    logs = api.asked[0][0]["training_data"]["invocation_logs"]
    assert logs["use_prompt_response"] is True
    prefix = logs["s3_uri"].removeprefix(f"s3://{BUCKET}/")
    assert prefix.startswith("datasets/m/")
    assert prefix.endswith("/logs/")
    assert keys(s3) == [prefix + name for name in (f"{HOUR}/a.json.gz", f"{HOUR}/data/r_input.json.gz", "b.jsonl")]
    assert said == ["uploading logs/ (3 of 3 files, 0.0 MB in all)"]


def test_the_same_folder_again_is_the_same_run_and_a_changed_one_another(
    hand_in: Any, api: KeptRequests, s3: S3Client, request_file: Path, said: list[str]
) -> None:
    assert [hand_in(request_file).created for _ in range(2)] == [True, False]
    assert said[-1] == "logs/ is in the bucket already (3 files)"
    (request_file.parent / "logs" / "b.jsonl").write_bytes(b"ddd")
    assert hand_in(request_file).created
    assert len(keys(s3)) == 6
    s3.delete_object(Bucket=BUCKET, Key=keys(s3)[0])
    (request_file.parent / "logs" / "b.jsonl").write_bytes(b"ccc")
    hand_in(request_file)
    assert len(keys(s3)) == 6, "an upload that broke off is made whole"


def test_logs_in_a_bucket_are_left_where_they_are(hand_in: Any, api: KeptRequests, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    document = {"model": "m", "training_data": {"invocation_logs": {"s3_uri": "s3://logs/prefix/"}}}
    file.write_text(json.dumps(document))
    hand_in(file)
    assert api.asked[0][0] == document


@pytest.mark.parametrize("uri", ["gone/", "../logs", "", ".", "run.json", "empty"])
def test_a_folder_that_cannot_be_taken_is_named(hand_in: Any, tmp_path: Path, uri: str) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"model": "m", "training_data": {"invocation_logs": {"s3_uri": uri}}}))
    with pytest.raises(CliFault) as refused:
        hand_in(file)
    assert [problem.path for problem in refused.value.problems] == ["training_data.invocation_logs.s3_uri"]
