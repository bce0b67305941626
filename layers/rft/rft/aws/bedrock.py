"""Bedrock's training jobs, custom models and deployments. The only module that calls the service.

AWS's errors become ours where the pipeline acts on them; all others pass through under their own names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from rft.aws.clients import error_code, error_message
from rft.errors import BedrockBusy, DeploymentFailed, DeploymentPending, JobQuotaFull, JobRefused
from rft.run.job import Job

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

# What passes if one waits: longer than the SDK's own tries do.
_BUSY = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "InternalServerException", "ServiceUnavailableException"}
)

Tags = Sequence[dict[str, str]]
ModelStatus = Literal["Active", "Creating", "Failed"]


# -- jobs -------------------------------------------------------------------------------------------------------


def create_job(client: BedrockClient, request: dict[str, Any]) -> str:
    """The ARN of the job. The same request again is the same job, also where the first answer was lost."""
    try:
        return client.create_model_customization_job(**request)["jobArn"]
    except ParamValidationError as error:
        raise JobRefused(str(error)) from None
    except ClientError as error:
        match error_code(error):
            case "ServiceQuotaExceededException":
                raise JobQuotaFull(error_message(error)) from None
            case "ConflictException" | "ValidationException" | "ResourceNotFoundException" | "TooManyTagsException":
                # A name that is taken is reported in more than one way; the job under that name may be our own.
                return _adopt(client, request, error)
        raise _named(error) from None


def _adopt(client: BedrockClient, request: dict[str, Any], error: ClientError) -> str:
    """The job that already has our name, if a lost answer made it; else the refusal."""
    found = find_job(client, request["jobName"])
    if found is None:
        raise JobRefused(error_message(error)) from None
    tags = client.list_tags_for_resource(resourceARN=found.arn)["tags"]
    if {"key": "rft:run-id", "value": request["jobName"]} not in tags:
        raise JobRefused(f"another job has the name {request['jobName']}: {error_message(error)}") from None
    return found.arn


def get_job(client: BedrockClient, arn_or_name: str) -> Job:
    return Job.from_answer(dict(client.get_model_customization_job(jobIdentifier=arn_or_name)))


def find_job(client: BedrockClient, name: str) -> Job | None:
    try:
        return get_job(client, name)
    except ClientError as error:
        # An unknown name is reported as not found or as invalid.
        if error_code(error) in ("ResourceNotFoundException", "ValidationException"):
            return None
        raise


def stop_job(client: BedrockClient, arn: str) -> None:
    """Ask for the stop. A refusal is believed only of a job that has ended, or is stopping, indeed."""
    try:
        client.stop_model_customization_job(jobIdentifier=arn)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return
        if (
            error_code(error) in ("ConflictException", "ValidationException")
            and not get_job(client, arn).can_be_stopped
        ):
            return
        raise


# -- custom models ----------------------------------------------------------------------------------------------


def find_model(client: BedrockClient, name_or_arn: str) -> tuple[str, ModelStatus, str] | None:
    """ARN, status and failure message of a custom model."""
    try:
        answer = client.get_custom_model(modelIdentifier=name_or_arn)
    except ClientError as error:
        if error_code(error) in ("ResourceNotFoundException", "ValidationException"):
            return None
        raise _named(error) from None
    # Models made before the status existed have none: they are ready.
    return answer["modelArn"], answer.get("modelStatus", "Active"), answer.get("failureMessage", "")


def delete_model(client: BedrockClient, arn: str) -> None:
    """A model that is deployed is not deleted: ``ConflictException``."""
    seems_gone = _is_gone(lambda: find_model(client, arn))
    try:
        client.delete_custom_model(modelIdentifier=arn)
    except ClientError as error:
        if not _says_gone(error, seems_gone):
            raise _named(error) from None


# -- deployments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exchange:
    """The newest exchange of the model behind a deployment, and the model that it leads to."""

    model_arn: str
    running: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """``ready`` means that it answers; ``failed`` is final. ``model_arn`` is the model that it has at this moment."""

    arn: str
    ready: bool
    failed: bool
    message: str
    model_arn: str
    exchange: Exchange | None = None


class Deployments(Protocol):
    """The two ways to serve a custom model have the same life: created, looked at, deleted."""

    kind: str

    def create(self, name: str, model_arn: str, tags: Tags, *, token: str | None = None, owner: Tags = ...) -> str:
        """The ARN. ``token`` stands for this creation (else the name does). A name that is taken is our own earlier
        attempt; with ``owner``, if it has these tags."""
        ...

    def find(self, name_or_arn: str) -> Deployment | None: ...

    def delete(self, arn: str) -> None:
        """Nothing happens if it is gone. Raises ``DeploymentPending`` while Bedrock refuses, as it may what it is still
        making; what has a commitment is refused with AWS's own ``ConflictException``."""
        ...


def deployments(client: BedrockClient, kind: str, *, units: int = 1, commitment: str | None = None) -> Deployments:
    if kind == "provisioned":
        return ProvisionedThroughput(client, units=units, commitment=commitment)
    return OnDemandDeployments(client)


def has_tags(client: BedrockClient, arn: str, tags: Tags) -> bool:
    try:
        found = client.list_tags_for_resource(resourceARN=arn)["tags"]
    except ClientError as error:
        raise _named(error) from None
    return all(tag in found for tag in tags)


class OnDemandDeployments:
    """Custom model deployments: paid by the token."""

    kind = "on-demand"

    def __init__(self, client: BedrockClient) -> None:
        self._client = client

    def create(self, name: str, model_arn: str, tags: Tags, *, token: str | None = None, owner: Tags = ()) -> str:
        request: dict[str, Any] = {
            "modelDeploymentName": name,
            "modelArn": model_arn,
            "clientRequestToken": token or name,
            "tags": tags,
        }
        try:
            return self._client.create_custom_model_deployment(**request)["customModelDeploymentArn"]
        except ClientError as error:
            return _existing(self, self._client, name, owner, error)

    def find(self, name_or_arn: str) -> Deployment | None:
        try:
            answer = self._client.get_custom_model_deployment(customModelDeploymentIdentifier=name_or_arn)
        except ClientError as error:
            _must_be_absent(name_or_arn, error)
            return None
        status = answer["status"].lower()  # AWS's own texts write it both ways
        update = answer.get("updateDetails")
        return Deployment(
            arn=answer["customModelDeploymentArn"],
            ready=status == "active",
            failed=status == "failed",
            message=answer.get("failureMessage", ""),
            model_arn=answer["modelArn"],
            exchange=_exchange(update["modelArn"], update["updateStatus"]) if update else None,
        )

    def exchange(self, arn: str, model_arn: str) -> None:
        """Put another model behind the ARN; the old one answers until that is done.

        Raises ``DeploymentPending`` while Bedrock doesn't take it: the deployment isn't active, or an exchange runs.
        """
        try:
            self._client.update_custom_model_deployment(customModelDeploymentIdentifier=arn, modelArn=model_arn)
        except ClientError as error:
            if error_code(error) in ("ValidationException", "ConflictException"):
                raise DeploymentPending(
                    f"Bedrock doesn't exchange the model of {arn}: {error_message(error)}"
                ) from None
            if error_code(error) == "ResourceNotFoundException":
                raise DeploymentFailed(error_message(error)) from None
            raise _named(error) from None

    def delete(self, arn: str) -> None:
        seems_gone = _is_gone(lambda: self.find(arn))
        try:
            self._client.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            if error_code(error) == "ConflictException":
                raise _not_deleted(arn, error) from None
            if not _says_gone(error, seems_gone):
                raise _named(error) from None


class ProvisionedThroughput:
    """Model units: paid by the hour until they are deleted, and with a ``commitment`` to the end of its term."""

    kind = "provisioned"

    def __init__(self, client: BedrockClient, *, units: int = 1, commitment: str | None = None) -> None:
        self._client = client
        self._terms: dict[str, Any] = {"modelUnits": units}
        if commitment is not None:
            self._terms["commitmentDuration"] = commitment

    def create(self, name: str, model_arn: str, tags: Tags, *, token: str | None = None, owner: Tags = ()) -> str:
        request: dict[str, Any] = {
            "provisionedModelName": name,
            "modelId": model_arn,
            "clientRequestToken": token or name,
            "tags": tags,
            **self._terms,
        }
        try:
            return self._client.create_provisioned_model_throughput(**request)["provisionedModelArn"]
        except ClientError as error:
            return _existing(self, self._client, name, owner, error)

    def find(self, name_or_arn: str) -> Deployment | None:
        try:
            answer = self._client.get_provisioned_model_throughput(provisionedModelId=name_or_arn)
        except ClientError as error:
            _must_be_absent(name_or_arn, error)
            return None
        return Deployment(
            arn=answer["provisionedModelArn"],
            ready=answer["status"] == "InService",
            failed=answer["status"] == "Failed",
            message=answer.get("failureMessage", ""),
            model_arn=answer["modelArn"],
        )

    def delete(self, arn: str) -> None:
        seems_gone = _is_gone(lambda: self.find(arn))
        try:
            self._client.delete_provisioned_model_throughput(provisionedModelId=arn)
        except ClientError as error:
            if error_code(error) == "ConflictException" and not self._is_committed(arn):
                raise _not_deleted(arn, error) from None
            if not _says_gone(error, seems_gone):
                raise _named(error) from None

    def _is_committed(self, arn: str) -> bool:
        """A commitment ends with its term: no waiting of ours outlasts it."""
        return self.committed_until(arn) is not None

    def committed_until(self, arn: str) -> str | None:
        """The end of the commitment (ISO 8601), where there is one; empty where Bedrock doesn't tell it."""
        try:
            answer: dict[str, Any] = dict(self._client.get_provisioned_model_throughput(provisionedModelId=arn))
        except ClientError as error:
            _must_be_absent(arn, error)
            return None
        if "commitmentDuration" not in answer:
            return None
        if "commitmentExpirationTime" not in answer:
            return ""
        return str(answer["commitmentExpirationTime"].isoformat(timespec="seconds"))


def _is_gone(find: Callable[[], object | None]) -> bool:
    """Whether a look finds nothing; one that fails says nothing."""
    try:
        return find() is None
    except (ClientError, BedrockBusy):
        return False


def _says_gone(error: ClientError, seems_gone: bool) -> bool:
    """Whether a refused deletion was of what isn't there. The right to it hangs on a tag, and what is gone has none:
    IAM refuses before Bedrock could say so. What only isn't to be seen yet is deleted all the same."""
    code = error_code(error)
    return code == "ResourceNotFoundException" or (code == "AccessDeniedException" and seems_gone)


def _not_deleted(arn: str, error: ClientError) -> Exception:
    return DeploymentPending(f"Bedrock doesn't delete {arn} yet: {error_message(error)}")


def _exchange(model_arn: str, status: str) -> Exchange:
    return Exchange(model_arn, running=status.lower() == "updating", failed=status.lower() == "updatefailed")


def _must_be_absent(name_or_arn: str, error: ClientError) -> None:
    """Raise unless ``error`` says that it isn't there. An unknown *name* may be reported as invalid, an ARN may not."""
    code = error_code(error)
    if code == "ResourceNotFoundException" or (code == "ValidationException" and not name_or_arn.startswith("arn:")):
        return
    raise _named(error) from None


def _existing(deployments: Deployments, client: BedrockClient, name: str, owner: Tags, error: ClientError) -> str:
    """What has our name, if it is ours; else the refusal."""
    if error_code(error) in ("ConflictException", "ValidationException"):
        found = deployments.find(name)
        if found is None:
            raise DeploymentFailed(error_message(error)) from None
        if owner and not has_tags(client, found.arn, owner):
            raise DeploymentFailed(f"a deployment that isn't ours has the name {name}") from None
        return found.arn
    if error_code(error) == "ResourceNotFoundException":
        raise DeploymentFailed(error_message(error)) from None
    if error_code(error) == "ServiceQuotaExceededException":
        raise DeploymentPending(f"no place for another deployment yet: {error_message(error)}") from None
    raise _named(error) from None


def _named(error: ClientError) -> Exception:
    """``BedrockBusy`` for what passes, so that the state machine waits longer for it than the SDK does."""
    code = error_code(error)
    return BedrockBusy(f"{code}: {error_message(error)}") if code in _BUSY else error
