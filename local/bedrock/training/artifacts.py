"""The files that a job leaves in S3, where Bedrock puts its own (user guide, model-customization-analyze).

RFT's own columns are not documented; these are the names that the user guide gives to RFT's metrics.
"""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING, Any

from local.bedrock.training.access import bucket_and_key

if TYPE_CHECKING:
    from local.bedrock.learning.training import Evaluation, Step
    from local.bedrock.training.access import Role

_TRAINING = "training_artifacts/step_wise_training_metrics.csv"
_VALIDATION = "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
_SUMMARY = "training_artifacts/training_summary.json"
_TRAINING_COLUMNS = (
    "step_number",
    "epoch_number",
    "critic/rewards/mean",
    "critic/rewards/max",
    "critic/rewards/min",
    "actor/entropy",
    "actor/pg_loss",
    "actor/grad_norm",
    "response_length/mean",
)
_VALIDATION_COLUMNS = ("step_number", "epoch_number", "val-score/rewards/mean@1")
_SECONDS_BETWEEN = 1.0


class Artifacts:
    """Rows collect here; the whole files are written again at most once a second, and at the end."""

    def __init__(self, role: Role, output_uri: str, job_id: str, *, with_validation: bool) -> None:
        self._role = role
        self._s3 = role.client("s3")
        self._bucket, prefix = bucket_and_key(output_uri)
        self._folder = f"{prefix}/model-customization-job-{job_id}".lstrip("/")
        self._with_validation = with_validation
        self._steps: list[tuple[object, ...]] = []
        self._evaluations: list[tuple[object, ...]] = []
        self._epoch = 0
        self._written, self._at = (-1, -1), 0.0

    def step(self, step: Step) -> None:
        """A row of the training metrics."""
        self._epoch = step.epoch
        self._steps.append(
            (
                step.number,
                step.epoch,
                step.reward_mean,
                step.reward_max,
                step.reward_min,
                step.entropy,
                step.loss,
                step.grad_norm,
                step.answer_tokens_mean,
            )
        )

    def evaluation(self, evaluation: Evaluation) -> None:
        """A row of the validation metrics; step 0 is before training."""
        self._evaluations.append((evaluation.step, self._epoch, evaluation.reward_mean))

    def write(self, *, now: bool = False) -> None:
        """Bring the files up to date, unless that was done less than a second ago."""
        rows = (len(self._steps), len(self._evaluations))
        if rows == self._written or (not now and time.monotonic() - self._at < _SECONDS_BETWEEN):
            return
        if rows[0] != self._written[0]:
            self._put(_TRAINING, _csv(_TRAINING_COLUMNS, self._steps), "text/csv")
        if self._with_validation and rows[1] != self._written[1]:
            self._put(_VALIDATION, _csv(_VALIDATION_COLUMNS, self._evaluations), "text/csv")
        self._written, self._at = rows, time.monotonic()

    def summary(self, facts: dict[str, Any]) -> None:
        """What there is to say about the job as a whole, for which Bedrock's API has no field."""
        self._put(_SUMMARY, json.dumps(facts, indent=2).encode(), "application/json")

    def _put(self, name: str, body: bytes, content_type: str) -> None:
        key = f"{self._folder}/{name}"
        with self._role.doing("s3:PutObject", f"s3://{self._bucket}/{key}"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)


def _csv(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
