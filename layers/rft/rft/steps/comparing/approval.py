"""AwaitApproval: a person decides whether the candidate is promoted.

The waiting state hands over a task token, which is stored, never shown, and answered with the first decision that comes
(POST /runs/{run_id}/approve). If none comes the state's own time-out ends the wait, and the old model stays.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import executions
from rft.aws.clients import client
from rft.aws.clock import now
from rft.errors import NothingToApprove, RequestInvalid, RequestProblem
from rft.run.record import Run
from rft.steps.ending import notices
from rft.steps.pipeline import Pipeline
from rft.steps.serving.discard_candidate import expired

DECISIONS = ("promote", "keep")


def await_approval(pipeline: Pipeline, run_id: str, task_token: str) -> dict[str, Any]:
    """From the state machine: keep the token, then tell that a decision is waited for.

    Raises ``RunEnded`` and ``RunStopped``, which end the wait.
    """
    run = pipeline.store.get(run_id)
    pipeline.must_go_on(run)
    # A try of the same wait, or the question after another version became live?
    before = run.approval if run.approval is not None and run.approval["state"] == "waiting" else None
    approval = {
        "state": "waiting",
        "since": before["since"] if before else now(),
        "until": now(seconds_ago=-pipeline.environment.approval_hours * 3_600),
        "decided_at": None,
        "decided_by": None,
    }
    pipeline.store.await_decision(run_id, task_token, approval)
    run = pipeline.store.get(run_id)
    pipeline.must_go_on(run)
    pipeline.announce(run, is_new=False)
    notices.approval_needed(pipeline, run)
    return {"run_id": run_id, "approval": "waiting"}


def settle_approval(pipeline: Pipeline, run_id: str, decision: str, decided_by: str | None) -> dict[str, Any]:
    """From the API's function: end the wait. ``decided_by`` is the ARN of whoever called the API.

    Raises ``RunNotFound``, and ``NothingToApprove`` where nobody is waited for, or somebody was faster.
    """
    if decision not in DECISIONS:
        raise RequestInvalid([RequestProblem("decision", f"must be one of {', '.join(DECISIONS)}")])
    run = pipeline.store.get(run_id)
    if run.status.is_terminal or run.stop_requested or run.approval is None:
        raise NothingToApprove(f"the run is {'being stopped' if run.stop_requested else run.status}")
    decided = run.approval | {"state": decision, "decided_at": now(), "decided_by": decided_by}
    token = pipeline.store.decide(run_id, decided)
    if token is None:
        raise NothingToApprove(f"it was decided already: {(pipeline.store.get(run_id).approval or {}).get('state')}")
    _answer(pipeline, run, token, decision)
    return {"run_id": run_id, "decision": decision}


def _answer(pipeline: Pipeline, run: Run, token: str, decision: str) -> None:
    try:
        is_in_time = executions.settle(client("stepfunctions"), token, {"run_id": run.run_id, "decision": decision})
    except (ClientError, BotoCoreError):
        # Nothing was decided then: whoever tries again is to find the run waiting.
        pipeline.store.record(run.run_id, "approval", {"state": "waiting"}, approval=run.approval)
        raise
    if not is_in_time:
        pipeline.store.append(run.run_id, "approval", {"state": "expired"}, approval=expired(run))
        raise NothingToApprove("the wait had ended when the decision came")
