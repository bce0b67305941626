"""DeployModel: put the trained model where it answers, and see that it does."""

from __future__ import annotations

import time
from typing import Any

from rft.aws import bedrock
from rft.aws.bedrock import Deployments
from rft.aws.clients import client
from rft.aws.clock import now, seconds_since
from rft.aws.request_ids import request_ids
from rft.errors import BedrockBusy, DeploymentFailed, DeploymentPending, DeploymentTimedOut, RunStopped
from rft.run.job import resource_tags
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.ending.clean_up import Task, persist
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import deployments_of
from rft.steps.serving.live_repair import repair_live
from rft.steps.waiting import look_again

# One invocation looks for so long, then hands the waiting to the state machine, where it costs nothing.
_PATIENCE_SECONDS = 20.0
# What was just made may not be visible everywhere at once.
_VISIBLE_SECONDS = 300.0
_PERSISTENCE_SECONDS = 20.0  # to remove what a run that has ended must not leave


def deploy_model(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``DeploymentPending`` or ``BedrockBusy`` while it isn't there yet: the state machine comes back."""
    run = pipeline.begin(run_id, Status.DEPLOYING)
    if run.deployment_started_at is None:
        pipeline.store.record(run_id, deployment_started_at=now())
        run = pipeline.store.get(run_id)
    try:
        return _deploy(pipeline, run)
    except (DeploymentPending, BedrockBusy) as waiting:
        minutes = pipeline.environment.deployment_deadline_minutes
        if run.deployment_started_at is not None and seconds_since(run.deployment_started_at) > minutes * 60:
            late = f"{waiting}, after {minutes:g} minutes (parameter DeploymentDeadlineMinutes)"
            raise DeploymentTimedOut(late) from None
        raise


def _deploy(pipeline: Pipeline, run: Run) -> dict[str, Any]:
    model_arn = _model(pipeline, run)
    pipeline.models.note(run.model)
    if run.deploy == "none":
        return {"run_id": run.run_id, "custom_model_arn": model_arn, "deployment_arn": None}
    repair_live(pipeline, run)
    deployments = deployments_of(run)
    arn = run.deployment_arn or _create(pipeline, run, deployments, model_arn)
    _wait_until_ready(pipeline, run, deployments, arn)
    pipeline.store.record(run.run_id, "deployment", {"deployment_arn": arn, "status": "Active"})
    return {"run_id": run.run_id, "custom_model_arn": model_arn, "deployment_arn": arn}


def _model(pipeline: Pipeline, run: Run) -> str:
    """The ARN of the custom model, once it can be deployed. The job may end before the model is ready."""
    found = bedrock.find_model(client("bedrock"), run.custom_model_arn or run.run_id)
    if found is None:
        raise DeploymentPending("Bedrock lists no custom model of the completed job")
    arn, status, message = found
    if run.custom_model_arn is None:
        pipeline.store.record(run.run_id, "custom_model", {"custom_model_arn": arn}, custom_model_arn=arn)
    if status == "Failed":
        raise DeploymentFailed(f"the custom model failed: {message or 'Bedrock gave no reason'}")
    if status != "Active":
        raise DeploymentPending("the custom model isn't active")
    return arn


def _create(pipeline: Pipeline, run: Run, deployments: Deployments, model_arn: str) -> str:
    tags = resource_tags(run, pipeline.environment.stack_name)
    with request_ids(client("bedrock")) as requests:
        arn = deployments.create(run.run_id, model_arn, tags)
    known = pipeline.store.record(
        run.run_id,
        "deployment",
        {"deployment_arn": arn, "status": "Creating", "requests": requests},
        deployment_arn=arn,
        deployment_kind=deployments.kind,
    )
    if not known:
        # The run was ended meanwhile, and its clean-up may have come too early to see this.
        _remove(pipeline, run, deployments, arn)
        raise RunStopped("the run has ended while its model was deployed")
    return arn


def _remove(pipeline: Pipeline, run: Run, deployments: Deployments, arn: str) -> None:
    """Nobody comes after this: what can't be removed, as while it is being made, is named to a person."""

    def act() -> str:
        deployments.delete(arn)
        return ""

    told = persist(Task(f"remove the deployment {arn}", act), time.monotonic() + _PERSISTENCE_SECONDS)
    detail = {"deployment_arn": arn, "status": "left" if told else "removed"}
    more = {"warnings": [*pipeline.store.get(run.run_id).warnings, told]} if told else {}
    pipeline.store.append(run.run_id, "deployment", detail, **more)


def _wait_until_ready(pipeline: Pipeline, run: Run, deployments: Deployments, arn: str) -> None:
    def is_ready() -> bool:
        pipeline.must_go_on(pipeline.store.get(run.run_id))  # a stop is heard while it waits
        deployment = deployments.find(arn)
        if deployment is None and seconds_since(run.deployment_started_at or now()) > _VISIBLE_SECONDS:
            raise DeploymentFailed("the deployment was removed by somebody else")
        if deployment is not None and deployment.failed:
            raise DeploymentFailed(f"the deployment failed: {deployment.message or 'Bedrock gave no reason'}")
        return deployment is not None and deployment.ready

    look_again(is_ready, _PATIENCE_SECONDS, "the deployment isn't active")
