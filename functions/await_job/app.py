"""The two waits of a run, and what ends them: Bedrock's job events, and the word of a person.

One function for all, because no other may hold the right to answer task tokens.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.comparing.approval import await_approval, settle_approval
from rft.steps.pipeline import Pipeline
from rft.steps.training.await_job import await_job, on_job_event

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "approval" in event:
        result = settle_approval(Pipeline(), **event["approval"])
    elif "task_token" not in event:
        result = on_job_event(Pipeline(), event)
    else:
        logger.append_keys(run_id=event["run_id"])
        wait = await_approval if event.get("wait") == "approval" else await_job
        result = wait(Pipeline(), event["run_id"], event["task_token"])
    logger.info("looked at what the run waits for", extra=result)
    return result
