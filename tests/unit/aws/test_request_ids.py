"""The ids of AWS's answers, of calls that change something."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from rft.aws.request_ids import request_ids

ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/ab12cd34ef56"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return boto3.client("bedrock", region_name="us-east-1")


def answer(request_id: str, **content: Any) -> dict[str, Any]:
    return {**content, "ResponseMetadata": {"RequestId": request_id, "HTTPStatusCode": 200}}


def test_changes_are_noted_in_their_order_and_reads_are_not(client: Any) -> None:
    with Stubber(client) as stub, request_ids(client) as found:
        stub.add_response("delete_custom_model_deployment", answer("one"))
        stub.add_response("list_tags_for_resource", answer("two", tags=[]))
        stub.add_client_error("delete_custom_model", "ConflictException", response_meta={"RequestId": "three"})
        client.delete_custom_model_deployment(customModelDeploymentIdentifier=ARN)
        client.list_tags_for_resource(resourceARN=ARN)
        with pytest.raises(ClientError):
            client.delete_custom_model(modelIdentifier="m")
    assert found == [
        {"operation": "DeleteCustomModelDeployment", "request_id": "one"},
        {"operation": "DeleteCustomModel", "request_id": "three"},
    ]


def test_what_comes_later_is_not_noted(client: Any) -> None:
    with Stubber(client) as stub:
        with request_ids(client) as found:
            pass
        stub.add_response("delete_custom_model_deployment", answer("one"))
        client.delete_custom_model_deployment(customModelDeploymentIdentifier=ARN)
    assert found == []
