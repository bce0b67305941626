"""What the stand-in remembers: one frozen record for each job, model, deployment and provisioned throughput."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
PhaseStatus = Literal["NotStarted", "InProgress", "Completed", "Stopping", "Stopped", "Failed"]
PhaseName = Literal["validation", "data_processing", "training"]
PHASES: tuple[PhaseName, ...] = ("validation", "data_processing", "training")


def now() -> datetime:
    """This moment, to the millisecond that the wire carries."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id() -> str:
    """Twelve lower-case letters and digits, as in Bedrock's ARNs."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))


class Record(BaseModel):
    """A document of the store. ``arn`` identifies it, ``name`` is unique among living records of its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]

    arn: str
    name: str
    created: datetime = Field(default_factory=now)
    modified: datetime = Field(default_factory=now)

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]


class Phase(BaseModel):
    """One of the three phases of a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    status: PhaseStatus = "NotStarted"
    created: datetime | None = None
    modified: datetime | None = None

    def moved(self, status: PhaseStatus) -> Phase:
        """The phase in its next status; its clock starts when it leaves NotStarted."""
        return Phase(status=status, created=self.created or now(), modified=now())


class Job(Record):
    """A model customization job. ``request`` holds CreateModelCustomizationJob's parameters, defaults filled in."""

    kind: ClassVar[str] = "job"

    request: dict[str, Any]
    base_model_arn: str
    key_arn: str | None = None
    status: JobStatus = "InProgress"
    phases: dict[PhaseName, Phase] = Field(default_factory=lambda: {name: Phase() for name in PHASES})
    model_arn: str | None = None
    failure_message: str | None = None
    ended: datetime | None = None

    @property
    def model_name(self) -> str:
        """The name that the job's model has or will have."""
        return str(self.request["customModelName"])


class CustomModel(Record):
    """A model that a completed job left. ``job`` is a copy: a model outlives nothing, but says where it is from."""

    kind: ClassVar[str] = "custom-model"

    job: Job


class Deployment(Record):
    """An on-demand deployment. Its status is worked out when it is read: see ``deployments``."""

    kind: ClassVar[str] = "deployment"

    model_arn: str
    description: str | None = None
    active: bool = False
    failure_message: str | None = None
    next_model_arn: str | None = None
    update_status: Literal["Updating", "UpdateCompleted", "UpdateFailed"] | None = None

    @property
    def models(self) -> set[str | None]:
        """The ARNs of the models that it needs: what it serves, and what an update that runs leads to."""
        return {self.model_arn, self.next_model_arn if self.update_status == "Updating" else None}


class Throughput(Record):
    """A provisioned throughput."""

    kind: ClassVar[str] = "throughput"

    model_arn: str
    desired_model_arn: str
    base_model_arn: str
    units: int
    commitment: Literal["OneMonth", "SixMonths"] | None = None
    in_service: bool = False
    failure_message: str | None = None


class QueuedEvent(Record):
    """A state-change event on its way. ``due`` None: held back until the job's ``after`` event has left."""

    kind: ClassVar[str] = "event"

    entry: dict[str, Any]
    status: JobStatus
    due: datetime | None
    after: JobStatus | None = None
    attempts: int = 0


class Tags(Record):
    """The tags of the resource whose ARN this record has."""

    kind: ClassVar[str] = "tags"

    values: dict[str, str]


class Token(Record):
    """A client request token: ``name`` is the operation, ``result`` the ARN it gave, ``content`` a hash."""

    kind: ClassVar[str] = "token"

    content: str
    result: str
