"""Graders that a stack's owner has added: found by their name when a request names one, pinned to a version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.aws.clients import client
from rft.errors import RequestInvalid
from rft.steps.doors.start_run import start_from_api
from tests.contract.application import BUCKET, Application

ARN = "arn:aws:lambda:us-east-1:123456789012:function:rft-own-grader-mine"


def asked_for(app: Application, name: str) -> Any:
    request = {"model": "m", "training_data": {"s3_uri": f"s3://{BUCKET}/d.jsonl"}, "grader": {"name": name}}
    return start_from_api(app.pipeline, json.dumps(request), key=None, request_id=name).run


def test_it_is_pinned_to_the_version_behind_its_alias(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def configuration(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"FunctionArn": f"{ARN}:live", "Version": "7"}

    monkeypatch.setattr(client("lambda"), "get_function_configuration", configuration)
    assert asked_for(app, "mine").grader_arn == f"{ARN}:7"
    assert asked[0] == {"FunctionName": "rft-own-grader-mine", "Qualifier": "live"}


@pytest.mark.parametrize("name", ["nobodys", "a" * 60])
def test_a_name_that_nobody_has_is_refused_with_those_that_there_are(app: Application, name: str) -> None:
    with pytest.raises(RequestInvalid, match="format-validation, summarization, and those that its owner added"):
        asked_for(app, name)


@pytest.mark.parametrize("name", ["mine:live", "../x", "Mine", "mine*", ""])
def test_what_is_no_name_is_not_looked_for(app: Application, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(client("lambda"), "get_function_configuration", None)
    assert name not in app.pipeline.environment.stack.graders


def test_a_ready_grader_is_not_looked_for(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client("lambda"), "get_function_configuration", None)
    assert asked_for(app, "summarization").grader_arn.endswith(":function:grader:1")
