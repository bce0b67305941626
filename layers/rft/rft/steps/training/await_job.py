"""AwaitJob: an event is a hint, Get is the fact.

The waiting state hands over a task token. The token is stored first and the job is read after that, so that an event
which came too early is made up for. Later the state's own time-out enters it again, with a new token and a new look:
a lost event costs minutes, not the run. Whoever sees the job ended takes the token, which only one can.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import bedrock, executions
from rft.aws.clients import client, error_code
from rft.aws.clock import seconds_since
from rft.errors import JobFailed, JobStopped, JobTimedOut, RewardConstant, RunEnded
from rft.run.job import Job, JobOutcome
from rft.run.record import Run
from rft.steps.pipeline import Pipeline
from rft.steps.training.training_watch import follow_training, report_wait

# Bedrock's message may quote what a careless grader raised: enough to act upon, not to read whole answers.
_MAX_MESSAGE = 500

logger = Logger()


def await_job(pipeline: Pipeline, run_id: str, task_token: str) -> dict[str, Any]:
    """From the state machine: keep the token, then look.

    A look that fails ends nothing: a training that is paid for goes on, and the next look comes. What ends the wait
    before the job has ended: the run's deadline, with ``JobTimedOut``, and rewards that don't differ, with
    ``RewardConstant``, where the request says so. CloseRun stops the job then.
    """
    run = pipeline.store.get(run_id)
    if not pipeline.store.store_token(run_id, task_token):
        ended = RunEnded(f"the run has ended already, as {pipeline.store.get(run_id).status}")
        executions.settle_with_error(client("stepfunctions"), task_token, ended)
        return {"run_id": run_id, "job_status": run.job_status}
    try:
        job = _look(pipeline, run)
    except (ClientError, BotoCoreError) as error:
        logger.warning("could not look at the job", extra={"error": error_code(error)})
        pipeline.store.record(run_id, "look_failed", {"error": error_code(error)})
        job = None
    if job is None or job.outcome is JobOutcome.RUNNING:
        if (enough := _watch(pipeline, run, goes_on=True)) is not None:
            _give_up(pipeline, run, enough)
        _check_deadline(pipeline, run)
    return {"run_id": run_id, "job_status": job.status if job else run.job_status}


def on_job_event(pipeline: Pipeline, event: dict[str, Any]) -> dict[str, Any]:
    """From EventBridge: which job of ours may have changed. What the event says of it is not believed."""
    detail = event["detail"]
    run = pipeline.store.find(str(detail.get("jobName", "")))
    if run is None or run.job_arn is None or run.job_arn != detail.get("jobArn"):
        # Another's job; or ours, before its ARN was recorded: then the wait looks for itself.
        return {"ignored": True}
    job = _look(pipeline, run)
    return {"run_id": run.run_id, "job_status": job.status}


def _look(pipeline: Pipeline, run: Run) -> Job:
    """Read the job, note what is new, and end the wait if the job has ended."""
    if run.job_arn is None:
        raise ValueError(f"run {run.run_id} has no job to wait for")
    job = bedrock.get_job(client("bedrock"), run.job_arn)
    if (job.status, job.phases) != (run.job_status, run.job_phases):
        seen = {"job_status": job.status, "job_phases": job.phases}
        model = {"custom_model_arn": job.model_arn} if job.model_arn else {}
        pipeline.store.record(run.run_id, "job", seen, **seen, **model)
    if run.stop_requested and job.can_be_stopped:
        # The first request for the stop was refused, or lost.
        bedrock.stop_job(client("bedrock"), job.arn)
    if job.outcome is not JobOutcome.RUNNING and _settle(pipeline, run, job):
        _watch(pipeline, run, goes_on=False)  # the end of the curve; what has waited for the job goes its way meanwhile
    return job


def _watch(pipeline: Pipeline, run: Run, *, goes_on: bool) -> RewardConstant | None:
    """What there is to see of a training. Whatever goes wrong with that, the training is paid for and goes on."""
    try:
        if goes_on:
            report_wait(pipeline, run)
        return follow_training(pipeline, run)
    except Exception:
        logger.exception("could not follow the training")
        return None


def _settle(pipeline: Pipeline, run: Run, job: Job) -> bool:
    """Whether it was this call that ended the wait."""
    token = pipeline.store.take_token(run.run_id)
    if token is None:
        return False
    states = client("stepfunctions")
    match job.outcome:
        case JobOutcome.COMPLETED:
            executions.settle(states, token, {"run_id": run.run_id, "job_status": job.status})
        case JobOutcome.STOPPED:
            executions.settle_with_error(states, token, JobStopped("the training job was stopped"))
        case _:
            message = (job.failure_message or "Bedrock gave no reason")[:_MAX_MESSAGE]
            executions.settle_with_error(states, token, JobFailed(f"the training job failed: {message}"))
    return True


def _check_deadline(pipeline: Pipeline, run: Run) -> None:
    hours = pipeline.environment.job_deadline_hours
    if run.job_submitted_at is None or seconds_since(run.job_submitted_at) <= hours * 3_600:
        return
    late = JobTimedOut(f"the training job has not ended within {hours:g} hours (parameter JobDeadlineHours)")
    _give_up(pipeline, run, late)


def _give_up(pipeline: Pipeline, run: Run, error: Exception) -> None:
    token = pipeline.store.take_token(run.run_id)
    if token is not None:
        executions.settle_with_error(client("stepfunctions"), token, error)
