"""The foundation models that the stand-in has: Nova 2 Lite, and its long-context id that jobs customise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.bedrock.protocol.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from local.bedrock.settings import Settings

NOVA = "amazon.nova-2-lite-v1:0"
CUSTOMIZABLE = f"{NOVA}:256k"
_PROFILES = (f"us.{NOVA}", f"global.{NOVA}")


class Catalog:
    """ListFoundationModels and GetFoundationModel, and what the identifiers of base models mean."""

    def __init__(self, settings: Settings) -> None:
        self._region, self._account = settings.region, settings.account

    def arn(self, model_id: str) -> str:
        """The ARN of a foundation model."""
        return f"arn:aws:bedrock:{self._region}::foundation-model/{model_id}"

    def customizable(self, identifier: str) -> str:
        """The ARN of the base model that a job names. Raises where no job could be trained on it."""
        if identifier in (CUSTOMIZABLE, self.arn(CUSTOMIZABLE)):
            return self.arn(CUSTOMIZABLE)
        if identifier in (NOVA, self.arn(NOVA)) or ":custom-model/" in identifier:
            raise InvalidError(f"The model {identifier} cannot be customised; use {CUSTOMIZABLE}.")
        raise NotFoundError(f"There is no base model {identifier}; reinforcement fine-tuning takes {CUSTOMIZABLE}.")

    def is_base(self, identifier: str) -> bool:
        """Whether inference with this identifier asks the base model: its ids, its ARNs, its inference profiles."""
        profile = f"arn:aws:bedrock:{self._region}:{self._account}:inference-profile/"
        return (
            identifier in (NOVA, CUSTOMIZABLE, self.arn(NOVA), self.arn(CUSTOMIZABLE), *_PROFILES)
            or identifier.removeprefix(profile) in _PROFILES
        )

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListFoundationModels."""
        wanted = (
            given.get("byProvider", "Amazon").lower() == "amazon"
            and given.get("byOutputModality", "TEXT") == "TEXT"
            and "byCustomizationType" not in given  # the enum has no REINFORCEMENT_FINE_TUNING
        )
        kind = given.get("byInferenceType")
        models = [self._details(model_id) for model_id in (NOVA, CUSTOMIZABLE)] if wanted else []
        return {"modelSummaries": [m for m in models if kind is None or kind in m["inferenceTypesSupported"]]}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetFoundationModel."""
        for model_id in (NOVA, CUSTOMIZABLE):
            if given["modelIdentifier"] in (model_id, self.arn(model_id)):
                return {"modelDetails": self._details(model_id)}
        raise NotFoundError(f"There is no foundation model {given['modelIdentifier']}")

    def _details(self, model_id: str) -> dict[str, Any]:
        return {
            "modelArn": self.arn(model_id),
            "modelId": model_id,
            "modelName": "Nova 2 Lite",
            "providerName": "Amazon",
            "inputModalities": ["TEXT"],
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": False,
            "customizationsSupported": [],
            "inferenceTypesSupported": ["ON_DEMAND" if model_id == NOVA else "PROVISIONED"],
            "modelLifecycle": {"status": "ACTIVE"},
        }
