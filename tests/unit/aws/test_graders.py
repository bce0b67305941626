"""Calls of grader functions: what comes back, what each failure is called, and that no text of a fault is passed on."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rft.aws import graders
from rft.aws.graders import GraderFunction, described, invoker
from rft.gate.ports import InvocationFailed

ARN = "arn:aws:lambda:us-east-1:123456789012:function:mine:3"
CANARY = "a prompt that nobody may see"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return boto3.client("lambda", region_name="us-east-1")


def body(content: Any) -> StreamingBody:
    data = json.dumps(content).encode()
    return StreamingBody(io.BytesIO(data), len(data))


def test_an_answer_is_its_bytes_and_its_time(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 200, "Payload": body([1])},
            {
                "FunctionName": ARN,
                "InvocationType": "RequestResponse",
                "Payload": b"[]",
            },
        )
        answered = invoker(client, ARN, seconds=9)(b"[]")
    assert answered.payload == b"[1]"
    assert 0 <= answered.seconds < 9


@pytest.mark.parametrize(
    ("report", "kind", "detail"),
    [
        ({"errorType": "KeyError", "errorMessage": CANARY}, "raised", "KeyError"),
        ({"errorType": "JudgeDenied", "errorMessage": CANARY}, "raised", "JudgeDenied"),
        (
            {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 3.00 seconds"},
            "timed-out",
            "the function's own timeout",
        ),
        ({"errorMessage": "2026-01-01 x Task timed out after 3.00 seconds"}, "timed-out", "the function's own timeout"),
        ({"errorType": "Runtime.ExitError", "errorMessage": CANARY}, "exited", "Runtime.ExitError"),
        ({"errorType": "Runtime.OutOfMemory"}, "out-of-memory", "Runtime.OutOfMemory"),
        ({"errorType": "Function.ResponseSizeTooLarge"}, "too-large", "Function.ResponseSizeTooLarge"),
        ({"errorType": f"a name; {CANARY}" * 9}, "raised", None),
        ([], "raised", "Error"),
        ({}, "raised", "Error"),
    ],
)
def test_a_function_that_fails_is_told_by_kind_and_name(
    client: Any, report: Any, kind: str, detail: str | None
) -> None:
    with Stubber(client) as stub, pytest.raises(InvocationFailed) as failed:
        stub.add_response("invoke", {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body(report)})
        invoker(client, ARN, seconds=9)(b"[]")
    assert failed.value.kind == kind
    assert CANARY not in str(failed.value)
    assert len(failed.value.detail) <= 80
    if detail is not None:
        assert failed.value.detail == detail


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceNotFoundException", "refused"),
        ("AccessDeniedException", "refused"),
        ("RequestTooLargeException", "too-large"),
        ("TooManyRequestsException", None),
        ("ServiceException", None),
    ],
)
def test_what_lambda_itself_says_is_the_graders_fault_or_passes(client: Any, code: str, kind: str | None) -> None:
    with Stubber(client) as stub, pytest.raises((InvocationFailed, ClientError)) as failed:
        stub.add_client_error("invoke", code, CANARY)
        invoker(client, ARN, seconds=9)(b"[]")
    assert getattr(failed.value, "kind", None) == kind


def test_a_call_without_an_answer_has_timed_out(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="http://x")

    monkeypatch.setattr(client, "invoke", never)
    with pytest.raises(InvocationFailed, match="timed-out: no answer after"):
        invoker(client, ARN, seconds=9)(b"[]")


def test_no_call_begins_once_calls_have_taken_the_time_for_all(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 9.0, 100.0, 102.0])  # what passes between two calls isn't theirs
    monkeypatch.setattr(graders.time, "monotonic", lambda: next(times))
    with Stubber(client) as stub:
        for _ in range(2):
            stub.add_response("invoke", {"StatusCode": 200, "Payload": body([])})
        invoke = invoker(client, ARN, seconds=10)
        assert [invoke(b"[]").seconds, invoke(b"[]").seconds] == [9.0, 2.0]
        with pytest.raises(InvocationFailed, match="the 10 s that there are for all calls"):
            invoke(b"[]")


def test_how_a_function_is_set_up_is_known_or_not(client: Any) -> None:
    with Stubber(client) as stub:
        found = {"Timeout": 300, "MemorySize": 512, "Version": "3", "CodeSha256": "c29tZSBjb2Rl"}
        stub.add_response("get_function_configuration", found, {"FunctionName": ARN})
        assert described(client, ARN) == GraderFunction(300, 512, "3", "c29tZSBjb2Rl")
        stub.add_client_error("get_function_configuration", "AccessDeniedException")
        assert described(client, ARN) == GraderFunction()
