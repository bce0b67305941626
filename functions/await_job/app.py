"""The state AwaitJob, and the rule on Bedrock's job events: both look at the job and end the wait if it has ended.

One function for both, because no other may hold the right to answer task tokens.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.await_job import await_job, on_job_event
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "task_token" in event:
        logger.append_keys(run_id=event["run_id"])
        result = await_job(Pipeline(), event["run_id"], event["task_token"])
    else:
        result = on_job_event(Pipeline(), event)
    logger.info("looked at the job", extra=result)
    return result
