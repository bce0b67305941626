"""``rft destroy`` of a whole stack: the list, the order, going on after any failure, and what is not the stack's."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli import leaving_data
from cli.faults import CliFault
from cli.leaving_keys import without_the_denial
from cli.leaving_work import Leaving, Listed, Outcome
from rft.run.status import Status
from rft.steps.ending.close_run import close_ended_execution
from tests.contract.candidates import Candidates, Died
from tests.contract.leaving import SERVICES, Resource, Scene, client, deployed, foreign_is_there, tag

ORDER = [
    "StopExecution",
    "DeleteCustomModelDeployment",
    "DeleteCustomModel",
    "DeleteParameter",
    "DeleteStack",
    "DeleteObjects",
    "AbortMultipartUpload",
    "DeleteBucket",
    "DeleteTable",
    "ScheduleKeyDeletion",
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.leaving_stack._CLOSING_SECONDS", 0.0)
    monkeypatch.setattr("cli.leaving_account._ATTEMPTS", 1)


@pytest.fixture
def scene(candidates: Candidates) -> Scene:
    return deployed(candidates)


@pytest.fixture
def bare(candidates: Candidates) -> Scene:
    """Without models, and the other stack without them: quicker."""
    return deployed(candidates, with_model=False)


def ids(outcome: Outcome) -> set[str]:
    return {left.thing.kind for left in outcome.left}


def kinds(things: Any) -> list[str]:
    return list(dict.fromkeys(thing.kind for thing in things))


def is_empty(scene: Scene) -> bool:
    """By a look of the test's own, with nothing of what is tested."""
    kms = client("kms")
    buckets = [b["Name"] for b in client("s3").list_buckets()["Buckets"]]
    tables = client("dynamodb").list_tables()["TableNames"]
    control = scene.app.bedrock.control
    models = [m["modelArn"] for m in control.list_custom_models(maxResults=1000)["modelSummaries"]]
    served = control.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]
    served_arns = [d["customModelDeploymentArn"] for d in served]
    ours = [
        arn
        for arn in [*models, *served_arns]
        if {"key": "rft:stack", "value": "rft"} in control.list_tags_for_resource(resourceARN=arn)["tags"]
    ]
    parameters = client("ssm").get_parameters(Names=["/rft/models/leaves/live"])["Parameters"]
    state = kms.describe_key(KeyId=scene.key)["KeyMetadata"]["KeyState"]
    return (
        scene.cloudformation.names,
        [b for b in buckets if b == scene.bucket],
        [t for t in tables if t.startswith("rft-RunTable")],
        ours,
        parameters,
        state,
    ) == ([], [], [], [], [], "PendingDeletion")


def test_the_list_has_everything_and_says_what_is_kept(scene: Scene) -> None:
    listed = scene.leaving(everything=False).listed()
    assert kinds(listed.goes) == ["custom model deployment", "custom model", "SSM parameter", "CloudFormation stack"]
    assert kinds(listed.kept) == ["bucket", "table", "KMS key"]
    bucket, _, key = listed.kept
    assert (bucket.name, bucket.note.split(",")[0]) == (scene.bucket, "7 versions of objects")
    assert (key.id, key.cost) == (scene.key, "1 USD a month")
    everything = scene.leaving(everything=True).listed()
    assert (everything.goes, everything.kept) == ([*listed.goes, *listed.kept], [])
    assert scene.changes == [], "a list changes nothing"


def test_all_goes_in_the_order_in_which_aws_lets_it_go_and_once(scene: Scene) -> None:
    outcome = scene.left()
    assert (outcome.left, outcome.kept) == ([], [])
    assert is_empty(scene)
    assert foreign_is_there(scene)
    assert outcome.removed[-1].id == scene.key
    seen = [name for name in dict.fromkeys(scene.changes) if name in ORDER]
    assert seen == [name for name in ORDER if name in seen]
    assert len(seen) == len(ORDER) - 1, "no run was under way"
    assert scene.models <= {thing.id for thing in outcome.removed}
    scene.changes.clear()
    assert scene.leaving().listed().is_empty, "a second time there is nothing to do"
    assert scene.left() == Outcome()
    assert scene.changes == []


def test_data_is_kept_unless_it_is_asked_for(bare: Scene) -> None:
    outcome = bare.left(everything=False)
    assert (outcome.left, kinds(outcome.kept)) == ([], ["bucket", "table", "KMS key"])
    assert client("s3").list_object_versions(Bucket=bare.bucket)["Versions"]
    assert client("kms").describe_key(KeyId=bare.key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert foreign_is_there(bare)
    # The stack is gone then; what it kept is found by its tags.
    again = bare.leaving(everything=True).listed()
    assert kinds(again.goes) == ["bucket", "table", "KMS key"]
    assert bare.left().left == []
    assert is_empty(bare)


def test_the_accounts_role_for_logs_is_kept_and_named_if_it_is_the_stacks(bare: Scene) -> None:
    bare.logging_role = "arn:aws:iam::123456789012:role/rft-two/logs"
    assert bare.leaving().listed().kept == []
    bare.logging_role = "arn:aws:iam::123456789012:role/rft/logs"
    assert [thing.id for thing in bare.leaving().listed().kept] == [bare.logging_role]
    outcome = bare.left()
    assert (outcome.left, [thing.id for thing in outcome.kept]) == ([], [bare.logging_role])


def test_a_run_under_way_is_stopped_closed_and_waited_for(scene: Scene) -> None:
    app, states = scene.app, client("stepfunctions")
    run = scene.candidates.compared("leaves")
    (machine,) = [m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"] if "leaving" in m["name"]]
    arn = states.start_execution(stateMachineArn=machine, name=run, input="{}")["executionArn"]

    def closes(**_: Any) -> None:
        scene.app.calls.append(("Stopped", {"stop_requested": app.pipeline.store.get(run).stop_requested}))
        close_ended_execution(app.pipeline, {"detail": {"name": run, "status": "ABORTED"}})

    scene.account.client("stepfunctions").meta.events.register("after-call.sfn.StopExecution", closes)
    listed = scene.leaving().listed()
    assert (listed.goes[0].kind, listed.goes[0].name) == ("run", run)
    leaving = scene.leaving()
    leaving._runs._stores = [app.pipeline.store]  # the steps of these tests have a table of their own
    outcome = leaving.carry_out()
    assert app.named("Stopped") == [{"stop_requested": True}], "said before it is stopped, so that it ends as stopped"
    assert app.pipeline.store.get(run).status is Status.STOPPED
    assert (outcome.left, outcome.removed[0].id) == ([], arn)
    assert scene.changes.index("StopExecution") < scene.changes.index("DeleteCustomModelDeployment")


def test_a_training_job_is_stopped_and_its_end_waited_for(bare: Scene) -> None:
    app = bare.app
    job = app.bedrock.job(
        bare.candidates.next_id("leaves"),
        hyper_parameters={"epochCount": 50},
        jobTags=[{"key": "rft:stack", "value": "rft"}],
    )
    theirs = app.bedrock.job(bare.candidates.next_id("other"), hyper_parameters={"epochCount": 50})
    outcome = bare.left()
    assert (outcome.left, app.bedrock.status(job)) == ([], "Stopped")
    assert app.bedrock.status(theirs) == "InProgress"
    app.bedrock.control.stop_model_customization_job(jobIdentifier=theirs)
    app.bedrock.ended(theirs)


class Stops:
    """The command is killed once AWS has done what its ``number``th call to change something has asked for."""

    def __init__(self, scene: Scene, number: int) -> None:
        self._scene, self._left = scene, number
        self.after: str | None = None

    def __enter__(self) -> Stops:
        for service in SERVICES:
            self._scene.account.client(service).meta.events.register("after-call.*.*", self)
        return self

    def __exit__(self, *_: object) -> None:
        for service in SERVICES:
            self._scene.account.client(service).meta.events.unregister("after-call.*.*", self)

    def __call__(self, model: Any, **_: Any) -> None:
        if model.name.startswith(("Get", "List", "Describe", "Head")):
            return
        self._left -= 1
        if self._left == -1:
            self.after = model.name
            raise Died


def test_it_goes_on_after_it_was_killed_at_any_point(candidates: Candidates) -> None:
    """One account, in which the command is killed after its first change, then after its next, until none is left."""
    scene, died = deployed(candidates), []
    for _ in range(60):
        with Stops(scene, 0) as stops:
            try:
                outcome = scene.left()
            except Died:
                died.append(stops.after)
                continue
        break
    assert outcome.left == []
    assert is_empty(scene)
    assert foreign_is_there(scene)
    assert set(died) >= set(ORDER) - {"StopExecution"}


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

        refusing.append((scene.account.client(service).meta.events, f"before-call.*.{operation}", refuses))
    for events, event, refuses in refusing:
        events.register(event, refuses)
    outcome = scene.left()
    for events, event, refuses in refusing:
        events.unregister(event, refuses)
    for _, operation, code, kind in refusals:
        assert any(one.thing.kind == kind and f"{code}: not you" in one.reason for one in outcome.left), (
            operation,
            outcome.left,
        )
        if operation == "DeleteStack":
            assert {"bucket", "table", "KMS key"} <= ids(outcome), "data of a stack that is still there is not touched"
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


def test_a_stack_of_that_name_that_is_another_application_is_not_touched(candidates: Candidates) -> None:
    scene = deployed(candidates, with_model=False)
    scene.cloudformation.create("website", [Resource("Topic", "AWS::SNS::Topic", "arn")])
    scene.account.stack = "website"
    with pytest.raises(CliFault, match="is not this application"):
        Leaving(scene.account, everything=True, steps=None)  # type: ignore[arg-type]
    assert scene.changes == []


def test_a_key_that_nobody_may_delete_gets_another_policy_first(bare: Scene) -> None:
    kms = bare.account.client("kms")

    def guarded(params: dict[str, Any], **_: Any) -> None:
        policy = json.loads(client("kms").get_key_policy(KeyId=params["KeyId"], PolicyName="default")["Policy"])
        if any(s["Effect"] == "Deny" and "kms:ScheduleKeyDeletion" in s["Action"] for s in policy["Statement"]):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ScheduleKeyDeletion")

    kms.meta.events.register("before-parameter-build.kms.ScheduleKeyDeletion", guarded)
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


def test_a_bucket_is_emptied_page_by_page_and_what_s3_refuses_comes_again(
    bare: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leaving_data._BATCH == 1000, "the most that S3 takes in one call"
    monkeypatch.setattr(leaving_data, "_BATCH", 20)
    s3 = client("s3")
    for number in range(50):
        s3.put_object(Bucket=bare.bucket, Key=f"many/{number}", Body=b"")
    refused = iter([True])

    def answered(parsed: dict[str, Any], **_: Any) -> None:
        if next(refused, False):
            parsed["Errors"] = [{"Key": "many/7", "Code": "InternalError", "Message": "again"}]

    bare.account.client("s3").meta.events.register("after-call.s3.DeleteObjects", answered)
    outcome = bare.left()
    assert outcome.left == []
    assert bare.changes.count("DeleteObjects") >= 3
    assert is_empty(bare)


def test_log_groups_that_came_after_the_stack_go_too_and_no_others(bare: Scene) -> None:
    logs, leaving = client("logs"), bare.leaving()
    leaving._logs._names = ["/aws/lambda/rft-api", "API-Gateway-Execution-Logs_abc/v1"]
    for name in ("/aws/lambda/rft-api", "/aws/lambda/rft-api-of-another", "API-Gateway-Execution-Logs_abc/v1"):
        logs.create_log_group(logGroupName=name)
    assert leaving.carry_out().left == []
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == [
        "/aws/lambda/rft-api-of-another",
        "/aws/lambda/rft-two-api",
    ]


# -- whose it is ----------------------------------------------------------------------------------------------------


def own_key(**tags: str) -> str:
    listed = [{"TagKey": name.replace("__", ":").replace("_", "-"), "TagValue": value} for name, value in tags.items()]
    return str(client("kms").create_key(Tags=listed)["KeyMetadata"]["KeyId"])


def key_state(key: str) -> str:
    return str(client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


def forgotten(scene: Scene) -> None:
    """After 90 days: CloudFormation knows nothing of the stack any more."""
    assert scene.left(everything=False).left == []
    scene.cloudformation._stacks.clear()


def test_the_same_stack_of_another_region_keeps_its_buckets(bare: Scene) -> None:
    west = boto3.client("s3", region_name="us-west-2")
    west.create_bucket(Bucket="rft-databucket-west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    west.put_bucket_tagging(Bucket="rft-databucket-west", Tagging={"TagSet": [{"Key": "rft:stack", "Value": "rft"}]})
    west.put_object(Bucket="rft-databucket-west", Key="theirs", Body=b"x")
    assert [thing.id for thing in bare.leaving().listed().goes if thing.kind == "bucket"] == [bare.bucket]
    assert bare.left().left == []
    assert is_empty(bare)
    assert west.list_objects_v2(Bucket="rft-databucket-west")["KeyCount"] == 1


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
    forgotten(bare)
    outcome = bare.left(orphans=True)
    assert outcome.left == []
    assert (key_state(ours), key_state(tagged), key_state(other)) == ("PendingDeletion", "Enabled", "Enabled")
    assert key_state(bare.key) == "Enabled", "it has the tag that people give too, and nothing else"


def test_without_a_stack_that_is_there_or_remembered_nothing_goes_but_by_another_word(bare: Scene) -> None:
    forgotten(bare)
    model = bare.candidates.model_arn(bare.candidates.next_id("late"))
    tag(bare.app, model, stack="rft", model="late")
    bare.changes.clear()
    looks: list[Listed | Outcome] = [bare.leaving().listed(), bare.left()]
    for listed in looks:
        assert {left.thing.kind for left in listed.left} == {"custom model", "bucket", "table"}
        assert {"no stack rft of this application is in us-east-1" in left.reason for left in listed.left} == {True}
        assert "--orphans" in listed.left[0].reason
    assert bare.leaving().listed().goes == []
    kept = bare.left(everything=False)
    assert ([left.thing.id for left in kept.left], kinds(kept.kept)) == ([model], ["bucket", "table"])
    assert bare.changes == []
    assert bare.left(orphans=True).left == []
    assert client("dynamodb").list_tables()["TableNames"].count("rft-RunTable-1ABC") == 0
    assert foreign_is_there(bare)


def test_data_of_another_application_that_had_the_name_stays(bare: Scene) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="shop-orders")

    def tagged_by_cloudformation(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 200
        parsed.pop("Error", None)
        parsed["TagSet"] = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}]

    bare.account.client("s3").meta.events.register("after-call.s3.GetBucketTagging", tagged_by_cloudformation)
    arn = bare.cloudformation.create("shop", [Resource("Orders", "AWS::S3::Bucket", "shop-orders")])
    bare.cloudformation._stacks[arn]["StackStatus"] = "DELETE_COMPLETE"
    bare.account.stack = "shop"
    assert bare.leaving(orphans=True).listed().is_empty
    assert bare.left(orphans=True) == Outcome()
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


# -- what can't be looked at, and what still needs a key ------------------------------------------------------------


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

    events = bare.account.client("bedrock").meta.events
    events.register("before-call.bedrock.ListTagsForResource", hides)
    (seen,) = bare.leaving().listed().left
    assert (seen.thing.id, "tags may not be read" in seen.reason, "by the hour" in seen.thing.cost) == (arn, True, True)
    reasons = {left.thing.kind: left.reason for left in bare.left().left}
    assert reasons.keys() == {"provisioned throughput", "custom model", "KMS key"}
    assert f"{arn} serves it" in reasons["custom model"], "it is not tried for half an hour in vain"
    assert "tags may not be read" in reasons["provisioned throughput"]
    assert key_state(bare.key) == "Enabled"
    events.unregister("before-call.bedrock.ListTagsForResource", hides)
    assert bare.left().left == []
    assert is_empty(bare)


def test_a_bucket_that_may_not_be_looked_at_is_left(bare: Scene) -> None:
    def hides(params: dict[str, Any], **_: Any) -> None:
        if "rft-untagged" in params["url"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketTagging")

    bare.account.client("s3").meta.events.register("before-call.s3.GetBucketTagging", hides)
    outcome = bare.left()
    assert {left.thing.id for left in outcome.left} == {"rft-untagged", bare.key}, outcome.left
    assert key_state(bare.key) == "Enabled"
    assert bare.left(everything=False).left == []


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

        bare.account.client("dynamodb").meta.events.register("after-call.dynamodb.DescribeTable", encrypted)
    if refused:
        bare.account.client(refused[0]).meta.events.register(f"before-call.*.{refused[1]}", refuses)
    (left,) = [one for one in bare.left().left if one.thing.kind == "KMS key"]
    name = {"bucket": bare.bucket, "table": "rft-RunTable-1ABC"}.get(what, "rft-code-tests")
    assert name in left.reason
    assert key_state(bare.key) == "Enabled"


def test_a_bucket_of_logs_that_takes_no_key_keeps_none(bare: Scene) -> None:
    def refuses(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteBucket")

    bare.account.client("s3").meta.events.register("before-call.s3.DeleteBucket", refuses)
    assert ids(bare.left()) == {"bucket"}
    assert key_state(bare.key) == "PendingDeletion"
