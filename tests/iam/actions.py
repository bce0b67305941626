"""From a recorded call of botocore to what IAM asks for it: action, resource, context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.iam.calls import models, services, storage
from tests.iam.calls.place import Need, Parameters, Place
from tests.iam.calls.storage import Table
from tests.iam.policies import Access, Function
from tests.iam.whereabouts import everywhere

TABLES: dict[str, Table] = {
    "bedrock": models.BEDROCK,
    "bedrock-runtime": models.BEDROCK_RUNTIME,
    "cloudwatch": services.CLOUDWATCH,
    "ec2": services.EC2,
    "dynamodb": storage.DYNAMODB,
    "events": services.EVENTS,
    "lambda": services.LAMBDA,
    "s3": storage.S3,
    "sns": services.SNS,
    "sqs": services.SQS,
    "ssm": services.SSM,
    "stepfunctions": services.STATES,
}
_ABSENT = {"404", "NoSuchKey"}
_OF_BEDROCK = "bedrock-service"
"""What Bedrock does in a role's name, as the stand-in writes it down: the action itself, no call of botocore."""


class Unmapped(Exception):
    """A call that no table has: what it takes is not known, so nothing is proven."""


@dataclass(frozen=True)
class Call:
    """One line of a recording. ``error`` is AWS's code where the call failed."""

    function: str
    service: str
    operation: str
    parameters: Parameters
    error: str = ""


def needs(call: Call, place: Place) -> list[Need]:
    """All rights that a call takes, of whoever makes it."""
    if call.service == _OF_BEDROCK:
        context = {name: _one_or_several(value) for name, value in call.parameters.get("context", {}).items()}
        return [everywhere(Need(call.operation, call.parameters["resource"], context), place)]
    table = TABLES.get(call.service)
    if table is None or call.operation not in table:
        raise Unmapped(f"{call.function} calls {call.service} {call.operation}, which tests/iam/calls doesn't know")
    try:
        found = list(table[call.operation](call.parameters, place))
    except KeyError as missing:
        told = f"the recording of {call.service} {call.operation} by {call.function} has no {missing}"
        raise Unmapped(told) from None
    if call.service == "s3" and call.operation in {"GetObject", "HeadObject"} and call.error in _ABSENT:
        found = [need for need in found if not need.action.startswith("kms:")]
        found += storage.absent(call.parameters, place)
    return [everywhere(need, place) for need in found]


def _one_or_several(value: Any) -> str | tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


def place_of(access: Access) -> Place:
    """What the calls of a stack's functions can be about."""
    stack = access.stack
    of = stack.deployment
    place = Place(
        account=of.account,
        region=of.region,
        stack=of.stack,
        partition=of.partition,
        url_suffix=of.url_suffix,
        encrypted_with=access.encrypted_with | _key_of_logs(access),
        model_key=_environment(access, "SubmitJob").get("MODEL_KEY_ARN", ""),
    )
    return replace(place, profiles=_profiles(stack.parameters, place))


def _key_of_logs(access: Access) -> dict[str, str]:
    given = access.stack.parameters
    bucket, key = given.get("InvocationLogBucket"), given.get("InvocationLogKeyArn")
    return {f"arn:{access.stack.deployment.partition}:s3:::{bucket}": key} if bucket and key else {}


def _profiles(parameters: dict[str, Any], place: Place) -> dict[str, tuple[str, ...]]:
    base, judge = parameters.get("BaseInferenceProfile"), parameters.get("JudgeInferenceProfileArn")
    found = {}
    if base:
        found[place.arn("bedrock", f"inference-profile/{base}")] = tuple(parameters["BaseProfileModelArns"])
    if judge:
        found[judge] = tuple(parameters["JudgeProfileModelArns"])
    return found


def _environment(access: Access, logical: str) -> dict[str, str]:
    for function in access.functions.values():
        if function.logical == logical:
            return dict(function.environment)
    raise LookupError(f"the stack has no function {logical}")


def of_lambda(access: Access, place: Place) -> Iterator[tuple[str, Need]]:
    """What Lambda does in the name of each function, by the role's logical id: no call of botocore shows it."""
    for function in access.functions.values():
        stream = place.arn("logs", f"log-group:{function.log_group}:log-stream:2026/01/31/[$LATEST]0123456789abcdef")
        found = [Need("logs:CreateLogStream", stream), Need("logs:PutLogEvents", stream)]
        if function.is_traced:
            found += [Need("xray:PutTraceSegments", "*"), Need("xray:PutTelemetryRecords", "*")]
        if function.dead_letters:
            found += services.sent(function.dead_letters, place)
        if function.subnets:
            found += _interfaces(function, place)
        for need in found:
            yield function.role, everywhere(need, place)


def _interfaces(function: Function, place: Place) -> Iterator[Need]:
    """The network interfaces that Lambda makes in the name of a function's role, when the function is made."""
    for noun in ("NetworkInterfaces", "Subnets"):
        yield Need(f"ec2:Describe{noun}", "*")
    interface = place.arn("ec2", "network-interface/eni-1")
    yield Need("ec2:CreateNetworkInterface", interface)
    for subnet in function.subnets:
        yield Need("ec2:CreateNetworkInterface", place.arn("ec2", f"subnet/{subnet}"))
    for group in function.security_groups:
        yield Need("ec2:CreateNetworkInterface", place.arn("ec2", f"security-group/{group}"))
    for action in ("AssignPrivateIpAddresses", "DeleteNetworkInterface", "UnassignPrivateIpAddresses"):
        yield Need(f"ec2:{action}", interface)
