"""DiscardCandidate: the old model stays, and the candidate's deployment goes."""

from __future__ import annotations

from typing import Any

from rft.aws.clock import now
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import remove_candidate
from rft.steps.serving.old_versions import delete_old_versions


def discard_candidate(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """The run ends as kept. Why it was kept is in its ``comparison``; without one, nothing was to be deployed.

    A deployment that can't be removed raises, and the run doesn't end before it is gone: the state machine comes back
    for ``DeploymentPending`` and ``BedrockBusy``, and CloseRun tries on.
    """
    run = pipeline.store.get(run_id)
    if run.status is Status.KEPT:
        # The try that ended the run may have died before it had said so.
        pipeline.end(run_id, Status.KEPT)
        return {"run_id": run_id}
    pipeline.must_go_on(run)
    remove_candidate(run)
    pipeline.models.release(run.model, run_id)
    model = pipeline.models.get(run.model)
    live_run_id = model.live.run_id if model is not None and model.live is not None else None
    warnings = delete_old_versions(pipeline, run, live_run_id)
    pipeline.end(
        run_id,
        Status.KEPT,
        deployment_arn=None,
        approval=expired(run),
        warnings=[*run.warnings, *warnings],
    )
    return {"run_id": run_id}


def expired(run: Run) -> dict[str, Any] | None:
    """The approval of a run that waits for nobody any more."""
    if run.approval is None or run.approval["state"] != "waiting":
        return run.approval
    return run.approval | {"state": "expired", "decided_at": now()}
