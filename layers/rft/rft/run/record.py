"""The record of a run: what everybody may know of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from rft.run.identity import run_folder
from rft.run.status import Status

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One passage of the pipeline. Times are ISO 8601 in UTC; what isn't known yet is None.

    ``request`` is as it was asked for; ``base_model``, ``grader_arn`` and ``deploy`` are what holds after the
    stack's defaults. ``conversion``, of a run whose data are invocation logs, has ``objects``, ``records``,
    ``converted``, ``skipped``, ``failed`` and ``report_uri``. ``dataset`` has ``train_uri``, ``validation_uri``,
    ``report_uri``, ``train_records``, ``validation_records``; where Bedrock reads the logs itself, nothing of training.
    ``gate`` has ``verdict`` (open, warnings, closed), ``codes`` of what it found, and ``report_uri``.
    ``reason`` has ``error`` (a class of ``rft.errors`` or AWS's own name), ``message`` and ``details_uri``.
    """

    run_id: str
    model: str
    status: Status
    created_at: str
    updated_at: str
    request: Json = field(default_factory=dict)
    base_model: str | None = None
    grader_arn: str | None = None
    deploy: str | None = None
    ended_at: str | None = None
    execution_arn: str | None = None
    conversion: Json | None = None
    dataset: Json | None = None
    gate: Json | None = None
    job_name: str | None = None
    job_arn: str | None = None
    job_status: str | None = None
    job_phases: Json | None = None
    job_submitted_at: str | None = None
    custom_model_arn: str | None = None
    deployment_arn: str | None = None
    deployment_kind: str | None = None
    deployment_started_at: str | None = None
    stop_requested: bool = False
    reason: Json | None = None
    warnings: list[str] = field(default_factory=list)
    notified_at: str | None = None

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """From what ``to_json`` gave; keys that aren't the record's own (a task token, an index) are left out."""
        known = {f.name for f in fields(cls)}
        content = {key: value for key, value in document.items() if key in known}
        return cls(**content | {"status": Status(document["status"])})

    def to_json(self) -> Json:
        return asdict(self)

    @property
    def folder(self) -> str:
        return run_folder(self.run_id)
