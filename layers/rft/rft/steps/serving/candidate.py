"""The candidate's own deployment: it carries the run's id as its name, and no run leaves one behind."""

from __future__ import annotations

from rft.aws import bedrock
from rft.aws.bedrock import Deployments
from rft.aws.clients import client
from rft.run.record import Run
from rft.run.serving import Serving


def deployments_of(run: Run) -> Deployments:
    """Where the run's candidate is deployed. It never gets the commitment that a promoted model may have."""
    serving = Serving.of(run)
    return bedrock.deployments(client("bedrock"), serving.kind, units=serving.units)


def may_be_deployed(run: Run) -> bool:
    return run.deployment_started_at is not None and run.deploy != "none"


def remove_candidate(run: Run) -> None:
    """Also looked for by name, for a run that died before it could note what it had made."""
    if not may_be_deployed(run):
        return
    deployments = deployments_of(run)
    arn = run.deployment_arn
    if arn is None:
        found = deployments.find(run.run_id)
        arn = found.arn if found else None
    if arn is not None:
        deployments.delete(arn)
