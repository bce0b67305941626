"""The curves of a run: those of the files that its job writes, and what its grader saw.

The columns of an RFT job's files are not documented, nor is when they come: they are found by their headings, in any
file below the job's output whose name ends in ``metrics.csv``, in any column that speaks of rewards. The grader's own
curve is there from its first call on.
"""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import functions, objects
from rft.aws.clients import client, error_code
from rft.aws.clock import now
from rft.run.record import Run
from rft.steps.pipeline import Pipeline

_MAX_BYTES = 4 * 1024 * 1024
_COLUMNS = {
    "step": ("step_number", "step"),
    "epoch": ("epoch_number", "epoch"),
    "reward_mean": ("critic/rewards/mean", "val-score/rewards/mean@1", "critic_rewards_mean", "reward_mean"),
    "reward_min": ("critic/rewards/min", "critic_rewards_min"),
    "reward_max": ("critic/rewards/max", "critic_rewards_max"),
    "entropy": ("actor/entropy", "actor_entropy"),
    "answer_length": ("response_length/mean", "response_length_mean"),
}
_WHOLE = frozenset({"step", "epoch"})
_CURVE_SECONDS = 10.0
_GRADER = "-grader-"  # how template.yaml names a grader's function, with the name in its metrics behind it

logger = Logger()


def job_metrics(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """``{"run_id", "phases", "training": [point…], "validation": [point…], "grader": [point…]}``.

    ``phases`` are the job's, status by name, or None. What a point of the first two curves has, the files had; those of
    the grader: ``rft.steps.training.read_curve``.
    """
    run = pipeline.store.get(run_id)
    return {
        "run_id": run_id,
        "phases": run.job_phases,
        **file_curves(pipeline, run),
        "grader": grader_curve(pipeline, run),
    }


def file_curves(pipeline: Pipeline, run: Run) -> dict[str, list[dict[str, float]]]:
    """``training`` and ``validation``."""
    s3, bucket = client("s3"), pipeline.environment.bucket
    curves: dict[str, list[dict[str, float]]] = {"training": [], "validation": []}
    for key, size in objects.found(s3, bucket, f"{run.folder}output/"):
        if not key.endswith("metrics.csv") or size > _MAX_BYTES:
            continue
        text = objects.read(s3, bucket, key).decode("utf-8", "replace")
        side = "validation" if "validation" in key.removeprefix(run.folder) else "training"
        curves[side] = [point for row in csv.DictReader(io.StringIO(text)) if (point := _point(row))]
    return curves


def grader_curve(pipeline: Pipeline, run: Run) -> list[dict[str, Any]]:
    """Oldest first; empty before there is a job, and where the curve can't be read: nothing fails for want of it."""
    if run.job_submitted_at is None:
        return []
    wanted = {
        "run_id": run.run_id,
        "model": run.model,
        "grader": _grader_name(run.grader_arn or ""),
        "since": run.job_submitted_at,
        "until": run.ended_at or now(),
    }
    try:
        answer = functions.ask(pipeline.environment.read_curve_function, wanted, seconds=_CURVE_SECONDS)
    except functions.FunctionFailed as failed:
        logger.warning("could not read the grader's curve", extra={"error": failed.name})
    except (ClientError, BotoCoreError) as error:
        logger.warning("could not read the grader's curve", extra={"error": error_code(error)})
    else:
        points: list[dict[str, Any]] = answer["points"]
        return points
    return []


def _grader_name(arn: str) -> str:
    function = arn.partition(":function:")[2].partition(":")[0]
    return function.partition(_GRADER)[2] or function


def _point(row: dict[str, str]) -> dict[str, float]:
    point: dict[str, float] = {}
    for name, headings in _COLUMNS.items():
        text = next((row[heading] for heading in headings if row.get(heading)), None)
        try:
            value = float(text) if text is not None else math.nan
        except ValueError:
            continue
        if math.isfinite(value):
            point[name] = int(value) if name in _WHOLE else value
    return point
