"""The state machine's executions, and the tokens of tasks that wait."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from rft.aws.clients import error_code

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_TOKEN_IS_OVER = frozenset({"TaskTimedOut", "InvalidToken", "TaskDoesNotExist"})
_MAX_CAUSE = 4_000


def start(client: SFNClient, state_machine_arn: str, run_id: str, data: Literal["dataset", "logs"]) -> str:
    """The execution's ARN. A second start under the same name starts nothing.

    ``data`` is what the run begins with: a dataset to check, or logs to convert.
    """
    try:
        return client.start_execution(
            stateMachineArn=state_machine_arn, name=run_id, input=json.dumps({"run_id": run_id, "data": data})
        )["executionArn"]
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
    return execution_arn(state_machine_arn, run_id)


def execution_arn(state_machine_arn: str, run_id: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"


def abort(client: SFNClient, arn: str | None, cause: str) -> bool:
    """False if there is no such execution."""
    if arn is None:
        return False
    try:
        client.stop_execution(executionArn=arn, error="RunStopped", cause=cause)
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        return False
    return True


def settle(client: SFNClient, token: str, output: dict[str, Any]) -> bool:
    """End the waiting task with ``output``. False where the wait was over already."""
    try:
        client.send_task_success(taskToken=token, output=json.dumps(output))
    except ClientError as error:
        if error_code(error) not in _TOKEN_IS_OVER:
            raise
        return False
    return True


def settle_with_error(client: SFNClient, token: str, error: Exception) -> None:
    try:
        client.send_task_failure(taskToken=token, error=type(error).__name__, cause=str(error)[:_MAX_CAUSE])
    except ClientError as failure:
        if error_code(failure) not in _TOKEN_IS_OVER:
            raise
