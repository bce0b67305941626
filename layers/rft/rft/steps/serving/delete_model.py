"""DELETE /models/{model}: what a model's versions have in Bedrock, and where apps find it, is removed.

Called again it goes on where it was. It touches what the runs of this model have on record, or what carries their name,
and of that only what has this stack's and this model's tags. The runs themselves, their reports and data stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from botocore.exceptions import ClientError

from rft.aws import bedrock
from rft.aws.bedrock import ProvisionedThroughput, Tags
from rft.aws.clients import client, error_code, error_message
from rft.aws.clock import now
from rft.aws.model_store import Model
from rft.errors import BedrockBusy, DeploymentPending, ModelBusy, ModelMissing
from rft.run.identity import MODEL_MAX_LENGTH, live_deployment_name, live_parameter
from rft.run.job import JobOutcome
from rft.run.record import Run
from rft.steps.pipeline import Pipeline
from rft.steps.serving.candidate import may_be_deployed

Kind = Literal["deployment", "provisioned throughput", "custom model", "training job", "deletion"]
_HOLD_SECONDS = 90.0  # longer than the function may run, so that it holds the model to its end
_BEGIN_SECONDS = 15.0  # nothing new is begun later: the API waits for the answer
_A_PAGE = 50
_COMMITTED = "its commitment is paid for to the end of its term, and Bedrock deletes it only then"


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be removed. ``state``: ``going`` while Bedrock is at it (ask again), ``committed`` to the end of a
    term (``until``), ``refused`` for another reason, which a person has to look into."""

    kind: Kind
    id: str
    state: Literal["going", "committed", "refused"]
    reason: str
    until: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def delete_model(pipeline: Pipeline, name: str) -> dict[str, Any]:
    """``{"model", "removed": [{"kind", "id"}], "left": [...]}`` of this call; done when nothing is ``left``.

    Raises ``ModelBusy`` while a run of the model is under way, and ``ModelMissing`` where there never was one. A run
    that starts afterwards makes the model anew: what is deleted here belongs to runs that have ended.
    """
    runs = list(_ended_runs(pipeline, name)) if len(name) <= MODEL_MAX_LENGTH else []
    model = pipeline.models.get(name)
    if model is None and not any(map(_may_have_left_something, runs)):
        raise ModelMissing(no_such_model(name))
    if model is None:
        pipeline.models.note(name)  # its runs came to a custom model, and no further
    elif model.deleted_at is not None and not any(map(_may_have_left_something, runs)):
        return {"model": name, "removed": [], "left": []}
    held = pipeline.models.begin_deletion(name, _HOLD_SECONDS)
    if held is None:
        other = Left("deletion", name, "going", "another deletion of the model is at work")
        return {"model": name, "removed": [], "left": [other.to_json()]}
    deletion = _Deletion(pipeline, held)
    try:
        deletion.carry_out(runs)
    finally:
        pipeline.models.end_deletion(held, deletion.leaving, is_done=deletion.is_done)
    return {"model": name, "removed": deletion.removed, "left": [left.to_json() for left in deletion.left]}


def no_such_model(name: str) -> str:
    return f"there is no model {name}; GET /models lists those that there are"


def remove_former_live(pipeline: Pipeline, run: Run) -> None:
    """For a run that promotes its version: nothing that was deleted is left behind the name of the live deployment.

    Raises ``DeploymentPending`` or ``BedrockBusy`` while Bedrock is at it. What has a commitment stays.
    """
    model = pipeline.models.get(run.model)
    leaving = list(model.leaving) if model is not None else []
    on_demand = [former for former in leaving if former["kind"] == "on-demand"]
    if not on_demand:
        return
    deployments = bedrock.deployments(client("bedrock"), "on-demand")
    for former in on_demand:
        arn = former["deployment_arn"]
        deployments.delete(arn)
        if deployments.find(arn) is not None:
            raise DeploymentPending(f"the deployment {arn} of what was deleted is still being removed")
    pipeline.models.left(run.model, run.run_id, [former for former in leaving if former not in on_demand])


def _ended_runs(pipeline: Pipeline, name: str) -> Iterator[Run]:
    """Every run of the model, the newest first. Raises ``ModelBusy`` if one of them hasn't ended."""
    token: str | None = None
    while True:
        page = pipeline.store.runs(model=name, status=None, limit=_A_PAGE, token=token)
        for found in map(Run.from_json, page.items):
            # An index may lag behind the run itself.
            run = found if found.status.is_terminal else pipeline.store.get(found.run_id)
            if not run.status.is_terminal:
                raise ModelBusy(f"run {run.run_id} of {name} is under way ({run.status}): stop it, or wait for its end")
            yield run
        if (token := page.next_token) is None:
            return


def _may_have_left_something(run: Run) -> bool:
    return run.custom_model_deleted_at is None and (run.custom_model_arn is not None or _had_a_job(run))


def _had_a_job(run: Run) -> bool:
    return run.job_arn is not None or run.job_submitted_at is not None


@dataclass
class _Deletion:
    """In the order in which Bedrock lets go: who serves first, then the models. ``leaving`` is what was live and is
    still there."""

    pipeline: Pipeline
    model: Model
    removed: list[dict[str, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    leaving: list[dict[str, str]] = field(default_factory=list)
    is_done: bool = False

    def __post_init__(self) -> None:
        self.leaving = list(self.model.leaving)
        self._until = time.monotonic() + _BEGIN_SECONDS

    def carry_out(self, runs: list[Run]) -> None:
        self._remove_parameter()
        for former in self.model.leaving:
            if self._remove_deployment(former["kind"], former["deployment_arn"]):
                self.leaving.remove(former)
        if not self.model.leaving:
            # Of a promotion that was given up before its version was live.
            self._remove_deployment(
                "on-demand", live_deployment_name(self.pipeline.environment.stack_name, self.model.name)
            )
        for number, run in enumerate(filter(_may_have_left_something, runs)):
            if number and time.monotonic() > self._until:
                self.left.append(Left("deletion", run.run_id, "going", "there are more versions to remove"))
                return
            self._remove_version(run)
        # A run that came meanwhile makes the model anew, and it stays among those that are listed.
        newest = self.pipeline.store.runs(model=self.model.name, status=None, limit=1, token=None).items
        self.is_done = not self.left and {run["run_id"] for run in newest} <= {run.run_id for run in runs}

    def _remove_parameter(self) -> None:
        name = live_parameter(self.pipeline.environment.stack_name, self.model.name)
        try:
            client("ssm").delete_parameter(Name=name)
        except ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise
        else:
            self.removed.append({"kind": "parameter", "id": name})

    def _remove_version(self, run: Run) -> None:
        if run.custom_model_arn is None and self._job_goes_on(run):
            return
        if may_be_deployed(run):
            for kind, name_or_arn in sorted(_deployments_of(run)):
                self._remove_deployment(kind, name_or_arn)
        name_or_arn = run.custom_model_arn or run.run_id
        try:
            found = bedrock.find_model(client("bedrock"), name_or_arn)
        except BedrockBusy as busy:
            self.left.append(Left("custom model", name_or_arn, "going", str(busy)))
            return
        if found is None:
            if not self.left:
                self._note_deleted(run, run.custom_model_arn)
            return
        arn, status, _ = found
        if status == "Creating":
            self.left.append(Left("custom model", arn, "going", "Bedrock is still making it"))
        elif self._remove("custom model", arn, lambda: bedrock.delete_model(client("bedrock"), arn)):
            self._note_deleted(run, arn)

    def _job_goes_on(self, run: Run) -> bool:
        """A job that was stopped takes its time to end, and may end with a model all the same."""
        job = bedrock.find_job(client("bedrock"), run.job_arn or run.run_id)
        if job is None or job.outcome is not JobOutcome.RUNNING:
            return False
        state: Literal["going", "refused"] = "refused" if job.can_be_stopped else "going"
        reason = f"it is {job.status}" + (": aws bedrock stop-model-customization-job" if job.can_be_stopped else "")
        self.left.append(Left("training job", job.arn, state, reason))
        return True

    def _remove_deployment(self, kind: str, name_or_arn: str) -> bool:
        """Whether nothing of that name is there any more."""
        deployments = bedrock.deployments(client("bedrock"), kind)
        label: Kind = "provisioned throughput" if kind == "provisioned" else "deployment"
        try:
            found = deployments.find(name_or_arn)
        except BedrockBusy as busy:
            self.left.append(Left(label, name_or_arn, "going", str(busy)))
            return False
        except ClientError as error:
            # By a name that isn't this stack's own: IAM doesn't let the function look at what is another's.
            if error_code(error) == "AccessDeniedException" and not name_or_arn.startswith("arn:"):
                return True
            self.left.append(_refused(label, name_or_arn, error))
            return False
        if found is None:
            return True
        arn = found.arn
        if any(left.id == arn for left in self.left):
            return False

        def delete() -> None:
            deployments.delete(arn)
            if deployments.find(arn) is not None:
                raise DeploymentPending("Bedrock is removing it")

        return self._remove(label, arn, delete)

    def _remove(self, kind: Kind, arn: str, delete: Callable[[], None]) -> bool:
        service = client("bedrock")
        try:
            if not bedrock.has_tags(service, arn, self._owner):
                reason = "it doesn't carry the tags rft:stack and rft:model of this model"
                self.left.append(Left(kind, arn, "refused", reason))
                return False
            delete()
        except (BedrockBusy, DeploymentPending) as waiting:
            self.left.append(Left(kind, arn, "going", str(waiting)))
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return True
            self.left.append(self._why(kind, arn, error))
        else:
            self.removed.append({"kind": kind, "id": arn})
            return True
        return False

    def _why(self, kind: Kind, arn: str, error: ClientError) -> Left:
        if error_code(error) != "ConflictException":
            return _refused(kind, arn, error)
        if kind == "provisioned throughput":
            until = ProvisionedThroughput(client("bedrock")).committed_until(arn)
            return Left(kind, arn, "committed", _COMMITTED, until or None)
        # A model can't be deleted before what serves it.
        terms = [left.until for left in self.left if left.state == "committed"]
        if terms:
            return Left(
                kind, arn, "committed", "a committed throughput serves it", max(filter(None, terms), default=None)
            )
        return Left(kind, arn, "going", error_message(error))

    def _note_deleted(self, run: Run, arn: str | None) -> None:
        detail = {"custom_model_arn": arn, "because_of": "the model was deleted"}
        self.pipeline.store.append(run.run_id, "custom_model_deleted", detail, custom_model_deleted_at=now())

    @property
    def _owner(self) -> Tags:
        return [
            {"key": "rft:stack", "value": self.pipeline.environment.stack_name},
            {"key": "rft:model", "value": self.model.name},
        ]


def _refused(kind: Kind, arn: str, error: ClientError) -> Left:
    return Left(kind, arn, "refused", f"{error_code(error)}: {error_message(error)}")


def _deployments_of(run: Run) -> set[tuple[str, str]]:
    """Kind, and ARN or name, of every deployment that the run may have left."""
    kind = run.deploy or "on-demand"
    names = {run.deployment_arn, run.run_id}
    promotion = run.promotion or {}
    names |= {promotion.get("live_arn"), (promotion.get("previous") or {}).get("deployment_arn")}
    if promotion and kind == "provisioned":
        names.add(f"{run.run_id}-live")
    return {(_kind_of(name) or kind, name) for name in names if name}


def _kind_of(name_or_arn: str) -> str | None:
    if ":provisioned-model/" in name_or_arn:
        return "provisioned"
    return "on-demand" if ":custom-model-deployment/" in name_or_arn else None
