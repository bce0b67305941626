"""Which rights each operation takes: IAM actions, the ARNs they are looked at on, and the condition keys they bring.

From the Service Authorization Reference of Amazon Bedrock, and from its user guide for what a call makes Bedrock do for
the caller (``iam:PassRole``, the rights on a customer's key). An ARN is that of what was *asked for*, whether it exists
or not, so that nobody learns from a refusal what there is. What doesn't exist has no tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.bedrock.authorization.checking import ContextValue, Need
from local.bedrock.authorization.key_needs import ASKING, key_needs
from local.bedrock.catalog import CUSTOMIZABLE
from local.bedrock.records import CustomModel, Deployment, Job, Record, Throughput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.bedrock.catalog import Catalog
    from local.bedrock.keys import Keys
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging

type Given = dict[str, Any]

_TYPES: dict[type[Record], str] = {
    Job: "model-customization-job",
    CustomModel: "custom-model",
    Deployment: "custom-model-deployment",
    Throughput: "provisioned-model",
}


class Needs:
    """The table. An operation that is not in it is nobody's to call."""

    def __init__(self, *, store: Store, settings: Settings, catalog: Catalog, tagging: Tagging, keys: Keys) -> None:
        self._store, self._settings, self._catalog, self._tagging, self._keys = store, settings, catalog, tagging, keys
        self._of: dict[str, Callable[[Given, str], Iterator[Need]]] = {
            "CreateModelCustomizationJob": self._create_job,
            "GetModelCustomizationJob": self._on(Job, "jobIdentifier"),
            "StopModelCustomizationJob": self._on(Job, "jobIdentifier"),
            "ListModelCustomizationJobs": _listing,
            "GetCustomModel": self._on(CustomModel, "modelIdentifier"),
            "DeleteCustomModel": self._on(CustomModel, "modelIdentifier"),
            "ListCustomModels": _listing,
            "CreateCustomModelDeployment": self._create_deployment,
            "GetCustomModelDeployment": self._on(Deployment, "customModelDeploymentIdentifier"),
            "UpdateCustomModelDeployment": self._update_deployment,
            "DeleteCustomModelDeployment": self._on(Deployment, "customModelDeploymentIdentifier"),
            "ListCustomModelDeployments": _listing,
            "CreateProvisionedModelThroughput": self._create_throughput,
            "GetProvisionedModelThroughput": self._on(Throughput, "provisionedModelId"),
            "UpdateProvisionedModelThroughput": self._update_throughput,
            "DeleteProvisionedModelThroughput": self._on(Throughput, "provisionedModelId"),
            "ListProvisionedModelThroughputs": _listing,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
            "ListFoundationModels": _listing,
            "GetFoundationModel": self._get_foundation_model,
            "Converse": self._invoke,
            "InvokeModel": self._invoke,
        }

    def of(self, operation: str, given: Given) -> list[Need]:
        """What a call needs; ``given`` need not have been checked against the operation's shape.

        Raises ``KeyError`` for an operation that the table lacks.
        """
        return list(self._of[operation](given, f"bedrock:{operation}"))

    @property
    def operations(self) -> set[str]:
        """All that the table has."""
        return set(self._of)

    def _on(self, kind: type[Record], member: str) -> Callable[[Given, str], Iterator[Need]]:
        """One resource, by its ARN or its name."""

        def needs(given: Given, action: str) -> Iterator[Need]:
            yield self._need(action, self._arn(kind, given.get(member)))

        return needs

    def _create_job(self, given: Given, action: str) -> Iterator[Need]:
        job_tags, model_tags = _tags(given, "jobTags"), _tags(given, "customModelTags")
        base = self._base_arn(given.get("baseModelIdentifier"))
        # Neither the job nor its model has an id yet: the rights have to reach any.
        job = self._settings.arn(f"{_TYPES[Job]}/{CUSTOMIZABLE}/*")
        model = self._settings.arn(f"{_TYPES[CustomModel]}/{CUSTOMIZABLE}/*")
        yield self._need(action, base, job_tags)
        yield self._need(action, model, model_tags)
        if job_tags:
            yield self._need("bedrock:TagResource", job, job_tags)
        if model_tags:
            yield self._need("bedrock:TagResource", model, model_tags)
        yield Need("iam:PassRole", _text(given.get("roleArn")), {"iam:PassedToService": "bedrock.amazonaws.com"})
        if key := _text(given.get("customModelKmsKeyId")):
            yield from key_needs(self._keys.arn_asked_for(key), self._settings.region)

    def _create_deployment(self, given: Given, action: str) -> Iterator[Need]:
        tags = _tags(given, "tags")
        yield self._need(action, self._arn(CustomModel, given.get("modelArn")), tags)
        if tags:
            yield self._need("bedrock:TagResource", self._settings.arn(f"{_TYPES[Deployment]}/*"), tags)

    def _update_deployment(self, given: Given, action: str) -> Iterator[Need]:
        yield self._need(action, self._arn(Deployment, given.get("customModelDeploymentIdentifier")))
        yield self._need(action, self._arn(CustomModel, given.get("modelArn")))

    def _create_throughput(self, given: Given, action: str) -> Iterator[Need]:
        tags = _tags(given, "tags")
        yield self._need(action, self._model_arn(given.get("modelId")), tags)
        if tags:
            yield self._need("bedrock:TagResource", self._settings.arn(f"{_TYPES[Throughput]}/*"), tags)

    def _update_throughput(self, given: Given, action: str) -> Iterator[Need]:
        yield self._need(action, self._arn(Throughput, given.get("provisionedModelId")))
        if model := given.get("desiredModelId"):
            yield self._need(action, self._model_arn(model))

    def _tag(self, given: Given, action: str) -> Iterator[Need]:
        yield self._need(action, _text(given.get("resourceARN")), _tags(given, "tags"))

    def _untag(self, given: Given, action: str) -> Iterator[Need]:
        keys = given.get("tagKeys")
        named = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
        resource = _text(given.get("resourceARN"))
        yield Need(action, resource, self._resource_tags(resource) | ({"aws:TagKeys": named} if named else {}))

    def _list_tags(self, given: Given, action: str) -> Iterator[Need]:
        yield self._need(action, _text(given.get("resourceARN")))

    def _get_foundation_model(self, given: Given, action: str) -> Iterator[Need]:
        yield self._need(action, self._base_arn(given.get("modelIdentifier")))

    def _invoke(self, given: Given, _: str) -> Iterator[Need]:
        """Converse too is authorised as InvokeModel. Through an inference profile, on it and on each model behind."""
        action, identifier = "bedrock:InvokeModel", _text(given.get("modelId"))
        if profile := self._catalog.profile(identifier):
            yield Need(action, profile.arn)
            for model_arn in profile.model_arns:
                yield Need(action, model_arn, {"bedrock:InferenceProfileArn": profile.arn})
            return
        if not identifier.startswith("arn:"):
            yield Need(action, self._catalog.arn(identifier))
            return
        yield self._need(action, identifier)
        if key := self._key_behind(identifier):
            yield from key_needs(key, self._settings.region, ASKING)

    def _key_behind(self, identifier: str) -> str | None:
        """The ARN of the key of the custom model that a deployment or a provisioned throughput serves."""
        served = self._store.get(Deployment, identifier) or self._store.get(Throughput, identifier)
        model = self._store.get(CustomModel, served.model_arn) if served else None
        return model.job.key_arn if model else None

    def _need(self, action: str, resource: str, tags: dict[str, str] | None = None) -> Need:
        return Need(action, resource, self._resource_tags(resource) | _request_tags(tags or {}))

    def _resource_tags(self, arn: str) -> dict[str, ContextValue]:
        return {f"aws:ResourceTag/{key}": value for key, value in self._tagging.of(arn).items()}

    def _arn(self, kind: type[Record], identifier: object) -> str:
        """Of what an identifier names: an ARN says it itself, even a wrong one."""
        text = _text(identifier)
        if text.startswith("arn:"):
            return text
        record = self._store.get(kind, text)
        return record.arn if record else self._settings.arn(f"{_TYPES[kind]}/{text}")

    def _base_arn(self, identifier: object) -> str:
        text = _text(identifier)
        return text if text.startswith("arn:") else self._catalog.arn(text)

    def _model_arn(self, identifier: object) -> str:
        """A model that may be a foundation model's id, or a custom model's name."""
        text = _text(identifier)
        return self._catalog.arn(text) if self._catalog.model_id(text) else self._arn(CustomModel, text)


def _listing(_: Given, action: str) -> Iterator[Need]:
    yield Need(action, "*")


def _tags(given: Given, member: str) -> dict[str, str]:
    """Tags as the request has them; what is no tag is told by the check of the shape, later."""
    tags = given.get(member)
    found = [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    pairs = [(tag.get("key"), tag.get("value")) for tag in found]
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


def _request_tags(tags: dict[str, str]) -> dict[str, ContextValue]:
    context: dict[str, ContextValue] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return context | ({"aws:TagKeys": list(tags)} if tags else {})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
