"""From an author's ``score`` to the Lambda function that Bedrock calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from rft.grading.batch import Scorer, grade_batch, refuse_systemic_failure
from rft.grading.telemetry import by_run, log_batch, publish_health, publish_metrics, refusal_counted
from rft.grading.time_limit import TimeLimit

type Handler = Callable[[Any, Any], list[dict[str, Any]]]


def grader(score: Scorer, *, name: str = "grader", time_limit: float = 1.0) -> Handler:
    """The handler of a reward function::

        def score(sample: Sample) -> Score:
            return Score(1.0 if sample.answer == sample.reference else 0.0)

        handler = grader(score, name="exact-match")

    The handler takes Bedrock's batch and returns one result for each sample, in the same order. A sample whose data
    is bad, whose score is out of range, or that takes more than ``time_limit`` seconds (in the main thread, where
    Lambda calls a handler; other threads have no limit and a log line says so) scores 0 and is counted as an error.
    It raises, and so fails the invocation, for an event that is no batch (EventNotAList), for a SystemicFault that
    ``score`` raises, and when ``score`` fails on every sample (EverySampleFailed).

    ``name`` stands in metrics and log lines unless POWERTOOLS_SERVICE_NAME says otherwise.
    """
    if not time_limit > 0:
        raise ValueError("time_limit must be above 0 seconds")
    name = os.environ.get("POWERTOOLS_SERVICE_NAME") or name
    logger = Logger(service=name, location=None)
    has_worked = False

    def handler(event: Any, context: Any = None) -> list[dict[str, Any]]:
        nonlocal has_worked
        began = milliseconds_left(context)
        limit = TimeLimit(time_limit)
        with refusal_counted(name, event):
            batch = grade_batch(score, event, limit)
            if not limit.enforced:
                logger.warning("no time limit for a sample outside the main thread")
            runs = by_run(batch)
            for run, graded in runs.items():
                log_batch(logger, run, graded)
            refuse_systemic_failure(batch, has_worked=has_worked)
        has_worked = has_worked or any(graded.score for graded in batch)
        ended = milliseconds_left(context)
        spent = None if began is None or ended is None else max(0, began - ended)
        for run, graded in runs.items():
            publish_metrics(name, run, graded, milliseconds=spent)
            publish_health(name, run, graded, milliseconds=spent)
        return [graded.to_json() for graded in batch]

    return handler


def milliseconds_left(context: Any) -> int | None:
    """Until Lambda ends the invocation: the only clock here. None for a caller that has none, who gets no Duration."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return int(remaining()) if remaining else None
