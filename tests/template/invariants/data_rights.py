"""Rights on data, models and networks: which objects, by which profile, whose interfaces; and that nobody deletes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.template.invariants.deployed import Deployed, Finding, Statement
from tests.template.invariants.rights import LAMBDA_INTERFACES

# A dataset to check, or to train on, may lie anywhere in the bucket; the API turns away what the pipeline wrote.
READS_ANYWHERE = {"ApiFunctionRole", "PrepareDatasetRole", "CheckGraderRole"}
DELETING = ("s3:Delete", "dynamodb:Delete", "kms:ScheduleKeyDeletion", "kms:Disable", "logs:Delete")


def _allowed(deployed: Deployed) -> Iterator[Statement]:
    return (statement for statement in deployed.rights if statement.allows)


def nothing_deleted(deployed: Deployed) -> Iterator[Finding]:
    """No role deletes objects, items, logs or keys: they are the user's, and go by lifecycle or by hand."""
    for statement in _allowed(deployed):
        for action in statement.actions:
            if action.startswith(DELETING) and action != "logs:DeleteLogDelivery":
                yield Finding("nothing-deleted", statement.owner, f"it may {action}")


def objects_named(deployed: Deployed) -> Iterator[Finding]:
    """Objects of our buckets are named by their folder, and written by their name or in one run's folder."""
    whole = {f"arn:aws:s3:::{bucket.physical}/*" for bucket in deployed.of_type("AWS::S3::Bucket")}
    folders = {f"{bucket.removesuffix('*')}{folder}/*" for bucket in whole for folder in ("inbox", "datasets", "runs")}
    for statement in _allowed(deployed):
        reads = {action for action in statement.actions if action.startswith("s3:Get")}
        writes = {action for action in statement.actions if action.startswith("s3:")} - reads
        if whole & set(statement.resources) and (writes or statement.owner not in READS_ANYWHERE):
            yield Finding("objects-named", statement.owner, f"{statement.actions} on the whole bucket")
        if writes and folders & set(statement.resources):
            yield Finding("objects-named", statement.owner, f"{statement.actions} in a whole folder")


def listings_named(deployed: Deployed) -> Iterator[Finding]:
    """Our bucket is listed below a prefix; what is another's must at least be this account's."""
    ours = {f"arn:aws:s3:::{bucket.physical}" for bucket in deployed.of_type("AWS::S3::Bucket")}
    for statement in _allowed(deployed):
        lists = "s3:ListBucket" in statement.actions
        prefixes = statement.demands("s3:prefix", "StringLike", "StringEquals", "StringLikeIfExists")
        if lists and ours & set(statement.resources) and (not prefixes or "*" in prefixes):
            yield Finding("listings-named", statement.owner, "it lists the whole bucket")
        foreign = [
            arn for arn in statement.resources if arn.startswith("arn:aws:s3:::") and arn.split("/")[0] not in ours
        ]
        if foreign and statement.demands("aws:ResourceAccount", "StringEquals") != [deployed.account]:
            yield Finding("listings-named", statement.owner, f"{foreign} may be a bucket of another account")


def models_by_their_profile(deployed: Deployed) -> Iterator[Finding]:
    """Where a model is asked through a profile, its ARN in the profile's regions is good for that profile only."""
    asks = [statement for statement in _allowed(deployed) if "bedrock:InvokeModel" in statement.actions]
    by_profile = {s.owner for s in asks if any("inference-profile/" in arn for arn in s.resources)}
    for statement in asks:
        models = [arn for arn in statement.resources if ":foundation-model/" in arn]
        if models and statement.owner in by_profile and not statement.demands("bedrock:InferenceProfileArn"):
            yield Finding("models-by-their-profile", statement.owner, f"{models} can be asked past the profile")


def interfaces_of_jobs(deployed: Deployed) -> Iterator[Finding]:
    """The network interfaces that Bedrock makes for a job carry its tags from the start, and get no others."""
    jobs = f":{deployed.account}:model-customization-job/*"
    for statement in _allowed(deployed):
        if statement.owner != "BedrockRole":
            continue
        if "ec2:CreateNetworkInterface" in statement.actions and any(
            "network-interface" in a for a in statement.resources
        ):
            arns = statement.demands("aws:RequestTag/BedrockModelCustomizationJobArn", "ArnEquals", "ArnLike")
            if statement.demands("aws:RequestTag/BedrockManaged", "StringEquals") != ["true"] or not arns:
                yield Finding("interfaces-of-jobs", statement.owner, "interfaces without Bedrock's tags")
        if "ec2:DeleteNetworkInterface" in statement.actions:
            arns = statement.demands("ec2:ResourceTag/BedrockModelCustomizationJobArn", "ArnEquals", "ArnLike")
            if not arns or not all(str(arn).endswith(jobs) for arn in arns):
                yield Finding("interfaces-of-jobs", statement.owner, "interfaces of others than jobs")
        if "ec2:CreateTags" in statement.actions:
            keys = statement.demands("aws:TagKeys", "ForAllValues:StringEquals")
            if statement.demands("ec2:CreateAction", "StringEquals") != ["CreateNetworkInterface"] or not keys:
                yield Finding("interfaces-of-jobs", statement.owner, "tags on what there is already")


def interfaces_of_functions(deployed: Deployed) -> Iterator[Finding]:
    """Where functions are in the network Lambda makes interfaces as their role; their own code may not."""
    if deployed.stack.deployment.parameters.get("FunctionsInVpc") != "true":
        return
    denied = {
        action
        for statement in deployed.rights
        if statement.owner == "FunctionRuntime" and not statement.allows and statement.resources == ["*"]
        for operator, name, values in statement.conditions
        if name == "lambda:sourcefunctionarn"
        and operator == "ArnLike"
        and all(f":{deployed.name}-" in v for v in values)
        for action in statement.actions
    }
    allowed = {
        action
        for statement in _allowed(deployed)
        if statement.owner == "FunctionRuntime"
        for action in statement.actions
        if action in LAMBDA_INTERFACES
    }
    if not allowed or allowed - denied:
        yield Finding("interfaces-of-functions", "FunctionRuntime", f"{sorted(allowed - denied)} by a function's code")


RULES = (
    nothing_deleted,
    objects_named,
    listings_named,
    models_by_their_profile,
    interfaces_of_jobs,
    interfaces_of_functions,
)
