"""The application as CloudFormation deploys it: physical ids as it makes them up, and each resource by its ARN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.iam.cloudformation import Stack, application
from tests.iam.deployment import Deployment
from tests.iam.matching import Context

BOUNDARY = "arn:aws:iam::111122223333:policy/rft-boundary"
STACK = "rft"
RANDOM = "1a2b3c4d5e6f"
"""What CloudFormation puts behind the names that it makes up; in small letters, as in a bucket's."""
_NAMED_BY_CLOUDFORMATION = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}
Properties = Mapping[str, Any]


def deployed(parameters: Mapping[str, str] | None = None, *, stack: str = STACK) -> Stack:
    """The application as CloudFormation would deploy it, with names as it makes them up. Nobody may change it."""
    return _deployed(stack, tuple(sorted((parameters or {}).items())))


@cache
def _deployed(stack: str, parameters: tuple[tuple[str, str], ...]) -> Stack:
    imagined = application(Deployment(stack, parameters=dict(parameters)))
    return application(_with_ids(imagined))


def _with_ids(imagined: Stack) -> Deployment:
    """The deployment with the ids that its resources would have."""
    of = imagined.deployment
    nested = {logical: _with_ids(one) for logical, one in imagined.every_nested()}
    ids = {}
    for logical, resource in imagined.template["Resources"].items():
        if not imagined.exists(logical):
            continue
        ids[logical] = imagined.physical(logical)
        named_by = _NAMED_BY_CLOUDFORMATION.get(resource["Type"])
        if named_by and named_by not in resource.get("Properties", {}):
            ids[logical] += f"-{RANDOM}"
        if resource["Type"] == "AWS::CloudFormation::Stack":
            ids[logical] = ids[logical].removesuffix("/0") + f"-{RANDOM}/0"
    return Deployment(of.stack, parameters=of.parameters, resources=ids, nested=nested)


@dataclass(frozen=True)
class Made:
    """A resource of a stack; ``root`` is the name of the stack that a person deploys, in which this one may be."""

    stack: Stack
    logical: str
    properties: Properties
    root: str

    @property
    def account(self) -> str:
        return self.stack.deployment.account

    @property
    def region(self) -> str:
        return self.stack.deployment.region

    @property
    def name(self) -> str:
        """The last part of the physical id, which is a name, an ARN or, of a queue, an address."""
        return re.split("[:/]", self.stack.physical(self.logical))[-1]

    def arn(self, service: str, rest: str, *, region: bool = True, account: bool = True) -> str:
        return f"arn:aws:{service}:{self.region if region else ''}:{self.account if account else ''}:{rest}"


@dataclass(frozen=True)
class Needed:
    """One call: the action, all resources that it is authorised on, and what it says of itself."""

    action: str
    resources: tuple[str, ...]
    context: Context = field(default_factory=dict)
