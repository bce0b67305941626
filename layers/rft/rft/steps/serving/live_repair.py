"""The live deployment serves what is on record as live: seen to before a candidate is compared with it.

A run that was aborted in the middle of an exchange gives its claim back, whether or not Bedrock could undo the exchange
by then. If it completes later, a model that nobody promoted serves, and no other step would ever look.
"""

from __future__ import annotations

from typing import Any

from rft.aws.bedrock import Deployment, OnDemandDeployments
from rft.aws.clients import client
from rft.aws.model_store import Live
from rft.aws.request_ids import request_ids
from rft.run.record import Run
from rft.steps.pipeline import Pipeline
from rft.steps.serving.live_deployment import is_running, put_back

# One invocation looks for so long, then hands the waiting to the state machine.
_PATIENCE_SECONDS = 20.0


def repair_live(pipeline: Pipeline, run: Run) -> None:
    """Put the model on record as live back behind its deployment, where another one is there or on its way.

    Nothing happens while a run holds the model's claim: that one's exchange is meant. A provisioned throughput is never
    exchanged. Raises ``DeploymentPending`` while Bedrock is at it, and leaves a warning on ``run``.
    """
    live = _on_record(pipeline, run)
    if live is None:
        return
    deployments = OnDemandDeployments(client("bedrock"))

    def is_wanted(found: Deployment) -> bool:
        # The record is read after Bedrock: a promotion that is made between the two isn't taken for a fault.
        return _serves_another(found, live) and _on_record(pipeline, run) == live

    def exchange(found: Deployment) -> None:
        with request_ids(client("bedrock")) as requests:
            deployments.exchange(live.deployment_arn, live.custom_model_arn)
        warning = (
            f"the live deployment {live.deployment_arn} served {found.model_arn}, which is not live: "
            f"{live.custom_model_arn} of run {live.run_id} was put back"
        )
        detail = {"live_arn": live.deployment_arn, "live_run_id": live.run_id, "requests": requests}
        _warn(pipeline, run, "live_deployment_repaired", detail, warning)

    found = deployments.find(live.deployment_arn)
    if found is None:
        gone = f"the live deployment {live.deployment_arn} isn't there any more: no version of {run.model} serves"
        if gone not in run.warnings:
            _warn(pipeline, run, "live_deployment_missing", {"live_arn": live.deployment_arn}, gone)
    elif is_wanted(found):
        put_back(deployments, live.deployment_arn, is_wanted, exchange, _PATIENCE_SECONDS)


def _on_record(pipeline: Pipeline, run: Run) -> Live | None:
    """What should serve, where no run is about to change it and the model behind the ARN can be exchanged."""
    model = pipeline.models.get(run.model)
    if model is None or model.promoting is not None or model.live is None or model.live.kind != "on-demand":
        return None
    return model.live


def _serves_another(found: Deployment, live: Live) -> bool:
    """Of a deployment that failed nobody can exchange the model: the comparison will say that it doesn't answer."""
    if found.failed:
        return False
    leads_away = is_running(found) and found.exchange is not None and found.exchange.model_arn != live.custom_model_arn
    return leads_away or found.model_arn != live.custom_model_arn


def _warn(pipeline: Pipeline, run: Run, event: str, detail: dict[str, Any], warning: str) -> None:
    warnings = pipeline.store.get(run.run_id).warnings
    if warning not in warnings:
        warnings = [*warnings, warning]
    pipeline.store.record(run.run_id, event, detail, warnings=warnings)
