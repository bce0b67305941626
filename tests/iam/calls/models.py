"""Calls of Bedrock.

Every resource that a stack makes in Bedrock has the stack's tag, and its functions ask for no others': so requests are
evaluated with that tag on what they are about. That it is so is seen elsewhere: the Bedrock stand-in looks at the tags
that a resource really has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tests.iam.calls.place import Need, Parameters, Place, tags
from tests.iam.calls.storage import Table
from tests.iam.matching import Context

STACK_TAG = "rft:stack"
CUSTOMISING = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
INVOKING = ("kms:Decrypt", "kms:GenerateDataKey")


def _arn(kind: str, name_or_arn: str, place: Place) -> str:
    return name_or_arn if name_or_arn.startswith("arn:") else place.arn("bedrock", f"{kind}/{name_or_arn}")


def _foundation(model: str, place: Place) -> str:
    if model.startswith("arn:"):
        return model
    return f"arn:{place.partition}:bedrock:{place.region}::foundation-model/{model}"


def _ours(place: Place) -> Context:
    return {f"aws:ResourceTag/{STACK_TAG}": place.stack}


def _on(kind: str, parameter: str, action: str) -> Callable[[Parameters, Place], Iterator[Need]]:
    def needs(given: Parameters, place: Place) -> Iterator[Need]:
        yield Need(action, _arn(kind, given[parameter], place), _ours(place))

    return needs


def _job_created(given: Parameters, place: Place) -> Iterator[Need]:
    """It is asked for on the models that it trains and makes; the tags, the role and the key each take a right more."""
    of_job, of_model = given.get("jobTags", ()), given.get("customModelTags", ())
    model = place.arn("bedrock", f"custom-model/{given['customModelName']}")
    action = "bedrock:CreateModelCustomizationJob"
    for resource in (_foundation(given["baseModelIdentifier"], place), model):
        yield Need(action, resource, tags("aws:RequestTag", of_job))
    if of_job:
        job = place.arn("bedrock", f"model-customization-job/{given['jobName']}")
        yield Need("bedrock:TagResource", job, tags("aws:RequestTag", of_job))
    if of_model:
        yield Need("bedrock:TagResource", model, tags("aws:RequestTag", of_model))
    yield Need("iam:PassRole", given["roleArn"], {"iam:PassedToService": "bedrock.amazonaws.com"})
    if key := given.get("customModelKmsKeyId"):
        yield from place.use(key, "bedrock", CUSTOMISING)


def _made_of_a_model(action: str, model: str, kind: str, name: str, given: Parameters, place: Place) -> Iterator[Need]:
    tagged = tags("aws:RequestTag", given.get("tags", ()))
    yield Need(action, _arn("custom-model", given[model], place), {**_ours(place), **tagged})
    if tagged:
        yield Need("bedrock:TagResource", place.arn("bedrock", f"{kind}/{given[name]}"), tagged)


def _deployment_updated(given: Parameters, place: Place) -> Iterator[Need]:
    """No document says on which of the two: so on both."""
    action = "bedrock:UpdateCustomModelDeployment"
    yield Need(action, _arn("custom-model-deployment", given["customModelDeploymentIdentifier"], place), _ours(place))
    yield Need(action, _arn("custom-model", given["modelArn"], place), _ours(place))


def _tags_listed(given: Parameters, place: Place) -> Iterator[Need]:
    yield Need("bedrock:ListTagsForResource", given["resourceARN"], _ours(place))


_JOB = partial(_on, "model-customization-job", "jobIdentifier")
_DEPLOYMENT = partial(_on, "custom-model-deployment", "customModelDeploymentIdentifier")
_THROUGHPUT = partial(_on, "provisioned-model", "provisionedModelId")
_MODEL = partial(_on, "custom-model", "modelIdentifier")

BEDROCK: Table = {
    "CreateCustomModelDeployment": partial(
        _made_of_a_model,
        "bedrock:CreateCustomModelDeployment",
        "modelArn",
        "custom-model-deployment",
        "modelDeploymentName",
    ),
    "CreateModelCustomizationJob": _job_created,
    "CreateProvisionedModelThroughput": partial(
        _made_of_a_model,
        "bedrock:CreateProvisionedModelThroughput",
        "modelId",
        "provisioned-model",
        "provisionedModelName",
    ),
    "DeleteCustomModel": _MODEL("bedrock:DeleteCustomModel"),
    "DeleteCustomModelDeployment": _DEPLOYMENT("bedrock:DeleteCustomModelDeployment"),
    "DeleteProvisionedModelThroughput": _THROUGHPUT("bedrock:DeleteProvisionedModelThroughput"),
    "GetCustomModel": _MODEL("bedrock:GetCustomModel"),
    "GetCustomModelDeployment": _DEPLOYMENT("bedrock:GetCustomModelDeployment"),
    "GetModelCustomizationJob": _JOB("bedrock:GetModelCustomizationJob"),
    "GetProvisionedModelThroughput": _THROUGHPUT("bedrock:GetProvisionedModelThroughput"),
    "ListTagsForResource": _tags_listed,
    "StopModelCustomizationJob": _JOB("bedrock:StopModelCustomizationJob"),
    "UpdateCustomModelDeployment": _deployment_updated,
}


def _invoked(given: Parameters, place: Place) -> Iterator[Need]:
    """Converse is InvokeModel to IAM. By a profile it takes the profile, and the model wherever that routes to."""
    model = given["modelId"]
    profile = model if ":inference-profile/" in model else place.arn("bedrock", f"inference-profile/{model}")
    action = "bedrock:InvokeModel"
    if profile in place.profiles:
        yield Need(action, profile)
        for one in place.profiles[profile]:
            yield Need(action, one, {"bedrock:InferenceProfileArn": profile})
    elif ":custom-model-deployment/" in model or ":provisioned-model/" in model:
        yield Need(action, model, _ours(place))
        if place.model_key:
            yield from place.use(place.model_key, "bedrock", INVOKING)
    elif ":inference-profile/" in model or ":application-inference-profile/" in model:
        raise LookupError(f"no parameter of the stack says where {model} routes to")
    else:
        yield Need(action, _foundation(model, place))


BEDROCK_RUNTIME: Table = {"Converse": _invoked, "InvokeModel": _invoked}
