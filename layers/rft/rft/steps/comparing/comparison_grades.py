"""The answers of a comparison, graded: by the grader of the training, and by the one that took no part in it."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger

from rft.aws import graders
from rft.aws.clients import lambda_client
from rft.comparison.rows import Role
from rft.errors import ComparisonFailed, ComparisonPending
from rft.gate.calls import batches
from rft.gate.choosing import to_bytes
from rft.gate.ports import InvocationFailed, Invoke
from rft.gate.probes import as_sample
from rft.gate.reading import Grade, read_answer
from rft.run.record import Run
from rft.steps.comparing.comparison_answers import RESERVE_SECONDS, SecondsLeft
from rft.steps.comparing.comparison_batch import HELD_OUT, TRAINING, Answer, Batch, Marks, Prompt
from rft.steps.pipeline import Pipeline

PHASE = "compare"
"""In a sample's ``rft``: no part of the curve that the run's training is."""
CALL_SAMPLES = 64
TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 20.0
"""Seconds, drawn as between questions. A grader that fails is called as often as Bedrock does in a training."""
LATE_FAILURES = 4
"""In a row, each when the function's time sufficed for no other try: the state machine comes back for the others."""

NO_REWARD, MARKED, TOO_LARGE = "RewardUnusable", "GraderError", "AnswerTooLarge"
"""What stands in place of a reward: it breaks the contract; the grader marked it as an error; it fits in no call."""
_NOT_AGAIN = ("refused", "too-large")

logger = Logger()


class Answered(NamedTuple):
    """An answer, and the sample that it is graded as."""

    prompt: Prompt
    role: Role
    sample: Mapping[str, Any]


def grade_answers(pipeline: Pipeline, run: Run, batch: Batch, *, seconds_left: SecondsLeft) -> None:
    """Every answer of the batch by every grader of the run.

    Raises ``ComparisonPending`` where the time doesn't suffice, be it for another try, ``ComparisonFailed`` for a
    grader that can't be called, fails, or breaks the contract, and passes on what Lambda itself has to say. What was
    graded is kept in any case.
    """
    plan, seconds = batch.plan, pipeline.environment.grader_call_seconds
    functions = lambda_client(seconds)

    def grade(arn: str, marks: Marks, lead: Mapping[str, str] | None) -> None:
        invoke = graders.invoker(functions, arn, seconds=math.inf)
        grader = _Grader(arn, invoke, batch, needed=seconds + RESERVE_SECONDS, seconds_left=seconds_left)
        try:
            grader.grade(marks, lambda record: _outside_of_training(run, record, lead))
        finally:
            batch.save(at_once=True)

    grade(plan.grader_arn, TRAINING, None)
    if plan.held_out is not None:
        grade(plan.held_out["arn"], HELD_OUT, {name: lead for name, lead in plan.held_out.items() if name != "arn"})


def _outside_of_training(run: Run, record: Mapping[str, Any], lead: Mapping[str, str] | None) -> dict[str, Any]:
    """The record with an ``rft`` that leads to no curve, and to the grader's JSON: its own one, or ``lead``."""
    rft = {**record.get("rft", {}), **_of(run)} if lead is None else {**_of(run), **lead}
    return {**record, "rft": {**rft, "phase": PHASE}}


def _of(run: Run) -> dict[str, str]:
    return {"run_id": run.run_id, "model": run.model}


class _Grader:
    """Calls one grader. What it says of single answers stays with these; all else ends the comparison."""

    def __init__(self, arn: str, invoke: Invoke, batch: Batch, *, needed: float, seconds_left: SecondsLeft) -> None:
        self._name = f"the grader {arn.partition(':function:')[2] or arn}"
        self._invoke, self._batch, self._needed, self._seconds_left = invoke, batch, needed, seconds_left
        self._breaches: Counter[str] = Counter()

    def grade(self, marks: Marks, shown: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        batch = self._batch
        for call in batches(_ungraded(batch, marks, shown), CALL_SAMPLES):
            for answered, grade in self._graded(call):
                batch.grade(answered.prompt, answered.role, _marks(marks, grade))
            batch.save()
        if self._breaches:
            logger.warning("rewards that can't be used", grader=self._name, breaches=self._breaches)

    def _graded(self, call: Sequence[Answered]) -> Iterator[tuple[Answered, Grade | str | None]]:
        """What doesn't fit into a call, with all that comes back, is tried in halves."""
        try:
            payload = self._called(call)
        except InvocationFailed as failure:
            if failure.kind != "too-large":
                raise ComparisonFailed(f"{self._name} can't grade the answers: {failure}") from None
            if len(call) == 1:
                yield call[0], TOO_LARGE
                return
            half = len(call) // 2
            yield from self._graded(call[:half])
            yield from self._graded(call[half:])
            return
        reading = read_answer(payload, [str(answered.sample["id"]) for answered in call])
        if not reading.grades:
            breach = reading.breaches[0]
            raise ComparisonFailed(f"{self._name} breaks the contract: {breach.detail} ({breach.code})")
        self._breaches.update(breach.code for breach in reading.breaches)
        yield from zip(call, reading.grades, strict=True)

    def _called(self, call: Sequence[Answered]) -> bytes:
        payload = to_bytes([answered.sample for answered in call])
        for attempt in range(1, TRIES + 1):
            if self._seconds_left() < self._needed:
                raise ComparisonPending("answers are still to be graded")
            try:
                called = self._invoke(payload).payload
            except InvocationFailed as failure:
                if failure.kind in _NOT_AGAIN or attempt == TRIES:
                    raise
                pause = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311
                if self._seconds_left() - pause < self._needed:
                    if self._batch.failed_late() >= LATE_FAILURES:
                        raise
                    raise ComparisonPending(f"{self._name} is to be called again: {failure}") from None
                time.sleep(pause)
            else:
                self._batch.called()
                return called
        raise AssertionError("the last try returns or raises")


def _ungraded(
    batch: Batch, marks: Marks, shown: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Iterator[Answered]:
    """Those to one prompt side by side."""
    for prompt in batch.prompts:
        for role in prompt.lacks(marks):
            text = prompt.answers[role]["text"]
            yield Answered(prompt, role, as_sample(shown(prompt.record), prompt.position, text))


def _marks(marks: Marks, grade: Grade | str | None) -> Answer:
    if not isinstance(grade, Grade):
        return {marks.error: grade or NO_REWARD}
    if grade.error:
        return {marks.error: MARKED}
    components = {"components": dict(grade.components)} if marks is TRAINING else {}
    return {marks.reward: grade.reward} | components
