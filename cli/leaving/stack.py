"""The CloudFormation stack itself."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.leaving.account import Account
from cli.leaving.resources import NESTED, Resources, described, events_of, resources_of
from cli.leaving.things import NotYet, Plain, Stays, Thing

_SHOWN_FAILURES = 10


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
            resource["ResourceStatus"] != "DELETE_COMPLETE" for resource in resources_of(self._account, stack_id)
        )
        return f"{left} resources to go"

    def _status(self, stack_id: str) -> str | None:
        try:
            status = str(described(self._account, stack_id)["StackStatus"])
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
        for resource in resources_of(self._account, stack_id):
            if resource["ResourceStatus"] != "DELETE_FAILED":
                continue
            if resource["ResourceType"] == NESTED:
                yield from self._failures(resource["PhysicalResourceId"])
                continue
            reason = resource.get("ResourceStatusReason") or self._said_of(stack_id, resource["LogicalResourceId"])
            yield f"{resource['LogicalResourceId']} ({resource['PhysicalResourceId']}): {reason}"

    def _said_of(self, stack_id: str, logical_id: str) -> str:
        failed = (
            event.get("ResourceStatusReason")
            for event in events_of(self._account, stack_id)
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"] == "DELETE_FAILED"
        )
        return next(filter(None, failed), "no reason was given")
