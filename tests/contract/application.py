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
_MAKE = clients._made.__wrapped__
_OF_MOTO = ("cloudwatch", "dynamodb", "events", "s3", "sns", "ssm", "stepfunctions")
"""Services of which the steps' client is one for all tests: moto takes its calls, so nothing about it changes."""


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
    of_the_standin = cache(_MAKE)  # it has another address each time
    patch.setattr(clients, "_made", lambda service: (_of_moto if service in _OF_MOTO else of_the_standin)(service))
    with mock_aws(config={"core": {"passthrough": {"urls": reach}}}):
        patch.setattr(boto3, "DEFAULT_SESSION", session())  # moto has forgotten it
        topic = _make_resources()
        patch.setenv("TOPIC_ARN", topic)
        made = Application(bedrock, Pipeline(Environment()), topic)
        bedrock.aws.functions["read-curve"] = read_curve
        looked_at = [of_the_standin("bedrock"), *map(_of_moto, _OF_MOTO)]
        for one in looked_at:
            one.meta.events.register("before-parameter-build.*.*", made.look)
        try:
            yield made
        finally:
            for one in looked_at:
                one.meta.events.unregister("before-parameter-build.*.*", made.look)
            of_the_standin("bedrock").close()


@cache
def _of_moto(service: str) -> Any:
    return _MAKE(service)


@cache
def session() -> boto3.Session:
    """The tests' own, one for all of them: it keeps the models of the services, which take long to read."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


@cache
def client(service: str) -> Any:
    """The same of a client: to make one takes longer than all that it does here."""
    make: Any = session().client
    return make(service)


def _make_resources() -> str:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=LOG_BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    create_run_table(client("dynamodb"))
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}}}
    trust = {"Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole", "Effect": "Allow"}
    role = client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    client("stepfunctions").create_state_machine(name="rft-run", definition=json.dumps(definition), roleArn=role["Arn"])
    return str(client("sns").create_topic(Name="runs")["TopicArn"])


__all__ = ["BUCKET", "GRADER", "LOG_BUCKET", "MACHINE", "Application", "FakeAws", "application", "client", "session"]
