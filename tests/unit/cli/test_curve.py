"""The reward curve as text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from cli.curve import VALIDATION_MARK, reward_curve

POINTS = st.lists(st.tuples(st.integers(0, 500), st.floats()), max_size=40)


def drawn(training: list[tuple[float, float]], validation: list[tuple[float, float]] = [], **size: int) -> list[str]:  # noqa: B006
    return reward_curve(training, validation, **({"width": 40, "height": 5} | size)).plain.split("\n")


def ink(line: str) -> list[int]:
    """The columns of the plot that hold a dot or a mark."""
    return [i for i, sign in enumerate(line[7:]) if sign != " "]


def test_rewards_within_0_and_1_stand_on_that_whole_range() -> None:
    lines = drawn([(1, 0.4), (2, 0.6)])
    assert [line[:7] for line in lines[:5]] == [" 1.00 ┤", "      │", " 0.50 ┤", "      │", " 0.00 ┤"]


def test_other_rewards_stand_on_their_own_range() -> None:
    lines = drawn([(1, -1.0), (9, 3.0)])
    assert lines[0].startswith(" 3.00 ┤")
    assert lines[4].startswith("-1.00 ┤")


def test_a_rising_curve_goes_from_bottom_left_to_top_right() -> None:
    lines = drawn([(1, 0.0), (100, 1.0)])
    assert min(ink(lines[4])) == 0
    assert max(ink(lines[0])) == 40 - 7 - 1
    assert max(ink(lines[4])) < min(ink(lines[0]))


def test_the_line_has_no_gaps() -> None:
    lines = drawn([(1, 0.0), (100, 1.0), (200, 0.1)])
    assert {column for line in lines[:5] for column in ink(line)} == set(range(33))


def test_validation_is_marked_where_it_was_measured() -> None:
    lines = drawn([(0, 0.5), (10, 0.5)], [(5, 1.0), (10, 0.0)])
    assert lines[0][7:].index(VALIDATION_MARK) == 16
    assert lines[4][7:].index(VALIDATION_MARK) == 32


def test_the_axis_reaches_to_where_training_will_end() -> None:
    lines = drawn([(1, 0.5), (10, 0.5)], last_step=100)
    assert max(ink(lines[2])) < 6
    assert lines[6].split() == ["step", "1", "100"]


def test_nothing_measured_yet_is_said() -> None:
    assert drawn([]) == ["no reward yet"]


@given(POINTS, POINTS, st.integers(10, 120), st.integers(2, 20))
def test_any_rewards_fit_the_plot(
    training: list[tuple[float, float]], validation: list[tuple[float, float]], width: int, height: int
) -> None:
    lines = reward_curve(training, validation, width=width, height=height).plain.split("\n")
    assert len(lines) in {1, height + 2}
    if len(lines) > 1:
        plot = [re.split("[┤│]", line, maxsplit=1)[1] for line in lines[:height]]
        assert {len(line) for line in plot} == {max(width - 7, 8)}
