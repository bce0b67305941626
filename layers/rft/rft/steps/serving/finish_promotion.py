"""What is left to do for a promoted run once its version is live."""

from __future__ import annotations

from collections.abc import Sequence

from rft.aws import bedrock
from rft.aws.clients import client
from rft.aws.model_store import Live
from rft.run.identity import live_parameter
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.ending.clean_up import Task
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import remove_candidate


def put_parameter(pipeline: Pipeline, run: Run, live: Live) -> None:
    """Where apps read which deployment to ask."""
    client("ssm").put_parameter(
        Name=live_parameter(pipeline.environment.stack_name, run.model),
        Value=live.deployment_arn,
        Type="String",
        Overwrite=True,
    )


def left_to_do(run: Run, live: Live) -> list[Task]:
    """The deployments that serve nobody any more: the candidate's own, and an old live one under another ARN."""
    tasks = []
    if run.deployment_arn != live.deployment_arn:
        tasks.append(Task(f"remove the candidate's deployment {run.deployment_arn}", lambda: _gone(run)))
    previous = _previous(run)
    if previous is not None and previous["deployment_arn"] != live.deployment_arn:
        arn, kind = previous["deployment_arn"], previous["kind"]
        by_hand = (
            "it serves nobody and is paid for; a commitment ends with its term only, then please remove it by hand"
        )
        tasks.append(Task(f"remove the old live deployment {arn}", lambda: _removed(kind, arn), by_hand))
    return tasks


def _gone(run: Run) -> str:
    remove_candidate(run)
    return ""


def _removed(kind: str, arn: str) -> str:
    bedrock.deployments(client("bedrock"), kind).delete(arn)
    return ""


def _previous(run: Run) -> dict[str, str] | None:
    previous: dict[str, str] | None = (run.promotion or {}).get("previous")
    return previous


def end_promoted(pipeline: Pipeline, run: Run, live: Live, warnings: Sequence[str]) -> Run:
    """The run ends first and gives its claim back then: the claim of a run that has ended is anybody's."""
    previous = _previous(run)
    told = [*run.warnings, *warnings]
    if previous is not None and previous["deployment_arn"] != live.deployment_arn:
        told.append(
            f"the live deployment has another ARN now, {live.deployment_arn} in place of {previous['deployment_arn']}: "
            f"apps take it from the parameter {live_parameter(pipeline.environment.stack_name, run.model)}"
        )
    run = pipeline.end(
        run.run_id,
        Status.PROMOTED,
        deployment_arn=live.deployment_arn,
        deployment_kind=live.kind,
        promotion=(run.promotion or {}) | {"live_arn": live.deployment_arn, "state": "done"},
        reason=None,
        warnings=told,
    )
    pipeline.models.release(run.model, run.run_id)
    return run
