"""Whose a key is, when it may go, and when it has to stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.leaving.keys import without_the_denial
from tests.contract.application import client
from tests.contract.leaving.looks import is_empty, key_state, kinds_left
from tests.contract.leaving.scene import Scene


def own_key(**tags: str) -> str:
    listed = [{"TagKey": name.replace("__", ":").replace("_", "-"), "TagValue": value} for name, value in tags.items()]
    return str(client("kms").create_key(Tags=listed)["KeyMetadata"]["KeyId"])


def test_a_key_that_nobody_may_delete_gets_another_policy_first(bare: Scene) -> None:

    def guarded(params: dict[str, Any], **_: Any) -> None:
        policy = json.loads(client("kms").get_key_policy(KeyId=params["KeyId"], PolicyName="default")["Policy"])
        if any(s["Effect"] == "Deny" and "kms:ScheduleKeyDeletion" in s["Action"] for s in policy["Statement"]):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ScheduleKeyDeletion")

    bare.on("kms", "before-parameter-build.kms.ScheduleKeyDeletion", guarded)
    assert bare.left().left == []
    assert is_empty(bare)
    assert bare.changes.count("PutKeyPolicy") == 1
    policy = json.loads(client("kms").get_key_policy(KeyId=bare.key, PolicyName="default")["Policy"])
    denial, allowed = policy["Statement"]
    assert denial["Action"] == ["kms:DisableKey"], "the rest of it stands"
    assert (allowed["Action"], allowed["Principal"]["AWS"]) == (
        "kms:ScheduleKeyDeletion",
        "arn:aws:iam::000000000000:root",
    )


def test_a_policy_keeps_all_but_the_denial() -> None:
    allow = {"Effect": "Allow", "Action": "kms:Decrypt"}
    only = {"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion"}
    other = {"Effect": "Deny", "Action": ["kms:PutKeyPolicy"]}
    changed = without_the_denial({"Version": "v", "Statement": [allow, only, other]}, "root")
    assert (changed["Version"], changed["Statement"][:2]) == ("v", [allow, other])
    assert len(changed["Statement"]) == 3


def test_a_key_that_was_given_stays_whatever_its_tags_say(bare: Scene) -> None:
    made = {"aws__cloudformation__logical_id": "DataKey", "aws__cloudformation__stack_name": "rft-Keys-0OLD"}
    given, tagged = own_key(rft__stack="rft", **made), own_key(rft__stack="rft")
    (stack,) = [one for one in bare.cloudformation._stacks.values() if one["StackName"] == "rft"]
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{given}"
    stack["Parameters"] = [{"ParameterKey": "DataKeyArn", "ParameterValue": arn}]
    for _ in range(2):  # also when the stack is gone, and only remembered
        assert bare.left().left == []
        assert (key_state(given), key_state(tagged), key_state(bare.key)) == ("Enabled", "Enabled", "PendingDeletion")


def test_a_key_of_a_stack_that_is_forgotten_is_known_by_the_tags_that_only_cloudformation_sets(bare: Scene) -> None:
    made = {"aws__cloudformation__logical_id": "DataKey", "aws__cloudformation__stack_name": "rft-Keys-1ABC"}
    ours, tagged = own_key(rft__stack="rft", **made), own_key(rft__stack="rft")
    other = own_key(rft__stack="rft", **made | {"aws__cloudformation__stack_name": "website"})
    bare.forgotten()
    outcome = bare.left(orphans=True)
    assert outcome.left == []
    assert (key_state(ours), key_state(tagged), key_state(other)) == ("PendingDeletion", "Enabled", "Enabled")
    assert key_state(bare.key) == "Enabled", "it has the tag that people give too, and nothing else"


def test_what_needed_a_key_at_one_try_is_looked_for_anew_at_the_next(bare: Scene) -> None:
    logs = client("logs")
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{bare.key}"
    logs.create_log_group(logGroupName="/somebody/elses", kmsKeyId=arn)
    leaving = bare.leaving()
    assert kinds_left(leaving.carry_out()) == {"KMS key"}
    logs.delete_log_group(logGroupName="/somebody/elses")
    assert leaving.carry_out().left == []
    assert key_state(bare.key) == "PendingDeletion"


@pytest.mark.parametrize("what", ["log group", "bucket", "table", "parameter"])
def test_a_key_stays_while_something_is_encrypted_with_it(bare: Scene, what: str) -> None:
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{bare.key}"
    refused = {"bucket": ("s3", "DeleteBucket"), "table": ("dynamodb", "DeleteTable")}.get(what)

    def refuses(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Delete")

    if what == "log group":
        client("logs").create_log_group(logGroupName="/aws/lambda/rft-code-tests", kmsKeyId=arn)
    elif what == "parameter":
        bare.cloudformation.create("rft-code-tests", [], parameters={"LogKeyArn": arn})
    elif what == "bucket":
        rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
        client("s3").put_bucket_encryption(
            Bucket=bare.bucket,
            ServerSideEncryptionConfiguration={"Rules": [rule]},
        )
    else:

        def encrypted(parsed: dict[str, Any], **_: Any) -> None:
            parsed["Table"]["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}

        bare.on("dynamodb", "after-call.dynamodb.DescribeTable", encrypted)
    if refused:
        bare.on(refused[0], f"before-call.*.{refused[1]}", refuses)
    (left,) = [one for one in bare.left().left if one.thing.kind == "KMS key"]
    name = {"bucket": bare.bucket, "table": "rft-RunTable-1ABC"}.get(what, "rft-code-tests")
    assert name in left.reason
    assert key_state(bare.key) == "Enabled"


def test_a_bucket_of_logs_that_takes_no_key_keeps_none(bare: Scene) -> None:
    def refuses(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteBucket")

    bare.on("s3", "before-call.s3.DeleteBucket", refuses)
    assert kinds_left(bare.left()) == {"bucket"}
    assert key_state(bare.key) == "PendingDeletion"


def test_what_needs_keys_is_looked_for_once_for_all_of_them(bare: Scene) -> None:
    made = {"aws__cloudformation__logical_id": "MessageKey", "aws__cloudformation__stack_name": "rft-Keys-1ABC"}
    second, theirs = own_key(rft__stack="rft", **made), own_key(rft__stack="rft-two")
    calls: list[str] = []

    def called(model: Any, params: dict[str, Any], **_: Any) -> None:
        calls.append(f"{model.name} {theirs in str(params)}")

    bare.on("kms", "before-call.kms.ListResourceTags", called)
    bare.on("logs", "before-call.*.DescribeLogGroups", called)
    assert bare.left().left == []
    assert (key_state(bare.key), key_state(second), key_state(theirs)) == (
        "PendingDeletion",
        "PendingDeletion",
        "Enabled",
    )
    assert calls.count("DescribeLogGroups False") == 1, "an account may have thousands of log groups"
    assert calls.count("ListResourceTags True") == 1, "and hundreds of keys"
