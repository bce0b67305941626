"""What the roles may do: actions that there are, on resources that fit them, as few as can be named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from tests.template.invariants.deployed import Deployed, Finding, Statement
from tests.template.invariants.keys import cryptographic

LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
DESCRIBE_NETWORK = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
}
INTERFACE_PERMISSIONS = {
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
}
# The closed list of `Resource: "*"`: AWS knows no resource for these, or none that can be named beforehand.
STAR = (
    {"states:SendTaskSuccess", "states:SendTaskFailure"}
    | {"cloudwatch:GetMetricData", "cloudwatch:ListMetrics"}
    | {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    | {"xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"}
    | LOG_DELIVERY
    | DESCRIBE_NETWORK
    | INTERFACE_PERMISSIONS
)
# The network interfaces that Lambda itself makes for functions in a VPC (and takes away again): AWS's list for that.
LAMBDA_INTERFACES = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:GetSecurityGroupsForVpc",
}
# Bedrock gives jobs, models and deployments ids that nobody knows beforehand: tags say whose they are.
BEDROCK_KINDS = ("model-customization-job", "custom-model", "custom-model-deployment", "provisioned-model")
BY_RESOURCE_TAG = re.compile(r"bedrock:(Stop|Delete|Update)")
BY_REQUEST_TAG = re.compile(r"bedrock:(Create|TagResource)")
MADE_OF_A_MODEL = re.compile(r"bedrock:Create(CustomModelDeployment|ProvisionedModelThroughput)$")
DEPLOYS = re.compile(r"bedrock:(Create|Update)(CustomModelDeployment|ProvisionedModelThroughput)$")


@cache
def _services() -> dict[str, Any]:
    """IAM's actions and the resources that each knows, as cfn-lint brings them along."""
    text = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def written_out(deployed: Deployed) -> Iterator[Finding]:
    """Rights are listed: no `Not...`, no wildcard in an action."""
    for statement in deployed.rights:
        for word in ("NotAction", "NotResource"):
            # A Deny of everything but something narrows, and may.
            if word in statement.document and statement.allows:
                yield Finding("written-out", statement.owner, f"{word} allows all that isn't listed")
        if statement.allows and any("*" in action or "?" in action for action in statement.actions):
            yield Finding("written-out", statement.owner, f"a wildcard in {statement.actions}")


def actions_exist(deployed: Deployed) -> Iterator[Finding]:
    statements = [*deployed.rights, *(s for _, some in deployed.resource_policies for s in some)]
    for statement in statements:
        for action in statement.actions:
            service, _, name = action.partition(":")
            if "*" not in action and name.lower() not in _services().get(service, {}).get("Actions", {}):
                yield Finding("actions-exist", statement.owner, f"there is no {action}")


def star_resources(deployed: Deployed) -> Iterator[Finding]:
    """`Resource: "*"` only for what stands on the closed list."""
    for statement in (s for s in deployed.rights if s.allows):
        if "*" not in statement.resources:
            continue
        rest = set(statement.actions) - STAR
        if rest and not (rest <= LAMBDA_INTERFACES and _of_runtime(deployed, statement)):
            yield Finding("star-resources", statement.owner, f"{sorted(rest)} on every resource there is")
        # Bedrock's own interfaces carry its tag; those that Lambda makes can't, and are denied to the functions' code.
        tagged = statement.demands("ec2:ResourceTag/BedrockManaged") == ["true"] and statement.demands("ec2:Subnet")
        if set(statement.actions) & INTERFACE_PERMISSIONS and not (tagged or _of_runtime(deployed, statement)):
            yield Finding("star-resources", statement.owner, "network interfaces of others can be changed")


def _of_runtime(deployed: Deployed, statement: Statement) -> bool:
    """The stack's policy for Lambda itself: what stands in it about interfaces is denied to the functions' own code."""
    policy = deployed.named(statement.owner)
    if policy is None or policy.kind != "AWS::IAM::ManagedPolicy":
        return False
    denied = {
        action
        for other in deployed.rights
        if other.owner == statement.owner and not other.allows and "*" in other.resources
        for operator, name, values in other.conditions
        if name == "lambda:sourcefunctionarn" and values and operator in ("ArnLike", "ArnEquals", "StringLike", "Null")
        for action in other.actions
    }
    changing = {action for action in statement.actions if action in LAMBDA_INTERFACES and ":Describe" not in action}
    return changing <= denied


def resources_named(deployed: Deployed) -> Iterator[Finding]:
    """A wildcard stands behind a name of this stack's, never in the service or the kind of resource."""
    ours = our_starts(deployed)
    for statement in (s for s in deployed.rights if s.allows):
        for arn in statement.resources:
            if arn == "*":
                continue
            parts = arn.split(":", 5)
            if len(parts) < 6 or parts[0] != "arn":
                yield Finding("resources-named", statement.owner, f"{arn} is no ARN")
                continue
            if (
                arn.endswith(":*/*")
                and statement.actions == ["ec2:DeleteNetworkInterface"]
                and _of_runtime(deployed, statement)
            ):
                continue  # Lambda wants this very form, or one interface's id
            if any("*" in part or "?" in part for part in parts[:5]) or (
                re.match(r"[^:/]*[*?]", parts[5]) and parts[2] != "s3"
            ):
                yield Finding(
                    "resources-named", statement.owner, f"{arn}: a wildcard in service, region, account or kind"
                )
                continue
            wild = re.search(r"[*?]", arn)
            if wild and not arn.startswith(ours) and not _unknowable(deployed, statement, arn):
                yield Finding("resources-named", statement.owner, f"{arn} takes in what is not the stack's")


def our_starts(deployed: Deployed) -> tuple[str, ...]:
    """How ARNs of this stack's things begin: with its name behind the kind, or one that was given as a parameter."""
    of = deployed.stack.deployment
    bases = {
        f"arn:{of.partition}:lambda:{of.region}:{of.account}:function:",
        f"arn:{of.partition}:states:{of.region}:{of.account}:stateMachine:",
        f"arn:{of.partition}:states:{of.region}:{of.account}:execution:",
        f"arn:{of.partition}:events:{of.region}:{of.account}:rule/",
        f"arn:{of.partition}:ssm:{of.region}:{of.account}:parameter/",
        f"arn:{of.partition}:dynamodb:{of.region}:{of.account}:table/",
        f"arn:{of.partition}:logs:{of.region}:{of.account}:log-group:/aws/lambda/",
        f"arn:{of.partition}:logs:{of.region}:{of.account}:log-group:/aws/vendedlogs/states/",
        f"arn:{of.partition}:logs:{of.region}:{of.account}:log-group:/aws/vpc/",
        f"arn:{of.partition}:iam::{of.account}:role/",
    }
    starts = [f"{base}{deployed.name}{after}" for base in bases for after in "-/"]
    buckets = [bucket.physical for bucket in deployed.of_type("AWS::S3::Bucket")]
    buckets += [bucket for bucket in [of.parameters.get("InvocationLogBucket", "")] if bucket]
    starts += [f"arn:{of.partition}:s3:::{bucket}/" for bucket in buckets]
    return tuple(starts)


def _unknowable(deployed: Deployed, statement: Statement, arn: str) -> bool:
    """What has no name before it is made, or is everybody's: Bedrock's things, interfaces, all log groups."""
    service, kind = arn.split(":")[2], arn.split(":", 5)[5]
    if service == "bedrock":
        return kind.removesuffix("/*") in (*BEDROCK_KINDS, "foundation-model")
    if service == "logs" and kind == "log-group:*":
        # To list the groups; and API Gateway's one role of an account, which writes the logs of all its APIs.
        return statement.actions == ["logs:DescribeLogGroups"] or statement.owner == "ApiAccountRole"
    if service == "ec2" and kind in ("subnet/*", "security-group/*"):
        return _of_runtime(deployed, statement)
    return service == "ec2" and kind == "network-interface/*"


def base_models(deployed: Deployed) -> Iterator[Finding]:
    """A job may be made of any base model; asking one costs money, and is allowed for those that were named."""
    for statement in (s for s in deployed.rights if s.allows):
        for arn in statement.resources:
            if arn.endswith("foundation-model/*") and set(statement.actions) != {"bedrock:CreateModelCustomizationJob"}:
                yield Finding("base-models", statement.owner, f"{statement.actions} of every base model")


def resources_fit(deployed: Deployed) -> Iterator[Finding]:
    """Each resource is of a kind that one of the actions knows, and each action finds a resource it knows."""
    for statement in (s for s in deployed.rights if s.allows):
        arns = [arn for arn in statement.resources if arn != "*"]
        fits = {(action, arn): _fits(action, arn) for action in statement.actions for arn in arns}
        for action in statement.actions:
            if arns and not any(fits[action, arn] for arn in arns):
                yield Finding("resources-fit", statement.owner, f"{action} knows none of {arns}")
        for arn in arns:
            if not any(fits[action, arn] for action in statement.actions):
                yield Finding("resources-fit", statement.owner, f"none of {statement.actions} knows {arn}")


def _fits(action: str, arn: str) -> bool:
    service, _, name = action.partition(":")
    if action == "ec2:DeleteNetworkInterface" and arn.endswith(":*/*"):
        return True  # the form that Lambda wants (resources-named says who may have it)
    if action == "logs:DescribeLogGroups":
        # The list of actions knows no resource for it, yet it is refused and allowed by that of a group.
        return ":log-group:" in arn
    spec = _services().get(service, {})
    kinds = spec.get("Actions", {}).get(name.lower(), {}).get("Resources", [])
    formats = [form for kind in kinds for form in spec["Resources"].get(kind, {}).get("ARNFormats", [])]
    if service == "s3" and {"bucket", "object"} & set(kinds):
        # The list says the same of both; what tells them apart is the key behind the bucket.
        return arn.startswith("arn:aws:s3:::") and ("/" in arn) == ("object" in kinds)
    return any(_matches(form, arn) for form in formats)


def _matches(form: str, arn: str) -> bool:
    pattern = re.sub(r"\\\$\\\{\w+\\\}", "[^:]*", re.escape(form.replace(".*", "\0")))
    return re.fullmatch(pattern.replace("\0", ".*"), arn) is not None


def conditions_bind(deployed: Deployed) -> Iterator[Finding]:
    """An Allow's condition doesn't hold because what it asks for is missing."""
    # A listing names its prefix, a read of one object asks for the same right without: hence IfExists. And the tags of
    # an interface that Bedrock makes are none but its own.
    # What is tagged may be new and have no tag yet; that the tag is this stack's is asked beside it (tags-tell).
    known = {
        ("StringLikeIfExists", "s3:prefix"),
        ("ForAllValues:StringEquals", "aws:tagkeys"),
        ("StringEqualsIfExists", "aws:resourcetag/rft:stack"),
    }
    trusts = [
        Statement(role.name, one)
        for role in deployed.of_type("AWS::IAM::Role")
        for one in role.properties["AssumeRolePolicyDocument"]["Statement"]
    ]
    for statement in [*deployed.rights, *trusts, *(s for _, some in deployed.resource_policies for s in some)]:
        if not statement.allows:
            continue
        for operator, name, values in statement.conditions:
            loose = operator.startswith("ForAllValues:") or operator.endswith("IfExists") or "Not" in operator
            if loose and (operator, name) not in known:
                yield Finding("conditions-bind", statement.owner, f"{operator} of {name} holds where there is none")
            if operator == "Null" and "true" in map(str, values):
                yield Finding("conditions-bind", statement.owner, f"it asks that {name} be missing")
            if any(value == "*" for value in values):
                yield Finding("conditions-bind", statement.owner, f"{name} may be anything")


def pass_role(deployed: Deployed) -> Iterator[Finding]:
    own = {f":role/{deployed.name}/{role.physical}" for role in deployed.of_type("AWS::IAM::Role")}
    for statement in (s for s in deployed.rights if s.allows and "iam:PassRole" in s.actions):
        if len(statement.actions) > 1 or not all(arn[arn.find(":role/") :] in own for arn in statement.resources):
            yield Finding("pass-role", statement.owner, f"{statement.resources} is not one role of this stack")
        if len(statement.demands("iam:PassedToService", "StringEquals")) != 1:
            yield Finding("pass-role", statement.owner, "to any service")


def keys_by_service(deployed: Deployed) -> Iterator[Finding]:
    """A role uses a key through a service only, and only keys that the stack knows."""
    of = deployed.stack.deployment
    for statement in (s for s in deployed.rights if s.allows and cryptographic(s.actions)):
        services = statement.demands("kms:ViaService", "StringEquals", "StringLike")
        if not services or any(
            not service.endswith(f".{of.region}.{of.url_suffix}") or "*" in service for service in services
        ):
            yield Finding("keys-by-service", statement.owner, f"{statement.actions} by whatever service")


def tags_tell(deployed: Deployed) -> Iterator[Finding]:
    """What may be stopped, changed or removed at Bedrock carries this stack's tag, and what is made gets it.

    Reading is not conditioned: of what is gone Bedrock knows no tags, and would answer that it is forbidden.
    """
    for statement in (s for s in deployed.rights if s.allows):
        kinds = {arn.split(":", 5)[5].split("/")[0] for arn in statement.resources if ":bedrock:" in arn}
        if not kinds & set(BEDROCK_KINDS):
            continue
        for action in statement.actions:
            if BY_RESOURCE_TAG.match(action) and statement.demands("aws:ResourceTag/rft:stack", "StringEquals") != [
                deployed.name
            ]:
                yield Finding("tags-tell", statement.owner, f"{action} of what is another stack's")
            if action == "bedrock:InvokeModel" and statement.demands("aws:ResourceTag/rft:stack", "StringEquals") != [
                deployed.name
            ]:
                yield Finding("tags-tell", statement.owner, "models of another stack can be asked")
            by_either = statement.demands("aws:RequestTag/rft:stack", "StringEquals") + statement.demands(
                "aws:ResourceTag/rft:stack", "StringEquals"
            )
            if BY_REQUEST_TAG.match(action) and set(by_either) != {deployed.name}:
                yield Finding("tags-tell", statement.owner, f"{action} without the stack's tag")
            if action == "bedrock:TagResource" and (
                statement.demands("aws:ResourceTag/rft:stack", "StringEqualsIfExists") != [deployed.name]
                or statement.demands("aws:RequestTag/rft:stack", "StringEquals") != [deployed.name]
            ):
                yield Finding("tags-tell", statement.owner, "what has another stack's tag can be given this one's")
            if MADE_OF_A_MODEL.match(action) and statement.demands("aws:ResourceTag/rft:stack", "StringEquals") != [
                deployed.name
            ]:
                yield Finding("tags-tell", statement.owner, f"{action} of another stack's model")


def deployers_have_the_key(deployed: Deployed) -> Iterator[Finding]:
    """Whoever has an encrypted model deployed may use its key by way of Bedrock, should Bedrock ask for it."""
    service = f"bedrock.{deployed.stack.deployment.region}.{deployed.stack.deployment.url_suffix}"
    allowed = [statement for statement in deployed.rights if statement.allows]
    for owner in {s.owner for s in allowed if any(DEPLOYS.match(action) for action in s.actions)}:
        has = {
            action
            for statement in allowed
            if statement.owner == owner and service in statement.demands("kms:ViaService", "StringEquals", "StringLike")
            for action in statement.actions
        }
        if missing := {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"} - has:
            yield Finding("deployers-have-the-key", owner, f"it may not {sorted(missing)} by way of Bedrock")


def one_answers_tokens(deployed: Deployed) -> Iterator[Finding]:
    """Step Functions knows no resource for task tokens, so one function alone may answer them."""
    for statement in (s for s in deployed.rights if s.allows):
        if (
            any(action.startswith("states:SendTask") for action in statement.actions)
            and statement.owner != "AwaitJobRole"
        ):
            yield Finding("one-answers-tokens", statement.owner, "it may answer the token of any wait")


def graders_only_grade(deployed: Deployed) -> Iterator[Finding]:
    """A grader writes its log and asks its model; the data, and everything else, is not its."""
    may = {"logs:CreateLogStream", "logs:PutLogEvents", "bedrock:InvokeModel"}
    for statement in (s for s in deployed.rights if s.allows and re.search(r"Graders?Role$", s.owner)):
        if statement.owner == "CheckGraderRole":
            continue  # the gate before a job, not a grader
        rest = set(statement.actions) - may
        its_text = statement.owner == "OpenaiGraderRole" and (
            rest <= {"kms:Decrypt"}
            or (rest == {"s3:GetObject"} and all(r.endswith("/runs/*/grader.json") for r in statement.resources))
        )
        if rest and not its_text:
            yield Finding("graders-only-grade", statement.owner, f"{sorted(rest)} on {statement.resources}")


def logs_of_its_own(deployed: Deployed) -> Iterator[Finding]:
    """A role writes into the log group that has its name, and no other."""
    names = {"Network/FlowLogRole": "Network/RejectedLog"}
    for statement in (s for s in deployed.rights if s.allows and "logs:PutLogEvents" in s.actions):
        if statement.owner == "ApiAccountRole":
            continue  # API Gateway's, of all APIs of the account
        group = deployed.named(names.get(statement.owner, re.sub("Role$", "Log", statement.owner)))
        wanted = None if group is None else f":log-group:{group.physical}:*"
        if wanted is None or not all(arn.endswith(wanted) for arn in statement.resources):
            yield Finding("logs-of-its-own", statement.owner, f"it writes into {statement.resources}")


RULES = (
    written_out,
    actions_exist,
    star_resources,
    resources_named,
    base_models,
    resources_fit,
    conditions_bind,
    pass_role,
    keys_by_service,
    tags_tell,
    deployers_have_the_key,
    one_answers_tokens,
    graders_only_grade,
    logs_of_its_own,
)
