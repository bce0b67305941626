"""docs/policies/leave*.json: what ``rft destroy`` calls, and nothing of another stack's."""

from __future__ import annotations

import pytest

from tests.iam.matching import Context
from tests.template import leaving
from tests.template.as_deployed import deployed
from tests.template.sample_policies import FILLED_IN, allowed, policy

pytestmark = pytest.mark.thorough

PLACE = "us-east-1:111122223333"
HERE: Context = {"aws:ResourceAccount": "111122223333"}
OWN: Context = {"aws:ResourceTag/rft:stack": "rft"}
KEY = f"arn:aws:kms:{PLACE}:key/0f1e2d3c"
DATA = {
    "s3:DeleteObject": "arn:aws:s3:::rft-databucket-1a2b/inbox/triage.jsonl",
    "s3:DeleteObjectVersion": "arn:aws:s3:::rft-databucket-1a2b/inbox/triage.jsonl",
    "s3:AbortMultipartUpload": "arn:aws:s3:::rft-databucket-1a2b/inbox/triage.jsonl",
    "s3:DeleteBucket": "arn:aws:s3:::rft-accesslogbucket-1a2b",
    "s3:PutBucketLogging": "arn:aws:s3:::rft-databucket-1a2b",
    "dynamodb:UpdateTable": f"arn:aws:dynamodb:{PLACE}:table/rft-RunTable-1A2B",
    "dynamodb:DeleteTable": f"arn:aws:dynamodb:{PLACE}:table/rft-RunTable-1A2B",
    "kms:PutKeyPolicy": KEY,
    "kms:ScheduleKeyDeletion": KEY,
    "logs:DeleteLogGroup": f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/rft-api:*",
}
"""What only ``--all`` does, each with a thing of the stack's."""
MODELS = {
    "bedrock:StopModelCustomizationJob": "model-customization-job/amazon.nova-lite-v1:0:256k/a1b2c3d4e5f6",
    "bedrock:DeleteCustomModel": "custom-model/amazon.nova-lite-v1:0:256k/a1b2c3d4e5f6",
    "bedrock:DeleteCustomModelDeployment": "custom-model-deployment/a1b2c3d4e5f6",
    "bedrock:DeleteProvisionedModelThroughput": "provisioned-model/a1b2c3d4e5f6",
}


def granted(*names: str) -> set[str]:
    return {action for statement in policy(*names) for action in statement.actions}


def test_every_call_of_the_command_is_in_the_policies_and_nothing_else_is() -> None:
    called = leaving.actions()
    assert len(called) >= 50
    # DynamoDB opens the run's record with the caller's right to the key.
    assert granted("leave.json", "leave-data.json") == called | {"kms:Decrypt"}


@pytest.mark.parametrize("action", DATA)
def test_data_goes_by_the_second_policy_only(action: str) -> None:
    context = {**HERE, **OWN}
    assert not allowed(policy("leave.json"), action, DATA[action], context)
    assert allowed(policy("leave.json", "leave-data.json"), action, DATA[action], context)


def test_what_the_command_asks_of_all_that_is_there_is_answered() -> None:
    """A bucket whose tags it may not see it would report as left; a table would end it."""
    having = policy("leave.json")
    assert allowed(having, "s3:GetBucketTagging", "arn:aws:s3:::rft-of-somebody", HERE)
    assert allowed(having, "dynamodb:DescribeTable", f"arn:aws:dynamodb:{PLACE}:table/rft-of-somebody")
    assert allowed(having, "bedrock:ListTagsForResource", f"arn:aws:bedrock:{PLACE}:custom-model/of-somebody")
    assert not allowed(having, "dynamodb:GetItem", f"arn:aws:dynamodb:{PLACE}:table/rft-of-somebody")
    assert allowed(policy("leave-data.json"), "cloudformation:DescribeStacks", "*")


def test_what_is_changed_or_removed_is_in_the_table_above() -> None:
    changes = {
        action
        for action in granted("leave-data.json") - granted("leave.json")
        if not action.partition(":")[2].startswith(("List", "Get", "Describe"))
    }
    assert changes == DATA.keys()


@pytest.mark.parametrize(("action", "resource"), DATA.items())
def test_no_data_of_another_stack_goes(action: str, resource: str) -> None:
    having = policy("leave.json", "leave-data.json")
    if resource == KEY:
        assert not allowed(having, action, KEY, {**HERE, "aws:ResourceTag/rft:stack": "prod-rft"})
        assert not allowed(having, action, KEY, HERE), "a key of somebody's own has no such tag"
        return
    for stack in ("prod-rft", "other"):
        assert not allowed(having, action, resource.replace("rft-", f"{stack}-", 1), {**HERE, **OWN})
    if ":s3:" in resource:
        assert not allowed(having, action, resource, {"aws:ResourceAccount": "444455556666", **OWN})


@pytest.mark.parametrize(("action", "resource"), MODELS.items())
def test_of_bedrock_only_what_carries_the_stacks_tag_goes(action: str, resource: str) -> None:
    having, arn = policy("leave.json"), f"arn:aws:bedrock:{PLACE}:{resource}"
    assert allowed(having, action, arn, OWN)
    assert not allowed(having, action, arn, {"aws:ResourceTag/rft:stack": "prod-rft"})
    assert not allowed(having, action, arn)


def test_the_stack_with_those_nested_in_it_is_deleted_and_no_other() -> None:
    having = policy("leave.json")
    whole = deployed({"NetworkMode": "create", "FunctionsInVpc": "true"})
    ids = [whole.physical(logical) for logical, _ in whole.every_nested()]
    assert len(ids) >= 3
    for arn in (*ids, f"arn:aws:cloudformation:{PLACE}:stack/rft/0"):
        assert allowed(having, "cloudformation:ListStackResources", arn), arn
    assert not allowed(having, "cloudformation:DeleteStack", f"arn:aws:cloudformation:{PLACE}:stack/prod-rft/0")


def test_runs_are_stopped_and_put_on_record_and_no_data_is_read() -> None:
    having = policy("leave.json", "leave-data.json")
    execution = f"arn:aws:states:{PLACE}:execution:rft-run:triage-0123456789ab"
    assert allowed(having, "states:StopExecution", execution)
    assert not allowed(having, "states:StopExecution", execution.replace(":rft-run:", ":prod-rft-run:"))
    assert not allowed(having, "states:StartExecution", f"arn:aws:states:{PLACE}:stateMachine:rft-run")
    key = f"arn:aws:kms:{PLACE}:key/{FILLED_IN['DATA_KEY']}"
    assert allowed(having, "kms:Decrypt", key, {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"})
    assert not allowed(having, "kms:Decrypt", key, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not allowed(having, "s3:GetObject", DATA["s3:DeleteObject"], {**HERE, **OWN})
