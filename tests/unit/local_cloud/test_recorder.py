"""The record of calls: what is kept of a call, and that functions write it without knowing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from local.recorder.call_record import Recorder, identifying

RECORDER = Path(__file__).resolve().parents[3] / "local" / "recorder"


def test_what_names_a_resource_is_kept_and_nothing_that_it_holds() -> None:
    assert identifying({"Bucket": "b", "Key": "k", "VersionId": "v", "Body": b"secret", "Metadata": {"Key": "x"}}) == {
        "Bucket": "b",
        "Key": "k",
        "VersionId": "v",
    }
    item = {"Put": {"TableName": "t", "Item": {"pk": "secret"}}}
    update = {"Update": {"TableName": "t", "Key": {"pk": "secret"}, "ExpressionAttributeValues": {":a": "secret"}}}
    assert identifying({"TransactItems": [item, update]}) == {
        "TransactItems": [{"Put": {"TableName": "t"}}, {"Update": {"TableName": "t"}}]
    }
    assert identifying({"RequestItems": {"t": {"Keys": [{"pk": "secret"}]}}}) == {"RequestItems": {"t": {}}}
    assert identifying({"Entries": [{"Source": "s", "DetailType": "d", "Detail": "secret"}]}) == {
        "Entries": [{"Source": "s", "DetailType": "d"}]
    }
    assert identifying({"modelId": "m", "messages": [{"Name": "secret"}], "system": [{"text": "secret"}]}) == {
        "modelId": "m"
    }
    assert identifying({"Name": "p", "Value": "secret", "TopicArn": "t", "Message": "secret", "taskToken": "x"}) == {
        "Name": "p",
        "TopicArn": "t",
    }


def test_tags_and_the_places_of_a_job_are_kept() -> None:
    tags = [{"key": "rft:stack", "value": "rft"}]
    grader = {"lambdaGrader": {"lambdaArn": "arn:aws:lambda:::g"}}
    given = {
        "jobTags": tags,
        "vpcConfig": {"subnetIds": ["s"], "securityGroupIds": ["g"]},
        "trainingDataConfig": {"s3Uri": "s3://b/k"},
        "customizationConfig": {"rftConfig": {"graderConfig": grader, "hyperParameters": {"epochCount": 1}}},
        "CopySource": {"Bucket": "b", "Key": "k"},
        "Delete": {"Objects": [{"Key": "k"}], "Quiet": True},
    }
    kept = json.loads(json.dumps(given))
    del kept["customizationConfig"]["rftConfig"]["hyperParameters"], kept["Delete"]["Quiet"]
    assert identifying(given) == kept


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@mock_aws
def test_each_call_is_a_line_and_a_refused_one_says_so(tmp_path: Path) -> None:
    session = botocore.session.Session()
    Recorder(str(tmp_path), "f", more="m").register(session)
    s3: Any = boto3.Session(botocore_session=session, region_name="us-east-1").client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"secret")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="bucket", Key="absent")
    head = {"function": "f", "more": "m", "service": "s3"}
    assert lines(tmp_path / "f.jsonl") == [
        head | {"operation": "CreateBucket", "parameters": {"Bucket": "bucket"}},
        head | {"operation": "PutObject", "parameters": {"Bucket": "bucket", "Key": "k"}},
        head | {"operation": "GetObject", "parameters": {"Bucket": "bucket", "Key": "absent"}, "error": "NoSuchKey"},
    ]


def test_a_call_that_nobody_answered_is_a_line_too(tmp_path: Path) -> None:
    session = botocore.session.Session()
    Recorder(str(tmp_path), "f").register(session)
    config = Config(connect_timeout=1, retries={"total_max_attempts": 1})
    make: Any = session.create_client
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    sqs = make("sqs", region_name="us-east-1", endpoint_url="http://127.0.0.1:9", config=config, **keys)
    with pytest.raises(EndpointConnectionError):
        sqs.delete_queue(QueueUrl="http://127.0.0.1:9/q")
    (line,) = lines(tmp_path / "f.jsonl")
    assert (line["operation"], line["error"]) == ("DeleteQueue", "EndpointConnectionError")


FUNCTION = """
import boto3, sys
assert not any(type(finder).__name__ == "_Watch" for finder in sys.meta_path)
sns = boto3.client("sns", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
                   endpoint_url="http://127.0.0.1:9", config=boto3.session.Config(retries={"total_max_attempts": 1}))
for _ in range(20):
    try:
        sns.publish(TopicArn="t", Message="secret")
    except Exception:
        pass
"""


def run(tmp_path: Path, code: str, **environment: str) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LOCAL_RECORD_CALLS")}
    return subprocess.Popen([sys.executable, "-c", code], env=kept | {"PYTHONPATH": str(RECORDER)} | environment)


def test_processes_of_one_function_write_side_by_side(tmp_path: Path) -> None:
    told = {"LOCAL_RECORD_CALLS": str(tmp_path), "AWS_LAMBDA_FUNCTION_NAME": "f"}
    assert [process.wait() for process in [run(tmp_path, FUNCTION, **told) for _ in range(2)]] == [0, 0]
    written = lines(tmp_path / "f.jsonl")
    assert len(written) == 40
    assert {json.dumps(line["parameters"]) for line in written} == {'{"TopicArn": "t"}'}


@pytest.mark.parametrize("told", [{}, {"AWS_LAMBDA_FUNCTION_NAME": "f"}])
def test_who_is_not_recorded_is_left_alone(tmp_path: Path, told: dict[str, str]) -> None:
    code = "import sys; assert 'botocore' not in sys.modules and 'typing' not in sys.modules and len(sys.meta_path) < 5"
    assert (
        run(tmp_path, code + "; import botocore.session; print(botocore.session.Session.__init__)", **told).wait() == 0
    )
    assert list(tmp_path.iterdir()) == []
