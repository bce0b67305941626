"""The states CompareModels and CompareBatch, and the playground that the API is asked for: whoever asks models."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.steps.comparing.compare_models import compare_batch, compare_models
from rft.steps.pipeline import Pipeline

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if "playground" in event:
        from rft.steps.comparing.playground_answers import answer_prompts  # noqa: PLC0415 - the steps do without

        logger.info("playground")
        return answer_prompts(Pipeline(), event["playground"])
    logger.append_keys(run_id=event["run_id"])
    if "batch" in event:
        logger.append_keys(batch=event["batch"])
        return compare_batch(Pipeline(), event["run_id"], event["batch"], seconds_left)
    result = compare_models(Pipeline(), event["run_id"], seconds_left)
    logger.info("models compared", next=result["next"])
    return result
