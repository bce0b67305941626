from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.comparison.extremes import Bin, extremes, histogram
from rft.comparison.rows import pairs
from tests.unit.comparison.making import answer, missing, rewards, rows_of


def test_the_furthest_from_zero_first() -> None:
    rows = rewards([0.5, 0.5, 0.5, 0.5, 0.9, 0.5, 0.1], [0.4, 0.9, 0.5, 0.8, 0.1, 0.5 - 1e-12, 1.0])
    found = extremes(pairs(rows, "base", "candidate"), 2)
    assert [pair.row.id for pair in found.worst] == ["record-4", "record-0"]
    assert [pair.row.id for pair in found.best] == ["record-6", "record-1"]
    assert found.worst[0].before.reward == 0.9
    assert found.worst[0].after.reward == 0.1


def test_what_is_missing_is_no_regression() -> None:
    rows = rows_of(base=[answer(1.0), answer(0.0)], candidate=[missing(), answer(0.0)])
    assert extremes(pairs(rows, "base", "candidate"), 5) == ((), ())


def test_of_equal_gains_the_first_is_taken() -> None:
    found = extremes(pairs(rewards([0.0] * 9, [0.5] * 9), "base", "candidate"), 3)
    assert [pair.row.id for pair in found.best] == ["record-0", "record-1", "record-2"]
    assert extremes(pairs(rewards([0.0], [0.5]), "base", "candidate"), 0) == ((), ())


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9]), max_size=30), st.integers(0, 6))
def test_as_a_sort_would_have_it(after: list[float], most: int) -> None:
    before = random.Random(1).choices([0.0, 0.5], k=len(after))
    found = extremes(pairs(rewards(before, after), "base", "candidate"), most)
    gains = sorted(late - early for early, late in zip(before, after, strict=True))
    assert [pair.gain for pair in found.worst] == pytest.approx([gain for gain in gains if gain < 0][:most])
    assert [pair.gain for pair in found.best] == pytest.approx([gain for gain in gains[::-1] if gain > 0][:most])


def test_bins_around_zero() -> None:
    assert histogram([0.0, 0.04, -0.05, 0.05, 0.1, -0.2]) == [
        Bin(-0.25, -0.15, 1),
        Bin(-0.15, -0.05, 0),
        Bin(-0.05, 0.05, 3),
        Bin(0.05, 0.15, 2),
    ]
    assert histogram([]) == [Bin(-0.05, 0.05, 0)]
    assert histogram([0.7 - 0.4, 0.3], 0.2) == [Bin(-0.1, 0.1, 0), Bin(0.1, 0.3, 0), Bin(0.3, 0.5, 2)]


@given(st.lists(st.floats(-2, 2), max_size=40), st.sampled_from([0.05, 0.1, 0.25]))
def test_every_gain_is_in_one_bin(gains: list[float], width: float) -> None:
    bins = histogram(gains, width)
    assert sum(bin.prompts for bin in bins) == len(gains)
    assert all(low.high == high.low for low, high in pairwise(bins))
    for bin in bins:
        inside = sum(bin.low + 1e-6 <= gain < bin.high - 1e-6 for gain in gains)
        about = sum(bin.low - 1e-6 <= gain < bin.high + 1e-6 for gain in gains)
        assert inside <= bin.prompts <= about


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bin_has_a_width(width: float) -> None:
    with pytest.raises(ValueError, match="width"):
        histogram([0.1], width)
