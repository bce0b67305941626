"""Callers of the stand-in whose policies allow nothing, or all but one thing: refused as AWS refuses, in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.bedrock.authorization.checking import Credentials, Need, Refusal
from local.bedrock.protocol.errors import ServiceError
from local.bedrock.server import StandIn
from tests.contract.standin import Bedrock, FakeAws, job_request, records, refused, running, serving, settings

CALLER = "arn:aws:sts::000000000000:assumed-role/caller/session"
HERE = "arn:aws:bedrock:us-east-1:000000000000:"
BASE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0"
ABSENT_MODEL = f"{HERE}custom-model/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"
KEY = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000001"
HELLO = [{"role": "user", "content": [{"text": "hello"}]}]


@dataclass
class Policy:
    """Allows what a test says, and keeps what was asked."""

    allows: Callable[[Need], bool] = lambda _: False
    asked: list[Need] = field(default_factory=list)
    credentials: list[Credentials] = field(default_factory=list)
    unknown: bool = False

    def refusal(self, credentials: Credentials, needs: Sequence[Need]) -> Refusal | None:
        if self.unknown:
            raise ServiceError(
                "UnrecognizedClientException", "The security token included in the request is invalid.", 403
            )
        self.credentials.append(credentials)
        self.asked += needs
        return next((Refusal(CALLER, need) for need in needs if not self.allows(need)), None)

    def rights(self) -> list[tuple[str, str]]:
        return [(need.action, need.resource) for need in self.asked]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bedrock, Policy]]:
    """A stand-in with one trained model that has a key, and the policy of its callers."""
    aws, policy = FakeAws(), Policy(allows=lambda _: True)
    aws.put_records("train.jsonl", records())
    state = tmp_path_factory.mktemp("guarded")
    with serving(aws.app()) as endpoint, running(state, aws, endpoint, policy, deployment_seconds=0.0) as started:
        tags = [{"key": "rft:stack", "value": "rft"}]
        request = {"customModelKmsKeyId": KEY, "jobTags": tags, "customModelTags": tags}
        assert started.ended(started.job("first", **request))["status"] == "Completed"
        yield started, policy


@pytest.fixture
def bedrock(guarded: tuple[Bedrock, Policy]) -> Bedrock:
    return guarded[0]


@pytest.fixture
def policy(guarded: tuple[Bedrock, Policy]) -> Iterator[Policy]:
    """Allows nothing, until the test says otherwise."""
    policy = guarded[1]
    policy.allows, policy.asked, policy.credentials = lambda _: False, [], []
    yield policy
    policy.allows, policy.unknown = lambda _: True, False


CALLS: dict[str, dict[str, Any]] = {
    "CreateModelCustomizationJob": job_request("denied"),
    "GetModelCustomizationJob": {"jobIdentifier": "first"},
    "StopModelCustomizationJob": {"jobIdentifier": "first"},
    "ListModelCustomizationJobs": {},
    "GetCustomModel": {"modelIdentifier": ABSENT_MODEL},
    "ListCustomModels": {},
    "DeleteCustomModel": {"modelIdentifier": "first"},
    "CreateCustomModelDeployment": {"modelDeploymentName": "d", "modelArn": ABSENT_MODEL},
    "GetCustomModelDeployment": {"customModelDeploymentIdentifier": "absent"},
    "UpdateCustomModelDeployment": {"customModelDeploymentIdentifier": "absent", "modelArn": ABSENT_MODEL},
    "DeleteCustomModelDeployment": {"customModelDeploymentIdentifier": "absent"},
    "ListCustomModelDeployments": {},
    "CreateProvisionedModelThroughput": {"provisionedModelName": "p", "modelId": ABSENT_MODEL, "modelUnits": 1},
    "GetProvisionedModelThroughput": {"provisionedModelId": "absent"},
    "UpdateProvisionedModelThroughput": {"provisionedModelId": "absent"},
    "DeleteProvisionedModelThroughput": {"provisionedModelId": "absent"},
    "ListProvisionedModelThroughputs": {},
    "TagResource": {"resourceARN": ABSENT_MODEL, "tags": [{"key": "k", "value": "v"}]},
    "UntagResource": {"resourceARN": ABSENT_MODEL, "tagKeys": ["k"]},
    "ListTagsForResource": {"resourceARN": ABSENT_MODEL},
    "ListFoundationModels": {},
    "GetFoundationModel": {"modelIdentifier": "amazon.nova-2-lite-v1:0"},
    "Converse": {"modelId": "amazon.nova-2-lite-v1:0", "messages": HELLO},
    "InvokeModel": {"modelId": "amazon.nova-2-lite-v1:0", "body": b"{}"},
}


def method(bedrock: Bedrock, operation: str) -> Any:
    for client in (bedrock.control, bedrock.runtime):
        for name, found in client.meta.method_to_api_mapping.items():
            if found == operation:
                return getattr(client, name)
    raise AssertionError(operation)


def test_every_operation_of_the_stand_in_is_in_the_table_and_tried_here(tmp_path: Any) -> None:
    stand_in = StandIn(settings(tmp_path, "http://127.0.0.1:9"), None)
    try:
        assert set(stand_in.operations) == stand_in.needs.operations == set(CALLS)
    finally:
        stand_in.store.close()


@pytest.mark.parametrize("operation", CALLS)
def test_who_may_nothing_is_refused_everything(bedrock: Bedrock, policy: Policy, operation: str) -> None:
    code, status, message = refused(method(bedrock, operation), **CALLS[operation])
    assert (code, status) == ("AccessDeniedException", 403)
    need = policy.asked[0]
    expected = f"User: {CALLER} is not authorized to perform: {need.action} on resource: {need.resource} because"
    assert message == f"{expected} no identity-based policy allows the {need.action} action"
    assert need.action.startswith("bedrock:") and need.resource


@pytest.mark.parametrize("operation", CALLS)
def test_each_right_of_a_call_is_needed(bedrock: Bedrock, policy: Policy, operation: str) -> None:
    """Whichever one is missing, the call is refused; it would be a needless right otherwise."""
    refused(method(bedrock, operation), **CALLS[operation])
    for missing in dict.fromkeys(policy.rights()):
        policy.allows = lambda need, missing=missing: (need.action, need.resource) != missing
        code, _, message = refused(method(bedrock, operation), **CALLS[operation])
        assert code == "AccessDeniedException" and f"{missing[0]} on resource: {missing[1]} " in message


def test_an_operation_without_an_entry_is_nobodys(bedrock: Bedrock, policy: Policy, tmp_path: Any) -> None:
    policy.allows = lambda _: True
    stand_in = StandIn(settings(tmp_path, "http://127.0.0.1:9"), policy)
    try:
        del stand_in.needs._of["ListCustomModels"]
        headers = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request"}
        name, answer = stand_in.service.respond("GET", "/custom-models", [], headers, b"")
    finally:
        stand_in.store.close()
    assert (name, answer.status, answer.headers["x-amzn-errortype"]) == (
        "ListCustomModels",
        403,
        "AccessDeniedException",
    )


def test_a_refusal_does_not_tell_what_there_is_nor_what_is_wrong(bedrock: Bedrock, policy: Policy) -> None:
    """Neither a name in use, nor a resource that is absent, nor a request that breaks its shape."""
    get, create = bedrock.control.get_model_customization_job, bedrock.control.create_model_customization_job
    known = refused(get, jobIdentifier=f"{HERE}model-customization-job/amazon.nova-2-lite-v1:0:256k/aaaaaaaaaaaa")
    assert known[0] == refused(get, jobIdentifier="first")[0] == "AccessDeniedException"
    for request in (job_request("first"), job_request("a_b", hyper_parameters={"batchSize": 8}), {"jobName": "x"}):
        assert refused(create, **request)[0] == "AccessDeniedException"


def test_keys_that_are_nobodys_are_told_so_before_anything_else(bedrock: Bedrock, policy: Policy) -> None:
    policy.unknown = True
    code, status, _ = refused(bedrock.control.get_model_customization_job, jobIdentifier="a b")
    assert (code, status) == ("UnrecognizedClientException", 403)


def test_a_fault_that_was_asked_for_does_not_open_the_door(bedrock: Bedrock, policy: Policy) -> None:
    rule = {"operation": "ListCustomModels", "error": "ThrottlingException", "times": 1}
    bedrock.faults([rule])
    assert refused(bedrock.control.list_custom_models)[0] == "AccessDeniedException"
    bedrock.faults([])


def test_a_job_takes_its_models_its_tags_its_role_and_its_key(bedrock: Bedrock, policy: Policy) -> None:
    policy.allows = lambda _: True
    request = job_request("needs", customModelKmsKeyId=KEY.rpartition("/")[2], baseModelIdentifier="absent")
    request |= {
        "jobTags": [{"key": "rft:stack", "value": "a"}],
        "customModelTags": [{"key": "rft:stack", "value": "b"}],
    }
    refused(bedrock.control.create_model_customization_job, **request)
    create, anything = "bedrock:CreateModelCustomizationJob", "amazon.nova-2-lite-v1:0:256k/*"
    assert policy.rights() == [
        (create, "arn:aws:bedrock:us-east-1::foundation-model/absent"),
        (create, f"{HERE}custom-model/{anything}"),
        ("bedrock:TagResource", f"{HERE}model-customization-job/{anything}"),
        ("bedrock:TagResource", f"{HERE}custom-model/{anything}"),
        ("iam:PassRole", request["roleArn"]),
        ("kms:DescribeKey", KEY),
        ("kms:Decrypt", KEY),
        ("kms:GenerateDataKey", KEY),
        ("kms:CreateGrant", KEY),
    ]
    contexts = [dict(need.context) for need in policy.asked]
    assert contexts[0] == contexts[2] == {"aws:RequestTag/rft:stack": "a", "aws:TagKeys": ["rft:stack"]}
    assert contexts[1] == contexts[3] == {"aws:RequestTag/rft:stack": "b", "aws:TagKeys": ["rft:stack"]}
    assert contexts[4] == {"iam:PassedToService": "bedrock.amazonaws.com"}
    assert {context["kms:ViaService"] for context in contexts[5:]} == {"bedrock.us-east-1.amazonaws.com"}
    assert contexts[8]["kms:GrantIsForAWSResource"] == "true"


def test_the_tags_of_what_exists_are_told_by_name_and_by_arn(bedrock: Bedrock, policy: Policy) -> None:
    policy.allows = lambda _: True
    model = bedrock.control.get_custom_model(modelIdentifier="first")
    bedrock.control.get_custom_model(modelIdentifier=model["modelArn"])
    assert policy.rights() == [("bedrock:GetCustomModel", model["modelArn"])] * 2
    assert [dict(need.context) for need in policy.asked] == [{"aws:ResourceTag/rft:stack": "rft"}] * 2
    assert refused(bedrock.control.get_custom_model, modelIdentifier="absent")[0] == "ResourceNotFoundException"
    assert policy.asked[-1] == Need("bedrock:GetCustomModel", f"{HERE}custom-model/absent", {})


def test_a_deployment_is_asked_and_so_is_the_key_of_its_model(bedrock: Bedrock, policy: Policy) -> None:
    policy.allows = lambda _: True
    model = bedrock.control.get_custom_model(modelIdentifier="first")
    create, update = bedrock.control.create_custom_model_deployment, bedrock.control.update_custom_model_deployment
    tags = [{"key": "rft:stack", "value": "rft"}]
    arn = create(modelDeploymentName="asked", modelArn=model["modelArn"], tags=tags)["customModelDeploymentArn"]
    assert bedrock.control.get_custom_model_deployment(customModelDeploymentIdentifier=arn)["status"] == "Active"
    policy.asked.clear()
    bedrock.runtime.converse(modelId=arn, messages=HELLO)
    invoke = ("bedrock:InvokeModel", arn)
    assert policy.rights() == [invoke, ("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)]
    assert policy.asked[0].context["aws:ResourceTag/rft:stack"] == "rft"
    policy.asked.clear()
    update(customModelDeploymentIdentifier="asked", modelArn=model["modelArn"])
    action = "bedrock:UpdateCustomModelDeployment"
    assert policy.rights() == [(action, arn), (action, model["modelArn"])]
    bedrock.control.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    bedrock.control.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)


@pytest.mark.parametrize("by_arn", [False, True])
def test_a_profile_takes_a_right_on_itself_and_on_the_models_behind_it(
    bedrock: Bedrock, policy: Policy, by_arn: bool
) -> None:
    policy.allows = lambda _: True
    profile = f"{HERE}inference-profile/us.amazon.nova-2-lite-v1:0"
    bedrock.runtime.converse(modelId=profile if by_arn else "us.amazon.nova-2-lite-v1:0", messages=HELLO)
    models = [BASE.replace("us-east-1", region) for region in ("us-east-1", "us-east-2", "us-west-2")]
    assert policy.rights() == [("bedrock:InvokeModel", arn) for arn in (profile, *models)]
    assert [need.context for need in policy.asked[1:]] == [{"bedrock:InferenceProfileArn": profile}] * 3


def test_the_session_token_goes_to_who_decides(bedrock: Bedrock, policy: Policy) -> None:
    import boto3

    keys = {"aws_access_key_id": "ASIAX", "aws_secret_access_key": "s", "aws_session_token": "t"}
    client = boto3.client("bedrock", endpoint_url=bedrock.url, region_name="us-east-1", **keys)
    refused(client.list_custom_models)
    assert policy.credentials == [Credentials("ASIAX", "t")]
    client.close()
