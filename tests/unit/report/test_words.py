"""Numbers as a reader takes them in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.report import words

_ODD = [None, "0.5", True, math.nan, math.inf, -math.inf, [], {}, 10**400]


@pytest.mark.parametrize("odd", _ODD)
def test_what_is_no_number_is_unknown(odd: object) -> None:
    assert words.number(odd) is None
    for told in (words.score, words.gain, words.count, words.dollars, words.duration, words.milliseconds):
        assert told(odd) == "unknown"
    assert words.share(odd, 3) == words.share(3, odd) == "unknown"
    assert words.interval(odd) == words.dollar_range(odd) == words.amount(odd) == "unknown"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.644, "+0.64"), (-0.644, "\u22120.64"), (0, "0.00"), (-0.0001, "0.00"), (0.0001, "0.00"), (1e9, "+1e+09")],
)
def test_a_gain_has_its_sign(value: float, told: str) -> None:
    assert words.gain(value) == told


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [
        (1, 3, "33\u00a0%"),
        (0, 9, "0\u00a0%"),
        (9, 9, "100\u00a0%"),
        (1, 1_000, "under 1\u00a0%"),
        (999, 1_000, "over 99\u00a0%"),
        (1, 0, "unknown"),
    ],
)
def test_a_share_is_never_told_as_none_or_all_if_it_is_not(part: int, whole: int, told: str) -> None:
    assert words.share(part, whole) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (4.21, "4.2 s"),
        (42, "42 s"),
        (60, "1 min"),
        (725, "12 min 5 s"),
        (11_045, "3 h 4 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_a_duration_is_as_exact_as_one_cares_for(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


def test_dollars_and_amounts() -> None:
    assert words.dollars(0) == "$0.00"
    assert words.dollars(0.004) == "under $0.01"
    assert words.dollar_range({"low": 0.12, "high": 3.4}) == "$0.12 to $3.40"
    assert words.dollar_range({"low": 12_000, "high": 12_000}) == "$12,000"
    assert words.amount({"low": 0.06, "high": 1.084}) == "0.06 to 1.08"
    assert words.amount({"low": 1_200, "high": 45_100_000}) == "1,200 to 45.1M"


def test_times() -> None:
    assert words.when("2026-11-05T20:07:07.123Z") == "5 November 2026, 20:07 UTC"
    assert words.when("yesterday") == words.when(None) == "unknown"
    assert words.seconds_between("2026-01-01T00:00:00", "2026-01-01T00:01:00Z") == 60
    assert words.seconds_between("x", "2026-01-01T00:01:00Z") is None
    assert words.milliseconds(0.2) == "under 1\u00a0ms"
    assert words.milliseconds(1_500) == "1.5 s"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_told_shortly(value: float) -> None:
    for told in (words.score(value), words.gain(value), words.dollars(abs(value) % 1e15)):
        assert 0 < len(told) < 24
