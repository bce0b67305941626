"""The state DeployModel: put the trained model where it answers."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.pipeline import Pipeline
from rft.steps.serving.deploy_model import deploy_model

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(run_id=event["run_id"])
    result = deploy_model(Pipeline(), event["run_id"])
    logger.info("model deployed")
    return result
