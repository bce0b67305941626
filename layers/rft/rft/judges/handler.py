"""From a scorer that asks a judge to the Lambda function that Bedrock calls."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from rft.aws.converse import WORKERS, Converse
from rft.errors import SettingMissing
from rft.grading.batch import refuse_systemic_failure
from rft.grading.handler import Handler, milliseconds_left
from rft.grading.judging.rubric import JudgeScorer
from rft.grading.sample import RunContext
from rft.grading.telemetry import by_run, log_batch, publish_health, publish_metrics, refusal_counted
from rft.judges.calls import CALLS, METRICS, PARSE_FAILURES, Calls, Deadline
from rft.judges.parallel import Judged, grade_in_parallel
from rft.judges.reliability import Reliability

MODEL_VARIABLE = "JUDGE_MODEL_ID"

SECONDS_WITHOUT_CONTEXT = 300.0
LONGEST_MARGIN, MARGIN_SHARE = 10.0, 0.1
"""Of the time that Lambda leaves, a tenth, 10 seconds at most, is kept to say what went wrong."""


def calls_of_the_environment(workers: int) -> Calls:
    """Calls of the model that JUDGE_MODEL_ID names. Raises SettingMissing."""
    model_id = os.environ.get(MODEL_VARIABLE)
    if not model_id:
        raise SettingMissing(f"the environment variable {MODEL_VARIABLE} is missing: template.yaml sets it")
    return Calls(Converse(model_id, workers=workers))


def judge_grader(
    score: JudgeScorer,
    *,
    name: str,
    workers: int = WORKERS,
    calls: Callable[[int], Calls] = calls_of_the_environment,
    monotonic: Callable[[], float] = time.monotonic,
) -> Handler:
    """The handler of a reward function that asks a judge::

        handler = judge_grader(rubric_score(RUBRIC), name="help-desk")

    As :func:`rft.grading.handler.grader`, but samples are graded by ``workers`` threads, and the time that counts is
    the batch's: what is left of the invocation. A sample that the judge gives no readable verdict on scores 0 and is
    counted as an error. It raises as well when the judge denies access (JudgeDenied), stays busy or takes too long
    (JudgeUnavailable), or gives too few verdicts (JudgeUnreliable): never part of a batch, and never a number instead.

    ``calls`` makes, for so many workers, what is kept for the life of the process; it is called when the first batch
    comes, so that importing the function makes no client.
    """
    name = os.environ.get("POWERTOOLS_SERVICE_NAME") or name
    logger = Logger(service=name, location=None)
    reliability = Reliability()
    kept: Calls | None = None
    has_worked = False

    def handler(event: Any, context: Any = None) -> list[dict[str, Any]]:
        nonlocal kept, has_worked
        began = milliseconds_left(context)
        kept = kept or calls(workers)
        with refusal_counted(name, event):
            judged = grade_in_parallel(score, event, kept, Deadline(_seconds(began), monotonic), workers=workers)
            batch = [each.graded for each in judged]
            runs = by_run(batch)
            for run, graded in runs.items():
                log_batch(logger, run, graded)
            refuse_systemic_failure(batch, has_worked=has_worked)
            reliability.accept([each.has_verdict for each in judged if each.was_asked])
        has_worked = has_worked or any(graded.score for graded in batch)
        ended = milliseconds_left(context)
        spent = None if began is None or ended is None else max(0, began - ended)
        for run, graded in runs.items():
            counts = _counts(judged, run)
            publish_metrics(name, run, graded, milliseconds=spent, counts=counts)
            publish_health(name, run, graded, milliseconds=spent, unreadable=_unreadable(counts))
        return [graded.to_json() for graded in batch]

    return handler


def _seconds(milliseconds: int | None) -> float:
    if milliseconds is None:
        return SECONDS_WITHOUT_CONTEXT
    left = milliseconds / 1000
    return left - min(LONGEST_MARGIN, MARGIN_SHARE * left)


def _counts(judged: Sequence[Judged], run: RunContext) -> dict[str, int]:
    """What the samples of a run took of the judge, each metric of METRICS."""
    total: Counter[str] = Counter()
    for each in judged:
        if each.graded.run == run:
            total.update(each.tally)
    return {name: total[name] for name in METRICS}


def _unreadable(counts: Mapping[str, int]) -> float | None:
    """Per cent of the judge's replies that could not be read; None where it wasn't asked."""
    return 100 * counts[PARSE_FAILURES] / counts[CALLS] if counts[CALLS] else None
