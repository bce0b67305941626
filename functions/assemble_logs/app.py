"""The state AssembleLogs: make one dataset of the converted logs of a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.logs.assemble_logs import assemble_logs
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(run_id=event["run_id"])
    return assemble_logs(Pipeline(), event["run_id"])
