"""The SSM parameters that promotions have written."""

from __future__ import annotations

import re

from cli.leaving.account import Account
from cli.leaving.things import Plain, Thing, passing_over
from rft.run.identity import MODEL_PATTERN, live_parameter


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
        with passing_over("ParameterNotFound"):
            self._ssm.delete_parameter(Name=thing.id)

    def is_gone(self, thing: Thing) -> bool:
        return not self._ssm.get_parameters(Names=[thing.id])["Parameters"]
