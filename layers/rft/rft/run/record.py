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
    And what makes it the same again: ``source_uri``, ``source_version_id`` and ``source_sha256`` of what was uploaded
    (``validation_source_…``), ``train_sha256`` and ``validation_sha256`` of the copies, ``validation_fraction``.
    ``gate`` has ``verdict`` (open, warnings, closed), ``codes`` of what it found, and ``report_uri``.
    ``training`` is the newest that was seen of the job's curve: ``step``, ``reward_mean``, and for how many steps the
    rewards have been all equal, ``constant_steps``.
    ``comparison`` has ``against`` (base or live, whose run is ``live_run_id``), ``recommended`` (promote or keep),
    ``sentence``, ``records``, ``gain`` (``mean``, ``low``, ``high``, ``confidence``), ``means`` by model, and the URIs
    of ``comparison.json`` and ``comparison.jsonl``, ``document_uri`` and ``rows_uri``.
    ``approval``, of a run that a person decides on, has ``state`` (waiting, promote, keep, expired), ``since`` and
    ``until``, ``decided_at`` and ``decided_by``.
    ``promotion``, once it has begun, has ``live_arn``, the ``previous`` live model (or None) and ``began_at``.
    ``report`` has ``report_uri``, ``markdown_uri`` and ``manifest_uri``.
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
    held_out_grader_arn: str | None = None
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
    training: Json | None = None
    custom_model_arn: str | None = None
    custom_model_deleted_at: str | None = None
    deployment_arn: str | None = None
    deployment_kind: str | None = None
    deployment_started_at: str | None = None
    comparison: Json | None = None
    approval: Json | None = None
    promotion: Json | None = None
    report: Json | None = None
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
