"""What a look at a training that goes on brings: its newest reward, a warning where the rewards don't differ, and the
word to stop where the request has it so. As fine as the looks, which come every JobCheckMinutes (30)."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rft.aws.clients import error_code
from rft.aws.clock import seconds_since
from rft.errors import RewardConstant
from rft.run.record import Run
from rft.run.reward_curve import CONSTANT_REWARD, STUCK, WARNED_STEPS, samples_per_step, training_of
from rft.steps import pipeline_metrics
from rft.steps.pipeline import Pipeline
from rft.steps.training.job_metrics import file_curves, grader_curve

_HELP = "docs/operations.md#constant-reward"

logger = Logger()


def follow_training(pipeline: Pipeline, run: Run) -> RewardConstant | None:
    """Put on record what is new of the curve. The error to end the wait with, where the request says to stop."""
    training = _newest(pipeline, run)
    if training is None:
        return None
    steps = training["constant_steps"]
    pipeline_metrics.rewards_compared(pipeline.environment.stack_name, run.model, steps)
    if training != run.training:
        pipeline.store.record(run.run_id, training=training)
    if steps >= WARNED_STEPS and not _warned(run, CONSTANT_REWARD):
        _warn(pipeline, run, "constant_reward", training, f"{CONSTANT_REWARD}{_in_words(training)}. See {_HELP}")
    limit = (run.request.get("stop_when") or {}).get("constant_reward_steps")
    if limit is None or steps < limit:
        return None
    return RewardConstant(
        f"{_in_words(training)}. The request has such a training stopped after {limit}. Read what the grader gives "
        f"for different answers (rft check-grader), then mend the grader or the data ({_HELP})"
    )


def report_wait(pipeline: Pipeline, run: Run) -> None:
    """How long the job has been waited for. A wait of more than StuckHours is put on record and told, once each."""
    if run.job_submitted_at is None:
        return
    hours, limit = seconds_since(run.job_submitted_at) / 3_600, pipeline.environment.stuck_hours
    pipeline_metrics.training_waited_for(pipeline.environment.stack_name, hours, is_stuck=hours > limit)
    if hours <= limit:
        return
    if not _warned(run, STUCK):
        told = f"{STUCK}the training job has been waited for longer than {limit:g} hours (parameter StuckHours)"
        _warn(pipeline, run, "stuck", {"hours": round(hours, 2), "job_status": run.job_status}, told)
    from rft.steps.ending import notices  # noqa: PLC0415 - few runs are stuck

    notices.stuck(pipeline, run)


def _newest(pipeline: Pipeline, run: Run) -> dict[str, Any] | None:
    """By the job's own files; its grader is asked where they don't tell a reward yet."""
    step_samples = samples_per_step(run.request)
    try:
        steps = file_curves(pipeline, run)["training"]
    except (ClientError, BotoCoreError) as error:
        logger.warning("could not read the job's curve", extra={"error": error_code(error)})
        steps = []
    told = training_of(steps, (), step_samples=step_samples)
    return told or training_of((), grader_curve(pipeline, run), step_samples=step_samples)


def _in_words(training: dict[str, Any]) -> str:
    return (
        f"the rewards of the last {training['constant_steps']} training steps did not differ (the mean is "
        f"{training['reward_mean']:g}), and nothing is learned from equal rewards"
    )


def _warned(run: Run, prefix: str) -> bool:
    return any(warning.startswith(prefix) for warning in run.warnings)


def _warn(pipeline: Pipeline, run: Run, event: str, detail: dict[str, Any], told: str) -> None:
    # The newest list: this look may have warned of something else already.
    warnings = pipeline.store.get(run.run_id).warnings
    pipeline.store.record(run.run_id, event, detail, warnings=[*warnings, told])
