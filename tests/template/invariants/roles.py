"""Roles: who may assume them, what bounds them, and that each function has its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.template.invariants.deployed import Deployed, Finding, Statement, as_list

# Services that assume a role on behalf of a resource of ours say for which: without that, anybody's job could
# have the service assume it. Lambda assumes a function's role for the functions that IAM lets be given it.
SOURCES = {
    "bedrock.amazonaws.com": ":bedrock:{region}:{account}:model-customization-job/",
    "states.amazonaws.com": ":states:{region}:{account}:stateMachine:{stack}-",
    "vpc-flow-logs.amazonaws.com": ":ec2:{region}:{account}:vpc-flow-log/",
}
KNOWN = {*SOURCES, "lambda.amazonaws.com", "apigateway.amazonaws.com"}


def trust(deployed: Deployed) -> Iterator[Finding]:
    """Only services assume roles; Bedrock and Step Functions only for this account's jobs and this stack's machine."""
    for role in deployed.of_type("AWS::IAM::Role"):
        for document in as_list(role.properties["AssumeRolePolicyDocument"]["Statement"]):
            statement = Statement(role.name, document)
            if not statement.allows:
                continue
            if statement.actions != ["sts:AssumeRole"]:
                yield Finding("trust", role.name, f"{statement.actions} is more than being assumed")
            if not statement.principals:
                yield Finding("trust", role.name, "it names nobody, so everybody but")
            for kind, who in statement.principals:
                if kind != "Service" or who not in KNOWN:
                    yield Finding("trust", role.name, f"{who} may assume it")
                elif who in SOURCES:
                    yield from _bound(deployed, statement, SOURCES[who])


def _bound(deployed: Deployed, statement: Statement, shape: str) -> Iterator[Finding]:
    if statement.demands("aws:SourceAccount", "StringEquals") != [deployed.account]:
        yield Finding("trust", statement.owner, "aws:SourceAccount is not this account")
    region = deployed.stack.deployment.region
    start = shape.format(region=region, account=deployed.account, stack=deployed.name)
    arns = statement.demands("aws:SourceArn", "ArnEquals", "ArnLike")
    if not arns or any(start not in arn for arn in arns):
        yield Finding("trust", statement.owner, "aws:SourceArn does not say for which resources")


def bounded(deployed: Deployed) -> Iterator[Finding]:
    """Every role has the stack's path, and the boundary where there is one."""
    boundary = deployed.stack.deployment.parameters.get("PermissionsBoundaryArn", "")
    for role in deployed.of_type("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        if role.properties.get("Path") != f"/{deployed.name}/":
            yield Finding("bounded", role.name, "its path is not the stack's")
        if role.kind == "AWS::IAM::Role" and role.properties.get("PermissionsBoundary", "") != boundary:
            yield Finding("bounded", role.name, "its permissions boundary is not the one that was asked for")


def managed_policies(deployed: Deployed) -> Iterator[Finding]:
    """What a role may do stands in the template: no policy of AWS's, and so none that SAM adds by itself."""
    own = {policy.physical for policy in deployed.of_type("AWS::IAM::ManagedPolicy")}
    for role in deployed.of_type("AWS::IAM::Role"):
        for arn in role.properties.get("ManagedPolicyArns", []):
            if arn not in own:
                yield Finding("managed-policies", role.name, f"{arn} is not the stack's own")


def own_roles(deployed: Deployed) -> Iterator[Finding]:
    """Every function has a role of its own, a role of this template."""
    roles = {
        f":role{role.properties.get('Path', '/')}{role.physical}": role.name
        for role in deployed.of_type("AWS::IAM::Role")
    }
    holders: Counter[str] = Counter()
    for function in deployed.of_type("AWS::Lambda::Function"):
        arn = function.properties["Role"]
        name = next((role for ending, role in roles.items() if str(arn).endswith(ending)), None)
        if name is None:
            yield Finding("own-roles", function.name, f"{arn} is not a role of this template")
            continue
        holders[name] += 1
    for name, count in holders.items():
        if count > 1:
            yield Finding("own-roles", name, f"{count} functions have it")


def nobody_new(deployed: Deployed) -> Iterator[Finding]:
    """The stack makes no users, groups or keys of users."""
    for resource in deployed.resources:
        if resource.kind in (
            "AWS::IAM::User",
            "AWS::IAM::Group",
            "AWS::IAM::AccessKey",
            "AWS::IAM::UserToGroupAddition",
            "AWS::IAM::OIDCProvider",
            "AWS::IAM::SAMLProvider",
        ):
            yield Finding("nobody-new", resource.name, f"{resource.kind}: a way in that nobody asked for")


RULES = (trust, bounded, managed_policies, own_roles, nobody_new)
