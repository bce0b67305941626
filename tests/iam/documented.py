"""What services do in a role's name, as their documentation says: no call of ours shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.iam import templates
from tests.iam.actions import place_of
from tests.iam.calls import storage
from tests.iam.calls.models import CUSTOMISING
from tests.iam.calls.place import Need, Place
from tests.iam.policies import Access

LOG_DELIVERY = (
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
TRACES = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
_RUN = re.compile(r"' & \$states\.context\.Execution\.Input\.run_id & '")


# -- Step Functions ---------------------------------------------------------------------------------------------------


def state_machine(access: Access) -> Iterator[Need]:
    """Of the machine's role: what each state of the definition does, logging and traces."""
    (properties,) = [one for _, one in access.stack.of_type("AWS::StepFunctions::StateMachine")]
    given = {name: str(value) for name, value in properties["DefinitionSubstitutions"].items()}
    name = properties["StateMachineName"]
    place = place_of(access)
    for state in states(_filled(templates.state_machine(), given)["States"]):
        yield from _of_state(state, name, place)
    for action in LOG_DELIVERY:
        yield Need(f"logs:{action}", "*")
    for action in TRACES:
        yield Need(f"xray:{action}", "*")


def states(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every state, those of a map's children and of parallel branches as well."""
    for state in given.values():
        yield state
        for inner in [state.get("ItemProcessor", {}), *state.get("Branches", [])]:
            yield from states(inner.get("States", {}))


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, given) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, given) for one in value]
    return _SUBSTITUTION.sub(lambda match: given[match[1]], value) if isinstance(value, str) else value


def _of_state(state: Mapping[str, Any], machine: str, place: Place) -> Iterator[Need]:
    if state["Type"] == "Task":
        resource = state["Resource"]
        if resource == f"arn:{place.partition}:states:::lambda:invoke.waitForTaskToken":
            resource = state["Arguments"]["FunctionName"]
        if ":lambda:" not in resource or ":function:" not in resource:
            raise LookupError(f"what a task with the resource {resource} takes is not known here")
        yield Need("lambda:InvokeFunction", resource)
    elif state["Type"] == "Map" and state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        yield from _distributed(state, machine, place)


def _distributed(state: Mapping[str, Any], machine: str, place: Place) -> Iterator[Need]:
    """Its children are executions of the machine itself, which it starts, looks at and stops; and it reads a list."""
    yield Need("states:StartExecution", place.arn("states", f"stateMachine:{machine}"))
    label = f"{machine}/{state['Label']}"
    for action in ("DescribeExecution", "StopExecution"):
        yield Need(f"states:{action}", place.arn("states", f"execution:{machine}:run"))
        yield Need(f"states:{action}", place.arn("states", f"execution:{label}:child"))
    yield Need("states:RedriveExecution", place.arn("states", f"execution:{label}:child"))
    reader = state["ItemReader"]
    if reader["Resource"] != f"arn:{place.partition}:states:::s3:getObject":
        raise LookupError(f"what an ItemReader {reader['Resource']} takes is not known here")
    key = _RUN.sub("a-run", reader["Arguments"]["Key"]).removeprefix("{% '").removesuffix("' %}")
    if "$" in key or "%" in key:
        raise LookupError(f"the key {reader['Arguments']['Key']} is not understood here")
    yield from storage.S3["GetObject"]({"Bucket": reader["Arguments"]["Bucket"], "Key": key}, place)


# -- Bedrock ----------------------------------------------------------------------------------------------------------


def training_job(access: Access, graders: Sequence[str], subnets: Sequence[str], groups: Sequence[str]) -> list[Need]:
    """Of the role that a job has: input, output, logs, graders, the model's key, and a network if there is one."""
    stack, place = access.stack, place_of(access)
    bucket = stack.physical("DataBucket")
    job = place.arn("bedrock", "model-customization-job/abc")
    needs: list[Need] = []

    def s3(operation: str, **given: str) -> None:
        needs.extend(storage.S3[operation](given, place))

    for key in ("runs/a/dataset/train.jsonl", "runs/a/dataset/validation.jsonl"):
        s3("GetObject", Bucket=bucket, Key=key)
    s3("ListObjectsV2", Bucket=bucket, Prefix="runs/a/dataset/train.jsonl")
    for operation in ("GetObject", "PutObject"):
        s3(operation, Bucket=bucket, Key="runs/a/output/model/step_wise_training_metrics.csv")
    # Logs that Bedrock reads itself: those that users put into our bucket, and the account's.
    for folder in ("inbox", "datasets"):
        s3("GetObject", Bucket=bucket, Key=f"{folder}/logs/a.json.gz")
        s3("ListObjectsV2", Bucket=bucket, Prefix=f"{folder}/logs/")
    if logs := stack.parameters["InvocationLogBucket"]:
        s3("GetObject", Bucket=logs, Key=f"AWSLogs/{place.account}/BedrockModelInvocationLogs/a.json.gz")
        s3("ListObjectsV2", Bucket=logs, Prefix="AWSLogs/")
    needs += [Need("lambda:InvokeFunction", grader) for grader in graders]
    needs += place.use(place.model_key, "bedrock", CUSTOMISING)
    if subnets:
        needs += network(place, job, subnets, groups)
    return needs


def network(place: Place, job: str, subnets: Sequence[str], groups: Sequence[str]) -> Iterator[Need]:
    """The network interfaces of a job: one in each subnet, which Bedrock makes, tags, hands itself and removes."""
    for noun in ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups"):
        yield Need(f"ec2:Describe{noun}", "*")
    interface = place.arn("ec2", "network-interface/eni-1")
    tags = {"BedrockManaged": "true", "BedrockModelCustomizationJobArn": job}
    requested = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    yield Need("ec2:CreateNetworkInterface", interface, {**requested, "aws:TagKeys": tuple(tags)})
    yield Need("ec2:CreateTags", interface, {"ec2:CreateAction": "CreateNetworkInterface", "aws:TagKeys": tuple(tags)})
    for group in groups:
        yield Need("ec2:CreateNetworkInterface", place.arn("ec2", f"security-group/{group}"))
    for subnet in subnets:
        arn = place.arn("ec2", f"subnet/{subnet}")
        yield Need("ec2:CreateNetworkInterface", arn)
        there = {f"ec2:ResourceTag/{name}": value for name, value in tags.items()} | {"ec2:Subnet": arn}
        for action in (
            "CreateNetworkInterfacePermission",
            "DeleteNetworkInterface",
            "DeleteNetworkInterfacePermission",
        ):
            yield Need(f"ec2:{action}", interface, there)
