"""Reads the rewards of a run as its grader saw them. No other function may read metrics, and this one nothing else."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.training.read_curve import read_curve

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(run_id=event["run_id"])
    curve = read_curve(event)
    logger.info("curve read", points=len(curve["points"]))
    return curve
