"""Runs that have come as far as a compared candidate, without a training of their own, and calls that break off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from local.bedrock.records import CustomModel, Throughput, new_id
from local.bedrock.store import Store
from rft.aws import bedrock, clients, executions
from rft.aws.bedrock import Tags
from rft.aws.clock import now
from rft.aws.model_store import Live
from rft.errors import BedrockBusy, DeploymentPending
from rft.run.identity import live_deployment_name, live_parameter, run_id
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.serving.promote_model import promote_model
from tests.contract.application import ACCOUNT, BUCKET, MACHINE, Application, client
from tests.contract.standin import until

BASE = "amazon.nova-2-lite-v1:0:256k"
_SERVICES = ("bedrock", "dynamodb", "events", "sns", "ssm", "stepfunctions")
_NUMBERS = count()  # of all tests: the stand-in never forgets a token
PROMPT = [{"role": "user", "content": [{"text": "thing 1 is green"}]}]


@dataclass
class Candidates:
    """``state`` is the folder of a stand-in in which the job ``first`` has made a model."""

    app: Application
    state: Path

    def model_arn(self, name: str) -> str:
        """Another custom model, with the weights of the first one."""
        store = Store(self.state / "bedrock.sqlite")
        try:
            first = store.get(CustomModel, "first")
            assert first is not None
            arn = first.arn.rpartition("/")[0] + "/" + new_id()
            job = first.job.model_copy(update={"arn": first.job.arn.rpartition("/")[0] + "/" + new_id()})
            weights = self.state / "models"
            (weights / job.id).mkdir()
            shutil.copy(weights / first.job.id / "tuned.npz", weights / job.id)
            store.save(CustomModel(arn=arn, name=name, job=job))
        finally:
            store.close()
        return arn

    def trained(self, model: str, status: Status = Status.DEPLOYING, **attributes: Any) -> str:
        """A run whose training is done."""
        run = attributes.pop("run_id", None) or self.next_id(model)
        deploy = attributes.pop("deploy", "on-demand")
        at = now()
        record = Run(
            run_id=run,
            model=model,
            status=status,
            created_at=at,
            updated_at=at,
            request={"deploy": deploy} | attributes.pop("request", {}),
            base_model=BASE,
            deploy=_kind(deploy),
            execution_arn=executions.execution_arn(MACHINE, run),
            **{"custom_model_arn": self.model_arn(run)} | attributes,
        )
        assert self.app.pipeline.store.create(record)
        return run

    def next_id(self, model: str) -> str:
        return run_id(model, str(next(_NUMBERS)))

    def compared(self, model: str, *, recommended: str = "promote", **attributes: Any) -> str:
        """A run whose candidate is deployed, and was compared with what is live at this moment."""
        known = self.app.pipeline.models.get(model)
        now_live = known.live if known else None
        comparison = {
            "against": "live" if now_live else "base",
            "live_run_id": now_live.run_id if now_live else None,
            "recommended": recommended,
            "sentence": "It is better by 0.50.",
            "records": 100,
            "gain": {"mean": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95},
            "means": {"base": 0.25, "candidate": 0.75} | ({"live": 0.25} if now_live else {}),
            "win": 60,
            "tie": 30,
            "loss": 10,
            "missing": 0,
            "document_uri": f"s3://{BUCKET}/comparison.json",
            "rows_uri": f"s3://{BUCKET}/comparison.jsonl",
        }
        run, kind = self.next_id(model), _kind(attributes.get("deploy", "on-demand"))
        arn = self.model_arn(run)
        deployed = {
            "custom_model_arn": arn,
            "deployment_started_at": now(),
            "deployment_arn": self.deployed(run, arn, kind),
            "deployment_kind": kind,
            "comparison": comparison,
        }
        return self.trained(model, Status.COMPARING, run_id=run, **deployed | attributes)

    def deployed(self, name: str, model_arn: str, kind: str, *, tags: Tags = (), token: str | None = None) -> str:
        """The ARN of a deployment that answers."""
        deployments = bedrock.deployments(self.app.bedrock.control, kind)
        arn = deployments.create(name, model_arn, tags, token=token)
        until(lambda: (found := deployments.find(arn)) is not None and found.ready)
        return arn

    def live(self, model: str, kind: str = "on-demand") -> Live:
        """A version of the model that serves, as a run that has ended has left it."""
        run, at = self.next_id(model), now()
        arn = self.model_arn(run)
        name = live_deployment_name("rft", model) if kind == "on-demand" else run
        tags = [{"key": "rft:stack", "value": "rft"}, {"key": "rft:model", "value": model}]
        serving = Live(run, arn, self.deployed(name, arn, kind, tags=tags, token=run), kind, BASE, at)
        self.trained(model, Status.PROMOTED, run_id=run, custom_model_arn=arn, deployment_arn=serving.deployment_arn)
        models = self.app.pipeline.models
        models.claim(model, run, None)
        assert models.set_live(model, run, serving)
        models.release(model, run)
        name = live_parameter("rft", model)
        client("ssm").put_parameter(Name=name, Value=serving.deployment_arn, Type="String", Overwrite=True)
        return serving

    def clear(self) -> None:
        """Nothing is deployed any more, not even what has a commitment."""
        self.app.bedrock.faults([])
        control = self.app.bedrock.control
        for item in control.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]:
            until(lambda arn=item["customModelDeploymentArn"]: _deleted(control, arn))
        store = Store(self.state / "bedrock.sqlite")
        for throughput in store.all(Throughput):
            store.delete(throughput)
        store.close()

    def forget_models(self) -> None:
        """There is the first one only, for tests that look at all models: each costs them a call."""
        store = Store(self.state / "bedrock.sqlite")
        for model in store.all(CustomModel):
            if model.name != "first":
                store.delete(model)
        store.close()

    def forget(self) -> None:
        """Empty the run table, for tests with many runs: the more there is, the slower moto is."""
        dynamodb_backends[ACCOUNT]["us-east-1"].tables["runs"].items.clear()


def _kind(deploy: Any) -> str:
    return str(deploy if isinstance(deploy, str) else deploy["kind"])


def _deleted(control: Any, arn: str) -> bool:
    try:
        control.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    except control.exceptions.ConflictException:
        control.get_custom_model_deployment(customModelDeploymentIdentifier=arn)  # so that it moves on
        return False
    return True


def promoted(app: Application, run: str) -> dict[str, Any]:
    """As the state machine has it: again, as long as Bedrock is at it."""

    def attempt() -> dict[str, Any] | None:
        try:
            return promote_model(app.pipeline, run)
        except (DeploymentPending, BedrockBusy):
            return None

    result = until(attempt)
    assert result is not None
    return result


def live(app: Application, model: str) -> Live:
    known = app.pipeline.models.get(model)
    assert known is not None and known.live is not None
    return known.live


def deployments(app: Application, model: str) -> dict[str, str]:
    """All that is deployed of a model, of both kinds: the ARN of each, and of the model that it serves."""
    control = app.bedrock.control
    on_demand = control.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]
    units = control.list_provisioned_model_throughputs(maxResults=1000)["provisionedModelSummaries"]
    named = {d["customModelDeploymentName"]: (d["customModelDeploymentArn"], d["modelArn"]) for d in on_demand}
    named |= {d["provisionedModelName"]: (d["provisionedModelArn"], d["modelArn"]) for d in units}
    return dict(found for name, found in named.items() if name.startswith(f"{model}-"))


def parameter(app: Application, model: str) -> str:
    name = live_parameter(app.pipeline.environment.stack_name, model)
    return str(client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def serves(app: Application, model: str, run: str) -> Live:
    """One deployment there is of the model, it answers with the version of this run, and everybody is told so."""
    made = app.pipeline.store.get(run)
    now_live = live(app, model)
    assert (now_live.run_id, now_live.custom_model_arn) == (run, made.custom_model_arn)
    assert deployments(app, model) == {now_live.deployment_arn: made.custom_model_arn}
    assert parameter(app, model) == now_live.deployment_arn
    assert app.bedrock.runtime.converse(modelId=now_live.deployment_arn, messages=PROMPT)["output"]
    return now_live


class Died(BaseException):
    """A function that was killed."""


class Death:
    """The function is killed once AWS has done what its ``number``th call to change something has asked for.

    Calls that only read need no death of their own: it would be the same as after the change before them.
    """

    moment = "after-call.*.*"
    _CHANGES = ("Create", "Delete", "Publish", "Put", "TransactWrite", "Update")

    def __init__(self, number: int) -> None:
        self._left = number
        self.after: str | None = None

    def __call__(self, model: Any, **_: Any) -> None:
        if not model.name.startswith(self._CHANGES):
            return
        self._left -= 1
        if self._left == -1:
            self.after = model.name
            raise Died


class Refusal:
    """The ``number``th call of all, or of those to one service, gets an error."""

    def __init__(self, number: int, code: str, service: str = "*") -> None:
        self.moment = f"before-call.{service}.*"
        self._left, self._code = number, code
        self.of: str | None = None

    def __call__(self, model: Any, **_: Any) -> None:
        self._left -= 1
        if self._left == -1:
            self.of = model.name
            raise ClientError({"Error": {"Code": self._code, "Message": "a fault that was asked for"}}, model.name)


@contextmanager
def breaking[B: Death | Refusal](at: B) -> Iterator[B]:
    """One of the calls of AWS from here on breaks off."""
    moment = at.moment
    services = [clients.client(name).meta.events for name in _SERVICES]  # type: ignore[call-overload]
    for events in services:
        events.register(moment, at)
    try:
        yield at
    finally:
        for events in services:
            events.unregister(moment, at)
