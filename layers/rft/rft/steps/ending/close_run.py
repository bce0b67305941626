"""CloseRun: however a run fails, nothing that costs money stays, and the reason is on record."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rft.aws import bedrock
from rft.aws.clients import client
from rft.aws.model_store import Barred, Live
from rft.run.identity import live_parameter
from rft.run.job import JobOutcome
from rft.run.record import Run
from rft.run.status import SUCCEEDED, Status, closing_status
from rft.steps.batch_faults import BATCH_FAILED
from rft.steps.ending.clean_up import Task, carry_out, persist
from rft.steps.ending.notify import notify
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import may_be_deployed, remove_candidate
from rft.steps.serving.discard_candidate import expired
from rft.steps.serving.finish_promotion import end_promoted, left_to_do, put_parameter
from rft.steps.serving.live_deployment import LiveDeployment

_MAX_MESSAGE = 8_000
_EVENTS = 200  # read at once
_PERSISTENCE_SECONDS = 60.0  # for all tasks: the end has to be on record before the function's own time is up
_PATIENCE_SECONDS = 30.0  # for an exchange of the live model that has to end before it can be undone
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
    return _close(pipeline, _note(pipeline, run_id, error, _message(cause)), carry_out)


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
    closed = _close(pipeline, run, _persist)
    notify(pipeline, run.run_id)
    return closed


def _close(pipeline: Pipeline, run: Run, do: Callable[[list[Task]], list[str]]) -> dict[str, Any]:
    """A run whose version is live is promoted, whatever came after that. All others leave things as they were."""
    barred = Barred.NOT_PROMOTING
    if not run.status.is_terminal and may_be_deployed(run):
        barred = pipeline.models.bar(run.model, run.run_id)
        run = pipeline.store.get(run.run_id)  # with all that it had noted before it was barred
    if barred is Barred.TOO_LATE:
        return _promoted(pipeline, run)
    closed = _end(pipeline, run, do(_clean_up(pipeline, run, is_promoting=barred is Barred.DONE)))
    if may_be_deployed(run):
        pipeline.models.release(run.model, run.run_id)
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
    what = "comparison" if run.status is Status.COMPARING else "logs"
    faults = [fault for fault in _faults(pipeline, run.run_id) if fault["of"] == what]
    if not faults:
        return error, message
    fault = next((fault for fault in faults if fault["final"]), None)
    tries = ""
    if fault is None:
        batch, times = Counter(fault["batch"] for fault in faults).most_common(1)[0]
        fault = next(fault for fault in reversed(faults) if fault["batch"] == batch)
        tries = f" (failed {times} times)"
    return fault["error"], f"batch {fault['batch']} of the {what}{tries}: {fault['message']}"


def _faults(pipeline: Pipeline, run_id: str) -> Iterator[dict[str, Any]]:
    """What the run's batches noted, oldest first."""
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
        reason = run.reason | {"message": ". ".join(told) + "."}
        run = pipeline.end(run.run_id, status, reason=reason, approval=expired(run))
    return {"run_id": run.run_id, "status": run.status}


def _promoted(pipeline: Pipeline, run: Run) -> dict[str, Any]:
    """What the promotion has left to do. What can't be done is named to a person."""
    model = pipeline.models.get(run.model)
    live = model.live if model is not None else None
    if live is None:
        raise ValueError(f"run {run.run_id} is said to be live, and nothing is")
    parameter = Task(
        f"write the parameter {live_parameter(pipeline.environment.stack_name, run.model)}",
        lambda: _parameter_put(pipeline, run, live),
        f"apps read there which deployment to ask, please write {live.deployment_arn} into it",
    )
    said = [sentence for sentence in _persist([parameter, *left_to_do(run, live)]) if sentence]
    if run.reason is not None:
        said.insert(0, f"{run.reason['error']} came when the promotion was made already: {run.reason['message']}")
    run = end_promoted(pipeline, run, live, said)
    return {"run_id": run.run_id, "status": run.status}


def _parameter_put(pipeline: Pipeline, run: Run, live: Live) -> str:
    put_parameter(pipeline, run, live)
    return ""


# -- what a run may leave -----------------------------------------------------------------------------------------


def _clean_up(pipeline: Pipeline, run: Run, *, is_promoting: bool) -> list[Task]:
    """What to stop, to remove and to put back; a task gives back what a person should know of it.

    Job and deployment are also looked for by name, for a run that died before it could note them.
    """
    if run.status in SUCCEEDED or run.execution_arn is None:
        return []
    tasks = [Task(f"stop the training job {run.job_arn or run.run_id}", partial(_stop_job, run))]
    if may_be_deployed(run):
        name = f"remove the deployment {run.deployment_arn or run.run_id}"
        tasks.append(Task(name, partial(_remove_candidate, run)))
        tasks.append(_put_back(pipeline, run) if is_promoting and run.promotion else _say_what_serves(pipeline, run))
    if run.custom_model_arn:
        kept = f"The trained model {run.custom_model_arn} was kept: its training is paid for."
        tasks.append(Task("keep the model", lambda: kept))
    return tasks


def _stop_job(run: Run) -> str:
    service = client("bedrock")
    job = bedrock.get_job(service, run.job_arn) if run.job_arn else bedrock.find_job(service, run.run_id)
    if job is not None and job.outcome is JobOutcome.RUNNING:
        bedrock.stop_job(service, job.arn)
    return ""


def _remove_candidate(run: Run) -> str:
    remove_candidate(run)
    return ""


def _put_back(pipeline: Pipeline, run: Run) -> Task:
    """To undo a promotion that had begun."""
    live = LiveDeployment(pipeline, run)

    def put_back() -> str:
        left = live.take_back(_PATIENCE_SECONDS)
        undone = (run.promotion or {}) | {"state": "rolled-back"}
        pipeline.store.record(run.run_id, "promotion", {"state": "rolled-back"}, promotion=undone)
        return f"{_what_serves(pipeline, run)} {left}".strip()

    return Task(f"undo the promotion ({live.what_to_undo})", put_back, live.by_hand)


def _say_what_serves(pipeline: Pipeline, run: Run) -> Task:
    return Task("say what serves now", partial(_what_serves, pipeline, run))


def _what_serves(pipeline: Pipeline, run: Run) -> str:
    model = pipeline.models.get(run.model)
    if model is None or model.live is None:
        return f"No version of {run.model} is live."
    return f"The live version is {model.live.run_id} as before, at {model.live.deployment_arn}."


def _persist(tasks: list[Task]) -> list[str]:
    until = time.monotonic() + _PERSISTENCE_SECONDS
    return [persist(task, until) for task in tasks]


def _message(cause: str) -> str:
    """The error's own message: Step Functions wraps what a Lambda function raised into JSON."""
    try:
        wrapped = json.loads(cause)
    except ValueError:
        wrapped = None
    message = wrapped.get("errorMessage") if isinstance(wrapped, dict) else None
    return str(message or cause or "no reason was given")[:_MAX_MESSAGE]
