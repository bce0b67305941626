"""docs/policies: what each document allows, and what it doesn't."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources as files
from pathlib import Path
from typing import Any

import pytest

from tests.iam.evaluator import Request, Statement, applies, statements
from tests.iam.matching import Context
from tests.template.as_deployed import BOUNDARY, Needed, deployed
from tests.template.deploying import CLOUDFORMATION, HANDLERS, calls
from tests.template.sample_policies import (
    DEPLOYING,
    FILLED_IN,
    FOLDER,
    PAGE,
    PATHS,
    allowed,
    filled_in,
    placeholders,
    policy,
)

pytestmark = pytest.mark.thorough

NAMES = [path.name for path in PATHS]
MOST_CHARACTERS = 6_144
"""Of a managed policy, white space not counted: IAM's limit."""
TRANSFORM = "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"
OPTIONS = {"NotificationEmail": "someone@example.com", "PermissionsBoundaryArn": BOUNDARY}
ANOTHERS_NETWORK = {
    "NetworkMode": "existing",
    "VpcId": "vpc-0a1b2c3d",
    "SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d",
    "SecurityGroupIds": "sg-0a1b2c3d",
}
ENTRANCE = {
    "WebAclArn": f"arn:aws:wafv2:us-east-1:111122223333:regional/webacl/{FILLED_IN['WEB_ACL']}",
}
BY_CLOUDFORMATION: Context = {"aws:CalledVia": (CLOUDFORMATION,)}
# What `sam deploy` and `sam delete` call themselves; the rest CloudFormation calls.
CALLS_OF_SAM = {
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:ListChangeSets",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackResource",
    "cloudformation:DescribeStackResources",
    "cloudformation:ListStackResources",
    "cloudformation:GetTemplateSummary",
    "cloudformation:RollbackStack",
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CancelUpdateStack",
    "cloudformation:UpdateTerminationProtection",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "s3:PutObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:GetBucketLocation",
}


@cache
def known_actions() -> dict[str, dict[str, Any]]:
    """IAM's own list of actions, as cfn-lint has it, by service; names in small letters."""
    found: dict[str, dict[str, Any]] = json.loads(
        (files.files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text()
    )
    return found


def resource_types(action: str) -> list[str]:
    service, name = action.split(":")
    found: list[str] = known_actions()[service]["Actions"][name.lower()].get("Resources", [])
    return [one.lower() for one in found]


def fits(resource: str, action: str) -> bool:
    """Whether a resource, or what its wildcards stand for, is of a type that the action is authorised on."""
    if (action, resource) == ("cloudformation:CreateChangeSet", TRANSFORM):
        return True  # documented with macros, and missing in the list
    if action == "ec2:DeleteNetworkInterface" and resource.endswith(":*/*"):
        return True  # how Lambda's guide has the removal of a function's interfaces granted
    name, _, verb = action.partition(":")
    if resource == f"arn:aws:{name}:us-east-1:111122223333:*/*" and re.match("Get|List", verb):
        return bool(resource_types(action))  # whatever the account has there; the action says of which type
    service = known_actions()[name]
    written = re.sub(r"[*?]+", "x", resource)
    for kind in resource_types(action):
        for form in service["Resources"].get(kind, {}).get("ARNFormats", []):
            pattern = re.sub(r"\$\{(\w+)\}", "[^:]*", form)
            if re.fullmatch(pattern, written):
                return True
    return False


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_document_is_one_that_iam_takes(path: Path) -> None:
    document = filled_in(path.name)
    assert document["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    assert len(re.sub(r"\s", "", json.dumps(document))) <= MOST_CHARACTERS
    roomy = FILLED_IN | {"REGION": "ap-southeast-2", "STACK": "rft-production"}
    assert len(re.sub(r"\s", "", json.dumps(filled_in(path.name, roomy)))) <= MOST_CHARACTERS
    denied = {statement["Sid"] for statement in document["Statement"] if statement["Effect"] != "Allow"}
    assert denied == ({"NothingThatIsThereIsTakenIn"} if path.name == "deploy.json" else set())


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_its_placeholders_are_explained_and_stand_for_something(path: Path) -> None:
    explained = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert placeholders(path) <= explained == set(FILLED_IN)


def test_every_document_and_every_placeholder_is_in_use() -> None:
    assert set().union(*map(placeholders, PATHS)) == set(FILLED_IN)
    assert set(re.findall(r"^\| \[`([a-z-]+\.json)`\]", PAGE, re.MULTILINE)) == set(NAMES)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_action_exists_and_is_authorised_on_what_its_statement_names(path: Path) -> None:
    for statement in policy(path.name):
        for action in statement.actions:
            assert "*" not in action, action
            service, name = action.split(":")
            assert name.lower() in known_actions()[service]["Actions"], action
            if statement.resources == ("*",):
                continue
            assert any(fits(one, action) for one in statement.resources), (
                f"{statement.sid}: {action} does nothing there"
            )
        for resource in statement.resources:
            assert resource == "*" or any(fits(resource, one) for one in statement.actions), (
                f"{statement.sid}: {resource}"
            )


def test_each_star_is_explained() -> None:
    explained = dict(re.findall(r"^\| `([\w.-]+: \w+)` \| (.+?) \|$", PAGE, re.MULTILINE))
    stars = {
        f"{statement.policy}: {statement.sid}": statement
        for name in NAMES
        for statement in policy(name)
        if "*" in statement.resources
    }
    assert explained.keys() == stars.keys()
    for statement in stars.values():
        unscoped = [action for action in statement.actions if not resource_types(action)]
        assert unscoped or statement.conditions, f"{statement.sid}: these actions know resources"


def test_a_statement_that_the_page_names_is_there() -> None:
    sids = {statement.sid for statement in policy("boundary.json")}
    named = re.findall(r"boundary's statement\s+`(\w+)`", PAGE)
    assert len(named) == 2
    assert set(named) <= sids
    first, *others = policy("deploy.json")
    assert "cloudformation:CreateChangeSet" in first.actions
    assert {one.sid for one in others[4:-1] if "iam:" not in str(one.actions)} == set(), "people need the first five"


def test_the_pages_command_fills_them_in() -> None:
    (block,) = re.findall(r"```sh\n(fill\(\) .+?\n}\n)", PAGE, re.DOTALL)
    for name in ("boundary", *(name.removesuffix(".json") for name in DEPLOYING)):
        script = f"{block}fill {name}"
        done = subprocess.run(["sh", "-c", script], cwd=FOLDER.parents[1], capture_output=True, text=True, check=True)
        json.loads(done.stdout)
        assert not set(FILLED_IN) & set(re.findall(r"\b[A-Z_]{3,}\b", done.stdout)), name


# -- to deploy --------------------------------------------------------------------------------------------------------


def deployments() -> Iterator[Mapping[str, str]]:
    """With everything that is optional, and without."""
    yield {}
    yield OPTIONS
    yield OPTIONS | {"NetworkMode": "create", "FunctionsInVpc": "true"}
    yield OPTIONS | ENTRANCE
    yield OPTIONS | ANOTHERS_NETWORK | {"FunctionsInVpc": "true"}


def needed(parameters: Mapping[str, str], stack: str = FILLED_IN["STACK"]) -> tuple[tuple[str, Needed], ...]:
    return _needed(stack, tuple(sorted(parameters.items())))


@cache
def _needed(stack: str, parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Needed], ...]:
    return tuple(calls(deployed(dict(parameters), stack=stack)))


def deployer(parameters: Mapping[str, str]) -> tuple[Statement, ...]:
    """As the page says who needs which."""
    optional = {
        "deploy-network.json": parameters.get("NetworkMode") == "create" or parameters.get("FunctionsInVpc") == "true",
        "deploy-waf.json": "WebAclArn" in parameters,
    }
    return policy(*(name for name in DEPLOYING if optional.get(name, True)))


@pytest.mark.parametrize(
    "parameters",
    list(deployments()),
    ids=["plain", "bounded", "with-a-network", "with-an-entrance", "in-anothers-network"],
)
def test_whoever_has_the_deploy_policies_can_deploy_every_resource(parameters: Mapping[str, str]) -> None:
    having = deployer(parameters)
    missing = {
        f"{one.action} on {resource} ({logical})"
        for logical, one in needed(parameters)
        for resource in one.resources
        if not allowed(having, one.action, resource, one.context)
    }
    assert missing == set()


def test_the_deploy_policies_allow_nothing_that_a_deployment_does_not_call() -> None:
    called = [one for parameters in deployments() for _, one in needed(parameters)]
    unused = {
        f"{statement.policy}: {statement.sid}: {action}"
        for statement in policy(*DEPLOYING)
        for action in statement.actions
        if action not in CALLS_OF_SAM
        and not any(
            action == one.action and applies(statement, Request(one.action, resource, context=one.context))
            for one in called
            for resource in one.resources
        )
    }
    assert unused == set()


def test_the_deployer_of_one_stack_can_change_nothing_of_another_whose_name_begins_alike() -> None:
    having = policy(*DEPLOYING)
    parameters = OPTIONS | {"NetworkMode": "create", "FunctionsInVpc": "true"}
    shared = {
        one.action
        for _, one in needed(parameters, stack=f"{FILLED_IN['STACK']}-prod")
        for resource in one.resources
        if allowed(having, one.action, resource, one.context)
    }
    looks = {action for action in shared if re.match(r"[\w-]+:(Describe|List|Get)", action)}
    # API Gateway's ids are drawn by lot, rules of a security group have no tags when they are made, a key's grants are
    # for DynamoDB alone, and the tags of log groups are nothing but tags.
    assert shared - looks == {
        *(f"apigateway:{verb}" for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "UpdateRestApiPolicy")),
        *("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"),
        *("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"),
        *("logs:TagResource", "logs:UntagResource"),
    }


def test_every_type_of_resource_is_known_here_but_one_that_is_an_administrators() -> None:
    """The account's role for API logs: docs/policies says why."""
    stack = deployed(OPTIONS | ENTRANCE | {"NetworkMode": "create", "FunctionsInVpc": "true"})
    templates = [stack.template, *(nested.template for _, nested in stack.every_nested())]
    kinds = {resource["Type"] for template in templates for resource in template["Resources"].values()}
    assert kinds - HANDLERS.keys() == {"AWS::ApiGateway::Account"}
    assert HANDLERS.keys() <= kinds, "what no template has needs no entry"


def test_whoever_deploys_makes_no_role_without_the_boundary_and_can_not_change_the_boundary() -> None:
    having = policy(*DEPLOYING)
    role = "arn:aws:iam::111122223333:role/rft/rft-ApiFunctionRole"
    bound: Context = {"iam:PermissionsBoundary": BOUNDARY, **BY_CLOUDFORMATION}
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert allowed(having, action, role, bound)
        assert not allowed(having, action, role, BY_CLOUDFORMATION)
        wide = {**bound, "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess"}
        assert not allowed(having, action, role, wide)
        assert not allowed(having, action, role.replace("role/rft/", "role/"), bound)
    assert not allowed(having, "iam:DeleteRolePermissionsBoundary", role, bound)
    for action in ("iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:DeletePolicy"):
        assert not allowed(having, action, BOUNDARY, BY_CLOUDFORMATION)
    attached = {**bound, "iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert not allowed(having, "iam:AttachRolePolicy", role, attached)
    to_lambda = {"iam:PassedToService": "lambda.amazonaws.com", **BY_CLOUDFORMATION}
    assert allowed(having, "iam:PassRole", role, to_lambda)
    assert not allowed(having, "iam:PassRole", role, {**to_lambda, "iam:PassedToService": "ec2.amazonaws.com"})
    assert not allowed(having, "iam:PassRole", role.replace("role/rft/", "role/"), to_lambda)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"arn:aws:s3:::{FILLED_IN['BUCKET']}/inbox/triage.jsonl"),
        ("s3:PutObject", f"arn:aws:s3:::{FILLED_IN['BUCKET']}/inbox/triage.jsonl"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/rft-RunTable-1a2b3c4d5e6f"),
        ("dynamodb:Query", "arn:aws:dynamodb:us-east-1:111122223333:table/rft-RunTable-1a2b3c4d5e6f"),
        ("logs:FilterLogEvents", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/rft-api:*"),
        ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111122223333:function:rft-api"),
        ("states:StartExecution", "arn:aws:states:us-east-1:111122223333:stateMachine:rft-run"),
        ("execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/v1/GET/runs"),
        ("sns:Publish", "arn:aws:sns:us-east-1:111122223333:rft-Topic-1a2b3c4d5e6f"),
        ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:111122223333:rft-FailedEvents-1a2b3c4d5e6f"),
        ("kms:ScheduleKeyDeletion", "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c"),
    ],
)
def test_whoever_deploys_reads_no_data_and_starts_nothing(action: str, resource: str) -> None:
    """Neither directly nor by CloudFormation: the code that is deployed can, and is what has to be reviewed."""
    for way in ({}, BY_CLOUDFORMATION):
        assert not allowed(policy(*DEPLOYING), action, resource, {"aws:ResourceTag/rft:stack": "rft", **way})


def test_what_cloudformation_does_for_the_deployer_the_deployer_can_not_do_directly() -> None:
    """So that every change of a role, a key, a bucket or a function shows as one of the stack."""
    having = policy(*DEPLOYING)
    directly = {
        one.action
        for parameters in deployments()
        for _, one in needed(parameters)
        for resource in one.resources
        if allowed(having, one.action, resource, {k: v for k, v in one.context.items() if k != "aws:CalledVia"})
    }
    changes = {action for action in directly if not re.match(r"[\w-]+:(Describe|List|Get)", action)}
    # The three of KMS are held by kms:ViaService: DynamoDB's, whose tables only CloudFormation may make.
    assert {action for action in changes if not action.startswith("cloudformation:")} == {
        *("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt")
    }


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:UpdateAssumeRolePolicy", "arn:aws:iam::111122223333:role/rft/rft-ApiFunctionRole"),
        ("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/rft/rft-ApiFunctionRole"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/rft/rft-FunctionRuntime"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::{FILLED_IN['BUCKET']}"),
        ("s3:PutBucketNotification", f"arn:aws:s3:::{FILLED_IN['BUCKET']}"),
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:111122223333:function:rft-api"),
        ("lambda:AddPermission", "arn:aws:lambda:us-east-1:111122223333:function:rft-api"),
        ("states:UpdateStateMachine", "arn:aws:states:us-east-1:111122223333:stateMachine:rft-run"),
        ("events:PutTargets", "arn:aws:events:us-east-1:111122223333:rule/rft-StartRunUpload-1a2b"),
    ],
)
def test_the_ways_to_the_data_lead_over_a_change_of_the_stack(action: str, resource: str) -> None:
    bound = {"iam:PermissionsBoundary": BOUNDARY}
    assert not allowed(policy(*DEPLOYING), action, resource, bound)
    assert not allowed(policy(*DEPLOYING), action, resource, {**bound, "aws:CalledVia": ("athena.amazonaws.com",)})
    assert allowed(policy(*DEPLOYING), action, resource, {**bound, **BY_CLOUDFORMATION})


def test_no_key_of_anothers_is_tagged_and_so_taken() -> None:
    """Whoever may tag a key with the stack's name may do to it what is allowed by that tag."""
    having, key = policy(*DEPLOYING), "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c"
    asked: Context = {"aws:RequestTag/rft:stack": "rft", "aws:TagKeys": ("rft:stack",)}
    own: Context = {"aws:ResourceTag/rft:stack": "rft"}
    assert not allowed(having, "kms:TagResource", key, asked)
    assert allowed(having, "kms:TagResource", key, {**asked, **BY_CLOUDFORMATION})
    for action in ("kms:TagResource", "kms:UntagResource", "kms:PutKeyPolicy", "kms:EnableKey"):
        assert not allowed(having, action, key, own), action
        assert allowed(having, action, key, {**own, **BY_CLOUDFORMATION}), action
    assert not allowed(having, "kms:PutKeyPolicy", key, BY_CLOUDFORMATION)
    assert not allowed(having, "kms:CreateAlias", key, own)


def test_a_key_of_ones_own_is_out_of_reach_and_the_table_is_encrypted_with_it_all_the_same() -> None:
    """It must not carry the stack's tag, which says that the stack made it."""
    (told,) = re.findall(r"^- \*\*A key of your own\*\*.+?(?=^- )", PAGE, re.MULTILINE | re.DOTALL)
    assert "Never tag it `rft:stack`" in " ".join(told.split())
    names, key = ("administer-keys.json", "leave-data.json"), "arn:aws:kms:us-east-1:111122223333:key/own"
    for statement in policy(*DEPLOYING, *names):
        for action in (one for one in statement.actions if one.startswith("kms:") and resource_types(one)):
            if action != "kms:TagResource":  # as a key is made; never directly
                assert not applies(statement, Request(action, key, context=BY_CLOUDFORMATION)), statement.sid
    by_dynamodb: Context = {
        "aws:CalledVia": (CLOUDFORMATION, "dynamodb.amazonaws.com"),
        "kms:ViaService": "dynamodb.us-east-1.amazonaws.com",
        "kms:GrantIsForAWSResource": "true",
    }
    for action in ("kms:DescribeKey", "kms:Decrypt", "kms:Encrypt", "kms:CreateGrant"):
        assert allowed(policy(*DEPLOYING), action, key, by_dynamodb)


def test_no_key_of_anothers_becomes_the_stacks_by_an_import() -> None:
    """CloudFormation would tag what it took in, and then it would be the stack's."""
    having, stack = policy(*DEPLOYING), "arn:aws:cloudformation:us-east-1:111122223333:stack/rft/0"
    assert allowed(having, "cloudformation:CreateChangeSet", stack)
    assert not allowed(
        having, "cloudformation:CreateChangeSet", stack, {"cloudformation:ImportResourceTypes": ("AWS::KMS::Key",)}
    )


def test_the_pages_variant_for_a_service_role_asks_for_no_caller() -> None:
    """CloudFormation's calls in a service role's name have no aws:CalledVia."""
    (block,) = re.findall(r"```sh\n(fill\(\) .+?\n}\n)", PAGE, re.DOTALL)
    (variant,) = re.findall(r"^(service_role\(\) .+)$", PAGE, re.MULTILINE)

    def printed(command: str) -> tuple[Statement, ...]:
        script = f"{block}{variant}\n{command}"
        done = subprocess.run(["sh", "-c", script], cwd=FOLDER.parents[1], capture_output=True, text=True, check=True)
        return statements(json.loads(done.stdout))

    for name in (name.removesuffix(".json") for name in DEPLOYING):
        having = printed(f"service_role {name}")
        assert having == tuple(
            replace(one, conditions=tuple(line for line in one.conditions if line[1] != "aws:CalledVia"))
            for one in printed(f"fill {name}")
        )
        assert "aws:CalledVia" not in str(having)
