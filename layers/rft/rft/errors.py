"""Every fault that a run can meet, by name.

The name of a class is what Step Functions sees as the error of a failed task, so the state machine's Retry and
Catch name these classes::

    RftError
    ├── RequestInvalid          the request for a run is wrong; carries every problem
    ├── RequestConflict         an idempotency key was used for another request
    ├── BodyTooLarge            a call of the API brings more bytes than its route can have a use for
    ├── CallerUnknown           the stack has tenants, and the caller is none of them
    ├── ModelForbidden          the name of a model isn't the caller's to use
    ├── RunNotFound
    ├── RunEnded                the run is terminal, so it can't be changed any more
    ├── RunStopped              somebody asked for the stop of this run
    ├── DatasetInvalid          the dataset breaks Bedrock's rules; its report names each line
    ├── DatasetMissing          the object isn't there, or isn't ours to read
    ├── LogsMissing             there are no invocation logs to read under the prefix
    ├── LogsDamaged             too large a share of the invocation logs can't be read
    ├── LogsInconsistent        the counts of a batch of logs aren't those of its prompts
    ├── GateClosed              the grader, its signal or the budget speaks against the run: no job
    ├── GateTooSlow             a grader's test takes longer than the API has
    ├── GraderMissing           the stack has no grader of that name
    ├── JobRefused              Bedrock won't take the job as it is
    ├── JobQuotaFull            the account's quota of jobs is used up: wait and try again
    ├── BedrockBusy             Bedrock throttles or has a fault of its own: wait and try again
    ├── JobFailed               training ended without a model
    ├── JobStopped              the job was stopped, by us or by somebody else
    ├── JobTimedOut             the job has outlived the run's deadline
    ├── DeploymentPending       not Active yet: look again
    ├── DeploymentFailed
    ├── DeploymentTimedOut      not Active at its deadline
    ├── RewardConstant          a training whose rewards didn't differ was stopped, as the request has it
    ├── ComparisonPending       there is more to ask and to grade: come back
    ├── ComparisonFailed        the models can't be compared: too many answers or grades are missing
    ├── LiveModelChanged        another run has promoted its model since this one was compared: compare anew
    ├── PromotionFailed         the model behind the live deployment could not be exchanged
    ├── PromotionTimedOut       nor by its deadline
    ├── ModelMissing            there is no model of that name, or it has no live version
    ├── ModelBusy               a run of the model is under way, so it can't be deleted
    ├── VersionNotDeployed      a version that answers nowhere can't be asked
    ├── NothingToApprove        the run doesn't wait for anybody's word
    ├── ReportMissing           the run has no report, or none yet
    ├── EventRefused            the bus would not take an event at this moment: try again
    ├── NotificationPending     somebody else is sending this run's message: see later whether they did
    ├── RunNotEnded             a run came to its last message without an end: no step has put one on record
    └── SettingMissing          a function's environment lacks a variable
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class RftError(Exception):
    """The root of all faults that this product names."""


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """One thing wrong with a request: ``path`` as in ``hyperparameters.batch_size``, ``message`` with the range."""

    path: str
    message: str

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message}


class RequestInvalid(RftError):
    """A request that can't become a run. ``problems`` names everything wrong with it."""

    def __init__(self, problems: Sequence[RequestProblem], *, model: str | None = None) -> None:
        self.problems = tuple(problems)
        self.model = model
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in self.problems))


class RequestConflict(RftError):
    pass


class BodyTooLarge(RftError):
    pass


class CallerUnknown(RftError):
    pass


class ModelForbidden(RftError):
    pass


class RunNotFound(RftError):
    pass


class RunEnded(RftError):
    pass


class RunStopped(RftError):
    pass


class DatasetInvalid(RftError):
    pass


class DatasetMissing(RftError):
    pass


class LogsMissing(RftError):
    pass


class LogsDamaged(RftError):
    pass


class LogsInconsistent(RftError):
    pass


class GateClosed(RftError):
    pass


class GateTooSlow(RftError):
    pass


class GraderMissing(RftError):
    pass


class JobRefused(RftError):
    pass


class JobQuotaFull(RftError):
    pass


class BedrockBusy(RftError):
    pass


class JobFailed(RftError):
    pass


class JobStopped(RftError):
    pass


class JobTimedOut(RftError):
    pass


class DeploymentPending(RftError):
    pass


class DeploymentFailed(RftError):
    pass


class DeploymentTimedOut(RftError):
    pass


class RewardConstant(RftError):
    pass


class ComparisonPending(RftError):
    pass


class ComparisonFailed(RftError):
    pass


class LiveModelChanged(RftError):
    pass


class PromotionFailed(RftError):
    pass


class PromotionTimedOut(RftError):
    pass


class ModelMissing(RftError):
    pass


class ModelBusy(RftError):
    pass


class VersionNotDeployed(RftError):
    pass


class NothingToApprove(RftError):
    pass


class ReportMissing(RftError):
    pass


class EventRefused(RftError):
    pass


class NotificationPending(RftError):
    pass


class RunNotEnded(RftError):
    pass


class SettingMissing(RftError):
    pass
