"""What the policies of the two keys allow, asked as KMS asks: by whom, by which service, for what."""

from __future__ import annotations

import pytest

from tests.iam.cloudformation import Stack, application
from tests.iam.deployment import Deployment
from tests.iam.evaluator import Decision, Request, decide, statements

pytestmark = pytest.mark.thorough

ACCOUNT = "111122223333"
SUBMIT_JOB = f"arn:aws:iam::{ACCOUNT}:role/rft/rft-SubmitJobRole-1"
SOMEBODY = f"arn:aws:iam::{ACCOUNT}:role/somebody"
STRANGER = "arn:aws:iam::444455556666:role/rft/rft-SubmitJobRole-1"
DELETER = f"arn:aws:iam::{ACCOUNT}:role/break-glass"
OWN = {
    "DataKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/data",
    "MessageKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/messages",
}
KEYS = ("DataKey", "MessageKey")


def keys(**parameters: str) -> Stack:
    return application(Deployment("rft", account=ACCOUNT, parameters=parameters)).nested("Keys")


def said(
    key: str, action: str, principal: str, context: dict[str, str] | None = None, *, stack: Stack | None = None
) -> Decision:
    """What a key's policy says; who asks is in the context by itself."""
    about = dict(context or {})
    if principal.startswith("arn:"):
        about |= {"aws:PrincipalArn": principal, "kms:CallerAccount": principal.split(":")[4]}
    policy = statements((stack or keys()).properties(key)["KeyPolicy"])
    return decide(policy, Request(f"kms:{action}", "arn:aws:kms:::key/k", principal, about))


def via(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_turns_waits_and_stays(key: str) -> None:
    stack = keys()
    resource = stack.template["Resources"][key]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert stack.properties(key)["EnableKeyRotation"] is True
    assert stack.properties(key)["PendingWindowInDays"] == 30


@pytest.mark.parametrize("key", KEYS)
def test_nobody_uses_a_key_directly(key: str) -> None:
    actions = (
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "CreateGrant",
        "ReEncryptFrom",
        "GenerateDataKeyWithoutPlaintext",
    )
    for principal in (f"arn:aws:iam::{ACCOUNT}:root", SUBMIT_JOB, SOMEBODY, STRANGER):
        assert {said(key, action, principal) for action in actions} == {Decision.NOTHING}, principal


@pytest.mark.parametrize("key", KEYS)
def test_the_account_looks_after_a_key_and_nobody_ends_it(key: str) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    for action in ("PutKeyPolicy", "EnableKeyRotation", "CancelKeyDeletion", "DescribeKey", "CreateAlias"):
        assert said(key, action, root) is Decision.ALLOW
    for principal in (root, SOMEBODY, DELETER):
        assert said(key, "ScheduleKeyDeletion", principal) is Decision.DENY
        assert said(key, "DisableKey", principal) is Decision.DENY


@pytest.mark.parametrize("key", KEYS)
def test_who_was_named_may_end_a_key_and_nobody_else(key: str) -> None:
    stack = keys(KeyDeleterArn=DELETER)
    assert said(key, "ScheduleKeyDeletion", DELETER, stack=stack) is Decision.ALLOW
    assert said(key, "ScheduleKeyDeletion", SOMEBODY, stack=stack) is Decision.DENY
    assert said(key, "ScheduleKeyDeletion", f"arn:aws:iam::{ACCOUNT}:root", stack=stack) is Decision.DENY


def test_data_is_read_and_written_by_way_of_bucket_and_table() -> None:
    for action in ("Decrypt", "GenerateDataKey"):
        assert said("DataKey", action, SOMEBODY, via("s3")) is Decision.ALLOW
        assert said("DataKey", action, STRANGER, via("s3")) is Decision.NOTHING
    assert said("DataKey", "Decrypt", SUBMIT_JOB, via("dynamodb")) is Decision.ALLOW
    assert said("DataKey", "Decrypt", SUBMIT_JOB, via("secretsmanager")) is Decision.NOTHING
    grant = via("dynamodb") | {"kms:GrantIsForAWSResource": "true"}
    assert said("DataKey", "CreateGrant", SOMEBODY, grant) is Decision.ALLOW
    assert said("DataKey", "CreateGrant", SOMEBODY, via("dynamodb")) is Decision.NOTHING
    assert said("DataKey", "CreateGrant", SOMEBODY, via("s3")) is Decision.NOTHING


def test_models_are_customized_by_roles_of_the_stack_and_asked_by_whom_iam_lets() -> None:
    customizing = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")
    assert {said("DataKey", action, SUBMIT_JOB, via("bedrock")) for action in customizing} == {Decision.ALLOW}
    assert said("DataKey", "CreateGrant", SOMEBODY, via("bedrock")) is Decision.NOTHING
    assert said("DataKey", "CreateGrant", SUBMIT_JOB.replace("/rft/", "/rft-b/"), via("bedrock")) is Decision.NOTHING
    assert {said("DataKey", a, SOMEBODY, via("bedrock")) for a in ("Decrypt", "GenerateDataKey")} == {Decision.ALLOW}
    assert said("DataKey", "Decrypt", STRANGER, via("bedrock")) is Decision.NOTHING


def test_bedrock_itself_serves_models_under_provisioned_throughput_and_nothing_else() -> None:
    policy = statements(keys().properties("DataKey")["KeyPolicy"])
    names = "kms:EncryptionContextKeys"
    for context, decision in (
        ({names: ("aws:bedrock:custom-model", "other")}, Decision.ALLOW),
        ({names: ("aws:s3:arn",)}, Decision.NOTHING),
        ({}, Decision.NOTHING),
    ):
        assert decide(policy, Request("kms:Decrypt", "k", "bedrock.amazonaws.com", context)) is decision


@pytest.mark.parametrize(
    ("group", "decision"),
    [
        ("/aws/lambda/rft-submit-job", Decision.ALLOW),
        ("/aws/vendedlogs/states/rft-run", Decision.ALLOW),
        ("/aws/apigateway/rft-api", Decision.ALLOW),
        ("/aws/vpc/rft-rejected", Decision.ALLOW),
        ("/aws/lambda/another", Decision.NOTHING),
    ],
)
def test_log_groups_of_the_stack_are_encrypted(group: str, decision: Decision) -> None:
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    context = {"kms:EncryptionContext:aws:logs:arn": arn}
    assert said("DataKey", "GenerateDataKey", "logs.us-east-1.amazonaws.com", context) is decision
    assert said("DataKey", "GenerateDataKey", "logs.us-east-1.amazonaws.com") is Decision.NOTHING


def test_every_log_group_is_one_that_the_key_knows() -> None:
    for parameters in ({}, {"NetworkMode": "create", "FunctionsInVpc": "true"}):
        stack = application(Deployment("rft", account=ACCOUNT, parameters=parameters))
        groups = [
            properties["LogGroupName"]
            for one in (stack, *(nested for _, nested in stack.every_nested()))
            for _, properties in one.of_type("AWS::Logs::LogGroup")
        ]
        assert len(groups) > 20
        for group in groups:
            arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
            context = {"kms:EncryptionContext:aws:logs:arn": arn}
            assert said("DataKey", "Encrypt", "logs.us-east-1.amazonaws.com", context) is Decision.ALLOW, group


@pytest.mark.parametrize(
    ("service", "name", "kind", "resource"),
    [("cloudwatch", "aws:sns:topicArn", "sns", "rft-Topic-1"), ("events", "aws:sqs:arn", "sqs", "rft-Events-1")],
)
def test_alarms_and_rules_reach_what_is_encrypted(service: str, name: str, kind: str, resource: str) -> None:
    """They come without aws:SourceArn: with a condition on it their messages would be lost, and nothing would tell."""
    ours = {f"kms:EncryptionContext:{name}": f"arn:aws:{kind}:us-east-1:{ACCOUNT}:{resource}"}
    others = {f"kms:EncryptionContext:{name}": f"arn:aws:{kind}:us-east-1:{ACCOUNT}:another"}
    for action in ("Decrypt", "GenerateDataKey"):
        assert said("MessageKey", action, f"{service}.amazonaws.com", ours) is Decision.ALLOW
        assert said("MessageKey", action, f"{service}.amazonaws.com", others) is Decision.NOTHING
        assert said("DataKey", action, f"{service}.amazonaws.com", ours) is Decision.NOTHING


def test_messages_are_sent_by_way_of_topic_and_queues() -> None:
    for service in ("sns", "sqs"):
        assert said("MessageKey", "GenerateDataKey", SOMEBODY, via(service)) is Decision.ALLOW
        assert said("MessageKey", "GenerateDataKey", STRANGER, via(service)) is Decision.NOTHING
    assert said("MessageKey", "Decrypt", SOMEBODY, via("s3")) is Decision.NOTHING


def test_a_key_that_was_named_is_used_and_none_made() -> None:
    stack = keys(**OWN)
    assert not any(stack.exists(name) for name in (*KEYS, "DataKeyAlias", "MessageKeyAlias"))
    assert {name: stack.output(name) for name in OWN} == OWN
    assert [name for name in stack.template["Resources"] if stack.exists(name)], "a stack without resources is refused"
    half = keys(DataKeyArn=OWN["DataKeyArn"])
    assert (half.exists("DataKey"), half.exists("MessageKey")) == (False, True)
