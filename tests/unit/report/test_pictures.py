"""Pictures: shapes and words only, whatever pygal writes and whatever the numbers are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rft.report import pictures, plot
from rft.report.pictures import Curve, Interval

TAGS = {"svg", "g", "path", "rect", "circle", "text"}
ATTRIBUTES = {"class", "d", "x", "y", "width", "height", "rx", "ry", "cx", "cy", "r", "transform"}
ROOT = {"viewBox", "class", "role", "aria-label"}
FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def look_at(svg: str) -> ET.Element:
    """The picture, once it is sure that it holds nothing but a drawing."""
    root = ET.fromstring(svg)
    assert set(root.attrib) == ROOT
    for node in root.iter():
        assert node.tag.removeprefix("{http://www.w3.org/2000/svg}") in TAGS
        assert node is root or set(node.attrib) <= ATTRIBUTES
    for word in ("script", "href", "kozea", "pygal", "http://", "https://", "<style", "@import", "<!--", "nan", "inf"):
        assert word not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "").lower(), word
    return root


def texts(root: ET.Element) -> list[str]:
    return [node.text or "" for node in root.iter() if node.tag.endswith("text")]


def test_gains_stand_below_each_other_with_their_names() -> None:
    rows = [Interval("over base", 0.64, 0.57, 0.71), Interval("<b>&\u202eform", -0.1, -0.2, 0.1)]
    found = pictures.gains(rows, threshold=0.05)
    root = look_at(found.svg)
    assert {"over base", "<b>&⟨U+202E⟩form"} <= set(texts(root))
    assert "over base +0.64, +0.57 to +0.71" in root.attrib["aria-label"]
    assert found.svg.count('"series interval"') == found.svg.count('"series mean"') == 2
    assert [key.words for key in found.keys] == ["gain", "its interval", "to be reached: +0.05"]
    assert "threshold" not in pictures.gains(rows).svg


def test_more_components_than_there_is_room_for_are_left_to_the_table() -> None:
    rows = [Interval(f"c{n}", 0.1, 0.0, 0.2) for n in range(40)]
    assert pictures.gains(rows).svg.count('"series mean"') == 9


@given(st.lists(st.tuples(FINITE, FINITE, FINITE).map(sorted), min_size=1, max_size=4))
def test_any_gains_can_be_drawn(found: list[list[float]]) -> None:
    look_at(pictures.gains([Interval("g", mean, low, high) for low, mean, high in found]).svg)


def test_the_distribution_counts_every_gain_in_its_colour() -> None:
    found = pictures.distribution([-1.0, -0.2, 0.0, 0.0, 0.01, 0.4, 1.0])
    root = look_at(found.svg)
    assert "7 prompts: 3 better, 2 worse" in root.attrib["aria-label"]
    bars = {kind: found.svg.partition(f'"series {kind}"')[2].partition('"series ')[0].count("<rect") for kind in KINDS}
    assert bars == {"worse": 2, "alike": 1, "better": 2}


KINDS = ("worse", "alike", "better")


@given(st.lists(st.floats(-2, 2), max_size=50))
def test_any_distribution_can_be_drawn(found: list[float]) -> None:
    look_at(pictures.distribution(found).svg)


def test_curves_have_their_signs_and_their_range() -> None:
    points = [(float(step), step / 100) for step in range(100)]
    spread = Curve("spread", [(s, 1.0) for s, _ in points], "one", "band", [(s, 0.0) for s, _ in points])
    found = pictures.curves(
        [spread, Curve("training", points, "one"), Curve("validation", points[::25], "two", "dots")],
        label="Reward",
        unit_range=True,
    )
    assert found is not None
    root = look_at(found.svg)
    assert {"0.00", "1.00", "0", "80"} <= set(texts(root))
    assert found.svg.count("<circle") == 4
    assert [key.sign for key in found.keys] == ["band tone-one", "line tone-one", "dots tone-two"]


def test_long_curves_become_short_ones_without_losing_their_extremes() -> None:
    points = [(float(step), 1.0 if step == 7_777 else 0.0) for step in range(20_000)]
    low = [(step, 0.0) for step, _ in points]
    found = pictures.curves([Curve("a", points, "one"), Curve("b", points, "one", "band", low)], label="x")
    assert found is not None
    assert len(found.svg) < 12_000
    band = found.svg.partition('"series band')[2].partition('"/>')[0] or found.svg.partition('"series band')[2]
    assert len(set(re.findall(r" (\d+(?:\.\d)?) ", band))) > 1, "the one high point is still there"


@given(st.lists(st.tuples(st.integers(0, 10**6).map(float), FINITE), max_size=20), st.booleans())
def test_any_curve_can_be_drawn(points: list[tuple[float, float]], unit: bool) -> None:
    found = pictures.curves([Curve("c", sorted(points), "one")], label="x", unit_range=unit)
    assert (found is None) == (not points)
    if found is not None:
        look_at(found.svg)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.31, 0.72, [-0.25, 0, 0.25, 0.5]),
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: Sequence[float]) -> None:
    assert plot.ticks(low, high) == pytest.approx(expected)


@example(first=0.0, second=5e-324)
@given(FINITE, FINITE)
def test_ticks_lie_within_their_range(first: float, second: float) -> None:
    low, high = sorted((first, second))
    found = plot.ticks(low, high)
    assert len(found) <= 6
    slack = (high - low) * 1e-6 + 1e-9
    assert all(low - slack <= tick <= high + slack for tick in found)


def test_labels_have_the_decimals_that_tell_them_apart() -> None:
    assert [label["label"] for label in plot.labels([0.0, 0.25, 0.5])] == ["0.00", "0.25", "0.50"]
    assert [label["label"] for label in plot.labels([-1.0, 0.0, 1.0])] == ["\u22121", "0", "1"]
    assert [label["label"] for label in plot.labels([0.0, 0.5])] == ["0.0", "0.5"]
    assert [label["label"] for label in plot.labels([0.0, 0.2, 0.4, 0.6000000000000001])] == [
        "0.0",
        "0.2",
        "0.4",
        "0.6",
    ]
    assert [label["label"] for label in plot.labels([20.0, 22.5, 25.0])] == ["20.0", "22.5", "25.0"]
    assert [label["label"] for label in plot.labels([0.0, 1_000_000.0])] == ["0", "1e6"]
