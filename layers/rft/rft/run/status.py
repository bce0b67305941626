"""The statuses of a run. They only move forward, and a terminal one stays."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """In the order of a run's way; a run may skip some, and never goes back."""

    RECEIVED = "received"
    CONVERTING = "converting"
    PREPARING = "preparing"
    CHECKING = "checking"
    QUEUED = "queued"
    TRAINING = "training"
    DEPLOYING = "deploying"
    COMPARING = "comparing"
    PROMOTED = "promoted"
    KEPT = "kept"
    REJECTED = "rejected"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({Status.PROMOTED, Status.KEPT, Status.REJECTED, Status.STOPPED, Status.FAILED})
SUCCEEDED = frozenset({Status.PROMOTED, Status.KEPT})

_RANK = {status: rank for rank, status in enumerate(s for s in Status if s not in TERMINAL)}


def can_follow(current: Status, following: Status) -> bool:
    """Whether a run in ``current`` may become ``following``. The same status again is no move."""
    if current.is_terminal:
        return False
    return following.is_terminal or _RANK[following] > _RANK[current]


def may_precede(following: Status) -> list[Status]:
    """Every status from which a run may become ``following``: the condition of the write that moves it."""
    return [status for status in Status if can_follow(status, following)]


# How a failed step closes the run: by the name of its error. All other errors are failures.
_CLOSING_STATUS = {
    "RequestInvalid": Status.REJECTED,
    "DatasetInvalid": Status.REJECTED,
    "DatasetMissing": Status.REJECTED,
    "LogsMissing": Status.REJECTED,
    "LogsDamaged": Status.REJECTED,
    "GateClosed": Status.REJECTED,
    "JobRefused": Status.REJECTED,
    "RunStopped": Status.STOPPED,
    "JobStopped": Status.STOPPED,
    "RewardConstant": Status.STOPPED,
}


def closing_status(error: str, *, stop_requested: bool) -> Status:
    """The terminal status of a run whose step ended with ``error`` (a class name of ``rft.errors``, or AWS's).

    A stop that somebody asked for is a stop, whatever error it showed up as.
    """
    if stop_requested:
        return Status.STOPPED
    return _CLOSING_STATUS.get(error, Status.FAILED)
