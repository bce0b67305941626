"""Custom models, their deployments and provisioned throughput, through boto3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.standin import Bedrock, refused, until

MISSING = "arn:aws:bedrock:us-east-1:000000000000:custom-model/amazon.nova-2-lite-v1:0:256k/aaaaaaaaaaaa"


@pytest.fixture
def model_arn(trained: Bedrock) -> Iterator[str]:
    """The shared model; whatever a test has put on it is taken away."""
    yield trained.control.get_custom_model(modelIdentifier="first")["modelArn"]
    trained.faults([])
    for item in trained.control.list_custom_model_deployments()["modelDeploymentSummaries"]:
        until(lambda item=item: delete(trained, item["customModelDeploymentArn"]))
    for item in trained.control.list_provisioned_model_throughputs()["provisionedModelSummaries"]:
        trained.control.delete_provisioned_model_throughput(provisionedModelId=item["provisionedModelArn"])


def delete(bedrock: Bedrock, arn: str) -> bool:
    try:
        bedrock.control.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    except bedrock.control.exceptions.ConflictException:
        return False
    return True


def deploy(bedrock: Bedrock, name: str, model_arn: str, **more: Any) -> str:
    request = {"modelDeploymentName": name, "modelArn": model_arn, "clientRequestToken": f"token-{name}", **more}
    return bedrock.control.create_custom_model_deployment(**request)["customModelDeploymentArn"]  # type: ignore[no-any-return]


def deployment(bedrock: Bedrock, identifier: str) -> dict[str, Any]:
    return bedrock.control.get_custom_model_deployment(customModelDeploymentIdentifier=identifier)  # type: ignore[no-any-return]


def test_the_model_of_a_job(trained: Bedrock, model_arn: str) -> None:
    model = trained.control.get_custom_model(modelIdentifier=model_arn)
    job = trained.control.get_model_customization_job(jobIdentifier="first")
    assert (model["modelArn"], model["jobArn"]) == (job["outputModelArn"], job["jobArn"])
    assert model["customizationConfig"] == job["customizationConfig"]
    assert model["modelStatus"] == "Active"
    (summary,) = trained.control.list_custom_models(baseModelArnEquals=job["baseModelArn"])["modelSummaries"]
    assert summary["modelArn"] == model_arn
    assert trained.control.list_custom_models(modelStatus="Failed")["modelSummaries"] == []


def test_a_deployment_becomes_active_and_can_be_found(trained: Bedrock, model_arn: str) -> None:
    arn = deploy(trained, "live", model_arn, description="for users", tags=[{"key": "a", "value": "b"}])
    assert deploy(trained, "live", model_arn, description="for users", tags=[{"key": "a", "value": "b"}]) == arn
    assert deployment(trained, arn)["status"] == "Creating"
    until(lambda: deployment(trained, arn)["status"] == "Active")
    assert deployment(trained, "live")["description"] == "for users"
    listed = trained.control.list_custom_model_deployments(modelArnEquals=model_arn, statusEquals="Active")
    assert [item["customModelDeploymentName"] for item in listed["modelDeploymentSummaries"]] == ["live"]
    assert trained.control.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "b"}]

    create = trained.control.create_custom_model_deployment
    code, status, message = refused(create, modelDeploymentName="live", modelArn=model_arn)
    assert (code, status) == ("ValidationException", 400) and "in use" in message
    other = {"modelDeploymentName": "live", "modelArn": model_arn, "clientRequestToken": "token-live"}
    assert refused(create, **other)[0] == "ValidationException"
    assert refused(trained.control.delete_custom_model, modelIdentifier=model_arn)[0] == "ConflictException"
    trained.control.delete_custom_model_deployment(customModelDeploymentIdentifier="live")
    get = trained.control.get_custom_model_deployment
    assert refused(get, customModelDeploymentIdentifier=arn)[:2] == ("ResourceNotFoundException", 404)


def test_a_deployment_of_nothing_is_refused(trained: Bedrock) -> None:
    create = trained.control.create_custom_model_deployment
    assert refused(create, modelDeploymentName="x", modelArn=MISSING)[0] == "ResourceNotFoundException"
    assert refused(create, modelDeploymentName="a--b", modelArn=MISSING, description="")[2].startswith("2 validation")


def test_two_deployments_at_once_and_one_that_stays_or_fails(trained: Bedrock, model_arn: str) -> None:
    trained.faults([{"deployment": "slow-*", "do": "stay"}])
    arns = [deploy(trained, f"slow-{number}", model_arn) for number in range(2)]
    create = trained.control.create_custom_model_deployment
    assert refused(create, modelDeploymentName="third", modelArn=model_arn)[0] == "ServiceQuotaExceededException"
    ask = {"modelId": arns[0], "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    assert refused(trained.runtime.converse, **ask)[:2] == ("ModelNotReadyException", 429)

    trained.faults([{"deployment": "slow-0", "do": "fail", "message": "no room"}])
    failed = deployment(trained, arns[0])
    assert (failed["status"], failed["failureMessage"]) == ("Failed", "no room")
    until(lambda: deployment(trained, arns[1])["status"] == "Active")
    assert refused(trained.runtime.converse, **ask)[0] == "ValidationException"


def test_an_update_swaps_the_model_behind_the_arn(trained: Bedrock, model_arn: str) -> None:
    arn = deploy(trained, "swap", model_arn)
    update = trained.control.update_custom_model_deployment
    assert refused(update, customModelDeploymentIdentifier=arn, modelArn=model_arn)[0] == "ValidationException"
    until(lambda: deployment(trained, arn)["status"] == "Active")
    trained.faults([{"deployment": "swap", "do": "fail", "message": "broken"}])
    update(customModelDeploymentIdentifier=arn, modelArn=model_arn)
    answer = deployment(trained, arn)
    assert (answer["status"], answer["updateDetails"]["updateStatus"]) == ("Active", "UpdateFailed")
    trained.faults([])
    update(customModelDeploymentIdentifier=arn, modelArn=model_arn)
    assert deployment(trained, arn)["updateDetails"] == {"modelArn": model_arn, "updateStatus": "Updating"}
    until(lambda: deployment(trained, arn)["updateDetails"]["updateStatus"] == "UpdateCompleted")
    assert "failureMessage" not in deployment(trained, arn)


def test_provisioned_throughput(trained: Bedrock, model_arn: str) -> None:
    create = trained.control.create_provisioned_model_throughput
    request = {"provisionedModelName": "units", "modelUnits": 1, "modelId": "first", "clientRequestToken": "pt"}
    arn = create(**request)["provisionedModelArn"]
    assert create(**request)["provisionedModelArn"] == arn
    assert refused(create, **request | {"modelUnits": 2})[0] == "ValidationException"
    get = trained.control.get_provisioned_model_throughput
    assert get(provisionedModelId="units")["status"] == "Creating"
    until(lambda: get(provisionedModelId=arn)["status"] == "InService")
    assert get(provisionedModelId=arn)["modelArn"] == model_arn
    answer = trained.runtime.converse(
        modelId=arn,
        messages=[{"role": "user", "content": [{"text": "thing 3 is black"}]}],
        inferenceConfig={"temperature": 0.0},
    )
    assert answer["output"]["message"]["content"] == [{"text": "black"}]
    assert refused(trained.control.delete_custom_model, modelIdentifier="first")[0] == "ConflictException"
    trained.control.update_provisioned_model_throughput(provisionedModelId=arn, desiredProvisionedModelName="renamed")
    assert get(provisionedModelId="renamed")["provisionedModelArn"] == arn
    listed = trained.control.list_provisioned_model_throughputs(modelArnEquals=model_arn)
    assert [item["provisionedModelName"] for item in listed["provisionedModelSummaries"]] == ["renamed"]
    trained.control.delete_provisioned_model_throughput(provisionedModelId=arn)
    assert refused(get, provisionedModelId=arn)[0] == "ResourceNotFoundException"


def test_the_foundation_models(trained: Bedrock) -> None:
    def ids(**filters: Any) -> list[str]:
        return [m["modelId"] for m in trained.control.list_foundation_models(**filters)["modelSummaries"]]

    nova = ["amazon.nova-2-lite-v1:0", "amazon.nova-2-lite-v1:0:256k"]
    assert ids(byProvider="Amazon") == [*nova, "amazon.nova-pro-v1:0"]
    assert ids(byProvider="OpenAI") == ["openai.gpt-oss-120b-1:0"]
    assert ids(byInferenceType="PROVISIONED") == nova[1:]
    assert ids(byProvider="Nobody") == ids(byOutputModality="IMAGE") == []
    get = trained.control.get_foundation_model
    for summary in trained.control.list_foundation_models()["modelSummaries"]:
        for identifier in (summary["modelArn"], summary["modelId"]):
            assert get(modelIdentifier=identifier)["modelDetails"] == summary
    assert refused(get, modelIdentifier="amazon.nova-9-v1:0")[0] == "ResourceNotFoundException"
