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


class Gain(TypedDict):
    """A mean difference of rewards and the interval that holds it at ``confidence``."""

    mean: float
    low: float
    high: float
    confidence: float


class Compared(TypedDict):
    """What the comparison found on ``records`` prompts: ``gain`` over ``against`` (base or live), and ``means``."""

    against: str
    live_run_id: str | None
    recommended: str
    sentence: str
    records: int
    gain: Gain | None
    means: dict[str, float | None]
    document_uri: str
    rows_uri: str


class Approval(TypedDict):
    """The word of a person: ``state`` is waiting, promote, keep or expired."""

    state: str
    since: str
    until: str
    decided_at: str | None
    decided_by: str | None


class Report(TypedDict):
    report_uri: str
    markdown_uri: str
    manifest_uri: str


class Run(TypedDict):
    """Missing values are None; times are ISO 8601 in UTC."""

    run_id: str
    model: str
    status: str
    base_model: str | None
    grader_arn: str | None
    held_out_grader_arn: NotRequired[str | None]
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
    comparison: NotRequired[Compared | None]
    approval: NotRequired[Approval | None]
    report: NotRequired[Report | None]
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


class GradedMinute(TypedDict):
    """What the run's grader saw in a minute, or a few, that began ``at``."""

    at: str
    reward_mean: float
    reward_min: float
    reward_max: float
    samples: int
    errors: int
    components: dict[str, float]


class Metrics(TypedDict):
    """``training`` and ``validation`` are of the job's files, ``phases`` the job's own word. Older stacks have neither
    ``phases`` nor ``grader``."""

    run_id: str
    training: list[TrainingStep]
    validation: list[ValidationStep]
    phases: NotRequired[dict[str, str] | None]
    grader: NotRequired[list[GradedMinute]]


class Grader(TypedDict):
    """A grader of the stack; ``arn`` is of its published version."""

    name: str
    kind: str
    arn: str
    reference: str
    summary: str
    fields: list[str]
    judge_calls: int


class ReportLinks(TypedDict):
    """Addresses that anybody may read from until ``expires_at``."""

    report_url: str
    markdown_url: str
    manifest_url: str
    expires_at: str


class Live(TypedDict):
    """The version that serves users."""

    run_id: str
    custom_model_arn: str
    deployment_arn: str
    kind: str
    base_model: str | None
    since: str


class ModelSummary(TypedDict):
    """``gain`` is what the newest comparison found, against what served then."""

    name: str
    live: Live | None
    versions: int
    gain: Gain | None


class ModelPage(TypedDict):
    models: list[ModelSummary]
    next_token: str | None


class Version(TypedDict):
    run_id: str
    status: str
    created_at: str
    custom_model_arn: str
    deleted_at: str | None
    against: str | None
    gain: Gain | None
    means: dict[str, float | None] | None
    live: bool


class Model(TypedDict):
    """``versions`` newest first. ``live_parameter`` is the SSM parameter that holds the ARN to call."""

    name: str
    live: Live | None
    live_parameter: str
    versions: list[Version]
    deleted_at: NotRequired[str | None]


class Leftover(TypedDict):
    """``state`` is going (ask again), committed (to the end of a term, ``until``) or refused."""

    kind: str
    id: str
    state: str
    reason: str
    until: str | None


class Deletion(TypedDict):
    """``removed`` has ``kind`` and ``id`` of each thing."""

    model: str
    removed: list[dict[str, str]]
    left: list[Leftover]


class Answer(TypedDict, total=False):
    """Of one version to one prompt; or its ``error``. Where ``reward`` is None, ``grader_error`` says why."""

    text: str
    reward: float | None
    components: dict[str, float]
    milliseconds: float
    input_tokens: int
    output_tokens: int
    grader_error: str
    error: str
    detail: str


class Answered(TypedDict):
    """The answers to one prompt by version."""

    answers: dict[str, Answer]


class Asked(TypedDict):
    model_id: str
    run_id: str | None


class Playground(TypedDict):
    """What ``prompts`` were answered, in their order, by ``versions``."""

    model: str
    versions: dict[str, Asked]
    prompts: list[Answered]


def moment(text: str) -> datetime:
    """A time of the API (``2026-01-31T12:00:00Z``)."""
    return datetime.fromisoformat(text)
