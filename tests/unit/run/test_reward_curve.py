"""When the rewards of a training don't differ: by steps of the job's files, and by minutes that its grader saw."""

from __future__ import annotations

from typing import Any

import pytest

from rft.run.reward_curve import constant_steps, samples_per_step, training_of


def step(mean: float, low: float | None = None, high: float | None = None, number: int = 1) -> dict[str, Any]:
    spread = {} if low is None or high is None else {"reward_min": low, "reward_max": high}
    return {"step": number, "reward_mean": mean, **spread}


def minute(mean: float, low: float, high: float, samples: int) -> dict[str, Any]:
    return {
        "at": "2026-01-01T00:00:00Z",
        "reward_mean": mean,
        "reward_min": low,
        "reward_max": high,
        "samples": samples,
    }


LEARNS = step(0.4, 0.0, 1.0)
FLAT = step(0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("steps", "constant"),
    [
        ([], 0),
        ([LEARNS], 0),
        ([FLAT], 1),
        ([LEARNS, FLAT, FLAT, FLAT], 3),
        ([FLAT, FLAT, FLAT, LEARNS], 0),
        ([FLAT, LEARNS, FLAT], 1),
        # Each step by itself: what all answers earn may change, and still none was better than another.
        ([step(0.0, 0.0, 0.0), step(1.0, 1.0, 1.0)], 2),
        ([step(0.5, 0.5 - 4e-10, 0.5 + 4e-10)], 1),
        ([step(0.5, 0.5 - 4e-9, 0.5 + 4e-9)], 0),
        # Equal means of answers that differ.
        ([step(0.5, 0.0, 1.0)] * 20, 0),
        # Without lowest and highest it takes two equal means.
        ([step(0.5)], 0),
        ([step(0.25), step(0.5)], 0),
        ([step(0.25), step(0.5), step(0.5 + 1e-12), step(0.5)], 3),
        ([step(0.5), step(0.5 + 1e-6)], 0),
    ],
)
def test_steps_without_a_difference_are_counted_back_from_the_newest(steps: Any, constant: int) -> None:
    assert constant_steps(steps) == constant


def test_the_jobs_files_are_believed_first() -> None:
    steps = [step(0.1, 0, 1, 7), {"step": 8}, step(0.5, 0.5, 0.5, 9)]
    minutes = [minute(0.9, 0, 1, 10_000)]
    assert training_of(steps, minutes, step_samples=64) == {
        "step": 9,
        "reward_mean": 0.5,
        "constant_steps": 1,
        "source": "job",
    }


def test_before_they_tell_a_reward_the_graders_samples_count_the_steps() -> None:
    minutes = [minute(0.3, 0, 1, 100), minute(0.5, 0.5, 0.5, 150), minute(0.5, 0.5, 0.5, 149)]
    assert training_of([{"step": 1}], minutes, step_samples=100) == {
        "step": 3,
        "reward_mean": 0.5,
        "constant_steps": 2,
        "source": "grader",
    }


@pytest.mark.parametrize(
    "minutes",
    [
        [minute(0.5, 0.0, 1.0, 1000)],
        # A step may lie across two minutes: rewards of both make it differ.
        [minute(0.0, 0, 0, 1000), minute(1.0, 1, 1, 99)],
        [minute(0.5, 0.5, 0.5, 99)],
    ],
)
def test_minutes_that_differ_or_are_less_than_a_step_are_no_constant_step(minutes: Any) -> None:
    training = training_of([], minutes, step_samples=100)
    assert training is not None and training["constant_steps"] == 0


def test_nothing_is_known_before_the_first_reward() -> None:
    assert training_of([], [], step_samples=1) is None
    assert training_of([{"step": 3}], [], step_samples=1) is None


@pytest.mark.parametrize(
    ("asked", "samples"),
    [({}, 256), ({"batch_size": 32}, 128), ({"batch_size": 16, "training_sample_per_prompt": 2}, 32), (None, 256)],
)
def test_a_steps_samples_are_those_of_the_request_or_of_awss_example(asked: Any, samples: int) -> None:
    assert samples_per_step({"hyperparameters": asked}) == samples
