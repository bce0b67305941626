"""Two doors: an upload into the bucket's inbox, and the event "RFT Run Requested"."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.doors.start_run import start_from_event, start_from_upload
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    start = start_from_upload if event["source"] == "aws.s3" else start_from_event
    started = start(Pipeline(), event)
    if started is None:
        logger.info("not a request", extra={"event_id": event["id"]})
        return {"ignored": True}
    logger.info("run started", extra={"run_id": started.run.run_id, "is_new": started.created})
    return {"run_id": started.run.run_id, "status": started.run.status}
