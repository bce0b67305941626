"""Calls of Lambda, Step Functions, SNS, SQS, EventBridge, Parameter Store and CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.iam.calls.place import Need, Parameters, Place
from tests.iam.calls.storage import Table

# Both: the publisher of a message has SNS make a data key, and read it.
MESSAGE_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


def _everywhere(action: str, _: Parameters, __: Place) -> Iterator[Need]:
    """The service knows no resource for the action."""
    yield Need(action, "*")


def function_arn(given: Parameters, place: Place) -> str:
    """A version or an alias that is asked for is part of what a policy has to allow."""
    name = given["FunctionName"]
    arn = name if name.startswith("arn:") else place.arn("lambda", f"function:{name}")
    return f"{arn}:{given['Qualifier']}" if given.get("Qualifier") else arn


def _on_function(action: str, given: Parameters, place: Place) -> Iterator[Need]:
    yield Need(action, function_arn(given, place))


def _looked_at(given: Parameters, place: Place) -> Iterator[Need]:
    """No document says whether a look at a version takes the version's ARN or the function's: so both."""
    arn = function_arn(given, place)
    for one in dict.fromkeys([arn, ":".join(arn.split(":")[:7])]):
        yield Need("lambda:GetFunctionConfiguration", one)


LAMBDA: Table = {
    "GetFunctionConfiguration": _looked_at,
    "Invoke": partial(_on_function, "lambda:InvokeFunction"),
}


def _started(given: Parameters, _: Place) -> Iterator[Need]:
    yield Need("states:StartExecution", given["stateMachineArn"])


def _on_execution(action: str, given: Parameters, _: Place) -> Iterator[Need]:
    yield Need(action, given["executionArn"])


STATES: Table = {
    "DescribeExecution": partial(_on_execution, "states:DescribeExecution"),
    "SendTaskFailure": partial(_everywhere, "states:SendTaskFailure"),
    "SendTaskHeartbeat": partial(_everywhere, "states:SendTaskHeartbeat"),
    "SendTaskSuccess": partial(_everywhere, "states:SendTaskSuccess"),
    "StartExecution": _started,
    "StopExecution": partial(_on_execution, "states:StopExecution"),
}


def _published(given: Parameters, place: Place) -> Iterator[Need]:
    topic = given["TopicArn"]
    yield Need("sns:Publish", topic)
    yield from place.key(topic, "sns", MESSAGE_KEY, sns__topicArn=topic)


SNS: Table = {"Publish": _published}


def sent(queue: str, place: Place) -> Iterator[Need]:
    """What it takes to put a message into a queue."""
    yield Need("sqs:SendMessage", queue)
    yield from place.key(queue, "sqs", MESSAGE_KEY, sqs__arn=queue)


def _sent(given: Parameters, place: Place) -> Iterator[Need]:
    yield from sent(place.arn("sqs", given["QueueUrl"].rpartition("/")[2]), place)


SQS: Table = {"SendMessage": _sent}


def _put_events(given: Parameters, place: Place) -> Iterator[Need]:
    for entry in given.get("Entries") or [{}]:
        bus = entry.get("EventBusName", "default")
        context = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
        arn = bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}")
        yield Need("events:PutEvents", arn, {name: value for name, value in context.items() if value})


EVENTS: Table = {"PutEvents": _put_events}


def _on_parameter(action: str, given: Parameters, place: Place) -> Iterator[Need]:
    yield Need(action, place.arn("ssm", f"parameter/{given['Name'].removeprefix('/')}"))


SSM: Table = {
    name: partial(_on_parameter, f"ssm:{name}") for name in ("DeleteParameter", "GetParameter", "PutParameter")
}

CLOUDWATCH: Table = {name: partial(_everywhere, f"cloudwatch:{name}") for name in ("GetMetricData", "ListMetrics")}

# What describes knows no resource.
EC2: Table = {
    f"Describe{noun}": partial(_everywhere, f"ec2:Describe{noun}")
    for noun in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
}
