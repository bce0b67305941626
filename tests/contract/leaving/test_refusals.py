"""What AWS refuses, for ever or for a while, and what can't be deleted yet."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.application import client
from tests.contract.leaving.looks import is_empty, kinds_left
from tests.contract.leaving.scene import Scene, tag


@pytest.mark.parametrize(
    "refusals",
    [
        [
            ("bedrock", "DeleteCustomModelDeployment", "AccessDeniedException", "custom model deployment"),
            ("ssm", "DeleteParameter", "AccessDeniedException", "SSM parameter"),
        ],
        [
            ("s3", "DeleteBucket", "AccessDenied", "bucket"),
            ("dynamodb", "DeleteTable", "AccessDeniedException", "table"),
            ("kms", "ScheduleKeyDeletion", "KMSInvalidStateException", "KMS key"),
        ],
        [
            ("bedrock", "DeleteCustomModel", "ValidationException", "custom model"),
            ("cloudformation", "DeleteStack", "AccessDenied", "CloudFormation stack"),
        ],
    ],
    ids=lambda refusals: refusals[0][1],
)
def test_what_is_refused_is_told_with_its_reason_and_goes_the_next_time(
    scene: Scene, refusals: list[tuple[str, str, str, str]]
) -> None:
    refusing = []
    for service, operation, code, _ in refusals:

        def refuses(operation: str = operation, code: str = code, **_: Any) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "not you"}}, operation)

        scene.on(service, f"before-call.*.{operation}", refuses)
        refusing.append(refuses)
    outcome = scene.left()
    for refuses in refusing:
        scene.off(refuses)
    for _, operation, code, kind in refusals:
        assert any(one.thing.kind == kind and f"{code}: not you" in one.reason for one in outcome.left), (
            operation,
            outcome.left,
        )
        if operation == "DeleteStack":
            assert {"bucket", "table", "KMS key"} <= kinds_left(outcome), "data of a stack that is there stays"
            assert {one.reason for one in outcome.left} >= {"its turn didn't come"}
    assert scene.left().left == []
    assert is_empty(scene)


def test_what_passes_is_tried_again(scene: Scene) -> None:
    passing = {"DeleteCustomModel": "ThrottlingException", "DeleteCustomModelDeployment": "ConflictException"}
    scene.app.bedrock.faults([{"operation": name, "error": code, "times": 12} for name, code in passing.items()])
    outcome = scene.left()
    assert outcome.left == []
    assert is_empty(scene)


def test_a_commitment_stays_with_its_model_and_the_key_of_both(bare: Scene) -> None:
    app, candidates = bare.app, bare.candidates
    model = candidates.model_arn(candidates.next_id("term"))
    arn = app.bedrock.control.create_provisioned_model_throughput(
        provisionedModelName="term", modelId=model, modelUnits=2, commitmentDuration="OneMonth"
    )["provisionedModelArn"]
    for one in (model, arn):
        tag(app, one, stack="rft", model="term")
    (listed,) = [thing for thing in bare.leaving().listed().goes if thing.id == arn]
    assert "2 model units, committed until 20" in listed.note
    outcome = bare.left()
    reasons = {left.thing.kind: left.reason for left in outcome.left}
    assert reasons.keys() == {"provisioned throughput", "custom model", "KMS key"}
    assert "committed and paid for until 20" in reasons["provisioned throughput"]
    assert arn in reasons["custom model"]
    assert "provisioned throughput that could not be removed is encrypted with it: term" in reasons["KMS key"]


def test_a_stack_that_cannot_be_deleted_is_told_with_the_resource_and_its_reason(bare: Scene) -> None:
    bare.cloudformation.fails = {"Topic": "it has a subscription", "DataKey": "the key is in use"}
    outcome = bare.left()
    (reason,) = [left.reason for left in outcome.left if left.thing.kind == "CloudFormation stack"]
    assert "Topic (arn:aws:sns:us-east-1:123456789012:rft-topic): it has a subscription" in reason
    assert f"DataKey ({bare.key}): the key is in use" in reason, "of a nested stack too"
    assert client("s3").list_object_versions(Bucket=bare.bucket)["Versions"], "its data stays then"
    bare.cloudformation.fails = {}
    assert bare.left().left == []
    assert is_empty(bare)


def test_a_stack_that_is_being_changed_is_waited_for(bare: Scene) -> None:
    (arn,) = [arn for arn, stack in bare.cloudformation._stacks.items() if stack["StackName"] == "rft"]
    stack, looks = bare.cloudformation._stacks[arn], count()
    stack["StackStatus"] = "UPDATE_IN_PROGRESS"
    describe = bare.cloudformation.describe_stacks

    def described(*, StackName: str) -> Any:  # noqa: N803
        if next(looks) == 6:
            stack["StackStatus"] = "UPDATE_COMPLETE"
        return describe(StackName=StackName)

    bare.cloudformation.describe_stacks = described  # type: ignore[method-assign]
    assert bare.left().left == []
    assert is_empty(bare)
