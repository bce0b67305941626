"""docs/policies: the boundary of the stack's roles, and what people and apps get who use a stack."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Any

import pytest

from tests.iam.evaluator import Request, Statement, applies
from tests.iam.matching import Context
from tests.iam.policies import Access
from tests.template import translation
from tests.template.as_deployed import BOUNDARY, deployed
from tests.template.sample_policies import FILLED_IN, allowed, policy

pytestmark = pytest.mark.thorough

BUCKET = f"arn:aws:s3:::{FILLED_IN['BUCKET']}"
KEY = f"arn:aws:kms:us-east-1:111122223333:key/{FILLED_IN['DATA_KEY']}"
API = f"arn:aws:execute-api:us-east-1:111122223333:{FILLED_IN['API']}/v1/"
DEPLOYMENT = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/a1b2c3d4e5f6"
RUN = "triage-0123456789ab"
FILLINGS = ("x", "with/several:parts")
"""What a wildcard may stand for."""
EVERYTHING = {
    "PermissionsBoundaryArn": BOUNDARY,
    "InvocationLogBucket": FILLED_IN["LOG_BUCKET"],
    "InvocationLogKeyArn": "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000002",
    "JudgeInferenceProfileArn": "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0",
    "JudgeProfileModelArns": "arn:aws:bedrock:us-east-2::foundation-model/amazon.nova-pro-v1:0",
    "NetworkMode": "create",
    "FunctionsInVpc": "true",
}


# -- the boundary -----------------------------------------------------------------------------------------------------


def example(statement: Statement) -> Context:
    """A request's own words that meet every condition of a statement."""
    context: dict[str, str | tuple[str, ...]] = {}
    for operator, key, expected in statement.conditions:
        if operator.lower() == "null":
            continue
        assert not operator.lower().startswith(("stringnot", "arnnot")), operator
        context[key] = re.sub(r"[*?]", "x", expected[0])
    return context


@cache
def grants() -> list[tuple[str, str, str, Context]]:
    """All that the stack's roles are allowed: action, a resource and a context, and the first role that has it."""
    found: dict[tuple[str, str, str], tuple[str, str, str, Context]] = {}
    for parameters in ({"PermissionsBoundaryArn": BOUNDARY}, EVERYTHING):
        for name, role in Access(deployed(parameters)).roles.items():
            assert role.boundary == BOUNDARY, name
            for statement in (one for one in role.identity if one.effect == "Allow"):
                context = {"aws:ResourceAccount": "111122223333", **example(statement)}
                for action, resource, filling in product(statement.actions, statement.resources, FILLINGS):
                    place = resource if resource == "*" else re.sub(r"[*?]", filling, resource)
                    found.setdefault((action, place, repr(sorted(context.items()))), (name, action, place, context))
    return list(found.values())


def test_the_boundary_leaves_every_role_all_that_it_needs() -> None:
    bounds = policy("boundary.json")
    cut_off = {
        f"{role}: {action} on {resource} {dict(context)}"
        for role, action, resource, context in grants()
        if not allowed(bounds, action, resource, context)
    }
    assert cut_off == set()


def test_under_the_boundary_only_the_accounts_role_for_api_logs_would_be_cut_short() -> None:
    """What docs/policies says of ``ApiAccessLogs``."""
    bounds = policy("boundary.json")
    roles = Access(deployed({"ApiAccessLogs": "set-account-role"})).roles
    cut_off = {
        name
        for name, role in roles.items()
        for one in role.identity
        for action in one.actions
        for resource in one.resources
        for place in (re.sub(r"[*?]", "x", resource) if resource != "*" else resource,)
        if not allowed(bounds, action, place, {"aws:ResourceAccount": "111122223333", **example(one)})
    }
    assert cut_off == {"ApiAccountRole"}


def test_the_boundary_has_room_for_nothing_that_no_role_needs() -> None:
    all_grants = grants()
    unused = {
        f"{statement.sid}: {action}"
        for statement in policy("boundary.json")
        for action in statement.actions
        if not any(
            action == used and applies(statement, Request(used, resource, context=context))
            for _, used, resource, context in all_grants
        )
    }
    assert unused == set()


@pytest.mark.parametrize(
    "action",
    ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:CreateAccessKey"],
)
def test_inside_the_boundary_nobody_gets_more_rights(action: str) -> None:
    bounds = policy("boundary.json")
    assert not any("iam:" in one for s in bounds for one in s.actions if one != "iam:PassRole")
    for resource in ("arn:aws:iam::111122223333:role/rft/rft-ApiFunctionRole-1a2b", BOUNDARY):
        assert not allowed(bounds, action, resource)


def test_inside_the_boundary_roles_go_to_bedrock_only_and_keys_by_their_services_only() -> None:
    bounds = policy("boundary.json")
    role = "arn:aws:iam::111122223333:role/rft/rft-BedrockRole-1a2b"
    assert allowed(bounds, "iam:PassRole", role, {"iam:PassedToService": "bedrock.amazonaws.com"})
    assert not allowed(bounds, "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not allowed(
        bounds, "iam:PassRole", role.replace("/rft/", "/"), {"iam:PassedToService": "bedrock.amazonaws.com"}
    )
    assert not allowed(bounds, "kms:Decrypt", KEY)
    assert not allowed(bounds, "kms:Decrypt", KEY, {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"})
    assert not allowed(bounds, "kms:ScheduleKeyDeletion", KEY)


def test_inside_the_boundary_another_stacks_data_runs_and_models_are_out_of_reach() -> None:
    """Its functions are not, which docs/policies/README.md says: all their names don't fit into one policy."""
    bounds = policy("boundary.json")
    for action, resource in (
        ("s3:GetObject", "arn:aws:s3:::rft-prod-databucket-1a2b/inbox/triage.jsonl"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/rft-prod-RunTable-1A2B"),
        ("states:StartExecution", "arn:aws:states:us-east-1:111122223333:stateMachine:rft-prod-run"),
        ("sns:Publish", "arn:aws:sns:us-east-1:111122223333:rft-prod-Topic-1A2B"),
        ("ssm:PutParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/rft-prod/models/triage/live"),
    ):
        here = {"aws:ResourceAccount": "111122223333"}
        assert not allowed(bounds, action, resource, here), resource
        assert allowed(bounds, action, resource.replace("rft-prod", "rft"), here), resource
    of_another = {"aws:ResourceTag/rft:stack": "rft-prod"}
    for action in ("bedrock:DeleteCustomModelDeployment", "bedrock:UpdateCustomModelDeployment", "bedrock:InvokeModel"):
        assert not allowed(bounds, action, DEPLOYMENT, of_another)


def test_inside_the_boundary_no_bucket_of_another_account_is_read_or_written() -> None:
    """A bucket's name is anybody's who takes it first, and whoever writes a stack's policies could name one."""
    bounds, foreign = policy("boundary.json"), "arn:aws:s3:::rft-databucket-elsewhere"
    for action, resource in (
        ("s3:PutObject", f"{foreign}/stolen"),
        ("s3:GetObject", f"{foreign}/x"),
        ("s3:GetObjectVersion", f"{foreign}/x"),
        ("s3:ListBucket", foreign),
        ("s3:ListBucket", f"arn:aws:s3:::{FILLED_IN['LOG_BUCKET']}"),
        ("s3:GetObject", f"arn:aws:s3:::{FILLED_IN['LOG_BUCKET']}/x"),
    ):
        assert allowed(bounds, action, resource, {"aws:ResourceAccount": "111122223333"}), resource
        assert not allowed(bounds, action, resource, {"aws:ResourceAccount": "444455556666"}), resource
        assert not allowed(bounds, action, resource), resource
    assert not allowed(
        bounds, "s3:PutObject", f"arn:aws:s3:::{FILLED_IN['LOG_BUCKET']}/x", {"aws:ResourceAccount": "111122223333"}
    )


# -- the bucket -------------------------------------------------------------------------------------------------------


def test_who_uploads_for_one_model_starts_its_runs_and_reads_what_they_leave() -> None:
    having = policy("use-bucket.json")
    for key in (
        "inbox/triage.jsonl",
        "inbox/triage/run.json",
        "inbox/triage/train.jsonl",
        "datasets/triage/train.jsonl",
    ):
        assert allowed(having, "s3:PutObject", f"{BUCKET}/{key}")
    for name in ("report.html", "report.md", "manifest.json", "comparison.jsonl", "dataset/report.json"):
        assert allowed(having, "s3:GetObject", f"{BUCKET}/runs/{RUN}/{name}")
    assert allowed(having, "s3:ListBucket", BUCKET, {"s3:prefix": f"runs/{RUN}/"})
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert allowed(having, action, KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
        assert not allowed(having, action, KEY)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("s3:PutObject", f"{BUCKET}/runs/{RUN}/dataset/train.jsonl", {}),
        ("s3:PutObject", f"{BUCKET}/inbox/triage-two.jsonl", {}),
        ("s3:PutObject", f"{BUCKET}/inbox/other/run.json", {}),
        ("s3:DeleteObject", f"{BUCKET}/inbox/triage.jsonl", {}),
        ("s3:GetObject", f"{BUCKET}/runs/{RUN}/dataset/train.jsonl", {}),
        ("s3:GetObject", f"{BUCKET}/runs/other-0123456789ab/report.html", {}),
        ("s3:GetObject", f"{BUCKET}/runs/triage-two-0123456789ab/report.html", {}),
        ("s3:ListBucket", BUCKET, {}),
        ("s3:ListBucket", BUCKET, {"s3:prefix": "runs/"}),
        ("s3:PutBucketPolicy", BUCKET, {}),
    ],
)
def test_who_uploads_for_one_model_gets_at_nothing_else(action: str, resource: str, context: Context) -> None:
    assert not allowed(policy("use-bucket.json"), action, resource, context)


# -- the API ----------------------------------------------------------------------------------------------------------


def routes() -> set[tuple[str, str]]:
    """Method and path of each route of the template; a parameter of the path is a star."""
    source: dict[str, Any] = translation.read(translation.ROOT / "template.yaml")
    return {
        (event["Properties"]["Method"].upper(), re.sub(r"\{[^}]+\}", "*", event["Properties"]["Path"]))
        for resource in source["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Api"
    }


def test_a_reader_may_call_every_get_and_an_operator_every_route() -> None:
    reader, operator = policy("use-api-read.json"), policy("use-api-operate.json")
    assert len(routes()) >= 16
    for method, path in routes():
        resource = f"{API}{method}{path.replace('*', RUN)}"
        assert allowed(operator, "execute-api:Invoke", resource), resource
        assert allowed(reader, "execute-api:Invoke", resource) == (method == "GET"), resource


def test_the_api_policies_name_only_routes_that_there_are() -> None:
    named = {
        resource.removeprefix(API)
        for name in ("use-api-read.json", "use-api-operate.json")
        for statement in policy(name)
        for resource in statement.resources
    }
    assert named == {f"{method}{path}" for method, path in routes()}


def test_a_reader_neither_starts_nor_decides_nor_deletes_and_nobody_leaves_the_api() -> None:
    reader = policy("use-api-read.json")
    for route in ("POST/runs", f"POST/runs/{RUN}/approve", f"POST/runs/{RUN}/stop", "DELETE/models/triage"):
        assert not allowed(reader, "execute-api:Invoke", API + route)
    for name in ("use-api-read.json", "use-api-operate.json"):
        assert not allowed(
            policy(name), "execute-api:Invoke", API.replace(FILLED_IN["API"], "another0api") + "GET/runs"
        )
        assert not allowed(policy(name), "execute-api:InvalidateCache", API + "GET/runs")


# -- the model, its events, the keys ----------------------------------------------------------------------------------


def test_an_app_asks_the_live_model_of_one_name_and_changes_nothing() -> None:
    having = policy("use-model.json")
    live = {"aws:ResourceTag/rft:stack": "rft", "aws:ResourceTag/rft:model": "triage"}
    for action in ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"):
        assert allowed(having, action, DEPLOYMENT, live)
        assert not allowed(having, action, DEPLOYMENT, live | {"aws:ResourceTag/rft:model": "other"})
        assert not allowed(having, action, DEPLOYMENT, live | {"aws:ResourceTag/rft:stack": "rft-prod"})
        assert not allowed(having, action, DEPLOYMENT)
        assert not allowed(having, action, "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", live)
    assert not allowed(having, "bedrock:UpdateCustomModelDeployment", DEPLOYMENT, live)
    parameter = "arn:aws:ssm:us-east-1:111122223333:parameter/rft/models/triage/live"
    assert allowed(having, "ssm:GetParameter", parameter)
    assert not allowed(having, "ssm:PutParameter", parameter)
    assert not allowed(having, "ssm:GetParameter", parameter.replace("triage", "other"))
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert allowed(having, action, KEY, {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"})
        assert not allowed(having, action, KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
        assert not allowed(having, action, KEY)


def test_what_the_policies_of_users_allow_by_a_key_the_keys_own_policy_allows_too() -> None:
    """The key's policy and the user's have to say yes both: a statement that only one of them has does nothing."""
    (key_policy,) = [
        said for said in Access(deployed()).keys.values() if any(one.sid == "ObjectsOfTheBucket" for one in said)
    ]
    user = "arn:aws:iam::111122223333:role/analysts"
    for name in ("use-bucket.json", "use-model.json"):
        for statement in policy(name):
            for action in statement.actions:
                if action.startswith("kms:"):
                    context = {**example(statement), "kms:CallerAccount": "111122223333"}
                    assert any(
                        one.effect == "Allow" and applies(one, Request(action, KEY, user, context))
                        for one in key_policy
                    ), f"{name}: {action}"


def test_a_subscriber_hears_the_topic_and_the_pipelines_events_and_no_others() -> None:
    having = policy("subscribe.json")
    topic = f"arn:aws:sns:us-east-1:111122223333:{FILLED_IN['TOPIC']}"
    rule = f"arn:aws:events:us-east-1:111122223333:rule/{FILLED_IN['RULE']}"
    assert allowed(having, "sns:Subscribe", topic, {"sns:Protocol": "sqs"})
    assert not allowed(having, "sns:Subscribe", topic, {"sns:Protocol": "http"})
    assert not allowed(having, "sns:Publish", topic)
    assert allowed(having, "events:PutRule", rule, {"events:source": ("rft.pipeline",)})
    assert not allowed(having, "events:PutRule", rule, {"events:source": ("rft.pipeline", "aws.s3")})
    assert not allowed(having, "events:PutRule", rule), "a rule without a source hears everything"
    assert not allowed(having, "events:PutTargets", f"{rule}-of-others")


def test_a_tenant_asks_by_event_in_its_own_name_only() -> None:
    having = policy("request-by-event.json")
    bus = "arn:aws:events:us-east-1:111122223333:event-bus/default"
    event = {"events:source": "rft.tenant.support", "events:detail-type": "RFT Run Requested"}
    assert allowed(having, "events:PutEvents", bus, event)
    assert not allowed(having, "events:PutEvents", bus, event | {"events:source": "rft.tenant.sales"})
    assert not allowed(having, "events:PutEvents", bus, event | {"events:source": "rft.pipeline"})
    assert not allowed(having, "events:PutEvents", bus, event | {"events:detail-type": "RFT Run State Change"})


def test_who_administers_keys_uses_none_and_deletes_none() -> None:
    having = policy("administer-keys.json")
    own = {"aws:ResourceTag/rft:stack": "rft"}
    assert allowed(having, "kms:PutKeyPolicy", KEY, own)
    assert not allowed(having, "kms:PutKeyPolicy", KEY, {"aws:ResourceTag/rft:stack": "rft-prod"})
    for action in (
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:CreateGrant",
        "kms:ScheduleKeyDeletion",
        "kms:DisableKey",
    ):
        assert not allowed(having, action, KEY, own)
