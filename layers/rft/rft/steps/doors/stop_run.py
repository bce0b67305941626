"""The stop of a run by its user."""

from __future__ import annotations

from rft.aws import bedrock, executions
from rft.aws.clients import client
from rft.errors import RunEnded
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import may_be_deployed


def stop_run(pipeline: Pipeline, run_id: str) -> Run:
    """Ask for the stop. A job in training is stopped and its end awaited; a deployment or a promotion that has begun
    ends by itself, at its next look, and is undone; any other state is aborted at once.

    Raises ``RunNotFound``, and ``RunEnded`` where there is nothing left to stop.
    """
    run = pipeline.store.get(run_id)
    if not run.stop_requested and not pipeline.store.record(run_id, "stop_requested", {}, stop_requested=True):
        raise RunEnded(f"the run has ended already, as {pipeline.store.get(run_id).status}")
    run = pipeline.store.get(run_id)
    if run.status.is_terminal:
        raise RunEnded(f"the run has ended already, as {run.status}")
    if run.status is Status.TRAINING and run.job_arn is not None:
        bedrock.stop_job(client("bedrock"), run.job_arn)
    elif run.promotion is not None or (run.status is Status.DEPLOYING and may_be_deployed(run)):
        # Bedrock undoes no exchange that it is at, and may refuse to delete what it is still making: the state machine
        # has the time to wait for it.
        return run
    elif not executions.abort(client("stepfunctions"), run.execution_arn, "the stop of this run was asked for"):
        # Its start never came to an execution, or that is over: nobody else will end this run.
        reason = {"error": "RunStopped", "message": "stopped as asked, before it began", "details_uri": None}
        run = pipeline.end(run_id, Status.STOPPED, reason=reason)
    return run
