"""CloseRun: however a run fails, nothing that costs money stays, and the reason is on record."""

from __future__ import annotations

import json
from typing import Any

from rft.aws import bedrock
from rft.aws.clients import client
from rft.run.job import JobOutcome
from rft.run.record import Run
from rft.run.status import SUCCEEDED, closing_status
from rft.steps.notify import notify
from rft.steps.pipeline import Pipeline

_MAX_MESSAGE = 8_000
_EXECUTION_ERRORS = {"ABORTED": "ExecutionAborted", "TIMED_OUT": "ExecutionTimedOut", "FAILED": "ExecutionFailed"}


def close_run(pipeline: Pipeline, run_id: str, error: str, cause: str) -> dict[str, Any]:
    """From the state machine's Catch: ``error`` is a name, ``cause`` what Step Functions says of it."""
    return _close(pipeline, run_id, error, _message(cause))


def close_ended_execution(pipeline: Pipeline, event: dict[str, Any]) -> dict[str, Any]:
    """From "Step Functions Execution Status Change": an execution that was aborted, or died, closes here.

    Of a run that has closed itself only the message is made up for, if it wasn't sent.
    """
    detail = event["detail"]
    run_id = detail["name"]
    if pipeline.store.find(run_id) is None:
        return {"ignored": True}
    error = _EXECUTION_ERRORS.get(detail["status"], "ExecutionFailed")
    cause = detail.get("cause") or f"the execution ended as {detail['status']}"
    closed = _close(pipeline, run_id, error, _message(cause))
    notify(pipeline, run_id)
    return closed


def _close(pipeline: Pipeline, run_id: str, error: str, message: str) -> dict[str, Any]:
    run = pipeline.store.get(run_id)
    if run.status not in SUCCEEDED:
        left = _clean_up(run)
        # After the clean-up: a run that has ended has nothing left. If a call above fails, this step is tried again.
        status = closing_status(error, stop_requested=run.stop_requested)
        reason = {
            "error": error,
            "message": " ".join([message, *left]),
            "details_uri": (run.dataset or {}).get("report_uri") if error == "DatasetInvalid" else None,
        }
        run = pipeline.end(run_id, status, reason=reason)
    return {"run_id": run_id, "status": run.status}


def _clean_up(run: Run) -> list[str]:
    """Stop the job, remove the deployment. What stays is said: sentences for the message.

    Both are also looked for by name, for a run that died before it could note them.
    """
    service = client("bedrock")
    if run.job_arn or run.execution_arn:
        job = bedrock.get_job(service, run.job_arn) if run.job_arn else bedrock.find_job(service, run.run_id)
        if job is not None and job.outcome is JobOutcome.RUNNING:
            bedrock.stop_job(service, job.arn)
    if run.deployment_started_at is not None and run.deploy != "none":
        deployments = bedrock.deployments(service, run.deploy or "on-demand")
        deployment = deployments.find(run.deployment_arn or run.run_id)
        if deployment is not None:
            deployments.delete(deployment.arn)
    if run.custom_model_arn:
        return [f"The trained model {run.custom_model_arn} was kept: its training is paid for."]
    return []


def _message(cause: str) -> str:
    """The error's own message: Step Functions wraps what a Lambda function raised into JSON."""
    try:
        wrapped = json.loads(cause)
    except ValueError:
        wrapped = None
    message = wrapped.get("errorMessage") if isinstance(wrapped, dict) else None
    return str(message or cause or "no reason was given")[:_MAX_MESSAGE]
