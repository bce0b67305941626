"""Bedrock's training jobs, custom models and deployments. The only module that calls the service.

AWS's errors become ours where the pipeline acts on them; all others pass through under their own names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from rft.aws.clients import error_code, error_message
from rft.errors import DeploymentFailed, DeploymentPending, JobQuotaFull, JobRefused
from rft.run.job import Job

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

Tags = list[dict[str, str]]
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
            case "ServiceQuotaExceededException" | "TooManyRequestsException":
                raise JobQuotaFull(error_message(error)) from None
            case "ConflictException":
                return _adopt(client, request, error)
            case "ValidationException" | "ResourceNotFoundException" | "TooManyTagsException":
                # A name that is taken is reported in more than one way; the job under that name may be our own.
                return _adopt(client, request, error)
        raise


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
    """Ask for the stop. A job that has ended meanwhile, or is stopping, needs none."""
    try:
        client.stop_model_customization_job(jobIdentifier=arn)
    except ClientError as error:
        if error_code(error) not in ("ConflictException", "ValidationException", "ResourceNotFoundException"):
            raise


# -- custom models ----------------------------------------------------------------------------------------------


def find_model(client: BedrockClient, name_or_arn: str) -> tuple[str, ModelStatus, str] | None:
    """ARN, status and failure message of a custom model."""
    try:
        answer = client.get_custom_model(modelIdentifier=name_or_arn)
    except ClientError as error:
        if error_code(error) in ("ResourceNotFoundException", "ValidationException"):
            return None
        raise
    # Models made before the status existed have none: they are ready.
    return answer["modelArn"], answer.get("modelStatus", "Active"), answer.get("failureMessage", "")


# -- deployments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deployment:
    """``ready`` means that it answers; ``failed`` is final."""

    arn: str
    ready: bool
    failed: bool
    message: str


class Deployments(Protocol):
    """The two ways to serve a custom model have the same life: created, looked at, deleted."""

    kind: str

    def create(self, name: str, model_arn: str, tags: Tags) -> str: ...
    def find(self, name_or_arn: str) -> Deployment | None: ...
    def delete(self, arn: str) -> None: ...


def deployments(client: BedrockClient, kind: str) -> Deployments:
    return ProvisionedThroughput(client) if kind == "provisioned" else OnDemandDeployments(client)


class OnDemandDeployments:
    """Custom model deployments: paid by the token."""

    kind = "on-demand"

    def __init__(self, client: BedrockClient) -> None:
        self._client = client

    def create(self, name: str, model_arn: str, tags: Tags) -> str:
        request: dict[str, Any] = {
            "modelDeploymentName": name,
            "modelArn": model_arn,
            "clientRequestToken": name,
            "tags": tags,
        }
        try:
            return self._client.create_custom_model_deployment(**request)["customModelDeploymentArn"]
        except ClientError as error:
            return _existing(self, name, error)

    def find(self, name_or_arn: str) -> Deployment | None:
        try:
            answer = self._client.get_custom_model_deployment(customModelDeploymentIdentifier=name_or_arn)
        except ClientError as error:
            if error_code(error) in ("ResourceNotFoundException", "ValidationException"):
                return None
            raise
        status = answer["status"].lower()  # AWS's own texts write it both ways
        return Deployment(
            arn=answer["customModelDeploymentArn"],
            ready=status == "active",
            failed=status == "failed",
            message=answer.get("failureMessage", ""),
        )

    def delete(self, arn: str) -> None:
        try:
            self._client.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise


class ProvisionedThroughput:
    """One model unit without commitment: paid by the hour until it is deleted."""

    kind = "provisioned"

    def __init__(self, client: BedrockClient) -> None:
        self._client = client

    def create(self, name: str, model_arn: str, tags: Tags) -> str:
        request: dict[str, Any] = {
            "provisionedModelName": name,
            "modelId": model_arn,
            "modelUnits": 1,
            "clientRequestToken": name,
            "tags": tags,
        }
        try:
            return self._client.create_provisioned_model_throughput(**request)["provisionedModelArn"]
        except ClientError as error:
            return _existing(self, name, error)

    def find(self, name_or_arn: str) -> Deployment | None:
        try:
            answer = self._client.get_provisioned_model_throughput(provisionedModelId=name_or_arn)
        except ClientError as error:
            if error_code(error) in ("ResourceNotFoundException", "ValidationException"):
                return None
            raise
        return Deployment(
            arn=answer["provisionedModelArn"],
            ready=answer["status"] == "InService",
            failed=answer["status"] == "Failed",
            message=answer.get("failureMessage", ""),
        )

    def delete(self, arn: str) -> None:
        try:
            self._client.delete_provisioned_model_throughput(provisionedModelId=arn)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise


def _existing(deployments: Deployments, name: str, error: ClientError) -> str:
    """A name that is taken is our own earlier attempt: names are run ids."""
    if error_code(error) in ("ConflictException", "ValidationException"):
        found = deployments.find(name)
        if found is not None:
            return found.arn
        raise DeploymentFailed(error_message(error)) from None
    if error_code(error) == "ResourceNotFoundException":
        raise DeploymentFailed(error_message(error)) from None
    if error_code(error) == "ServiceQuotaExceededException":
        raise DeploymentPending(f"no place for another deployment yet: {error_message(error)}") from None
    raise error
