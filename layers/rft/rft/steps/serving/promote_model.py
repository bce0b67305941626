"""PromoteModel: the candidate becomes the version that users are served.

Nothing is changed before the model's claim is held and the promotion is on record. The write that makes the version
live in the run table decides: what fails before it is undone by CloseRun, and the old model serves on; what comes after
it is finished, by this step's next try or by CloseRun.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from rft.aws.clock import now, seconds_since
from rft.aws.model_store import Live, Model
from rft.errors import (
    BedrockBusy,
    DeploymentFailed,
    DeploymentPending,
    PromotionFailed,
    PromotionTimedOut,
    RunStopped,
)
from rft.run.record import Run
from rft.run.serving import Serving
from rft.run.status import Status
from rft.steps.ending.clean_up import Task
from rft.steps.pipeline import Pipeline
from rft.steps.serving.delete_model import remove_former_live
from rft.steps.serving.finish_promotion import end_promoted, left_to_do, put_parameter
from rft.steps.serving.live_deployment import LiveDeployment
from rft.steps.serving.old_versions import delete_old_versions


def promote_model(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Called again it goes on where it was, and where all is done it answers the same.

    Raises ``DeploymentPending`` or ``BedrockBusy`` while Bedrock is at it, or another run is: the state machine comes
    back. ``LiveModelChanged`` where another version is live by now than the one this was compared with;
    ``PromotionFailed`` and ``PromotionTimedOut`` where the old model stays.
    """
    run = pipeline.store.get(run_id)
    if run.status is Status.PROMOTED:
        # The try that ended the run may have died before it had said so.
        pipeline.end(run_id, Status.PROMOTED)
        pipeline.models.release(run.model, run_id)
        return {"run_id": run_id, "deployment_arn": run.deployment_arn}
    pipeline.must_go_on(run)
    model = pipeline.models.claim(run.model, run_id, (run.comparison or {}).get("live_run_id"))
    live = model.live if model.live is not None and model.live.run_id == run_id else None
    if live is None:
        _must_not_be_closing(pipeline, run)
        live = _make_live(pipeline, _begun(pipeline, run, model))
    _finish(pipeline, pipeline.store.get(run_id), live)
    return {"run_id": run_id, "deployment_arn": live.deployment_arn}


def _must_not_be_closing(pipeline: Pipeline, run: Run) -> None:
    """CloseRun notes why it closes a run before it bars the claim: of the two one is seen here, if it has begun."""
    now_on_record = pipeline.store.get(run.run_id)
    if now_on_record.reason is not None:
        pipeline.models.release(run.model, run.run_id)
        raise RunStopped("the run is being closed")
    pipeline.must_go_on(now_on_record)


def _begun(pipeline: Pipeline, run: Run, model: Model) -> Run:
    """On record before anything is touched: what was live, and where the new version will be."""
    if run.promotion is None:
        promotion = {
            "live_arn": _where(run, model.live),
            "previous": _in_short(model.live),
            "began_at": now(),
            "state": "begun",
        }
        pipeline.store.record(run.run_id, "promotion", {"state": "begun"}, promotion=promotion)
        run = pipeline.store.get(run.run_id)
        pipeline.must_go_on(run)
    return run


def _where(run: Run, live: Live | None) -> str | None:
    """The ARN under which the version will be live; None where it is still to be made."""
    serving = Serving.of(run)
    if serving.kind == "on-demand":
        return live.deployment_arn if live is not None and live.kind == "on-demand" else None
    return run.deployment_arn if serving.commitment is None else None


def _in_short(live: Live | None) -> dict[str, str] | None:
    if live is None:
        return None
    return {name: getattr(live, name) for name in ("run_id", "custom_model_arn", "deployment_arn", "kind")}


def _make_live(pipeline: Pipeline, run: Run) -> Live:
    try:
        remove_former_live(pipeline, run)
        arn = LiveDeployment(pipeline, run).serve()
    except (DeploymentPending, BedrockBusy) as waiting:
        if not _is_late(pipeline, run):
            raise
        minutes = pipeline.environment.deployment_deadline_minutes
        late = f"{waiting}, after {minutes:g} minutes (parameter DeploymentDeadlineMinutes)"
        raise PromotionTimedOut(late) from None
    except DeploymentFailed as failed:
        raise PromotionFailed(str(failed)) from None
    live = Live(
        run_id=run.run_id,
        custom_model_arn=str(run.custom_model_arn),
        deployment_arn=arn,
        kind=Serving.of(run).kind,
        base_model=str(run.base_model),
        since=now(),
    )
    if not pipeline.models.set_live(run.model, run.run_id, live):
        raise RunStopped("the run was closed while its model was promoted")
    return live


def _is_late(pipeline: Pipeline, run: Run) -> bool:
    minutes = pipeline.environment.deployment_deadline_minutes
    return run.promotion is not None and seconds_since(run.promotion["began_at"]) > minutes * 60


def _finish(pipeline: Pipeline, run: Run, live: Live) -> None:
    """What can't be removed is named to a person. It keeps no run from being promoted: its model serves already."""
    put_parameter(pipeline, run, live)
    warnings = [_done_or_said(pipeline, run, task) for task in left_to_do(run, live)]
    warnings += delete_old_versions(pipeline, run, live.run_id)
    end_promoted(pipeline, run, live, [warning for warning in warnings if warning])


def _done_or_said(pipeline: Pipeline, run: Run, task: Task) -> str:
    try:
        return task.act()
    except (BedrockBusy, DeploymentPending) as waiting:
        if not _is_late(pipeline, run):
            raise
        return task.undone(waiting)
    except ClientError as error:
        return task.undone(error)
