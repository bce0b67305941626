"""CloseRun: however a run fails, nothing that costs money stays, and the reason is on record."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import bedrock
from rft.aws.clients import client, error_code
from rft.errors import BedrockBusy
from rft.run.job import JobOutcome
from rft.run.record import Run
from rft.run.status import SUCCEEDED, closing_status
from rft.steps.log_files import BATCH_FAILED
from rft.steps.notify import notify
from rft.steps.pipeline import Pipeline

_MAX_MESSAGE = 8_000
_EVENTS = 200  # read at once
_PAUSES = (2.0, 4.0, 8.0, 16.0)  # seconds between the tries of a clean-up that nobody repeats
_PERSISTENCE_SECONDS = 60.0  # for all of them: the end has to be on record before the function's own time is up
_REPORT_OF: dict[str, Callable[[Run], dict[str, Any] | None]] = {
    "DatasetInvalid": lambda run: run.dataset or run.conversion,
    "LogsDamaged": lambda run: run.conversion,
    "GateClosed": lambda run: run.gate,
}
"""Errors that a report explains, and what of the run leads there."""
_EXECUTION_ERRORS = {"ABORTED": "ExecutionAborted", "TIMED_OUT": "ExecutionTimedOut", "FAILED": "ExecutionFailed"}


def close_run(pipeline: Pipeline, run_id: str, error: str, cause: str) -> dict[str, Any]:
    """From the state machine's Catch: ``error`` is a name, ``cause`` what Step Functions says of it.

    A clean-up that fails raises, and the state machine tries again.
    """
    run = _note(pipeline, run_id, error, _message(cause))
    return _end(pipeline, run, [_carry_out(task) for task in _clean_up(run)])


def close_ended_execution(pipeline: Pipeline, event: dict[str, Any]) -> dict[str, Any]:
    """From "Step Functions Execution Status Change": an execution that was aborted, or died, closes here.

    Of a run that has closed itself only the message is made up for, if it wasn't sent. Nobody comes after this: a
    clean-up that fails again and again is named in the message, for a person to do by hand.
    """
    detail = event["detail"]
    run = pipeline.store.find(detail["name"])
    if run is None:
        return {"ignored": True}
    if run.stop_requested:
        error, cause = "RunStopped", "stopped as asked"
    else:
        error = _EXECUTION_ERRORS.get(detail["status"], "ExecutionFailed")
        cause = detail.get("cause") or f"the execution ended as {detail['status']}"
    run = _note(pipeline, run.run_id, error, _message(cause))
    until = time.monotonic() + _PERSISTENCE_SECONDS
    closed = _end(pipeline, run, [_persist(task, until) for task in _clean_up(run)])
    notify(pipeline, run.run_id)
    return closed


def _note(pipeline: Pipeline, run_id: str, error: str, message: str) -> Run:
    """Put the reason on record before anything else can fail: the first one is the true one."""
    run = pipeline.store.get(run_id)
    if run.reason is None and not run.status.is_terminal:
        error, message = _of_the_batch(pipeline, run, error, message)
        report_of = _REPORT_OF.get(error)
        details = ((report_of(run) if report_of else None) or {}).get("report_uri")
        reason = {"error": error, "message": message, "details_uri": details}
        pipeline.store.record(run_id, "closing", {"error": error}, reason=reason)
        run = pipeline.store.get(run_id)
    return run


def _of_the_batch(pipeline: Pipeline, run: Run, error: str, message: str) -> tuple[str, str]:
    """Of a map whose batches failed, the state machine knows only that they did; each batch has noted why.

    The first fault that no retry cures is the cause. Without one, it is the last fault of the batch that failed most
    often: that one's retries were used up.
    """
    if error != "States.ExceedToleratedFailureThreshold":
        return error, message
    faults = list(_faults(pipeline, run.run_id))
    if not faults:
        return error, message
    fault = next((fault for fault in faults if fault["final"]), None)
    tries = ""
    if fault is None:
        batch, times = Counter(fault["batch"] for fault in faults).most_common(1)[0]
        fault = next(fault for fault in reversed(faults) if fault["batch"] == batch)
        tries = f" (failed {times} times)"
    return fault["error"], f"batch {fault['batch']} of the logs{tries}: {fault['message']}"


def _faults(pipeline: Pipeline, run_id: str) -> Iterator[dict[str, Any]]:
    """What the batches of the run's logs noted, oldest first."""
    token = None
    while True:
        page = pipeline.store.events(run_id, limit=_EVENTS, token=token)
        yield from (event["detail"] for event in page.items if event["type"] == BATCH_FAILED)
        if (token := page.next_token) is None:
            return


def _end(pipeline: Pipeline, run: Run, said: list[str]) -> dict[str, Any]:
    """After the clean-up, so that a run that has ended has nothing left."""
    if run.status not in SUCCEEDED and run.reason is not None:
        status = closing_status(run.reason["error"], stop_requested=run.stop_requested)
        told = [str(run.reason["message"]).rstrip("."), *(sentence.rstrip(".") for sentence in said if sentence)]
        run = pipeline.end(run.run_id, status, reason=run.reason | {"message": ". ".join(told) + "."})
    return {"run_id": run.run_id, "status": run.status}


# -- what a run may leave -----------------------------------------------------------------------------------------

_Task = tuple[str, Callable[[], str]]


def _clean_up(run: Run) -> list[_Task]:
    """What to stop and to remove, each with its name; a task gives back what a person should know of it.

    Job and deployment are also looked for by name, for a run that died before it could note them.
    """
    if run.status in SUCCEEDED or run.execution_arn is None:
        return []
    tasks: list[_Task] = [(f"stop the training job {run.job_arn or run.run_id}", partial(_stop_job, run))]
    if run.deployment_started_at is not None and run.deploy != "none":
        name = f"remove the deployment {run.deployment_arn or run.run_id}"
        tasks.append((name, partial(_remove_deployment, run)))
    if run.custom_model_arn:
        kept = f"The trained model {run.custom_model_arn} was kept: its training is paid for."
        tasks.append(("keep the model", lambda: kept))
    return tasks


def _stop_job(run: Run) -> str:
    service = client("bedrock")
    job = bedrock.get_job(service, run.job_arn) if run.job_arn else bedrock.find_job(service, run.run_id)
    if job is not None and job.outcome is JobOutcome.RUNNING:
        bedrock.stop_job(service, job.arn)
    return ""


def _remove_deployment(run: Run) -> str:
    deployments = bedrock.deployments(client("bedrock"), run.deploy or "on-demand")
    arn = run.deployment_arn
    if arn is None:
        found = deployments.find(run.run_id)
        arn = found.arn if found else None
    if arn is not None:
        deployments.delete(arn)
    return ""


def _carry_out(task: _Task) -> str:
    return task[1]()


def _persist(task: _Task, until: float) -> str:
    """Try again and again, but no longer than to ``until`` (of the monotonic clock)."""
    for pause in (*_PAUSES, None):
        try:
            return _carry_out(task)
        except (ClientError, BotoCoreError, BedrockBusy) as error:
            if pause is None or time.monotonic() + pause > until:
                return f"COULD NOT {task[0]} ({error_code(error)}): it may cost money, please do it by hand"
            time.sleep(pause)
    raise AssertionError("the last try returns")


def _message(cause: str) -> str:
    """The error's own message: Step Functions wraps what a Lambda function raised into JSON."""
    try:
        wrapped = json.loads(cause)
    except ValueError:
        wrapped = None
    message = wrapped.get("errorMessage") if isinstance(wrapped, dict) else None
    return str(message or cause or "no reason was given")[:_MAX_MESSAGE]
