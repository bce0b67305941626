"""Whose a stack is, and its things; what may not be looked at."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.faults import CliFault
from cli.leaving.work import Listed, Outcome
from tests.contract.application import client
from tests.contract.leaving.cloudformation import Resource
from tests.contract.leaving.looks import foreign_is_there, is_empty, key_state, kinds
from tests.contract.leaving.scene import Scene, tag


def test_a_stack_of_that_name_that_is_another_application_is_not_touched(bare: Scene) -> None:
    bare.cloudformation.create("website", [Resource("Topic", "AWS::SNS::Topic", "arn")])
    bare.account.stack = "website"
    with pytest.raises(CliFault, match="is not this application"):
        bare.leaving()
    assert bare.changes == []


def test_the_same_stack_of_another_region_keeps_its_buckets(beside: Scene) -> None:
    west = boto3.client("s3", region_name="us-west-2")
    west.create_bucket(Bucket="rft-databucket-west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    west.put_bucket_tagging(Bucket="rft-databucket-west", Tagging={"TagSet": [{"Key": "rft:stack", "Value": "rft"}]})
    west.put_object(Bucket="rft-databucket-west", Key="theirs", Body=b"x")
    assert [thing.id for thing in beside.leaving().listed().goes if thing.kind == "bucket"] == [beside.bucket]
    assert beside.left().left == []
    assert is_empty(beside)
    assert west.list_objects_v2(Bucket="rft-databucket-west")["KeyCount"] == 1


def test_without_a_stack_that_is_there_or_remembered_nothing_goes_but_by_another_word(beside: Scene) -> None:
    beside.forgotten()
    model = beside.candidates.model_arn(beside.candidates.next_id("late"))
    tag(beside.app, model, stack="rft", model="late")
    beside.changes.clear()
    looks: list[Listed | Outcome] = [beside.leaving().listed(), beside.left()]
    for listed in looks:
        assert {left.thing.kind for left in listed.left} == {"custom model", "bucket", "table"}
        assert {"no stack rft of this application is in us-east-1" in left.reason for left in listed.left} == {True}
        assert "--orphans" in listed.left[0].reason
    assert beside.leaving().listed().goes == []
    kept = beside.left(everything=False)
    assert ([left.thing.id for left in kept.left], kinds(kept.kept)) == ([model], ["bucket", "table"])
    assert beside.changes == []
    assert beside.left(orphans=True).left == []
    assert client("dynamodb").list_tables()["TableNames"].count("rft-RunTable-1ABC") == 0
    assert foreign_is_there(beside)


def test_data_of_another_application_that_had_the_name_stays(beside: Scene) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="shop-orders")

    def tagged_by_cloudformation(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 200
        parsed.pop("Error", None)
        parsed["TagSet"] = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}]

    beside.on("s3", "after-call.s3.GetBucketTagging", tagged_by_cloudformation)
    arn = beside.cloudformation.create("shop", [Resource("Orders", "AWS::S3::Bucket", "shop-orders")])
    beside.cloudformation._stacks[arn]["StackStatus"] = "DELETE_COMPLETE"
    beside.account.stack = "shop"
    assert beside.leaving(orphans=True).listed().is_empty
    assert beside.left(orphans=True) == Outcome()
    s3.head_bucket(Bucket="shop-orders")


@pytest.mark.parametrize("logical_ids", [["DataBucket", "AccessLogBucket"], ["StateMachine", "Orders"]])
def test_one_name_in_common_and_two_buckets_make_no_application(bare: Scene, logical_ids: list[str]) -> None:
    bare.cloudformation.create("shop", [Resource(name, "AWS::S3::Bucket", f"shop-{name}") for name in logical_ids])
    bare.account.stack = "shop"
    with pytest.raises(CliFault, match="is not this application"):
        bare.leaving()


@pytest.mark.parametrize("logical_id", ["Keys", "FunctionRuntime", "LibraryLayer0123456789"])
def test_a_first_deployment_that_failed_early_is_this_application(bare: Scene, logical_id: str) -> None:
    client("s3").create_bucket(Bucket="early-accesslogbucket-1")
    bare.cloudformation.create(
        "early",
        [
            Resource(logical_id, "AWS::Any::Thing", "", status="CREATE_FAILED"),
            Resource("AccessLogBucket", "AWS::S3::Bucket", "early-accesslogbucket-1", status="DELETE_SKIPPED"),
        ],
    )
    bare.account.stack = "early"
    outcome = bare.left()
    assert (outcome.left, kinds(outcome.removed)) == ([], ["CloudFormation stack", "bucket"])


def test_a_change_set_that_was_never_carried_out_is_no_stack(bare: Scene) -> None:
    arn = bare.cloudformation.create("reviewed", [])
    bare.cloudformation._stacks[arn]["StackStatus"] = "REVIEW_IN_PROGRESS"
    bare.account.stack = "reviewed"
    assert bare.leaving().listed().is_empty


def test_a_throughput_that_may_not_be_looked_at_is_left_and_keeps_the_key(bare: Scene) -> None:
    control, candidates = bare.app.bedrock.control, bare.candidates
    model = candidates.model_arn(candidates.next_id("hidden"))
    arn = control.create_provisioned_model_throughput(provisionedModelName="hidden", modelId=model, modelUnits=1)[
        "provisionedModelArn"
    ]
    for one in (model, arn):
        tag(bare.app, one, stack="rft", model="hidden")

    def hides(params: dict[str, Any], **_: Any) -> None:
        if arn.rpartition("/")[2] in str(params):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListTagsForResource")

    bare.on("bedrock", "before-call.bedrock.ListTagsForResource", hides)
    (seen,) = bare.leaving().listed().left
    assert (seen.thing.id, "tags may not be read" in seen.reason, "by the hour" in seen.thing.cost) == (arn, True, True)
    reasons = {left.thing.kind: left.reason for left in bare.left().left}
    assert reasons.keys() == {"provisioned throughput", "custom model", "KMS key"}
    assert f"{arn} serves it" in reasons["custom model"], "it is not tried for half an hour in vain"
    assert "tags may not be read" in reasons["provisioned throughput"]
    assert key_state(bare.key) == "Enabled"
    bare.off(hides)
    assert bare.left().left == []
    assert is_empty(bare)


def test_a_bucket_that_may_not_be_looked_at_is_left(beside: Scene) -> None:
    def hides(params: dict[str, Any], **_: Any) -> None:
        if "rft-untagged" in params["url"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketTagging")

    beside.on("s3", "before-call.s3.GetBucketTagging", hides)
    outcome = beside.left()
    assert {left.thing.id for left in outcome.left} == {"rft-untagged", beside.key}, outcome.left
    assert key_state(beside.key) == "Enabled"
    assert beside.left(everything=False).left == []
