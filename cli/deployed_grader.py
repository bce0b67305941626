"""A grader of a stack, called where it is deployed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from botocore.config import Config
from botocore.exceptions import ConnectionError as ConnectionLost
from botocore.exceptions import HTTPClientError

from cli.faults import ApiUnreachable, CliFault
from cli.target import Place, Target
from rft.aws.graders import described, invoker
from rft.gate.settings import LAMBDA_SECONDS, AboutGrader
from rft.grading.catalog import ReadyGrader
from rft.steps.stack_graders import owners_grader

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from rft.gate.ports import Invocation, Invoke


class DeployedGrader(NamedTuple):
    about: AboutGrader
    invoke: Invoke


def deployed_grader(ready: ReadyGrader, there: Target) -> DeployedGrader:
    """``ready`` as the stack has it. Raises ``CliFault`` where it hasn't, ``ApiUnreachable`` where nobody answers."""
    arns = {grader["name"]: grader["arn"] for grader in _answered(there, there.api().graders)}
    if ready.name not in arns:
        raise CliFault(
            f"The stack {there.stack!r} has no grader {ready.name!r}.",
            hint=f"It has: {', '.join(arns) or 'none'}; a newer version of the stack may have it.",
        )
    return _called(arns[ready.name], AboutGrader(ready.name, ready.kind, ready.judge_calls), there)


def owners_deployed_grader(name: str, there: Target) -> DeployedGrader | None:
    """The grader that the stack's owner has added under this name, None where there is none."""
    arn = _answered(there, lambda: owners_grader(_functions(there), there.stack, name))
    return None if arn is None else _called(arn, AboutGrader(name, "own"), there)


def _called(arn: str, about: AboutGrader, there: Target) -> DeployedGrader:
    functions = _functions(there)
    call = invoker(functions, arn, seconds=math.inf)

    def invoke(payload: bytes) -> Invocation:
        return _answered(there, lambda: call(payload))

    timeout = _answered(there, lambda: described(functions, arn)).timeout_seconds
    return DeployedGrader(about._replace(timeout_seconds=timeout), invoke)


def _functions(there: Target) -> LambdaClient:
    options = there.client_options
    patient = Config(retries={"total_max_attempts": 1}, read_timeout=LAMBDA_SECONDS)
    return there.session.client("lambda", **{**options, "config": options["config"].merge(patient)})


def _answered[A](there: Target, ask: Callable[[], A]) -> A:
    try:
        return ask()
    except (ApiUnreachable, HTTPClientError, ConnectionLost) as lost:
        if there.place is Place.LOCAL:
            raise there.is_gone() from lost
        raise
