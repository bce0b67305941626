"""The pictures of a report: a gain with its interval, the distribution of gains, curves of a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rft.comparison.extremes import histogram
from rft.report import plot, words
from rft.report.texts import line

MOST_POINTS = 160
"""Of a curve: more are put together, as no screen of a phone has room for them."""
_MOST_ROWS = 9
_ROW_HEIGHT = 26
_LABEL = 18  # characters
_BARS = 21
_SAME = 1e-6
"""Numbers that are nearer than this to each other are one level line: more digits than a picture can tell apart."""

Kind = Literal["line", "dots", "band"]
type Point = tuple[float, float]


class Key(NamedTuple):
    """What a sign of the picture means. ``sign`` is a class of the page's style sheet."""

    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    svg: str
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A row of the picture of gains."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """``band`` has the highest and the lowest at each step, as ``points`` and ``lower``. ``tone`` is its colour."""

    name: str
    points: Sequence[Point]
    tone: str
    kind: Kind = "line"
    lower: Sequence[Point] = ()


def gains(rows: Sequence[Interval], *, threshold: float | None = None) -> Picture:
    """Gains below each other, each a dot on the line of its interval; ``threshold``: what had to be reached."""
    import pygal  # noqa: PLC0415 - only who draws pays for it

    rows = rows[:_MOST_ROWS]
    marked = [0.0] if threshold is None else [0.0, threshold]
    low, high = min(*marked, *(row.low for row in rows)), max(*marked, *(row.high for row in rows))
    low, high = _padded(low, high, 0.06)
    top = len(rows) + 0.5
    places = [len(rows) - number for number in range(len(rows))]
    chart = pygal.XY(
        **plot.settings(
            height=46 + _ROW_HEIGHT * len(rows),
            xrange=(low, high),
            range=(0.5, top),
            x_labels=plot.labels(plot.ticks(low, high)),
            y_labels=[{"value": at, "label": line(r.name, _LABEL)} for at, r in zip(places, rows, strict=True)],
            show_x_guides=True,
            show_y_guides=False,
            dots_size=4.5,
        )
    )
    keys = [Key("dot-gain", "gain"), Key("line-gain", "its interval")]
    series = ["zero"]
    chart.add("", [(0.0, 0.5), (0.0, top)], show_dots=False)
    if threshold:
        series.append("threshold")
        chart.add("", [(threshold, 0.5), (threshold, top)], show_dots=False)
        keys.append(Key("line-threshold", f"to be reached: {words.gain(threshold)}"))
    for at, row in zip(places, rows, strict=True):
        series += ["interval", "mean"]
        chart.add("", [(row.low, at), (row.high, at)], show_dots=False)
        chart.add("", [(row.mean, at)], stroke=False)
    told = "; ".join(f"{r.name} {words.gain(r.mean)}, {words.gain(r.low)} to {words.gain(r.high)}" for r in rows)
    svg = plot.drawn(chart, label=f"Gain and interval: {line(told, 600)}", kind="gains", series=series)
    return Picture(svg, tuple(keys))


def distribution(found: Sequence[float]) -> Picture:
    """How many prompts gained how much; the bar in the middle is what hardly changed."""
    import pygal  # noqa: PLC0415

    width = _bin_width(found)
    bins = [tuple(found) for found in histogram(found, width)]
    edge = max(-bins[0][0], bins[-1][1])
    most = max(number for _, _, number in bins) or 1
    chart = pygal.Histogram(
        **plot.settings(
            height=190,
            xrange=(-edge, edge),
            x_labels=plot.labels(plot.ticks(-edge, edge)),
            y_labels=plot.labels([t for t in plot.ticks(0, most, most=4) if t == int(t)] or [0, most]),
            range=(0, most),
        )
    )
    middle = [(low + high, (number, low, high)) for low, high, number in bins if number]
    chart.add("", [bar for at, bar in middle if at < -width / 2])
    chart.add("", [bar for at, bar in middle if abs(at) <= width / 2])
    chart.add("", [bar for at, bar in middle if at > width / 2])
    better, worse = sum(g > 1e-9 for g in found), sum(g < -1e-9 for g in found)
    said = f"Gains of {words.counted(len(found), 'prompt')}: {better} better, {worse} worse, the others equal"
    keys = (
        Key("bar-worse", "worse"),
        Key("bar-alike", f"under {width / 2:.2g} of change"),
        Key("bar-better", "better"),
    )
    return Picture(plot.drawn(chart, label=said, kind="distribution", series=("worse", "alike", "better")), keys)


def _bin_width(found: Sequence[float]) -> float:
    """A round number that gives about ``_BARS`` bars to the furthest gain on both sides."""
    reach = max((abs(gain) for gain in found), default=0.0)
    reach = reach if reach > 1e-9 else 1.0  # less is no gain, but what floats make of none
    rough = 2 * reach / _BARS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * (1 - 1e-9))


def curves(found: Sequence[Curve], *, label: str, unit_range: bool = False) -> Picture | None:
    """Curves over the steps of a training. None where no point is there. ``unit_range``: from 0 to 1 if all are."""
    import pygal  # noqa: PLC0415

    shown = [_thinned(curve) for curve in found if curve.points]
    every = [point for curve in shown for point in (*curve.points, *curve.lower)]
    if not every:
        return None
    steps = [step for step, _ in every]
    low, high = min(value for _, value in every), max(value for _, value in every)
    low, high = (0.0, 1.0) if unit_range and low >= 0 and high <= 1 else _padded(low, high, 0.05)
    first, last = min(steps), max(steps)
    last = last if last > first else first + 1
    chart = pygal.XY(
        **plot.settings(
            height=200,
            xrange=(first, last),
            range=(low, high),
            x_labels=plot.labels([t for t in plot.ticks(first, last) if t == int(t)] or [first]),
            y_labels=plot.labels(plot.ticks(low, high, most=4)),
            dots_size=3.5,
        )
    )
    for curve in shown:
        if curve.kind == "band":
            chart.add("", [*curve.points, *reversed(curve.lower)], fill=True, show_dots=False)
        else:
            chart.add("", [*curve.points], show_dots=curve.kind == "dots" or len(curve.points) == 1)
    signs = [f"{curve.kind} tone-{curve.tone}" for curve in shown]
    svg = plot.drawn(chart, label=label, kind="curves", series=signs)
    return Picture(svg, tuple(Key(sign, curve.name) for sign, curve in zip(signs, shown, strict=True)))


def _padded(low: float, high: float, share: float) -> tuple[float, float]:
    largest = max(abs(low), abs(high))
    if high - low <= _SAME * max(1.0, largest):
        reach = max(0.5, largest * 0.1)
        return low - reach, high + reach
    pad = (high - low) * share
    return low - pad, high + pad


def _thinned(curve: Curve) -> Curve:
    """At most ``MOST_POINTS``: neighbours become their mean, of a band its highest and lowest."""
    if curve.kind == "dots" or len(curve.points) <= MOST_POINTS:
        return curve
    upper = max if curve.kind == "band" else _mean
    return Curve(
        curve.name,
        _grouped(curve.points, upper),
        curve.tone,
        curve.kind,
        _grouped(curve.lower, min) if curve.lower else (),
    )


def _mean(values: Iterable[float]) -> float:
    held = [*values]
    return math.fsum(held) / len(held)


def _grouped(points: Sequence[Point], joined: Callable[[Iterable[float]], float]) -> list[Point]:
    size = math.ceil(len(points) / MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], joined(value for _, value in group)) for group in groups]
