"""How a job moves: every change of its status or of a phase, together with the event that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.bedrock.catalog import CUSTOMIZABLE
from local.bedrock.records import PHASES, CustomModel, Job, JobStatus, Phase, PhaseName, PhaseStatus, new_id, now

if TYPE_CHECKING:
    from local.bedrock.events import Events
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging

_LONGEST_MESSAGE = 2048  # ErrorMessage in the service model


class JobStates:
    """The transitions. A job that has ended stays as it is, whoever asks."""

    def __init__(self, store: Store, settings: Settings, tagging: Tagging, events: Events) -> None:
        self._store, self._settings, self._tagging, self._events = store, settings, tagging, events

    def created(self, job: Job) -> None:
        """A new job, InProgress from the first moment: Bedrock has no status before that."""
        with self._store.transaction():
            self._store.save(job)
            self._events.announce(job)

    def restarted(self, arn: str) -> None:
        """A job whose worker is gone begins anew, from its first phase."""
        with self._store.transaction():
            if job := self._in(arn, "InProgress"):
                self._store.save(job.model_copy(update={"phases": {name: Phase() for name in PHASES}}))

    def phase(self, arn: str, name: PhaseName, status: PhaseStatus) -> None:
        """A phase of a running job."""
        with self._store.transaction():
            if job := self._in(arn, "InProgress"):
                phases = job.phases | {name: job.phases[name].moved(status)}
                self._store.save(job.model_copy(update={"phases": phases, "modified": now()}))

    def stopping(self, job: Job) -> None:
        """The job has been told to stop."""
        self._move(job, "Stopping")

    def stopped(self, arn: str) -> None:
        """The job has stopped; there is no model."""
        with self._store.transaction():
            if job := self._in(arn, "Stopping"):
                self._move(job, "Stopped")

    def failed(self, arn: str, message: str) -> None:
        """The job cannot go on."""
        with self._store.transaction():
            if job := self._in(arn, "InProgress"):
                self._move(job.model_copy(update={"failure_message": message[:_LONGEST_MESSAGE]}), "Failed")

    def completed(self, arn: str) -> None:
        """The job is done and its weights are in their folder: there is a model."""
        with self._store.transaction():
            job = self._in(arn, "InProgress")
            if job is None:
                return
            model_arn = self._settings.arn(f"custom-model/{CUSTOMIZABLE}/{new_id()}")
            job = self._move(job.model_copy(update={"model_arn": model_arn}), "Completed")
            self._store.save(CustomModel(arn=model_arn, name=job.model_name, job=job))
            self._tagging.attach(model_arn, job.request.get("customModelTags", []))

    def _in(self, arn: str, status: JobStatus) -> Job | None:
        job = self._store.get(Job, arn)
        return job if job and job.status == status else None

    def _move(self, job: Job, status: JobStatus) -> Job:
        """Save the job in its new status, with the phase it was in, and announce it."""
        to: PhaseStatus = status
        phases = {
            name: phase.moved(to) if phase.status in ("InProgress", "Stopping") else phase
            for name, phase in job.phases.items()
        }
        ended = None if status == "Stopping" else now()
        moved = job.model_copy(update={"status": status, "phases": phases, "modified": now(), "ended": ended})
        self._store.save(moved)
        self._events.announce(moved)
        return moved
