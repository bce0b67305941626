"""Asking two models the held-out records, and having the run's own grader score both."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.faults import MeasurementFailed
from cli.held_out import Score
from rft.gate.probes import as_sample

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import MessageTypeDef, SystemContentBlockTypeDef
    from mypy_boto3_lambda import LambdaClient

Record = Mapping[str, Any]

_CALLERS = 8
_RECORDS_A_CALL = 64  # of the grader; some MB below the 6 MB of a synchronous invocation


@dataclass(frozen=True, slots=True)
class Asking:
    """How the models are asked: the same for both, and printed beside the result."""

    temperature: float
    max_tokens: int

    def __str__(self) -> str:
        return f"temperature {self.temperature:g}, at most {self.max_tokens} tokens"


def records_in(content: bytes) -> list[Record]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def ask(
    model_id: str, records: Sequence[Record], how: Asking, *, runtime: BedrockRuntimeClient, done: Callable[[], None]
) -> list[str]:
    """The model's answer to each record, in their order; ``done`` is called after each."""

    def answer(record: Record) -> str:
        text = _converse(model_id, record, how, runtime)
        done()
        return text

    with ThreadPoolExecutor(_CALLERS) as callers:
        try:
            return list(callers.map(answer, records))
        except BaseException:
            callers.shutdown(cancel_futures=True)
            raise


def grade(
    grader_arn: str, records: Sequence[Record], answers: Sequence[str], *, functions: LambdaClient
) -> list[Score]:
    """The grader's score of each answer, in their order.

    Raises ``MeasurementFailed`` when the function fails or breaks the contract: an error is never a score.
    """
    items = [as_sample(record, i, text) for i, (record, text) in enumerate(zip(records, answers, strict=True))]
    scores: list[Score] = []
    for start in range(0, len(items), _RECORDS_A_CALL):
        batch = items[start : start + _RECORDS_A_CALL]
        response = functions.invoke(FunctionName=grader_arn, Payload=json.dumps(batch).encode())
        payload = response["Payload"].read()
        if response.get("FunctionError"):
            raise MeasurementFailed(f"The grader failed: {_error_words(payload)}")
        scores += _scores(payload, batch)
    return scores


def _converse(model_id: str, record: Record, how: Asking, runtime: BedrockRuntimeClient) -> str:
    system: list[SystemContentBlockTypeDef] = []
    messages: list[MessageTypeDef] = []
    for message in record["messages"]:
        text = _text(message["content"])
        if message["role"] in {"system", "developer"}:
            system.append({"text": text})
        else:
            messages.append({"role": message["role"], "content": [{"text": text}]})
    response = runtime.converse(
        modelId=model_id,
        messages=messages,
        system=system,
        inferenceConfig={"temperature": how.temperature, "maxTokens": how.max_tokens},
    )
    return "".join(block.get("text", "") for block in response["output"]["message"]["content"])


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _scores(payload: bytes, batch: Sequence[Mapping[str, Any]]) -> Iterator[Score]:
    try:
        results = json.loads(payload)
    except ValueError:
        raise MeasurementFailed("The grader's answer is not JSON.") from None
    if not isinstance(results, list) or len(results) != len(batch):
        raise MeasurementFailed(f"The grader must answer {len(batch)} samples with a list of as many results.")
    for item, result in zip(batch, results, strict=True):
        if not isinstance(result, dict) or result.get("id") != item["id"]:
            raise MeasurementFailed(f"The grader's result in the place of sample {item['id']!r} is not that sample's.")
        yield Score(_number(result.get("aggregate_reward_score"), item["id"]), _components(result, item["id"]))


def _components(result: Mapping[str, Any], sample: str) -> dict[str, float]:
    metrics = result.get("metrics_list") or []
    if not all(isinstance(metric, dict) and "name" in metric for metric in metrics):
        raise MeasurementFailed(f"The grader gave sample {sample!r} a metric without a name.")
    return {str(metric["name"]): _number(metric.get("value"), sample) for metric in metrics}


def _number(value: object, sample: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MeasurementFailed(f"The grader gave sample {sample!r} no finite number.")
    return float(value)


def _error_words(payload: bytes) -> str:
    try:
        error = json.loads(payload)
        return f"{error.get('errorType', 'Error')}: {error['errorMessage']}"
    except (ValueError, KeyError, AttributeError):
        return "it gave no reason"
