"""The pipeline's own steps, in this process, between moto and the Bedrock stand-in; every request is looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.bedrock.protocol.shapes import violations
from rft.aws import clients
from rft.steps.environment import Environment
from rft.steps.pipeline import Pipeline
from rft.steps.training.read_curve import read_curve
from tests.contract.standin import ROLE, Bedrock, FakeAws
from tests.run_table import create_run_table

BUCKET = "rft-data-123456789012"
LOG_BUCKET = "invocation-logs-123456789012"
ACCOUNT = "123456789012"
KEY = "arn:aws:kms:us-east-1:000000000000:key/5f8b1c1e-0000-4000-8000-000000000000"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:rft-run"
GRADER = "arn:aws:lambda:us-east-1:000000000000:function:grader:1"


@dataclass
class Application:
    bedrock: Bedrock
    pipeline: Pipeline
    topic: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def look(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """From botocore, before each call: the whole request against the service's own model."""
        self.calls.append((model.name, params))
        if model.input_shape is not None:
            self.broken += [f"{model.name}: {text}" for text in violations(model.input_shape, params)]

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]

    def hand_over_dataset(self) -> None:
        """The stand-in's jobs read from an S3 of their own: give them what PrepareDataset wrote, and the logs."""
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket, prefix in ((BUCKET, "runs/"), (LOG_BUCKET, "")):
            for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                self.bedrock.aws.objects[f"{bucket}/{entry['Key']}"] = body


@contextmanager
def application(bedrock: Bedrock, endpoint: str, patch: pytest.MonkeyPatch) -> Iterator[Application]:
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK": bedrock.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url,
        "AWS_ENDPOINT_URL_LAMBDA": endpoint,
        "STACK_NAME": "rft",
        "DATA_BUCKET": BUCKET,
        "LOG_BUCKET": LOG_BUCKET,
        "RUN_TABLE": "runs",
        "STATE_MACHINE_ARN": MACHINE,
        "BEDROCK_ROLE_ARN": ROLE,
        "MODEL_KEY_ARN": KEY,
        "DEFAULT_BASE_MODEL": "amazon.nova-2-lite-v1:0:256k",
        "DEFAULT_GRADER": "format-validation",
        "GRADERS": f"format-validation={GRADER},summarization={GRADER},openai={GRADER}",
        "GRADER_CALL_SECONDS": "5",
        "CHECK_GRADER_FUNCTION": "check-grader",
        "COMPARE_MODELS_FUNCTION": "compare-models",
        "COMPARISON_WORKERS": "4",
        "JUDGE_MODEL": "openai.gpt-oss-120b-1:0",
        "JOB_DEADLINE_HOURS": "72",
        "DEPLOYMENT_DEADLINE_MINUTES": "60",
        "APPROVAL_HOURS": "168",
        "STUCK_HOURS": "24",
        "READ_CURVE_FUNCTION": "read-curve",
        "KEPT_VERSIONS": "5",
    }
    for name, value in variables.items():
        patch.setenv(name, value)
    reach = [re.escape(url) + ".*" for url in (bedrock.url, endpoint)]
    clients._made.cache_clear()
    with mock_aws(config={"core": {"passthrough": {"urls": reach}}}):
        topic = _make_resources()
        patch.setenv("TOPIC_ARN", topic)
        made = Application(bedrock, Pipeline(Environment()), topic)
        bedrock.aws.functions["read-curve"] = read_curve
        services = ("bedrock", "cloudwatch", "dynamodb", "events", "s3", "sns", "ssm", "stepfunctions")
        for service in services:
            clients.client(service).meta.events.register("before-parameter-build.*.*", made.look)  # type: ignore[call-overload]
        yield made
        for service in services:
            clients.client(service).close()  # type: ignore[call-overload]
    clients._made.cache_clear()


@cache
def _client(service: str) -> Any:
    """One for all tests: to make a client takes longer than all that it does here."""
    session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(service)


def _make_resources() -> str:
    s3 = _client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=LOG_BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    create_run_table(_client("dynamodb"))
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}}}
    trust = {"Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole", "Effect": "Allow"}
    role = _client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    _client("stepfunctions").create_state_machine(
        name="rft-run", definition=json.dumps(definition), roleArn=role["Arn"]
    )
    return str(_client("sns").create_topic(Name="runs")["TopicArn"])


__all__ = ["BUCKET", "GRADER", "LOG_BUCKET", "MACHINE", "Application", "FakeAws", "application"]
