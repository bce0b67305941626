"""Grader Lambdas, called as Bedrock calls them in training. What goes wrong is named, never quoted."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ReadTimeoutError

from rft.aws.clients import error_code
from rft.gate.ports import FailureKind, Invocation, InvocationFailed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from rft.gate.ports import Invoke


# What the Lambda runtime calls the end of a function that raised nothing itself.
_ENDS: dict[str, FailureKind] = {
    "Sandbox.Timedout": "timed-out",
    "Runtime.OutOfMemory": "out-of-memory",
    "Runtime.ExitError": "exited",
    "Function.ResponseSizeTooLarge": "too-large",
}
_REFUSALS = frozenset(
    {
        "AccessDeniedException",
        "ResourceNotFoundException",
        "InvalidParameterValueException",
        "KMSAccessDeniedException",
        "ValidationException",
    }
)
_NO_CLASS_NAME = re.compile(r"[^A-Za-z0-9_.]+")
_OUT_OF_TIME = "Task timed out after"


@dataclass(frozen=True, slots=True)
class GraderFunction:
    """How a grader's function is set up: seconds and MB, and which code it is. None where that isn't ours to see."""

    timeout_seconds: float | None = None
    memory_mb: int | None = None
    version: str | None = None
    code_sha256: str | None = None

    def to_json(self) -> dict[str, float | str | None]:
        return asdict(self)


def described(client: LambdaClient, arn: str) -> GraderFunction:
    try:
        found = client.get_function_configuration(FunctionName=arn)
    except ClientError:
        return GraderFunction()
    return GraderFunction(found.get("Timeout"), found.get("MemorySize"), found.get("Version"), found.get("CodeSha256"))


def invoker(client: LambdaClient, arn: str, *, seconds: float) -> Invoke:
    """Calls of the function ``arn``. The client's read timeout is the longest that one may take; once they have taken
    ``seconds`` together, no further one is made.

    Throttling and faults of Lambda itself pass through: they are no fault of the grader, and the state machine tries
    the step again at their names.
    """
    spent = 0.0  # in calls alone: what else the gate waits for, such as the base model, is no fault of the grader

    def invoke(payload: bytes) -> Invocation:
        nonlocal spent
        if spent > seconds:
            raise InvocationFailed("timed-out", f"the {seconds:.0f} s that there are for all calls")
        began = time.monotonic()
        try:
            answer = client.invoke(FunctionName=arn, InvocationType="RequestResponse", Payload=payload)
            body = answer["Payload"].read()
        except ReadTimeoutError:
            raise InvocationFailed("timed-out", f"no answer after {time.monotonic() - began:.0f} s") from None
        except ClientError as error:
            raise _refused(error) from None
        finally:
            took = time.monotonic() - began
            spent += took
        if answer.get("FunctionError"):
            raise _ended(body)
        return Invocation(body, took)

    return invoke


def _refused(error: ClientError) -> InvocationFailed | ClientError:
    code = error_code(error)
    if code in _REFUSALS:
        return InvocationFailed("refused", code)
    if code in ("RequestTooLargeException", "RequestEntityTooLargeException"):
        return InvocationFailed("too-large", code)
    return error


def _ended(body: bytes) -> InvocationFailed:
    """From what the Lambda runtime reports of a function that failed. Its message may quote a prompt: it stays here."""
    try:
        report = json.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        return InvocationFailed("raised", "Error")
    name, message = str(report.get("errorType", "")), str(report.get("errorMessage", ""))
    if _OUT_OF_TIME in message:
        return InvocationFailed("timed-out", "the function's own timeout")
    return InvocationFailed(_ENDS.get(name, "raised"), _NO_CLASS_NAME.sub("", name)[:80] or "Error")
