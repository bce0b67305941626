"""What CloudFormation lists, or remembers, of a stack: whether it is this application, and what is its own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.faults import CliFault
from cli.leaving.account import Account

NESTED = "AWS::CloudFormation::Stack"
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
        self.given_keys |= keys_named_by(described(self._account, stack_id))
        for resource in self._with_nested(listed):
            self._names[resource["ResourceType"]].append(resource["PhysicalResourceId"])
            self.count += is_there

    def _with_nested(self, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for resource in listed:
            if not resource.get("PhysicalResourceId"):
                continue  # was never made
            yield resource
            if resource["ResourceType"] == NESTED:
                yield from self._with_nested(list(self._listed(resource["PhysicalResourceId"])))

    def _listed(self, stack_id: str) -> Iterator[dict[str, Any]]:
        """The list; where nothing is in it any more, what the stack's events name."""
        try:
            listed = list(resources_of(self._account, stack_id))
            yield from listed
            if not listed:
                events = events_of(self._account, stack_id)
                named = (event for event in events if event.get("PhysicalResourceId") != stack_id)
                yield from {(e["LogicalResourceId"], e.get("PhysicalResourceId")): e for e in named}.values()
        except ClientError as error:
            if "does not exist" not in str(error):
                raise


def resources_of(account: Account, stack_id: str) -> Iterator[dict[str, Any]]:
    """What CloudFormation lists of one stack, those nested in it by their names only."""
    return account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id)


def events_of(account: Account, stack_id: str) -> Iterator[dict[str, Any]]:
    """The latest first."""
    return account.pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id)


def described(account: Account, stack_id: str) -> dict[str, Any]:
    return dict(account.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0])


def _is_this_application(logical_ids: set[str]) -> bool:
    layers = {layer[1] for logical_id in logical_ids if (layer := _LAYER.fullmatch(logical_id))}
    found = (logical_ids | layers) & _OWN
    return len(found) > 1 and bool(found - _BUCKETS)


def keys_named_by(stack: dict[str, Any]) -> set[str]:
    """The ids of the KMS keys that a stack's parameters name, as DescribeStacks has them."""
    values = (parameter.get("ParameterValue") or "" for parameter in stack.get("Parameters", []))
    return {key[1] for value in values if (key := _KEY.fullmatch(value))}
