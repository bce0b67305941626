"""What is logged outside of the stack: stray log groups, and the role by which API Gateway logs."""

from __future__ import annotations

from typing import Any

from cli.leaving.account import Account
from cli.leaving.resources import Resources
from cli.leaving.things import Plain, Thing, gigabytes, passing_over


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
        with passing_over("ResourceNotFoundException"):
            self._logs.delete_log_group(logGroupName=thing.id)

    def is_gone(self, thing: Thing) -> bool:
        return self._group(thing.id) is None

    def _group(self, name: str) -> dict[str, Any] | None:
        listed = self._account.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        return next((group for group in listed if group["logGroupName"] == name), None)


class AccountRole:
    """The role by which API Gateway logs, where this stack has set it for the account and region. It stays, whatever is
    asked for: AWS keeps one for all APIs, and other ones may log by it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def find(self) -> list[Thing]:
        arn = ""
        with passing_over("AccessDenied", "AccessDeniedException"):
            arn = self._account.client("apigateway").get_account().get("cloudwatchRoleArn") or ""
        if f":role/{self._account.stack}/" not in arn:
            return []
        return [Thing("role", arn, arn, "API Gateway's for the account: other APIs may log by it", "nothing")]
