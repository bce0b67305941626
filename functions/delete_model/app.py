"""DELETE /models/{model}: the API hands over to this function, the only one that may delete a model and what serves."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.pipeline import Pipeline
from rft.steps.serving.delete_model import delete_model

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(model=event["model"])
    result = delete_model(Pipeline(), event["model"])
    logger.info("model deleted", extra={"removed": len(result["removed"]), "left": len(result["left"])})
    return result
