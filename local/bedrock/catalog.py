"""The foundation models that the stand-in has: Nova 2 Lite, its long-context id that jobs customise, and two judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from local.bedrock.protocol.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from local.bedrock.settings import Settings

NOVA = "amazon.nova-2-lite-v1:0"
CUSTOMIZABLE = f"{NOVA}:256k"
NOVA_PRO = "amazon.nova-pro-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"


class _Model(NamedTuple):
    name: str
    provider: str
    inference_type: str = "ON_DEMAND"


_MODELS = {
    NOVA: _Model("Nova 2 Lite", "Amazon"),
    CUSTOMIZABLE: _Model("Nova 2 Lite", "Amazon", "PROVISIONED"),
    NOVA_PRO: _Model("Nova Pro", "Amazon"),
    GPT_OSS: _Model("gpt-oss-120b", "OpenAI"),
}
_JUDGES = (NOVA_PRO, GPT_OSS)
_PROFILES = {f"us.{NOVA}": NOVA, f"global.{NOVA}": NOVA, f"us.{NOVA_PRO}": NOVA_PRO}
# Where a profile of one geography sends a question that comes from us-east-1 (user guide, "Supported Regions and models
# for inference profiles"); a global one has one ARN without a region for all the others.
_REGIONS = {"us": ("us-east-1", "us-east-2", "us-west-2"), "global": ("",)}


@dataclass(frozen=True, slots=True)
class Profile:
    """An inference profile of the account, and the foundation models that it sends questions to."""

    arn: str
    model_arns: tuple[str, ...]


class Catalog:
    """ListFoundationModels and GetFoundationModel, and what the identifiers of foundation models mean."""

    def __init__(self, settings: Settings) -> None:
        self._region, self._account = settings.region, settings.account

    def arn(self, model_id: str) -> str:
        """The ARN of a foundation model."""
        return f"arn:aws:bedrock:{self._region}::foundation-model/{model_id}"

    def customizable(self, identifier: str) -> str:
        """The ARN of the base model that a job names. Raises where no job could be trained on it."""
        model_id = identifier.removeprefix(self.arn(""))
        if model_id == CUSTOMIZABLE:
            return self.arn(CUSTOMIZABLE)
        if model_id in _MODELS or ":custom-model/" in identifier:
            raise InvalidError(f"The model {identifier} cannot be customised; use {CUSTOMIZABLE}.")
        raise NotFoundError(f"There is no base model {identifier}; reinforcement fine-tuning takes {CUSTOMIZABLE}.")

    def model_id(self, identifier: str) -> str | None:
        """The id of the foundation model that inference with this identifier asks: one of its ids or its ARNs, an
        inference profile or its ARN. None if it is no foundation model's."""
        model_id = identifier.removeprefix(self.arn(""))
        return model_id if model_id in _MODELS else _PROFILES.get(identifier.removeprefix(self._profile_arn("")))

    def profile(self, identifier: str) -> Profile | None:
        """The inference profile that an id or an ARN names, known or not; None where it names something else."""
        name = identifier.removeprefix(self._profile_arn(""))
        geography, _, model_id = name.partition(".")
        if name == identifier and (geography not in _REGIONS or identifier.startswith("arn:")):
            return None
        regions = {self._region, *_REGIONS.get(geography, ())}
        models = tuple(f"arn:aws:bedrock:{region}::foundation-model/{model_id}" for region in sorted(regions))
        return Profile(self._profile_arn(name), models)

    def _profile_arn(self, name: str) -> str:
        return f"arn:aws:bedrock:{self._region}:{self._account}:inference-profile/{name}"

    def is_base(self, identifier: str) -> bool:
        """Whether inference with this identifier asks the base model."""
        return self.model_id(identifier) in (NOVA, CUSTOMIZABLE)

    def judge(self, identifier: str) -> str | None:
        """The id of the judge model that inference with this identifier asks, else None."""
        model_id = self.model_id(identifier)
        return model_id if model_id in _JUDGES else None

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListFoundationModels."""
        wanted = (
            given.get("byOutputModality", "TEXT") == "TEXT"
            and "byCustomizationType" not in given  # the enum has no REINFORCEMENT_FINE_TUNING
        )
        provider, kind = given.get("byProvider"), given.get("byInferenceType")
        models = [
            self._details(model_id)
            for model_id, model in _MODELS.items()
            if wanted
            and (provider is None or provider.lower() == model.provider.lower())
            and kind in (None, model.inference_type)
        ]
        return {"modelSummaries": models}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetFoundationModel."""
        model_id = given["modelIdentifier"].removeprefix(self.arn(""))
        if model_id not in _MODELS:
            raise NotFoundError(f"There is no foundation model {given['modelIdentifier']}")
        return {"modelDetails": self._details(model_id)}

    def _details(self, model_id: str) -> dict[str, Any]:
        """What Bedrock says of the model, but that here it takes text only and streams nothing."""
        model = _MODELS[model_id]
        return {
            "modelArn": self.arn(model_id),
            "modelId": model_id,
            "modelName": model.name,
            "providerName": model.provider,
            "inputModalities": ["TEXT"],
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": False,
            "customizationsSupported": [],
            "inferenceTypesSupported": [model.inference_type],
            "modelLifecycle": {"status": "ACTIVE"},
        }
