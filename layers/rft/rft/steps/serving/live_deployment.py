"""The live deployment of a model: the one that users ask, and what a run's promotion does to it.

On-demand there is one for all versions, and the model behind its ARN is exchanged. The throughput of a provisioned
candidate becomes the live one as it is; a commitment was asked for with the request, so it is made here, for a model
that is promoted, and never for a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from rft.aws import bedrock
from rft.aws.bedrock import Deployment, Deployments, OnDemandDeployments, ProvisionedThroughput, Tags
from rft.aws.clients import client, error_code
from rft.aws.clock import seconds_since
from rft.aws.request_ids import request_ids
from rft.errors import DeploymentFailed, DeploymentPending, RunStopped
from rft.run.identity import live_deployment_name
from rft.run.job import resource_tags
from rft.run.record import Run
from rft.run.serving import Serving
from rft.steps.pipeline import Pipeline
from rft.steps.waiting import look_again

# One invocation looks for so long, then hands the waiting to the state machine.
_PATIENCE_SECONDS = 20.0
# What was just made may not be visible everywhere at once.
_VISIBLE_SECONDS = 300.0


class LiveDeployment:
    """As the promotion of ``run``, which has begun, makes it and takes it back."""

    def __init__(self, pipeline: Pipeline, run: Run) -> None:
        if run.promotion is None or run.custom_model_arn is None:
            raise ValueError(f"run {run.run_id} has no promotion under way, or no model")
        self._pipeline, self._run = pipeline, run
        self._serving = Serving.of(run)
        self._model_arn = run.custom_model_arn
        self._previous: dict[str, Any] | None = run.promotion["previous"]
        self._arn: str | None = run.promotion["live_arn"]

    # -- forward ------------------------------------------------------------------------------------------------

    def serve(self) -> str:
        """The ARN, once the run's model answers there.

        Raises ``DeploymentPending`` or ``BedrockBusy`` while it doesn't, ``DeploymentFailed`` if it never will.
        """
        if self._serving.kind == "on-demand":
            return self._exchange()
        return self._provision()

    def _exchange(self) -> str:
        deployments = OnDemandDeployments(client("bedrock"))
        if self._arn is None or (self._is_previous(self._arn) and deployments.find(self._arn) is None):
            self._create(deployments)
        arn = self._noted()

        def done() -> bool:
            found = self._look(deployments, arn)
            if found is None or not found.ready or is_running(found):
                return False
            if found.model_arn == self._model_arn:
                return True
            if found.exchange is not None and found.exchange.failed and found.exchange.model_arn == self._model_arn:
                raise DeploymentFailed(f"the exchange of the model failed: {found.message or 'Bedrock gave no reason'}")
            with self._change() as change:
                deployments.exchange(arn, self._model_arn)
                change |= {"live_arn": arn, "exchange": "begun"}
            return False

        look_again(done, _PATIENCE_SECONDS, f"the live deployment {arn} doesn't serve the new model yet")
        return arn

    def _provision(self) -> str:
        serving = self._serving
        deployments = ProvisionedThroughput(client("bedrock"), units=serving.units, commitment=serving.commitment)
        if self._arn is None:
            self._create(deployments)
        arn = self._noted()

        def done() -> bool:
            found = self._look(deployments, arn)
            return found is not None and found.ready

        look_again(done, _PATIENCE_SECONDS, f"the provisioned throughput {arn} isn't in service")
        return arn

    def _create(self, deployments: Deployments) -> None:
        token = f"{self._run.run_id}-live"
        with self._change() as change:
            arn = deployments.create(self._name, self._model_arn, self._tags, token=token, owner=self._owner)
            found = deployments.find(arn)
            if found is not None and found.failed and found.model_arn != self._model_arn:
                # What an earlier run left half-finished, and could not remove.
                deployments.delete(arn)
                arn = deployments.create(self._name, self._model_arn, self._tags, token=token, owner=self._owner)
            self._arn = arn
            change["live_arn"] = arn

    def _look(self, deployments: Deployments, arn: str) -> Deployment | None:
        found = deployments.find(arn)
        if found is None and seconds_since((self._run.promotion or {})["began_at"]) > _VISIBLE_SECONDS:
            raise DeploymentFailed(f"the live deployment {arn} was removed by somebody else")
        if found is not None and found.failed:
            raise DeploymentFailed(f"the live deployment failed: {found.message or 'Bedrock gave no reason'}")
        return found

    def _noted(self) -> str:
        if self._arn is None:
            raise DeploymentFailed("the run has no deployment that could become the live one")
        return self._arn

    @contextmanager
    def _change(self) -> Iterator[dict[str, Any]]:
        """Put on record what the block changes, for whoever has to undo it, and look whether the run goes on.

        CloseRun bars the run before it looks for what there is to undo. So either it has seen the change, or it is
        seen here that it can't have.
        """
        detail: dict[str, Any] = {}
        with request_ids(client("bedrock")) as requests:
            yield detail
        promotion = (self._run.promotion or {}) | {"live_arn": detail["live_arn"]}
        detail["requests"] = requests
        self._pipeline.store.record(self._run.run_id, "promotion", detail, promotion=promotion)
        if not self._pipeline.models.holds(self._run.model, self._run.run_id):
            self._leave()

    def _leave(self) -> None:
        try:
            told = self.take_back(_PATIENCE_SECONDS)
        except DeploymentPending as pending:
            told = f"the run was closed during its promotion, and {pending}: {self.by_hand}"
        if told:
            warnings = [*self._pipeline.store.get(self._run.run_id).warnings, told]
            self._pipeline.store.append(self._run.run_id, "promotion", {"state": "left"}, warnings=warnings)
        raise RunStopped("the run was closed while its model was promoted")

    # -- back ---------------------------------------------------------------------------------------------------

    def take_back(self, seconds: float) -> str:
        """The old model serves again, and nothing that never became live is left; a sentence on what had to be left.

        Raises ``DeploymentPending`` while Bedrock is at it: it undoes no exchange that it hasn't ended.
        """
        if self._serving.kind == "on-demand":
            self._take_back_exchange(OnDemandDeployments(client("bedrock")), seconds)
        elif self._serving.commitment is not None:
            return self._take_back_commitment(ProvisionedThroughput(client("bedrock")))
        # Else it is the candidate's own throughput, which is removed as that.
        return ""

    def _take_back_commitment(self, deployments: ProvisionedThroughput) -> str:
        try:
            self._remove(deployments)
        except ClientError as error:
            if error_code(error) not in ("ConflictException", "ValidationException"):
                raise
            return (
                f"The provisioned throughput {self._arn or self._name} has a commitment ({self._serving.commitment}): "
                "it serves nobody, and is paid for to the end of its term; please delete it by hand then."
            )
        return ""

    def _take_back_exchange(self, deployments: OnDemandDeployments, seconds: float) -> None:
        if self._arn is None or not self._is_previous(self._arn) or deployments.find(self._arn) is None:
            self._remove(deployments)
            return
        arn, old = self._arn, (self._previous or {})["custom_model_arn"]

        put_back(
            deployments,
            arn,
            lambda found: found.model_arn != old or _is_under_way(found),
            lambda _: deployments.exchange(arn, old),
            seconds,
        )

    def _remove(self, deployments: Deployments) -> None:
        """What this run made to be live and never was; looked for by name if it could not be noted."""
        arn = self._arn
        if arn is None or self._is_previous(arn):
            found = deployments.find(self._name)
            if found is None or not bedrock.has_tags(client("bedrock"), found.arn, self._owner):
                return
            self._arn = arn = found.arn
        model = self._pipeline.models.get(self._run.model)
        if not self._is_previous(arn) and (model is None or model.live is None or model.live.deployment_arn != arn):
            deployments.delete(arn)

    @property
    def what_to_undo(self) -> str:
        if self._arn is None or not self._is_previous(self._arn):
            return f"remove {self._arn or self._name}, which never became live"
        return f"put the old model back behind {self._arn}"

    @property
    def by_hand(self) -> str:
        """What a person has to do if that is left undone."""
        if self._arn is None or not self._is_previous(self._arn):
            return "it may cost money, please remove it by hand"
        return (
            "it may come to serve the model that was not promoted; put the old one back with aws bedrock "
            f"update-custom-model-deployment --custom-model-deployment-identifier {self._arn} "
            f"--model-arn {(self._previous or {})['custom_model_arn']}"
        )

    # -- names --------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        """A committed throughput can outlive the version that it was made for, so each has a name of its own."""
        if self._serving.kind == "on-demand":
            return live_deployment_name(self._pipeline.environment.stack_name, self._run.model)
        return f"{self._run.run_id}-live"

    @property
    def _tags(self) -> Tags:
        """It serves the model, not the run."""
        tags = resource_tags(self._run, self._pipeline.environment.stack_name)
        return [tag for tag in tags if tag["key"] != "rft:run-id"]

    @property
    def _owner(self) -> Tags:
        return [tag for tag in self._tags if tag["key"] in ("rft:stack", "rft:model")]

    def _is_previous(self, arn: str) -> bool:
        return self._previous is not None and self._previous["deployment_arn"] == arn


def put_back(
    deployments: OnDemandDeployments,
    arn: str,
    is_wanted: Callable[[Deployment], bool],
    exchange: Callable[[Deployment], None],
    seconds: float,
) -> None:
    """``exchange`` the model behind ``arn`` until that ``is_wanted`` no more.

    Raises ``DeploymentPending`` after so many ``seconds``: Bedrock undoes no exchange that it hasn't ended.
    """

    def done() -> bool:
        found = deployments.find(arn)
        if found is not None and not is_wanted(found):
            return True
        if found is not None and not _is_under_way(found):
            exchange(found)
        return False

    look_again(done, seconds, f"Bedrock is still exchanging the model of the live deployment {arn}")


def is_running(deployment: Deployment) -> bool:
    return deployment.exchange is not None and deployment.exchange.running


def _is_under_way(deployment: Deployment) -> bool:
    return not deployment.ready or is_running(deployment)
