"""A stack with all that it leaves, between moto and the Bedrock stand-in, beside things that are somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter
from rich.console import Console

from cli.leaving_account import Account
from cli.leaving_work import Leaving, Outcome
from cli.steps import Steps
from cli.target import Place
from rft.run.status import Status
from tests.contract.application import Application
from tests.contract.candidates import Candidates
from tests.run_table import create_run_table

STACK = "rft"
_TAGS = [{"Key": "rft:stack", "Value": STACK}]
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_DENIAL = {
    "Sid": "NobodyDeletesTheKey",
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"],
    "Resource": "*",
}
_ARN = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abcdefghijkl"
_PARAMETERS_OF_OTHERS = {
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
class Resource:
    """``delete`` is what CloudFormation does with it; without one it is retained."""

    logical: str
    kind: str
    physical: str
    delete: Callable[[], Any] | None = None
    status: str = "CREATE_COMPLETE"
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "LogicalResourceId": self.logical,
            "ResourceType": self.kind,
            "PhysicalResourceId": self.physical,
            "ResourceStatus": self.status,
        } | ({"ResourceStatusReason": self.reason} if self.reason else {})


class CloudFormation:
    """The service as far as leaving asks it, in pages of two. moto's needs more packages than all else that is tested.

    ``fails`` has reasons, by logical id, for which a resource can't be deleted. ``looks`` is how often a stack is still
    being deleted when somebody looks.
    """

    def __init__(self) -> None:
        self.meta = SimpleNamespace(events=HierarchicalEmitter())
        self.fails: dict[str, str] = {}
        self.looks = 2
        self._stacks: dict[str, dict[str, Any]] = {}
        self._resources: dict[str, list[Resource]] = {}

    def create(
        self, name: str, resources: list[Resource], parent: str | None = None, parameters: dict[str, str] | None = None
    ) -> str:
        arn = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/{len(self._stacks)}"
        self._stacks[arn] = {"StackName": name, "StackId": arn, "StackStatus": "CREATE_COMPLETE", "looks": 0}
        self._stacks[arn] |= {"ParentId": parent} if parent else {}
        given = parameters or {}
        self._stacks[arn]["Parameters"] = [{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()]
        self._resources[arn] = resources
        return arn

    @property
    def names(self) -> list[str]:
        return [s["StackName"] for s in self._stacks.values() if s["StackStatus"] != "DELETE_COMPLETE"]

    def get_paginator(self, operation: str) -> Any:
        def paginate(**asked: Any) -> Iterator[dict[str, Any]]:
            key, items = self._items(operation, asked)
            for first in range(0, len(items) or 1, 2):
                yield {key: items[first : first + 2]}

        return SimpleNamespace(paginate=paginate)

    def _items(self, operation: str, asked: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        if operation == "describe_stacks":
            return "Stacks", [s for s in self._stacks.values() if s["StackStatus"] != "DELETE_COMPLETE"]
        if operation == "list_stacks":
            return "StackSummaries", list(self._stacks.values())
        resources = self._resources[self._arn(asked["StackName"])]
        if operation == "describe_stack_events":
            failed = [r.to_json() | {"ResourceStatusReason": self.fails.get(r.logical)} for r in resources]
            return "StackEvents", failed
        return "StackResourceSummaries", [resource.to_json() for resource in resources]

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        stack = self._stacks[self._arn(StackName)]
        if stack["StackStatus"] == "DELETE_IN_PROGRESS":
            stack["looks"] += 1
            if stack["looks"] > self.looks:
                stack["StackStatus"] = self._ended(stack["StackId"])
        return {"Stacks": [stack]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        model = SimpleNamespace(name="DeleteStack")
        self.meta.events.emit("before-call.cloudformation.DeleteStack", model=model)
        self._stacks[self._arn(StackName)] |= {"StackStatus": "DELETE_IN_PROGRESS", "looks": 0}
        self.meta.events.emit("after-call.cloudformation.DeleteStack", model=model)

    def _ended(self, arn: str) -> str:
        is_well = True
        for resource in self._resources[arn]:
            if resource.kind == "AWS::CloudFormation::Stack":
                self._stacks[resource.physical]["StackStatus"] = self._ended(resource.physical)
                has_failed = self._stacks[resource.physical]["StackStatus"] == "DELETE_FAILED"
            else:
                has_failed = resource.logical in self.fails
                if not has_failed and resource.delete is not None and resource.status != "DELETE_COMPLETE":
                    resource.delete()
            resource.status = "DELETE_FAILED" if has_failed else "DELETE_COMPLETE"
            is_well = is_well and not has_failed
        return "DELETE_COMPLETE" if is_well else "DELETE_FAILED"

    def _arn(self, name: str) -> str:
        if name not in self._stacks:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Stack {name} does not exist"}}, "Describe"
            )
        return name


@dataclass
class Clock:
    """Time that passes as it is slept."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
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

    @property
    def app(self) -> Application:
        return self.candidates.app

    def leaving(self, *, everything: bool = True, orphans: bool = False) -> Leaving:
        clock = Clock()
        steps = Steps(Console(quiet=True))
        return Leaving(
            self.account, everything=everything, orphans=orphans, steps=steps, sleep=clock.sleep, monotonic=clock
        )

    def left(self, *, everything: bool = True, orphans: bool = False) -> Outcome:
        return self.leaving(everything=everything, orphans=orphans).carry_out()


@cache
def _session() -> boto3.Session:
    """One for all tests: it keeps the models of the services, which take longer to read than all that is done here."""
    return boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1")


@cache
def client(service: str) -> Any:
    make: Any = _session().client
    return make(service)


def tag(app: Application, arn: str, **tags: str) -> None:
    given = [{"key": f"rft:{name}", "value": value} for name, value in tags.items()]
    app.bedrock.control.tag_resource(resourceARN=arn, tags=given)


def deployed(candidates: Candidates, *, with_model: bool = True) -> Scene:
    """The stack, with a live model, a forgotten candidate and a parameter; and another stack's of the same kinds."""
    app = candidates.app
    candidates.forget_models()
    account = Account(Place.LOCAL, STACK, "us-east-1", _session(), {"bedrock": app.bedrock.url})
    account.account = "000000000000"  # the stand-in's, of which all ARNs in Bedrock are; moto has another
    place = Scene(candidates, account, CloudFormation())
    account._clients["cloudformation"] = place.cloudformation
    account._clients["apigateway"] = SimpleNamespace(get_account=lambda: {"cloudwatchRoleArn": place.logging_role})
    _deploy_stack(place)
    _foreign_things(place, with_model=with_model)
    if with_model:
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
        account.client(service).meta.events.register("after-call.*.*", note)
    return place


def _deploy_stack(place: Scene) -> None:
    s3, made = client("s3"), place.cloudformation
    place.bucket = "rft-databucket-1abc"
    s3.create_bucket(Bucket=place.bucket)
    s3.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=place.bucket, Tagging={"TagSet": _TAGS})
    create_run_table(client("dynamodb"), "rft-RunTable-1ABC")
    table = client("dynamodb").describe_table(TableName="rft-RunTable-1ABC")["Table"]["TableArn"]
    client("dynamodb").tag_resource(ResourceArn=table, Tags=_TAGS)
    place.key = client("kms").create_key(
        Description="data",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [_DENIAL]}),
        Tags=[{"TagKey": "rft:stack", "TagValue": STACK}],
    )["KeyMetadata"]["KeyId"]
    topic = client("sns").create_topic(Name="rft-topic")["TopicArn"]
    role = client("iam").create_role(RoleName="rft-machine", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}}}
    machine = client("stepfunctions").create_state_machine(
        name="rft-leaving", definition=json.dumps(waits), roleArn=role["Arn"]
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
    for number in range(3):
        for _ in range(2):
            s3.put_object(Bucket=place.bucket, Key=f"runs/{number}", Body=b"x")
    s3.delete_object(Bucket=place.bucket, Key="runs/0")
    s3.create_multipart_upload(Bucket=place.bucket, Key="half")


def _foreign_things(place: Scene, *, with_model: bool) -> None:
    """Of a stack whose name begins as ours does, and of nobody."""
    other = "rft-two"
    s3 = client("s3")
    s3.create_bucket(Bucket="rft-databucket-mine")
    s3.put_bucket_tagging(Bucket="rft-databucket-mine", Tagging={"TagSet": [{"Key": "rft:stack", "Value": other}]})
    s3.put_object(Bucket="rft-databucket-mine", Key="theirs", Body=b"x")
    s3.create_bucket(Bucket="rft-untagged")
    client("dynamodb").create_table(
        TableName="rft-two-RunTable",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        Tags=[{"Key": "rft:stack", "Value": other}],
    )
    key = client("kms").create_key(Tags=[{"TagKey": "rft:stack", "TagValue": other}])["KeyMetadata"]["KeyId"]
    client("ssm").put_parameter(Name=f"/{other}/models/theirs/live", Value="v", Type="String")
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{other}-api")
    for name, value in _PARAMETERS_OF_OTHERS.items():
        client("ssm").put_parameter(Name=name, Value=value, Type="String")
    place.foreign = {"key": key}
    if not with_model:
        return
    candidates = place.candidates
    serving = candidates.live("theirs")
    for arn in (serving.custom_model_arn, serving.deployment_arn):
        tag(candidates.app, arn, stack=other, model="theirs")
    client("ssm").delete_parameter(Name="/rft/models/theirs/live")
    place.foreign |= {"model": serving.custom_model_arn, "deployment": serving.deployment_arn}


def foreign_is_there(place: Scene) -> bool:
    """Every thing of the other stack, unchanged."""
    if "model" in place.foreign:
        control = place.app.bedrock.control
        control.get_custom_model(modelIdentifier=place.foreign["model"])
        found = control.get_custom_model_deployment(customModelDeploymentIdentifier=place.foreign["deployment"])
        if found["status"] != "Active":
            return False
    s3 = client("s3")
    objects = s3.list_objects_v2(Bucket="rft-databucket-mine")["KeyCount"]
    s3.head_bucket(Bucket="rft-untagged")
    table = client("dynamodb").describe_table(TableName="rft-two-RunTable")["Table"]["TableStatus"]
    key = client("kms").describe_key(KeyId=place.foreign["key"])["KeyMetadata"]["KeyState"]
    names = ["/rft-two/models/theirs/live", *_PARAMETERS_OF_OTHERS]
    parameter = client("ssm").get_parameters(Names=names)["Parameters"]
    logs = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/rft-two")["logGroups"]
    seen = (objects, table, key, len(parameter), len(logs))
    return seen == (1, "ACTIVE", "Enabled", len(names), 1)
