"""The state PrepareDataset: check, split and copy the dataset of a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(run_id=event["run_id"])
    result = prepare_dataset(Pipeline(), event["run_id"])
    logger.info("dataset prepared")
    return result
