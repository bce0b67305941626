"""The training and validation curves of a run, from the files that its job writes.

The columns of an RFT job's files are not documented, so they are found by their headings: any file below the job's
output whose name ends in ``metrics.csv``, any column that speaks of rewards.
"""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
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


def job_metrics(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """``{"run_id", "training": [point…], "validation": [point…]}``; what a point has, the files had."""
    run = pipeline.store.get(run_id)
    s3, bucket = client("s3"), pipeline.environment.bucket
    curves: dict[str, Any] = {"run_id": run_id, "training": [], "validation": []}
    for key, size in objects.found(s3, bucket, f"{run.folder}output/"):
        if not key.endswith("metrics.csv") or size > _MAX_BYTES:
            continue
        text = objects.read(s3, bucket, key).decode("utf-8", "replace")
        side = "validation" if "validation" in key.removeprefix(run.folder) else "training"
        curves[side] = [point for row in csv.DictReader(io.StringIO(text)) if (point := _point(row))]
    return curves


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
