from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.comparison.interval import Change, Interval
from rft.comparison.words import moved, percent, places, signed


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([], 2), ([0.5, -0.2], 2), ([0.0], 2), ([0.004], 3), ([0.5, -0.0004], 4), ([0.00001], 4), ([1e-12], 2)],
)
def test_as_many_decimals_as_it_takes(values: list[float], decimals: int) -> None:
    assert places(values) == decimals


@given(st.floats(0.0001, 1))
def test_what_is_above_zero_is_never_shown_as_zero(value: float) -> None:
    assert float(signed(value, places([value]))) > 0


def test_signs() -> None:
    assert [signed(value, 2) for value in (0.637, -0.1, 0.0, -0.0, 1e-12)] == ["+0.64", "-0.10", "0.00", "0.00", "0.00"]


def test_shares() -> None:
    assert [percent(share) for share in (0.95, 0.999, 0.975, 0.5, 1 / 3)] == [
        "95 %",
        "99.9 %",
        "97.5 %",
        "50 %",
        "33.3333 %",
    ]


def test_movements() -> None:
    assert moved(Change(0.2, 0.84, Interval(0.64, 0.57, 0.71)), 2) == (
        "rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % confidence)"
    )
    assert moved(Change(0.5, 0.4, Interval(-0.1, -0.2, 0.0, 0.9)), 2) == (
        "fell from 0.50 to 0.40 (-0.10, -0.20 to 0.00 at 90 % confidence)"
    )
    assert moved(Change(0.5, 0.5, Interval(0.0, -0.2, 0.2)), 2) == (
        "stayed at 0.50 (0.00, -0.20 to +0.20 at 95 % confidence)"
    )
