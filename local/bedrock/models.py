"""The operations on custom models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.bedrock.catalog import NOVA
from local.bedrock.jobs import configuration
from local.bedrock.listing import page
from local.bedrock.protocol.errors import ConflictError, NotFoundError
from local.bedrock.records import CustomModel, Deployment, Throughput

if TYPE_CHECKING:
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging


def custom_model(store: Store, identifier: str) -> CustomModel:
    """The custom model with this ARN or name. Raises ResourceNotFoundException."""
    model = store.get(CustomModel, identifier)
    if model is None:
        raise NotFoundError(f"There is no custom model {identifier}")
    return model


class Models:
    """Get, List and Delete. A model is Active from the moment its job is Completed."""

    def __init__(self, store: Store, settings: Settings, tagging: Tagging) -> None:
        self._store, self._settings, self._tagging = store, settings, tagging

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetCustomModel."""
        model = custom_model(self._store, given["modelIdentifier"])
        return {
            "modelArn": model.arn,
            "modelName": model.name,
            "jobName": model.job.name,
            "jobArn": model.job.arn,
            "baseModelArn": model.job.base_model_arn,
            "modelKmsKeyArn": model.job.key_arn,
            "creationTime": model.created,
            "modelStatus": "Active",
            **configuration(model.job),
        }

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListCustomModels."""
        models = self._store.all(CustomModel)
        if given.get("modelStatus", "Active") != "Active" or given.get("isOwned") is False:
            models = []
        for name in ("baseModelArnEquals", "foundationModelArnEquals"):
            if name in given:
                models = [model for model in models if model.job.base_model_arn == given[name]]
        found, token = page(models, given)
        return {"modelSummaries": [self._summary(model) for model in found], "nextToken": token}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteCustomModel."""
        with self._store.transaction():
            model = custom_model(self._store, given["modelIdentifier"])
            users = [d.arn for d in self._store.all(Deployment) if model.arn in d.models]
            users += [t.arn for t in self._store.all(Throughput) if model.arn in (t.model_arn, t.desired_model_arn)]
            if users:
                raise ConflictError(f"The custom model {model.name} is in use by {', '.join(users)}")
            self._store.delete(model)
            self._tagging.forget(model.arn)
        (self._settings.models / model.job.id / "tuned.npz").unlink(missing_ok=True)
        return {}

    def _summary(self, model: CustomModel) -> dict[str, Any]:
        return {
            "modelArn": model.arn,
            "modelName": model.name,
            "creationTime": model.created,
            "baseModelArn": model.job.base_model_arn,
            "baseModelName": NOVA.partition(":")[0],
            "customizationType": model.job.request["customizationType"],
            "ownerAccountId": self._settings.account,
            "modelStatus": "Active",
        }
