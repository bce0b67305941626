"""The operations on provisioned throughput."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local.bedrock.catalog import CUSTOMIZABLE
from local.bedrock.listing import page
from local.bedrock.models import custom_model
from local.bedrock.protocol.errors import ConflictError, InvalidError, NotFoundError
from local.bedrock.records import Throughput, new_id, now
from local.bedrock.tokens import once

if TYPE_CHECKING:
    from local.bedrock.catalog import Catalog
    from local.bedrock.faults import Faults
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging

_TERM_DAYS = {"OneMonth": 30, "SixMonths": 182}


class Throughputs:
    """Create, Get, Update, Delete and List. As with deployments, the status is worked out when somebody reads it."""

    def __init__(self, store: Store, settings: Settings, catalog: Catalog, faults: Faults, tagging: Tagging) -> None:
        self._store, self._settings, self._catalog = store, settings, catalog
        self._faults, self._tagging = faults, tagging

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateProvisionedModelThroughput. It has no ConflictException: see ``deployments``."""
        operation = "CreateProvisionedModelThroughput"
        return {"provisionedModelArn": once(self._store, operation, given, lambda: self._created(given), InvalidError)}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetProvisionedModelThroughput."""
        throughput = self.throughput(given["provisionedModelId"])
        return _summary(throughput) | {"failureMessage": throughput.failure_message}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateProvisionedModelThroughput: another name, or another model of the same base."""
        with self._store.transaction():
            throughput = self.throughput(given["provisionedModelId"])
            if _status(throughput) != "InService":
                raise InvalidError(f"The provisioned throughput {throughput.name} is {_status(throughput)}.")
            change: dict[str, Any] = {"modified": now()}
            if name := given.get("desiredProvisionedModelName"):
                self._refuse_name_in_use(name)
                change["name"] = name
            if identifier := given.get("desiredModelId"):
                change |= {"desired_model_arn": self._model_arn(identifier)}
            self._store.save(throughput.model_copy(update=change))
        return {}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteProvisionedModelThroughput. A commitment must run out first."""
        with self._store.transaction():
            throughput = self.throughput(given["provisionedModelId"])
            if throughput.commitment:
                raise ConflictError(f"{throughput.name} is committed until {_expires(throughput)}.")
            self._store.delete(throughput)
            self._tagging.forget(throughput.arn)
        return {}

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListProvisionedModelThroughputs."""
        status, model = given.get("statusEquals"), given.get("modelArnEquals")
        throughputs = [
            throughput
            for throughput in map(self._settled, self._store.all(Throughput))
            if status in (None, _status(throughput)) and model in (None, throughput.model_arn)
        ]
        found, token = page(throughputs, given)
        return {"provisionedModelSummaries": [_summary(throughput) for throughput in found], "nextToken": token}

    def throughput(self, identifier: str) -> Throughput:
        """The provisioned throughput with this ARN or name, as it is now. Raises ResourceNotFoundException."""
        throughput = self._store.get(Throughput, identifier)
        if throughput is None:
            raise NotFoundError(f"There is no provisioned model throughput {identifier}")
        return self._settled(throughput)

    def _created(self, given: dict[str, Any]) -> str:
        name = given["provisionedModelName"]
        self._refuse_name_in_use(name)
        model_arn = self._model_arn(given["modelId"])
        arn = self._settings.arn(f"provisioned-model/{new_id()}")
        self._tagging.attach(arn, given.get("tags", []))
        self._store.save(
            Throughput(
                arn=arn,
                name=name,
                model_arn=model_arn,
                desired_model_arn=model_arn,
                base_model_arn=self._catalog.arn(CUSTOMIZABLE),
                units=given["modelUnits"],
                commitment=given.get("commitmentDuration"),
            )
        )
        return arn

    def _model_arn(self, identifier: str) -> str:
        if identifier in (CUSTOMIZABLE, self._catalog.arn(CUSTOMIZABLE)):
            return self._catalog.arn(CUSTOMIZABLE)
        return custom_model(self._store, identifier).arn

    def _refuse_name_in_use(self, name: str) -> None:
        if self._store.get(Throughput, name):
            raise InvalidError(f"The provisioned model name {name} is in use.")

    def _settled(self, throughput: Throughput) -> Throughput:
        if _status(throughput) not in ("Creating", "Updating"):
            return throughput
        fault = self._faults.deployment(throughput.name)
        if fault is None and now() - throughput.modified < timedelta(seconds=self._settings.deployment_seconds):
            return throughput
        if fault and fault.do == "stay":
            return throughput
        change: dict[str, Any] = {"in_service": True, "model_arn": throughput.desired_model_arn}
        if fault:
            change = {"in_service": False, "failure_message": fault.message}
        settled = throughput.model_copy(update=change | {"modified": now()})
        with self._store.transaction():
            if self._store.get(Throughput, throughput.arn) == throughput:
                self._store.save(settled)
                if fault:
                    self._faults.failed(throughput.name)
        return settled


def _status(throughput: Throughput) -> str:
    if throughput.failure_message:
        return "Failed"
    if not throughput.in_service:
        return "Creating"
    return "InService" if throughput.model_arn == throughput.desired_model_arn else "Updating"


def _expires(throughput: Throughput) -> Any:
    return throughput.created + timedelta(days=_TERM_DAYS[throughput.commitment]) if throughput.commitment else None


def _summary(throughput: Throughput) -> dict[str, Any]:
    return {
        "modelUnits": throughput.units,
        "desiredModelUnits": throughput.units,
        "provisionedModelName": throughput.name,
        "provisionedModelArn": throughput.arn,
        "modelArn": throughput.model_arn,
        "desiredModelArn": throughput.desired_model_arn,
        "foundationModelArn": throughput.base_model_arn,
        "status": _status(throughput),
        "creationTime": throughput.created,
        "lastModifiedTime": throughput.modified,
        "commitmentDuration": throughput.commitment,
        "commitmentExpirationTime": _expires(throughput),
    }
