"""The CloudFormation stack itself, what it lists, and what only it leads to: runs under way, parameters, stray logs."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.faults import CliFault
from cli.leaving_account import Account
from cli.leaving_things import NotYet, Plain, Stays, Thing, gigabytes
from rft.aws.clients import error_code
from rft.aws.run_store import RunStore
from rft.run.identity import MODEL_PATTERN, live_parameter

_NESTED = "AWS::CloudFormation::Stack"
_BUCKETS = frozenset({"AccessLogBucket", "DataBucket"})
_OWN = _BUCKETS | {
    "BedrockRole",
    "DependenciesLayer",
    "FailedEvents",
    "FunctionRuntime",
    "Keys",
    "LibraryLayer",
    "RunTable",
    "StateMachine",
    "UndeliveredEvents",
}
"""Logical ids by which this application is told from any other stack: two of them, one of which is no bucket. Among
them are those that CloudFormation begins with, so that a first deployment that failed early is known too."""
_LAYER = re.compile(r"(LibraryLayer|DependenciesLayer)[0-9a-f]{10}")  # SAM appends a digest
_KEY = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]+:key/(.+)")
_CLOSING_SECONDS = 150.0  # CloseRun's function has 115
_SHOWN_FAILURES = 10


class Resources:
    """What CloudFormation lists of the stack and of those nested in it; of a deleted one too, for the 90 days that AWS
    remembers it. Looked up once: what is removed later stays in here.

    ``is_known``: a stack of this application is there, or is remembered. ``given_keys`` are the ids of the KMS keys
    that its parameters have named.

    Raises ``CliFault`` where the stack of that name is another application.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._names: dict[str, list[str]] = defaultdict(list)
        self.stack_id: str | None = None
        """Of the stack that is there; None if none is."""
        self.status = ""
        self.count = 0
        self.is_known = False
        self.given_keys: set[str] = set()
        deleted = []
        for summary in account.pages("cloudformation", "list_stacks", "StackSummaries"):
            # A nested stack is its parent's to delete.
            if summary["StackName"] != account.stack or summary.get("ParentId"):
                continue
            if summary["StackStatus"] == "DELETE_COMPLETE":
                deleted.append(summary["StackId"])
            elif summary["StackStatus"] != "REVIEW_IN_PROGRESS":  # a change set that was never carried out made nothing
                self.stack_id, self.status = summary["StackId"], summary["StackStatus"]
        for stack_id in filter(None, [self.stack_id, *deleted]):
            self._look_at(stack_id)

    def of(self, kind: str) -> list[str]:
        """The physical ids of all resources of a CloudFormation type."""
        return list(dict.fromkeys(self._names[kind]))

    def _look_at(self, stack_id: str) -> None:
        listed = list(self._listed(stack_id))
        is_there = stack_id == self.stack_id
        if not _is_this_application({resource["LogicalResourceId"] for resource in listed}):
            if is_there:
                raise CliFault(
                    f"The stack {self._account.stack!r} in {self._account.region} is not this application: "
                    f"it has not two of {', '.join(sorted(_OWN))}.",
                    hint="Nothing was touched. Name the right one with --stack.",
                )
            return  # another application had the name before
        self.is_known = True
        self.given_keys |= keys_named_by(self._described(stack_id))
        for resource in self._with_nested(listed):
            self._names[resource["ResourceType"]].append(resource["PhysicalResourceId"])
            self.count += is_there

    def _with_nested(self, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for resource in listed:
            if not resource.get("PhysicalResourceId"):
                continue  # was never made
            yield resource
            if resource["ResourceType"] == _NESTED:
                yield from self._with_nested(list(self._listed(resource["PhysicalResourceId"])))

    def _listed(self, stack_id: str) -> Iterator[dict[str, Any]]:
        """The list; where nothing is in it any more, what the stack's events name."""
        try:
            listed = list(
                self._account.pages(
                    "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id
                )
            )
            yield from listed
            if not listed:
                events = self._account.pages(
                    "cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id
                )
                named = (event for event in events if event.get("PhysicalResourceId") != stack_id)
                yield from {(e["LogicalResourceId"], e.get("PhysicalResourceId")): e for e in named}.values()
        except ClientError as error:
            if "does not exist" not in str(error):
                raise

    def _described(self, stack_id: str) -> dict[str, Any]:
        stacks = self._account.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        return dict(stacks[0])


def _is_this_application(logical_ids: set[str]) -> bool:
    layers = {layer[1] for logical_id in logical_ids if (layer := _LAYER.fullmatch(logical_id))}
    found = (logical_ids | layers) & _OWN
    return len(found) > 1 and bool(found - _BUCKETS)


def keys_named_by(stack: dict[str, Any]) -> set[str]:
    """The ids of the KMS keys that a stack's parameters name, as DescribeStacks has them."""
    values = (parameter.get("ParameterValue") or "" for parameter in stack.get("Parameters", []))
    return {key[1] for value in values if (key := _KEY.fullmatch(value))}


class Runs(Plain):
    """Executions of the state machine. Each run closes itself: its job is stopped, its candidate goes, it is told."""

    title = "runs under way"
    patience = 600.0
    stops_all = True

    def __init__(self, account: Account, resources: Resources) -> None:
        self._states = account.client("stepfunctions")
        self._account = account
        self._machines = resources.of("AWS::StepFunctions::StateMachine")
        dynamodb = account.client("dynamodb")
        self._stores = [RunStore(dynamodb, table) for table in resources.of("AWS::DynamoDB::Table")]
        self._asked: dict[str, float] = {}

    def find(self) -> list[Thing]:
        found = []
        for machine in self._machines:
            try:
                running = list(
                    self._account.pages(
                        "stepfunctions",
                        "list_executions",
                        "executions",
                        stateMachineArn=machine,
                        statusFilter="RUNNING",
                    )
                )
            except ClientError as error:
                if error_code(error) != "StateMachineDoesNotExist":
                    raise
                continue
            found += [
                Thing("run", run["executionArn"], run["name"], f"since {run['startDate']:%Y-%m-%d %H:%M}")
                for run in running
            ]
        return found

    def remove(self, thing: Thing) -> None:
        if thing.id in self._asked:
            return
        for store in self._stores:
            try:
                store.record(thing.name, "stop_requested", {}, stop_requested=True)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
        try:
            self._states.stop_execution(
                executionArn=thing.id, error="RunStopped", cause="the stack of this run is being removed"
            )
        except ClientError as error:
            if error_code(error) != "ExecutionDoesNotExist":
                raise
        self._asked[thing.id] = time.monotonic()

    def is_gone(self, thing: Thing) -> bool:
        try:
            if self._states.describe_execution(executionArn=thing.id)["status"] == "RUNNING":
                return False
        except ClientError as error:
            if error_code(error) not in ("ExecutionDoesNotExist", "StateMachineDoesNotExist"):
                raise
        return self._is_closed(thing) or time.monotonic() - self._asked.get(thing.id, 0.0) > _CLOSING_SECONDS

    def _is_closed(self, thing: Thing) -> bool:
        """Whether the run has ended on record. What its clean-up leaves is found by its tags afterwards."""
        for store in self._stores:
            try:
                run = store.find(thing.name)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                continue
            if run is not None and not run.status.is_terminal:
                return False
        return True


class Parameters(Plain):
    """Where apps read which deployment serves; each promotion has written one, so no stack lists them.

    Nothing else that lies below the stack's name is a promotion's: a parameter has to be called as it calls them, and
    to hold what it writes, the ARN of a deployment of this account and region.
    """

    title = "SSM parameters"

    def __init__(self, account: Account) -> None:
        self._account = account
        self._ssm = account.client("ssm")

    def find(self) -> list[Thing]:
        account = self._account
        name = re.compile(live_parameter(re.escape(account.stack), MODEL_PATTERN.strip("^$")))
        value = re.compile(
            rf"arn:[a-z-]+:bedrock:{account.region}:{account.account}:(custom-model-deployment|provisioned-model)/.+"
        )
        path = f"/{account.stack}/models"
        found = account.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True)
        return [
            Thing("SSM parameter", item["Name"], item["Name"])
            for item in found
            if name.fullmatch(item["Name"]) and value.fullmatch(item["Value"])
        ]

    def remove(self, thing: Thing) -> None:
        try:
            self._ssm.delete_parameter(Name=thing.id)
        except ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise

    def is_gone(self, thing: Thing) -> bool:
        return not self._ssm.get_parameters(Names=[thing.id])["Parameters"]


class TheStack(Plain):
    """CloudFormation deletes all that it made but what is retained. Network interfaces of functions take it longest."""

    title = "CloudFormation stack"
    patience = 5400.0
    stops_all = True

    def __init__(self, account: Account, resources: Resources) -> None:
        self._cloudformation = account.client("cloudformation")
        self._account = account
        self._resources = resources
        self._asked = False

    def find(self) -> list[Thing]:
        stack_id = self._resources.stack_id
        if stack_id is None or self._status(stack_id) is None:
            return []
        count = self._resources.count
        note = f"{count} resources, {self._resources.status}"
        return [Thing("CloudFormation stack", stack_id, self._account.stack, note, "alarms and dashboard by the month")]

    def remove(self, thing: Thing) -> None:
        status = self._status(thing.id)
        if status == "DELETE_FAILED" and self._asked:
            raise Stays(self._why(thing.id))
        if status is None or status == "DELETE_IN_PROGRESS":
            self._asked = True
            return
        if status.endswith("_IN_PROGRESS"):
            raise NotYet(f"the stack is {status}")
        self._cloudformation.delete_stack(StackName=thing.id)
        self._asked = True

    def is_gone(self, thing: Thing) -> bool:
        return self._status(thing.id) is None

    def progress(self) -> str:
        stack_id = self._resources.stack_id
        if not self._asked or stack_id is None:
            return ""
        left = sum(
            resource["ResourceStatus"] != "DELETE_COMPLETE"
            for resource in self._account.pages(
                "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id
            )
        )
        return f"{left} resources to go"

    def _status(self, stack_id: str) -> str | None:
        try:
            status = str(self._cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        return None if status == "DELETE_COMPLETE" else status

    def _why(self, stack_id: str) -> str:
        """The resources on which it failed, those of nested stacks in their place."""
        failures = list(self._failures(stack_id))
        told = "; ".join(failures[:_SHOWN_FAILURES]) or "CloudFormation gave no reason"
        return f"CloudFormation could not delete {told}"

    def _failures(self, stack_id: str) -> Iterator[str]:
        for resource in self._account.pages(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id
        ):
            if resource["ResourceStatus"] != "DELETE_FAILED":
                continue
            if resource["ResourceType"] == _NESTED:
                yield from self._failures(resource["PhysicalResourceId"])
                continue
            reason = resource.get("ResourceStatusReason") or self._said_of(stack_id, resource["LogicalResourceId"])
            yield f"{resource['LogicalResourceId']} ({resource['PhysicalResourceId']}): {reason}"

    def _said_of(self, stack_id: str, logical_id: str) -> str:
        events = self._account.pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id)
        failed = (
            event.get("ResourceStatusReason")
            for event in events
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"] == "DELETE_FAILED"
        )
        return next(filter(None, failed), "no reason was given")


class AccountRole:
    """The role by which API Gateway logs, where this stack has set it for the account and region. It stays, whatever is
    asked for: AWS keeps one for all APIs, and other ones may log by it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def find(self) -> list[Thing]:
        try:
            arn = self._account.client("apigateway").get_account().get("cloudwatchRoleArn") or ""
        except ClientError as error:
            if error_code(error) not in ("AccessDenied", "AccessDeniedException"):
                raise
            return []
        if f":role/{self._account.stack}/" not in arn:
            return []
        return [Thing("role", arn, arn, "API Gateway's for the account: other APIs may log by it", "nothing")]


class LogGroups(Plain):
    """What Lambda and API Gateway log outside of the stack, when it is too late or was switched on by hand."""

    title = "log groups"
    is_data = True

    def __init__(self, account: Account, resources: Resources) -> None:
        self._account = account
        self._logs = account.client("logs")
        self._names = [f"/aws/lambda/{name}" for name in resources.of("AWS::Lambda::Function")]
        for api in resources.of("AWS::ApiGateway::RestApi"):
            self._names += [f"API-Gateway-Execution-Logs_{api}/v1", f"/aws/apigateway/{api}/v1"]
        self._names += resources.of("AWS::Logs::LogGroup")

    def find(self) -> list[Thing]:
        found = []
        for name in dict.fromkeys(self._names):
            group = self._group(name)
            if group is not None:
                size = gigabytes(group.get("storedBytes", 0))
                found.append(Thing("log group", name, name, size, "0.03 USD a GB and month"))
        return found

    def remove(self, thing: Thing) -> None:
        try:
            self._logs.delete_log_group(logGroupName=thing.id)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    def is_gone(self, thing: Thing) -> bool:
        return self._group(thing.id) is None

    def _group(self, name: str) -> dict[str, Any] | None:
        listed = self._account.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        return next((group for group in listed if group["logGroupName"] == name), None)
