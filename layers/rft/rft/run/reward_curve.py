"""The rewards of a training as they come: by step, as the job's files have them, or by minute, as its grader saw them.

A group of answers that all earn the same teaches nothing (the advantage is the reward less the group's mean). A step in
which *all* rewards are the same is paid for and changes nothing, so a row of such steps is a run to look at: a broken
grader, a task that is learned or too hard, or a reward that was hacked (docs/graders.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SAME = 1e-9
"""Rewards that are as near as this are equal: means of equal numbers differ by rounding."""
WARNED_STEPS = 10
"""After so many steps without a difference a run is warned of."""
CONSTANT_REWARD, STUCK = "constant reward: ", "stuck: "
"""How a run's warnings of its training begin."""
ASSUMED_BATCH, ASSUMED_SAMPLES = 64, 4
"""The example in AWS's user guide; Bedrock publishes no defaults."""

type Point = Mapping[str, Any]


def samples_per_step(request: Mapping[str, Any]) -> int:
    """Answers that one training step grades."""
    asked = request.get("hyperparameters") or {}
    batch, samples = asked.get("batch_size"), asked.get("training_sample_per_prompt")
    return (batch or ASSUMED_BATCH) * (samples or ASSUMED_SAMPLES)


def training_of(steps: Sequence[Point], minutes: Sequence[Point], *, step_samples: int) -> dict[str, Any] | None:
    """The newest of the curve, as a run's record has it: ``step``, ``reward_mean``, ``constant_steps``, and the
    ``source``: ``job`` where the job's files tell, else ``grader``, whose steps are counted by its samples.

    ``steps`` have ``step``, ``reward_mean`` and perhaps ``reward_min`` and ``reward_max``; ``minutes``, which are the
    grader's, have these and ``samples``. None before there is a reward.
    """
    rewarded = [point for point in steps if "reward_mean" in point]
    if rewarded:
        newest = rewarded[-1]
        step = newest.get("step", len(rewarded))
        return _training(step, newest, constant_steps(rewarded), "job")
    if minutes:
        step = sum(point["samples"] for point in minutes) // step_samples
        return _training(step, minutes[-1], _constant_samples(minutes) // step_samples, "grader")
    return None


def constant_steps(steps: Sequence[Point]) -> int:
    """For how many steps, up to the newest, the rewards have not differed.

    By the lowest and highest reward of a step where they are known; else by means that stay the same, for which it
    takes two.
    """
    count = 0
    for point in reversed(steps):
        if not (_has_no_spread(point) if _tells_spread(point) else _is_near(point, steps[-1])):
            break
        count += 1
    return 0 if count == 1 and not _tells_spread(steps[-1]) else count


def _constant_samples(minutes: Sequence[Point]) -> int:
    """How many samples, up to the newest, have all earned the same. A step may begin in one minute and end in the
    next, so it has to be the same in all of them."""
    count = 0
    for point in reversed(minutes):
        if not (_has_no_spread(point) and _is_near(point, minutes[-1])):
            break
        count += point["samples"]
    return count


def _training(step: int, newest: Point, constant: int, source: str) -> dict[str, Any]:
    return {"step": step, "reward_mean": newest["reward_mean"], "constant_steps": constant, "source": source}


def _tells_spread(point: Point) -> bool:
    return "reward_min" in point and "reward_max" in point


def _has_no_spread(point: Point) -> bool:
    return bool(point["reward_max"] - point["reward_min"] <= SAME)


def _is_near(point: Point, other: Point) -> bool:
    return bool(abs(point["reward_mean"] - other["reward_mean"]) <= SAME)
