"""A stack with all that it leaves, between moto and the Bedrock stand-in, beside things that are somebody else's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from cli.leaving.account import Account
from cli.leaving.work import Leaving, Outcome
from cli.steps import Steps
from cli.target import Place
from rft.run.status import Status
from tests.contract.application import ACCOUNT, Application, client, session
from tests.contract.candidates import Candidates
from tests.contract.leaving.cloudformation import CloudFormation, Resource
from tests.run_table import create_run_table

STACK = "rft"
_OTHER = "rft-two"
_TAGS = [{"Key": "rft:stack", "Value": STACK}]
_DENIAL = {
    "Sid": "NobodyDeletesTheKey",
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"],
    "Resource": "*",
}
_ARN = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abcdefghijkl"
PARAMETERS_OF_OTHERS = {
    "/rft/models/leaves/temperature": "0.5",
    "/rft/models/leaves/old/live": _ARN,
    "/rft/models/Leaves_2/live": _ARN,
    "/rft/models/words/live": "on",
    "/rft/models/west/live": _ARN.replace("us-east-1", "us-west-2"),
    "/rft/models/their-account/live": _ARN.replace("000000000000", "210987654321"),
}
"""Below the stack's name, and yet no promotion's."""
SERVICES = ("bedrock", "cloudformation", "dynamodb", "kms", "logs", "s3", "ssm", "stepfunctions")


@dataclass
class Clock:
    """Time that passes as it is slept. ``pause`` is how long it really is, in seconds."""

    pause: float = 0.0
    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        time.sleep(self.pause)
        self.seconds += max(seconds, 1.0)

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Scene:
    """The account and what is in it. ``changes`` are the operations that changed something, in their order."""

    candidates: Candidates
    account: Account
    cloudformation: CloudFormation
    bucket: str = ""
    key: str = ""
    foreign: dict[str, str] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    logging_role: str | None = None
    """API Gateway's, of the account. moto's API Gateway needs more packages, too."""
    changes: list[str] = field(default_factory=list)
    pause: float = 0.0
    _heard: list[tuple[str, str, Callable[..., Any]]] = field(default_factory=list)

    @property
    def app(self) -> Application:
        return self.candidates.app

    def on(self, service: str, event: str, call: Callable[..., Any]) -> None:
        """``call`` hears of an event of the command's client, as botocore names it, and may raise in it."""
        self.account.client(service).meta.events.register(event, call)
        self._heard.append((service, event, call))

    def off(self, call: Callable[..., Any]) -> None:
        for heard in [heard for heard in self._heard if heard[2] == call]:
            service, event, _ = heard
            self.account.client(service).meta.events.unregister(event, call)
            self._heard.remove(heard)

    def close(self) -> None:
        """The next scene has the same clients."""
        for _, _, call in list(self._heard):
            self.off(call)

    def leaving(self, *, everything: bool = True, orphans: bool = False) -> Leaving:
        clock = Clock(self.pause)
        steps = Steps(Console(quiet=True))
        return Leaving(
            self.account, everything=everything, orphans=orphans, steps=steps, sleep=clock.sleep, monotonic=clock
        )

    def forgotten(self) -> None:
        """The stack is deleted, and after 90 days CloudFormation knows nothing of it any more."""
        assert self.left(everything=False).left == []
        self.cloudformation._stacks.clear()

    def left(self, *, everything: bool = True, orphans: bool = False) -> Outcome:
        return self.leaving(everything=everything, orphans=orphans).carry_out()


def tag(app: Application, arn: str, **tags: str) -> None:
    given = [{"key": f"rft:{name}", "value": value} for name, value in tags.items()]
    app.bedrock.control.tag_resource(resourceARN=arn, tags=given)


def deployed(candidates: Candidates, *, with_model: bool = True) -> Scene:
    """The stack; with its model also a live deployment, a forgotten candidate, a parameter, and another stack's of the
    same kinds."""
    app = candidates.app
    candidates.forget_models()
    account = _account(app.bedrock.url)
    account._clients |= _clients(app.bedrock.url)
    account.account = "000000000000"  # the stand-in's, of which all ARNs in Bedrock are; moto has another
    place = Scene(candidates, account, CloudFormation())
    account._clients["cloudformation"] = place.cloudformation
    account._clients["apigateway"] = SimpleNamespace(get_account=lambda: {"cloudwatchRoleArn": place.logging_role})
    _deploy_stack(place)
    if with_model:
        add_foreign_things(place)
        _add_foreign_model(place)
        serving = candidates.live("leaves")
        tag(app, serving.custom_model_arn, stack=STACK, model="leaves")
        run = candidates.compared("leaves")
        app.pipeline.store.move(run, Status.FAILED)
        forgotten = app.pipeline.store.get(run)
        place.models = {serving.custom_model_arn, str(forgotten.custom_model_arn)}
        for arn in (forgotten.custom_model_arn, forgotten.deployment_arn):
            tag(app, str(arn), stack=STACK, model="leaves")

    def note(model: Any, **_: Any) -> None:
        if not model.name.startswith(("Get", "List", "Describe", "Head")):
            place.changes.append(model.name)

    for service in SERVICES:
        place.on(service, "after-call.*.*", note)
    return place


def _account(bedrock: str) -> Account:
    return Account(Place.LOCAL, STACK, "us-east-1", session(), {"bedrock": bedrock})


@cache
def _clients(bedrock: str) -> dict[str, Any]:
    """The command's, as it makes them, for all tests: to make them takes longer than most of what they are for."""
    account = _account(bedrock)
    return {service: account.client(service) for service in SERVICES if service != "cloudformation"}


def _deploy_stack(place: Scene) -> None:
    s3, made = client("s3"), place.cloudformation
    place.bucket = "rft-databucket-1abc"
    s3.create_bucket(Bucket=place.bucket)
    s3.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=place.bucket, Tagging={"TagSet": _TAGS})
    create_run_table(client("dynamodb"), "rft-RunTable-1ABC")
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/rft-RunTable-1ABC"
    client("dynamodb").tag_resource(ResourceArn=table, Tags=_TAGS)
    place.key = client("kms").create_key(
        Description="data",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [_DENIAL]}),
        Tags=[{"TagKey": "rft:stack", "TagValue": STACK}],
    )["KeyMetadata"]["KeyId"]
    topic = client("sns").create_topic(Name="rft-topic")["TopicArn"]
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}}}
    machine = client("stepfunctions").create_state_machine(
        name="rft-leaving", definition=json.dumps(waits), roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine"
    )["stateMachineArn"]
    states = client("stepfunctions")
    keys = made.create("rft-Keys-1ABC", [Resource("DataKey", "AWS::KMS::Key", place.key)], parent="root")
    made.create(
        STACK,
        [
            Resource("Keys", "AWS::CloudFormation::Stack", keys),
            Resource("DataBucket", "AWS::S3::Bucket", place.bucket),
            Resource("RunTable", "AWS::DynamoDB::Table", "rft-RunTable-1ABC"),
            Resource("Topic", "AWS::SNS::Topic", topic, lambda: client("sns").delete_topic(TopicArn=topic)),
            Resource(
                "StateMachine",
                "AWS::StepFunctions::StateMachine",
                machine,
                lambda: states.delete_state_machine(stateMachineArn=machine),
            ),
        ],
    )
    for key in ("runs/0", "runs/0", "runs/1"):
        s3.put_object(Bucket=place.bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=place.bucket, Key="runs/0")
    s3.create_multipart_upload(Bucket=place.bucket, Key="half")


def add_foreign_things(place: Scene) -> None:
    """Of a stack whose name begins as ours does, and of nobody."""
    s3 = client("s3")
    s3.create_bucket(Bucket="rft-databucket-mine")
    s3.put_bucket_tagging(Bucket="rft-databucket-mine", Tagging={"TagSet": [{"Key": "rft:stack", "Value": _OTHER}]})
    s3.put_object(Bucket="rft-databucket-mine", Key="theirs", Body=b"x")
    s3.create_bucket(Bucket="rft-untagged")
    client("dynamodb").create_table(
        TableName="rft-two-RunTable",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        Tags=[{"Key": "rft:stack", "Value": _OTHER}],
    )
    key = client("kms").create_key(Tags=[{"TagKey": "rft:stack", "TagValue": _OTHER}])["KeyMetadata"]["KeyId"]
    client("ssm").put_parameter(Name=f"/{_OTHER}/models/theirs/live", Value="v", Type="String")
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{_OTHER}-api")
    for name, value in PARAMETERS_OF_OTHERS.items():
        client("ssm").put_parameter(Name=name, Value=value, Type="String")
    place.foreign = {"key": key}


def _add_foreign_model(place: Scene) -> None:
    candidates = place.candidates
    serving = candidates.live("theirs")
    for arn in (serving.custom_model_arn, serving.deployment_arn):
        tag(candidates.app, arn, stack=_OTHER, model="theirs")
    client("ssm").delete_parameter(Name="/rft/models/theirs/live")
    place.foreign |= {"model": serving.custom_model_arn, "deployment": serving.deployment_arn}
