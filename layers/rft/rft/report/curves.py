"""The curves of a training, read tolerantly: what the files of a job hold is documented nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft.report import words
from rft.report.material import sequence
from rft.report.texts import line

type Points = list[tuple[float, float]]

_MOST_POINTS, _MOST_COMPONENTS = 20_000, 6


@dataclass(frozen=True, slots=True)
class Training:
    """Points are (step, value), by step. ``lowest`` and ``highest`` are rewards of single answers at each step.

    Where the job's files tell no rewards, those that the grader saw stand in, by the minute (``by_minute``), as the
    ``components`` mostly do (``components_by_minute``).
    """

    reward: Points = field(default_factory=list)
    lowest: Points = field(default_factory=list)
    highest: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    entropy: Points = field(default_factory=list)
    length: Points = field(default_factory=list)
    components: Mapping[str, Points] = field(default_factory=dict)
    by_minute: bool = False
    components_by_minute: bool = False


def training_of(document: Mapping[str, Any] | None) -> Training:
    """From ``{"training": [{"step", "reward_mean", …}], "validation": […], "grader": [{"at", "reward_mean", …}]}``, as
    ``rft.steps.training.job_metrics`` gives them; a point may have ``components``."""
    points, minutes = _points(document, "training"), _by_minute(_points(document, "grader"))
    components = _components(points)
    rewards = points if _curve(points, "reward_mean") else minutes
    return Training(
        reward=_curve(rewards, "reward_mean"),
        lowest=_curve(rewards, "reward_min"),
        highest=_curve(rewards, "reward_max"),
        validation=_curve(_points(document, "validation"), "reward_mean"),
        entropy=_curve(points, "entropy"),
        length=_curve(points, "answer_length"),
        components=components or _components(minutes),
        by_minute=rewards is minutes and bool(minutes),
        components_by_minute=not components,
    )


def _points(document: Mapping[str, Any] | None, side: str) -> list[Mapping[str, Any]]:
    return [point for point in sequence(document, side)[:_MOST_POINTS] if isinstance(point, Mapping)]


def _by_minute(points: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Points that have a time in place of a step: minutes from the first one's are their steps."""
    timed = [(at, point) for point in points if (at := words.moment(point.get("at"))) is not None]
    first = min((at for at, _ in timed), default=None)
    return [{**point, "step": round((at - first).total_seconds() / 60, 1)} for at, point in timed if first is not None]


def _curve(points: Sequence[Mapping[str, Any]], name: str) -> Points:
    """Of two points of one step the later counts: files are written anew as a job goes on."""
    return sorted(dict(_pairs((point.get("step"), point.get(name)) for point in points)).items())


def _pairs(found: Iterator[tuple[Any, Any]]) -> Iterator[tuple[float, float]]:
    for step, value in found:
        at, told = words.number(step), words.number(value)
        if at is not None and told is not None:
            yield at, told


def _components(points: Sequence[Mapping[str, Any]]) -> dict[str, Points]:
    named: dict[str, dict[float, float]] = {}
    for point in points:
        components = point.get("components")
        if not isinstance(components, Mapping):
            continue
        for name, value in components.items():
            for at, told in _pairs(iter([(point.get("step"), value)])):
                named.setdefault(line(name, 30), {})[at] = told
    return {name: sorted(curve.items()) for name, curve in sorted(named.items())[:_MOST_COMPONENTS]}
