"""What a stack has in Bedrock: training jobs, deployments, provisioned throughput, custom models. Found by their tags,
so that also those are found which no record knows any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cli.leaving.account import Account
from cli.leaving.things import NotYet, Plain, Stays, Thing, has_stack_tag
from rft.aws import bedrock
from rft.aws.bedrock import ProvisionedThroughput
from rft.aws.clients import error_code, error_message
from rft.errors import BedrockBusy, DeploymentPending

_A_PAGE = 100
_UNKNOWN = "AWS publishes no price for it that we could confirm"


class _InBedrock(Plain):
    """Bedrock's lists hold the whole account: only the tags tell what is this stack's."""

    title: str
    _kind: str
    _list: tuple[str, str, str, str]  # operation, key of the answer, of the ARN, of the name
    _statuses: frozenset[str] | None = None  # else all
    _cost = ""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._bedrock = account.client("bedrock")
        self._seen: dict[str, bool] = {}
        self._unseen: dict[str, dict[str, Any]] = {}

    def find(self) -> list[Thing]:
        self._unseen = {}
        return [self._thing(summary) for summary in self._ours()]

    def unseen(self) -> list[Thing]:
        return [self._thing(summary) for summary in self._unseen.values()]

    def _ours(self) -> Iterator[dict[str, Any]]:
        operation, key, arn, _ = self._list
        for summary in self._account.pages("bedrock", operation, key, maxResults=_A_PAGE, **self._filter()):
            if self._statuses is not None and summary["status"] not in self._statuses:
                continue
            is_ours = self._is_ours(summary[arn])
            if is_ours:
                yield summary
            elif is_ours is None:
                self._unseen[summary[arn]] = summary

    def _filter(self) -> dict[str, Any]:
        return {}

    def _is_ours(self, arn: str) -> bool | None:
        """None where the caller may not read its tags."""
        if arn not in self._seen:
            try:
                tags = self._bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
            except ClientError as error:
                if error_code(error) == "AccessDeniedException":
                    return None
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return False  # it was removed meanwhile
            self._seen[arn] = has_stack_tag(tags, self._account.stack)
        return self._seen[arn]

    def _thing(self, summary: dict[str, Any]) -> Thing:
        _, _, arn, name = self._list
        return Thing(self._kind, summary[arn], summary[name], self._note(summary), self._cost)

    def _note(self, summary: dict[str, Any]) -> str:
        return str(summary.get("status", ""))


class Jobs(_InBedrock):
    """Those that train. What has ended costs nothing, and Bedrock deletes no job."""

    title = "training jobs"
    patience = 1800.0
    stops_all = True
    _kind = "training job"
    _list = ("list_model_customization_jobs", "modelCustomizationJobSummaries", "jobArn", "jobName")

    _statuses = frozenset({"InProgress", "Stopping"})
    _cost = f"by the hour while it trains; {_UNKNOWN}"

    def remove(self, thing: Thing) -> None:
        if bedrock.get_job(self._bedrock, thing.id).can_be_stopped:
            bedrock.stop_job(self._bedrock, thing.id)

    def is_gone(self, thing: Thing) -> bool:
        return bedrock.get_job(self._bedrock, thing.id).status not in self._statuses


class _Deployed(_InBedrock):
    _way: str  # as ``rft.aws.bedrock.deployments`` names it

    def remove(self, thing: Thing) -> None:
        try:
            bedrock.deployments(self._bedrock, self._way).delete(thing.id)
        except (BedrockBusy, DeploymentPending) as waiting:
            raise NotYet(str(waiting)) from None

    def is_gone(self, thing: Thing) -> bool:
        return bedrock.deployments(self._bedrock, self._way).find(thing.id) is None

    def serving(self, model_arn: str) -> Iterator[str]:
        """The ARNs of those of the stack, and of those that may not be looked at, that serve a model."""
        for summary in [*self._ours(), *self._unseen.values()]:
            if model_arn in (summary["modelArn"], summary.get("desiredModelArn")):
                yield summary[self._list[2]]

    def may_be_removed(self, arn: str) -> bool:
        return arn not in self._unseen


class Deployments(_Deployed):
    """The live ones and candidates. One that is being made, or exchanged, can't be deleted at once."""

    title = "custom model deployments"
    patience = 3600.0
    _kind = "custom model deployment"
    _way = "on-demand"
    _list = (
        "list_custom_model_deployments",
        "modelDeploymentSummaries",
        "customModelDeploymentArn",
        "customModelDeploymentName",
    )
    _cost = "by the token, nothing while nobody asks"


class Throughputs(_Deployed):
    """Model units. What has a commitment stays, and is paid for, to the end of its term."""

    title = "provisioned throughputs"
    _cost = f"by the hour and unit, used or not; {_UNKNOWN}"
    patience = 3600.0
    _kind = "provisioned throughput"
    _way = "provisioned"
    _list = (
        "list_provisioned_model_throughputs",
        "provisionedModelSummaries",
        "provisionedModelArn",
        "provisionedModelName",
    )

    def _note(self, summary: dict[str, Any]) -> str:
        end = summary.get("commitmentExpirationTime")
        term = f", committed until {end:%Y-%m-%d}" if summary.get("commitmentDuration") and end else ""
        return f"{summary['status']}, {summary['modelUnits']} model units{term}"

    def remove(self, thing: Thing) -> None:
        try:
            super().remove(thing)
        except ClientError as error:
            until = ProvisionedThroughput(self._bedrock).committed_until(thing.id)
            if error_code(error) != "ConflictException" or until is None:
                raise
            raise Stays(
                f"it is committed and paid for until {until or 'the end of its term'}; Bedrock deletes it only then"
            ) from None


class Models(_InBedrock):
    """They are refused while one of their deployments is there, or is still going. ``stays`` tells of an ARN whether it
    could not be removed: what that serves is not waited for."""

    title = "custom models"
    _cost = f"by the month; {_UNKNOWN}"
    patience = 1800.0
    _kind = "custom model"
    _list = ("list_custom_models", "modelSummaries", "modelArn", "modelName")

    def __init__(self, account: Account, deployed: Sequence[_Deployed], stays: Callable[[str], bool]) -> None:
        super().__init__(account)
        self._deployed, self._stays = deployed, stays

    def _filter(self) -> dict[str, Any]:
        return {"isOwned": True}

    def _note(self, summary: dict[str, Any]) -> str:
        return f"made {summary['creationTime']:%Y-%m-%d}"

    def remove(self, thing: Thing) -> None:
        try:
            bedrock.delete_model(self._bedrock, thing.id)
        except BedrockBusy as busy:
            raise NotYet(str(busy)) from None
        except ClientError as error:
            if error_code(error) != "ConflictException":
                raise
            servers = ((arn, kind) for kind in self._deployed for arn in kind.serving(thing.id))
            held = next((arn for arn, kind in servers if self._stays(arn) or not kind.may_be_removed(arn)), None)
            if held is not None:
                raise Stays(f"{held} serves it, which could not be removed") from None
            raise NotYet(error_message(error)) from None

    def is_gone(self, thing: Thing) -> bool:
        return bedrock.find_model(self._bedrock, thing.id) is None
