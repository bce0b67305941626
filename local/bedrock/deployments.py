"""The operations on on-demand deployments of custom models.

A deployment has no process behind it that could take time, so its status is worked out when somebody reads it: from
its age, and from the fault in force for its name.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local.bedrock.listing import page
from local.bedrock.models import custom_model
from local.bedrock.protocol.errors import ConflictError, InvalidError, NotFoundError, QuotaError
from local.bedrock.records import Deployment, new_id, now
from local.bedrock.tokens import once

if TYPE_CHECKING:
    from local.bedrock.faults import Faults
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging

_MOST_CREATING = 2  # quota L-430C95DD, "in-progress custom model deployments"


class Deployments:
    """Create, Get, Update, Delete and List."""

    def __init__(self, store: Store, settings: Settings, faults: Faults, tagging: Tagging) -> None:
        self._store, self._settings, self._faults, self._tagging = store, settings, faults, tagging

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateCustomModelDeployment. It has no ConflictException: what is in the way is a ValidationException."""
        operation = "CreateCustomModelDeployment"
        arn = once(self._store, operation, given, lambda: self._created(given), InvalidError)
        return {"customModelDeploymentArn": arn}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetCustomModelDeployment."""
        deployment = self.deployment(given["customModelDeploymentIdentifier"])
        update = {"modelArn": deployment.next_model_arn, "updateStatus": deployment.update_status}
        return {
            "customModelDeploymentArn": deployment.arn,
            "modelDeploymentName": deployment.name,
            "modelArn": deployment.model_arn,
            "createdAt": deployment.created,
            "status": _status(deployment),
            "description": deployment.description,
            "updateDetails": update if deployment.update_status else None,
            "failureMessage": deployment.failure_message,
            "lastUpdatedAt": deployment.modified,
        }

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateCustomModelDeployment: another model behind the same ARN."""
        with self._store.transaction():
            deployment = self.deployment(given["customModelDeploymentIdentifier"])
            model = custom_model(self._store, given["modelArn"])
            if _status(deployment) != "Active" or deployment.update_status == "Updating":
                raise InvalidError(f"The deployment {deployment.name} is not Active, or being updated already.")
            change = {
                "next_model_arn": model.arn,
                "update_status": "Updating",
                "failure_message": None,
                "modified": now(),
            }
            self._store.save(deployment.model_copy(update=change))
        return {"customModelDeploymentArn": deployment.arn}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteCustomModelDeployment."""
        with self._store.transaction():
            deployment = self.deployment(given["customModelDeploymentIdentifier"])
            if deployment.update_status == "Updating":
                raise ConflictError(f"The deployment {deployment.name} is being updated.")
            self._store.delete(deployment)
            self._tagging.forget(deployment.arn)
        return {}

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListCustomModelDeployments."""
        status, model = given.get("statusEquals"), given.get("modelArnEquals")
        deployments = [
            deployment
            for deployment in map(self._settled, self._store.all(Deployment))
            if status in (None, _status(deployment)) and model in (None, deployment.model_arn)
        ]
        found, token = page(deployments, given, after="createdAfter", before="createdBefore")
        return {"modelDeploymentSummaries": [_summary(deployment) for deployment in found], "nextToken": token}

    def deployment(self, identifier: str) -> Deployment:
        """The deployment with this ARN or name, as it is now. Raises ResourceNotFoundException."""
        deployment = self._store.get(Deployment, identifier)
        if deployment is None:
            raise NotFoundError(f"There is no custom model deployment {identifier}")
        return self._settled(deployment)

    def _created(self, given: dict[str, Any]) -> str:
        name = given["modelDeploymentName"]
        model = custom_model(self._store, given["modelArn"])
        if self._store.get(Deployment, name):
            raise InvalidError(f"The deployment name {name} is in use.")
        creating = sum(_status(self._settled(deployment)) == "Creating" for deployment in self._store.all(Deployment))
        if creating >= _MOST_CREATING:
            raise QuotaError(
                f"There are {creating} custom model deployments in progress; {_MOST_CREATING} is the most."
            )
        arn = self._settings.arn(f"custom-model-deployment/{new_id()}")
        self._tagging.attach(arn, given.get("tags", []))
        self._store.save(Deployment(arn=arn, name=name, model_arn=model.arn, description=given.get("description")))
        return arn

    def _settled(self, deployment: Deployment) -> Deployment:
        """The deployment after all that has happened to it since it was last looked at."""
        creating, updating = _status(deployment) == "Creating", deployment.update_status == "Updating"
        if not creating and not updating:
            return deployment
        fault = self._faults.deployment(deployment.name)
        if fault is None and now() - deployment.modified < timedelta(seconds=self._settings.deployment_seconds):
            return deployment
        change: dict[str, Any]
        match (fault.do if fault else None, creating):
            case ("stay", _):
                return deployment
            case ("fail", True):
                change = {"failure_message": fault.message if fault else ""}
            case ("fail", False):
                change = {"update_status": "UpdateFailed", "failure_message": fault.message if fault else ""}
            case (_, True):
                change = {"active": True}
            case _:
                change = {"model_arn": deployment.next_model_arn, "update_status": "UpdateCompleted"}
        settled = deployment.model_copy(update=change | {"modified": now()})
        with self._store.transaction():
            if self._store.get(Deployment, deployment.arn) == deployment:
                self._store.save(settled)
                if fault:
                    self._faults.failed(deployment.name)
        return settled


def _status(deployment: Deployment) -> str:
    if deployment.active:
        return "Active"
    return "Failed" if deployment.failure_message else "Creating"


def _summary(deployment: Deployment) -> dict[str, Any]:
    return {
        "customModelDeploymentArn": deployment.arn,
        "customModelDeploymentName": deployment.name,
        "modelArn": deployment.model_arn,
        "createdAt": deployment.created,
        "status": _status(deployment),
        "lastUpdatedAt": deployment.modified,
        "failureMessage": deployment.failure_message,
    }
