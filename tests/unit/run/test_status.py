from __future__ import annotations

import itertools

import pytest

from rft import errors
from rft.run.status import Status, can_follow, closing_status, may_precede

ALL = list(Status)


def test_a_terminal_status_is_final() -> None:
    for current, following in itertools.product(ALL, ALL):
        if current.is_terminal:
            assert not can_follow(current, following)


def test_a_run_only_moves_forward() -> None:
    for a, b in itertools.product(ALL, ALL):
        assert not (can_follow(a, b) and can_follow(b, a))


def test_every_living_run_can_end_in_every_way() -> None:
    living = [s for s in ALL if not s.is_terminal]
    ends = [s for s in ALL if s.is_terminal]
    assert all(can_follow(s, end) for s in living for end in ends)
    assert set(may_precede(Status.FAILED)) == set(living)
    assert may_precede(Status.RECEIVED) == []
    assert may_precede(Status.QUEUED) == [Status.RECEIVED, Status.CONVERTING, Status.PREPARING, Status.CHECKING]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("DatasetInvalid", Status.REJECTED),
        ("JobRefused", Status.REJECTED),
        ("JobStopped", Status.STOPPED),
        ("JobFailed", Status.FAILED),
        ("DeploymentTimedOut", Status.FAILED),
        ("States.Timeout", Status.FAILED),
        ("ExecutionAborted", Status.FAILED),
    ],
)
def test_an_error_closes_a_run_by_its_name(error: str, expected: Status) -> None:
    assert closing_status(error, stop_requested=False) is expected
    assert closing_status(error, stop_requested=True) is Status.STOPPED


def test_every_error_that_closes_a_run_in_its_own_way_exists() -> None:
    from rft.run.status import _CLOSING_STATUS

    for name in _CLOSING_STATUS:
        assert issubclass(getattr(errors, name), errors.RftError)
