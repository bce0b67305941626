"""The state SubmitJob: create the training job of a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.pipeline import Pipeline
from rft.steps.training.submit_job import submit_job

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(run_id=event["run_id"])
    result = submit_job(Pipeline(), event["run_id"])
    logger.info("job submitted")
    return result
