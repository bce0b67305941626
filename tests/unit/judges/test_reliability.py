"""When a batch is refused because the judge said too little."""

from __future__ import annotations

import pytest

from rft.grading.errors import JudgeUnreliable
from rft.judges.reliability import Reliability


def batch(size: int, missing: int) -> list[bool]:
    return [place < size - missing for place in range(size)]


@pytest.mark.parametrize(
    ("size", "missing"), [(0, 0), (1, 0), (1, 1), (2, 1), (8, 1), (10, 1), (20, 2), (64, 6), (1000, 100)]
)
def test_a_few_are_bearable(size: int, missing: int) -> None:
    Reliability().accept(batch(size, missing))


@pytest.mark.parametrize(("size", "missing"), [(2, 2), (8, 2), (19, 2), (20, 3), (64, 7), (64, 64), (1000, 101)])
def test_more_are_not(size: int, missing: int) -> None:
    with pytest.raises(JudgeUnreliable, match=f"{missing} of {size} samples"):
        Reliability().accept(batch(size, missing))


def test_batches_of_one_without_any_verdict_are_refused_from_the_second() -> None:
    reliability = Reliability()
    reliability.accept([False])
    for _ in range(3):
        with pytest.raises(JudgeUnreliable, match="2 of 2"):
            reliability.accept([False])
    reliability.accept([True])


def test_batches_of_one_are_judged_by_the_last_hundred() -> None:
    reliability = Reliability()
    for verdict in [True] * 10 + [False] * 5:
        reliability.accept([verdict])  # fifteen say too little
    for _ in range(5):
        reliability.accept([True])
    with pytest.raises(JudgeUnreliable, match="6 of 21"):
        reliability.accept([False])
    for _ in range(80):
        reliability.accept([True])
    reliability.accept([False])


def test_a_batch_without_a_fault_is_never_refused() -> None:
    reliability = Reliability()
    for _ in range(9):
        reliability.accept(batch(10, 1))
    reliability.accept(batch(20, 2))
    with pytest.raises(JudgeUnreliable):
        reliability.accept(batch(1, 1))
    reliability.accept(batch(50, 0))


def test_a_refused_batch_is_not_remembered() -> None:
    reliability = Reliability()
    reliability.accept(batch(30, 1))
    for _ in range(5):
        with pytest.raises(JudgeUnreliable):
            reliability.accept(batch(30, 10))
    reliability.accept(batch(10, 1))
