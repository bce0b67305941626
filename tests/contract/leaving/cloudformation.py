"""CloudFormation, as far as leaving asks it. moto's needs more packages than all else that is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter


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
    """The service as far as leaving asks it, in pages of two.

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
