"""Looks at what is there, of the tests' own: with nothing of what is tested."""

from __future__ import annotations

from collections.abc import Iterable

from cli.leaving.things import Thing
from cli.leaving.work import Outcome
from tests.contract.application import client
from tests.contract.leaving.scene import PARAMETERS_OF_OTHERS, Scene


def kinds(things: Iterable[Thing]) -> list[str]:
    return list(dict.fromkeys(thing.kind for thing in things))


def kinds_left(outcome: Outcome) -> set[str]:
    return {left.thing.kind for left in outcome.left}


def key_state(key: str) -> str:
    return str(client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


def is_empty(scene: Scene) -> bool:
    """Of all that was the stack's."""
    kms = client("kms")
    buckets = [b["Name"] for b in client("s3").list_buckets()["Buckets"]]
    tables = client("dynamodb").list_tables()["TableNames"]
    control = scene.app.bedrock.control
    models = [m["modelArn"] for m in control.list_custom_models(maxResults=1000)["modelSummaries"]]
    served = control.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]
    served_arns = [d["customModelDeploymentArn"] for d in served]
    ours = [
        arn
        for arn in [*models, *served_arns]
        if {"key": "rft:stack", "value": "rft"} in control.list_tags_for_resource(resourceARN=arn)["tags"]
    ]
    parameters = client("ssm").get_parameters(Names=["/rft/models/leaves/live"])["Parameters"]
    state = kms.describe_key(KeyId=scene.key)["KeyMetadata"]["KeyState"]
    return (
        scene.cloudformation.names,
        [b for b in buckets if b == scene.bucket],
        [t for t in tables if t.startswith("rft-RunTable")],
        ours,
        parameters,
        state,
    ) == ([], [], [], [], [], "PendingDeletion")


def foreign_is_there(place: Scene) -> bool:
    """Every thing of the other stack, unchanged."""
    if "model" in place.foreign:
        control = place.app.bedrock.control
        control.get_custom_model(modelIdentifier=place.foreign["model"])
        found = control.get_custom_model_deployment(customModelDeploymentIdentifier=place.foreign["deployment"])
        if found["status"] != "Active":
            return False
    s3 = client("s3")
    objects = s3.list_objects_v2(Bucket="rft-databucket-mine")["KeyCount"]
    s3.head_bucket(Bucket="rft-untagged")
    table = client("dynamodb").describe_table(TableName="rft-two-RunTable")["Table"]["TableStatus"]
    key = client("kms").describe_key(KeyId=place.foreign["key"])["KeyMetadata"]["KeyState"]
    names = ["/rft-two/models/theirs/live", *PARAMETERS_OF_OTHERS]
    parameter = client("ssm").get_parameters(Names=names)["Parameters"]
    logs = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/rft-two")["logGroups"]
    seen = (objects, table, key, len(parameter), len(logs))
    return seen == (1, "ACTIVE", "Enabled", len(names), 1)
