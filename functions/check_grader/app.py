"""The state CheckGrader: the gate before a job; and the test of a grader that the API is asked for."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.gate.check_grader import check_grader
from rft.steps.gate.run_grader_test import run_grader_test
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "test" in event:
        logger.info("grader test")
        return run_grader_test(Pipeline(), event["test"])
    logger.append_keys(run_id=event["run_id"])
    result = check_grader(Pipeline(), event["run_id"])
    logger.info("grader checked")
    return result
