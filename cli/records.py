"""What the API answers, as JSON documents with known keys.

They stay plain documents, so that ``--json`` prints what the API said, keys of a newer stack included.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NotRequired, TypedDict


class Reason(TypedDict):
    error: str
    message: str
    details_uri: str | None


class Dataset(TypedDict):
    """Of a dataset that was refused there is only the report; where Bedrock reads logs itself, nothing of training."""

    train_uri: NotRequired[str]
    validation_uri: str | None
    report_uri: str | None
    train_records: NotRequired[int]
    validation_records: int


class Conversion(TypedDict):
    """What became of the records of invocation logs; before the end of the conversion there are ``objects`` only."""

    objects: dict[str, int]
    records: NotRequired[int]
    converted: NotRequired[int]
    skipped: NotRequired[dict[str, int]]
    failed: NotRequired[dict[str, int]]
    report_uri: NotRequired[str]


class Gate(TypedDict):
    """What the gate said before the job."""

    verdict: str
    codes: list[str]
    report_uri: str


class Run(TypedDict):
    """Missing values are None; times are ISO 8601 in UTC."""

    run_id: str
    model: str
    status: str
    base_model: str | None
    grader_arn: str | None
    deploy: str | None
    created_at: str
    updated_at: str
    ended_at: str | None
    execution_arn: str | None
    request: dict[str, Any]
    conversion: Conversion | None
    dataset: Dataset | None
    gate: NotRequired[Gate | None]
    job_name: str | None
    job_arn: str | None
    job_status: str | None
    job_phases: dict[str, Any] | None
    custom_model_arn: str | None
    deployment_arn: str | None
    deployment_kind: str | None
    stop_requested: bool
    reason: Reason | None
    warnings: list[str]


class RunPage(TypedDict):
    runs: list[Run]
    next_token: str | None


class Event(TypedDict):
    """One thing that happened to a run; ``detail`` depends on ``type``."""

    at: str
    type: str
    detail: dict[str, Any]


class TrainingStep(TypedDict):
    """Rewards over the samples of one training step."""

    step: int
    epoch: int | None
    reward_mean: float
    reward_min: float
    reward_max: float


class ValidationStep(TypedDict):
    step: int
    reward_mean: float


class Metrics(TypedDict):
    run_id: str
    training: list[TrainingStep]
    validation: list[ValidationStep]


class Grader(TypedDict):
    """A grader of the stack; ``arn`` is of its published version."""

    name: str
    kind: str
    arn: str
    reference: str
    summary: str
    fields: list[str]
    judge_calls: int


def moment(text: str) -> datetime:
    """A time of the API (``2026-01-31T12:00:00Z``)."""
    return datetime.fromisoformat(text)
