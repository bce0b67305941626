"""The reward curve, drawn with characters: braille dots for training, diamonds for validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from rich.text import Text

Point = tuple[float, float]  # step, reward

TRAINING_STYLE = "cyan"
VALIDATION_STYLE = "bold yellow"
VALIDATION_MARK = "◆"

_BRAILLE = 0x2800
# The bit of each dot in a braille cell, 2 columns by 4 rows, top to bottom.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_MARGIN = 7  # "-0.25 ┤"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From steps and rewards to a grid of ``columns`` by ``rows``, row 0 at the top."""

    steps: tuple[float, float]
    rewards: tuple[float, float]

    def place(self, point: Point, columns: int, rows: int) -> tuple[int, int]:
        across = _share(point[0], *self.steps)
        up = _share(point[1], *self.rewards)
        return round(across * (columns - 1)), round((1 - up) * (rows - 1))


def reward_curve(
    training: Sequence[Point],
    validation: Sequence[Point],
    *,
    width: int,
    height: int,
    last_step: int | None = None,
    unit: str = "step",
) -> Text:
    """The mean reward by training step, or by another ``unit``, in a plot of ``width`` by ``height`` characters below
    which its axis stands.

    Rewards within 0 to 1 are drawn on that whole range, so that a flat curve looks flat; others on their own range.
    ``last_step`` is where training will end, if that is known. Points that are not finite are left out.
    """
    training, validation = _finite(training), _finite(validation)
    points = [*training, *validation]
    if not points:
        return Text("no reward yet", style="dim")
    columns = max(width - _MARGIN, 8)
    steps = [step for step, _ in points]
    scale = _Scale((min(steps), max([*steps, last_step or 0])), _reward_range([reward for _, reward in points]))

    cells = _line(training, scale, columns, height)
    marks = {scale.place(point, columns, height) for point in validation}
    labels = _labels(scale.rewards, height)
    plot = Text()
    for row in range(height):
        plot.append(f"{labels.get(row, ''):>5} {'┤' if row in labels else '│'}", style="dim")
        plot.append_text(_row(row, columns, cells, marks)).append("\n")
    first, last = (f"{step:g}" for step in scale.steps)
    plot.append(f"{'':>5} └{'─' * columns}\n", style="dim")
    plot.append(f"{'':{_MARGIN}}{f'{unit} {first}':<{columns - len(last)}}{last}", style="dim")
    return plot


def legend(
    training: Sequence[Point], validation: Sequence[Point], *, name: str = "training", unit: str = "step"
) -> Text:
    """What the signs of the plot mean, with the newest value of each."""
    text = Text(style="dim")
    for points, sign, style, title in (
        (training, "⠤⠒", TRAINING_STYLE, name),
        (validation, VALIDATION_MARK, VALIDATION_STYLE, "validation"),
    ):
        known = _finite(points)
        if known:
            text.append(sign, style=style).append(f" {title} {known[-1][1]:.2f} at {unit} {known[-1][0]:g}   ")
    return text


def _finite(points: Iterable[Point]) -> list[Point]:
    return sorted(point for point in points if all(map(math.isfinite, point)))


def _reward_range(rewards: Sequence[float]) -> tuple[float, float]:
    low, high = min(rewards), max(rewards)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _share(value: float, low: float, high: float) -> float:
    # Halves, because the difference of two huge rewards is not finite.
    return (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5


def _row(row: int, columns: int, cells: Mapping[tuple[int, int], int], marks: Set[tuple[int, int]]) -> Text:
    signs = "".join(
        VALIDATION_MARK
        if (column, row) in marks
        else chr(_BRAILLE + bits)
        if (bits := cells.get((column, row)))
        else " "
        for column in range(columns)
    )
    text = Text(signs, style=TRAINING_STYLE)
    text.highlight_regex(VALIDATION_MARK, VALIDATION_STYLE)
    return text


def _labels(rewards: tuple[float, float], height: int) -> dict[int, str]:
    low, high = rewards
    rows = {0: high, height - 1: low}
    if height % 2:
        rows[height // 2] = low / 2 + high / 2
    return {row: f"{reward:.2f}" if abs(reward) < 10 else f"{reward:.0e}" for row, reward in rows.items()}


def _line(points: Sequence[Point], scale: _Scale, columns: int, rows: int) -> dict[tuple[int, int], int]:
    """Braille bits by (column, row), for the line through ``points``."""
    dots = [scale.place(point, columns * 2, rows * 4) for point in points]
    cells: dict[tuple[int, int], int] = {}
    for start, end in zip(dots[:1] + dots, dots, strict=False):
        for x, y in _between(start, end):
            cell = (x // 2, y // 4)
            cells[cell] = cells.get(cell, 0) | _DOTS[x % 2][y % 4]
    return cells


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """The dots of a straight line, both ends included."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = max(abs(across), abs(down), 1)
    return ((start[0] + round(across * i / length), start[1] + round(down * i / length)) for i in range(length + 1))
