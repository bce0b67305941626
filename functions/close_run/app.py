"""The state CloseRun, and the rule on executions that ended by themselves: clean up, put the reason on record."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.ending.close_run import close_ended_execution, close_run
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "detail-type" in event:
        result = close_ended_execution(Pipeline(), event)
    else:
        result = close_run(Pipeline(), event["run_id"], event["error"], event["cause"])
    logger.info("run closed", extra=result)
    return result
