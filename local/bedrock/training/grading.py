"""Calls of the user's reward function, by the contract of the user guide (reward-functions).

A bare list goes in and a bare list of the same length and order comes out. A call that fails in any way is tried again
with a growing pause, three times; then the job fails with the fault's name. No answer ever gets a made-up reward.
"""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.bedrock.training.failure import JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from local.bedrock.training.access import Role
    from local.bedrock.training.dataset import DatasetRecord

_MOST_SAMPLES = 128  # Bedrock names no number; SageMaker's recipes of the same training send 64 or 128
_AT_ONCE = 3  # nor for this: several, so that a reward function is called side by side as it will be there
_MOST_BYTES = 6 * 1024 * 1024 - 4096  # Lambda takes 6 MB in a synchronous call
_RETRIES = 3
_PERMANENT = {"AccessDeniedException", "AccessDenied", "ResourceNotFoundException", "InvalidRequestContentException"}


class GraderFault(Exception):
    """One call of the reward function went wrong."""


class Grader:
    """The reward function for the answers to one list of records. ``pause`` waits and may raise ``JobStopped``."""

    def __init__(
        self,
        role: Role,
        arn: str,
        records: Sequence[DatasetRecord],
        *,
        name: str,
        backoff: float,
        pause: Callable[[float], None],
    ) -> None:
        self._role, self._arn, self._records, self._name = role, arn, records, name
        self._backoff, self._pause = backoff, pause
        # A reward function may run for Lambda's fifteen minutes; the SDK must not call a second time meanwhile.
        self._lambda = role.client("lambda", read_timeout=910, attempts=1)
        self._callers = ThreadPoolExecutor(_AT_ONCE, "grader")
        self._counting = threading.Lock()
        self.calls = 0
        self.retries = 0

    def __call__(self, answers: list[tuple[int, str]]) -> list[float]:
        """The rewards of ``(record index, answer)`` pairs, in their order."""
        samples = [self._sample(index, answer) for index, answer in answers]
        return [reward for rewards in self._callers.map(self._graded, _batches(samples)) for reward in rewards]

    def _sample(self, index: int, answer: str) -> dict[str, Any]:
        record = self._records[index]
        return {
            "id": str(record.get("id") or f"{self._name}-{index}"),
            "messages": [*record["messages"], {"role": "assistant", "content": answer}],
            "metadata": {name: value for name, value in record.items() if name not in ("id", "messages")},
        }

    def _graded(self, batch: list[dict[str, Any]]) -> list[float]:
        fault = GraderFault()
        for attempt in range(_RETRIES + 1):
            self._pause(self._backoff * 2 ** (attempt - 1) if attempt else 0)
            with self._counting:
                self.retries += attempt > 0
                self.calls += 1
            try:
                return rewards_of(batch, self._invoke(batch))
            except GraderFault as error:
                fault = error
        raise JobFailed(f"The reward function {self._arn} failed {_RETRIES + 1} times in a row: {fault}") from fault

    def _invoke(self, batch: list[dict[str, Any]]) -> bytes:
        payload = json.dumps(batch, ensure_ascii=False).encode()
        try:
            answer = self._lambda.invoke(FunctionName=self._arn, InvocationType="RequestResponse", Payload=payload)
            result: bytes = answer["Payload"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            if code in _PERMANENT:
                with self._role.doing("lambda:InvokeFunction", self._arn):
                    raise
            raise GraderFault(f"Invoke answered {code}") from error
        except BotoCoreError as error:
            raise GraderFault(f"Invoke failed: {type(error).__name__}") from error
        if answer.get("FunctionError"):
            raise GraderFault(f"it raised {_raised(result)}")
        return result


def _batches(samples: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Consecutive samples, as many a call as its two limits allow."""
    batch: list[dict[str, Any]] = []
    size = 0
    for sample in samples:
        weight = len(json.dumps(sample, ensure_ascii=False).encode()) + 2
        if weight > _MOST_BYTES:
            raise JobFailed(f"The sample {sample['id']} is larger than a call of a reward function can be.")
        if batch and (len(batch) == _MOST_SAMPLES or size + weight > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(sample)
        size += weight
    if batch:
        yield batch


def rewards_of(batch: Sequence[dict[str, Any]], payload: bytes) -> list[float]:
    """The rewards in a reward function's answer to ``batch``. Raises ``GraderFault`` if it breaks the contract."""
    try:
        results = json.loads(payload)
    except ValueError as error:
        raise GraderFault("its answer is not JSON") from error
    if isinstance(results, dict) and "errorMessage" in results:
        raise GraderFault(f"it answered {_raised(payload)}")
    if not isinstance(results, list):
        raise GraderFault(f"its answer is not a list but {type(results).__name__}")
    if len(results) != len(batch):
        raise GraderFault(f"it was given {len(batch)} samples and answered with {len(results)} results")
    return [
        _reward(place, sample["id"], result) for place, (sample, result) in enumerate(zip(batch, results, strict=True))
    ]


def _reward(place: int, sample_id: str, result: Any) -> float:
    if not isinstance(result, dict):
        raise GraderFault(f"result {place} is not an object")
    if result.get("id") != sample_id:
        raise GraderFault(f"result {place} does not have the id of sample {place}")
    reward = result.get("aggregate_reward_score")
    if isinstance(reward, bool) or not isinstance(reward, int | float) or not math.isfinite(reward):
        raise GraderFault(f"aggregate_reward_score of result {place} is not a finite number")
    return float(reward)


def _raised(payload: bytes) -> str:
    """The error's class, from what the Lambda runtime reports. Its text stays in the grader's log: it may quote
    a prompt, and the job's failureMessage goes into notifications."""
    try:
        report = json.loads(payload)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        return "an error"
    return f"{report.get('errorType', 'Error')} (its log tells more)"
