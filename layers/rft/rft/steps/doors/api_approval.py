"""POST /runs/{run_id}/approve: the word of a person on a candidate that was compared.

The API's function checks the word and hands it to AwaitJob's, the only one that may answer task tokens.
"""

from __future__ import annotations

from rft.aws import functions
from rft.errors import NothingToApprove, RequestInvalid, RequestProblem, RunEnded, RunNotFound
from rft.run.record import Run
from rft.run.request import json_object
from rft.run.request_words import shown
from rft.steps.pipeline import Pipeline

DECISIONS = ("promote", "keep")
_SECONDS = 20.0
_OF_THE_RUN = {kind.__name__: kind for kind in (NothingToApprove, RunNotFound)}


def approve(pipeline: Pipeline, run_id: str, body: str, *, decided_by: str | None) -> Run:
    """The run, once its wait is over. ``decided_by`` is the ARN of the caller, for the record.

    Raises ``RequestInvalid``, ``RunNotFound`` and ``NothingToApprove``.
    """
    decision = _decision(body)
    run = pipeline.store.get(run_id)
    if reason := _why_not(run):
        raise NothingToApprove(reason)
    event = {"approval": {"run_id": run_id, "decision": decision, "decided_by": decided_by}}
    try:
        functions.ask(pipeline.environment.await_job_function, event, seconds=_SECONDS)
    except functions.FunctionFailed as failed:
        raise _ended(failed) from None
    return pipeline.store.get(run_id)


def _decision(body: str) -> str:
    content = json_object(body, 'as in {"decision": "promote"}') if body.strip() else {}
    problems = [RequestProblem(key, "unknown field; known here: decision") for key in content if key != "decision"]
    decision = content.get("decision")
    if decision is None:
        decision = DECISIONS[0]
    elif decision not in DECISIONS:
        problems.append(RequestProblem("decision", f"must be one of {', '.join(DECISIONS)}; it is {shown(decision)}"))
    if problems:
        raise RequestInvalid(problems)
    return str(decision)


def _why_not(run: Run) -> str | None:
    """Why the run waits for nobody's word; None where it does."""
    approval = run.approval or {"state": None}
    match approval["state"]:
        case "expired":
            return f"nobody said a word by {approval['until']}, so the old model stays"
        case "promote" | "keep" as decided:
            who = approval["decided_by"] or "somebody"
            return f"it was decided already: {decided}, by {who} at {approval['decided_at']}"
    if run.status.is_terminal:
        return f"the run has ended already, as {run.status}"
    if approval["state"] == "waiting":
        return None
    manual = run.request.get("promote", {}).get("approval") == "manual"
    return f"the run is {run.status}: " + (
        "nothing has been compared yet"
        if manual
        else 'its request doesn\'t say "promote": "manual", so it decides itself'
    )


def _ended(failed: functions.FunctionFailed) -> Exception:
    """What others decided meanwhile is told as that."""
    if failed.name == RunEnded.__name__:
        return NothingToApprove(failed.message)
    kind = _OF_THE_RUN.get(failed.name)
    return kind(failed.message) if kind else RuntimeError(f"the approval ended with {failed.name}")
