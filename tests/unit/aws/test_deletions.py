"""Deletions by a right that hangs on a tag: of what is gone IAM says no, where Bedrock would have said so itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft.aws import bedrock

ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/d"


class Answers:
    """A client whose operations end as they were told to, by the beginning of their names."""

    def __init__(self, *, get: str | None, delete: str | None) -> None:
        self._ends = {"get": get, "delete": delete}
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def operation(**_: Any) -> dict[str, Any]:
            self.called.append(name)
            code = self._ends[name.partition("_")[0]]
            if code is not None:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)
            names = ("customModelDeploymentArn", "provisionedModelArn", "modelArn")
            return dict.fromkeys(names, ARN) | {"status": "Active", "modelStatus": "Active"}

        return operation


def delete_deployment(client: Any) -> None:
    bedrock.deployments(client, "on-demand").delete(ARN)


def delete_throughput(client: Any) -> None:
    bedrock.deployments(client, "provisioned").delete(ARN)


def delete_model(client: Any) -> None:
    bedrock.delete_model(client, ARN)


@pytest.fixture(params=[delete_deployment, delete_throughput, delete_model])
def delete(request: pytest.FixtureRequest) -> Callable[[Any], None]:
    found: Callable[[Any], None] = request.param
    return found


@pytest.mark.parametrize("refusal", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_is_gone_is_as_good_as_deleted(delete: Callable[[Any], None], refusal: str) -> None:
    delete(Answers(get="ResourceNotFoundException", delete=refusal))


def test_what_is_there_and_refused_is_said(delete: Callable[[Any], None]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(Answers(get=None, delete="AccessDeniedException"))


@pytest.mark.parametrize("look", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException", None])
def test_whatever_the_look_says_a_deletion_is_asked_for(delete: Callable[[Any], None], look: str | None) -> None:
    """What was made a moment ago may not be seen yet, and costs money."""
    client = Answers(get=look, delete=None)
    delete(client)
    assert [name for name in client.called if name.startswith("delete")]


def test_a_look_that_was_refused_proves_nothing(delete: Callable[[Any], None]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(Answers(get="AccessDeniedException", delete="AccessDeniedException"))
