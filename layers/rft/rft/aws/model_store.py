"""The models and what of them is live, in the table of the runs.

One item a model (``MODEL#<name>``). It has no attribute ``model`` and none ``status``, which would put it among the
runs of those indexes; in ``all-runs`` it is listed under its own entity.

A run that promotes its candidate holds the model's claim from before the first change until the last: so no two runs
exchange a model at once. The write that makes a version live (``set_live``) is what decides. Before it a run can be
barred from promoting (``bar``), after it the promotion is a fact; never both.

The deletion of a model holds it in the same way, for as long as its function may run: no run promotes meanwhile, and
none is deleted that a run promotes. What a deletion could not remove yet stays on record as ``leaving``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from rft.aws.clients import error_code
from rft.aws.clock import now
from rft.aws.items import Json, Page, from_item, query, to_item
from rft.aws.run_store import RunStore
from rft.errors import DeploymentPending, LiveModelChanged, ModelBusy, RunStopped
from rft.run.identity import MODEL_MAX_LENGTH
from rft.run.tenants import EVERYTHING, Scope

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_NO_DELETION = "(attribute_not_exists(deleting_until) OR deleting_until < :at)"


@dataclass(frozen=True, slots=True)
class Live:
    """The version that serves: the run that made it, and where it answers since when."""

    run_id: str
    custom_model_arn: str
    deployment_arn: str
    kind: str
    base_model: str
    since: str

    @classmethod
    def from_json(cls, document: Json) -> Self:
        return cls(**{name: document[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Model:
    """``promoting`` is the run that holds the claim; if it is ``barred``, what it changed is being undone.

    ``leaving`` are deployments that were live and are being removed, each with ``deployment_arn`` and ``kind``; until
    ``deleting_until`` a deletion is at work. A model that was deleted has ``deleted_at`` and is listed no more, until a
    run makes it anew.
    """

    name: str
    created_at: str
    updated_at: str
    live: Live | None = None
    promoting: str | None = None
    barred: bool = False
    leaving: tuple[dict[str, str], ...] = ()
    deleting_until: str | None = None
    deleted_at: str | None = None

    @classmethod
    def from_json(cls, document: Json) -> Self:
        live = document.get("live")
        return cls(
            name=document["name"],
            created_at=document["created_at"],
            updated_at=document["updated_at"],
            live=Live.from_json(live) if live else None,
            promoting=document.get("promoting"),
            barred=document.get("barred", False),
            leaving=tuple(document.get("leaving", ())),
            deleting_until=document.get("deleting_until"),
            deleted_at=document.get("deleted_at"),
        )

    def to_json(self) -> Json:
        return asdict(self)


class Barred(Enum):
    """What became of the attempt to keep a run from promoting."""

    DONE = auto()
    TOO_LATE = auto()
    """The run's version is live."""
    NOT_PROMOTING = auto()
    """The run holds no claim: there is nothing of it to undo."""


class ModelStore:
    """``scope`` is what the caller may see: a model outside of it is one that never was."""

    def __init__(self, client: DynamoDBClient, table: str, scope: Scope = EVERYTHING) -> None:
        self._client = client
        self._table = table
        self._scope = scope

    def get(self, name: str) -> Model | None:
        if not 0 < len(name) <= MODEL_MAX_LENGTH or not self._scope.has_model(name):
            return None
        answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        return Model.from_json(from_item(answer["Item"])) if "Item" in answer else None

    def models(self, limit: int, token: str | None) -> Page:
        """Models, the newest first, each as ``Model.to_json`` gives it."""
        page = query(
            self._client,
            self._table,
            index="all-runs",
            key={"entity": "model"},
            begins={"name": self._scope.prefix} if self._scope.prefix else {},
            limit=limit,
            token=token,
            newest_first=True,
        )
        return Page([Model.from_json(item).to_json() for item in page.items], page.next_token)

    def note(self, name: str) -> None:
        """There is a model of that name now, whether or not a version of it is ever live."""
        self._update(
            name,
            "SET entity = :model, #name = :name, created_at = :at, updated_at = :at REMOVE deleted_at",
            "attribute_not_exists(pk) OR attribute_exists(deleted_at)",
            {":model": "model", ":name": name, ":at": now()},
            {"#name": "name"},
        )

    def claim(self, name: str, run_id: str, live_run_id: str | None) -> Model:
        """Take the right to change what is live, for a run whose candidate was compared with ``live_run_id``.

        Raises ``LiveModelChanged`` where another version is live by now, ``DeploymentPending`` while another run that
        hasn't ended holds the claim or a deletion is at work, and ``RunStopped`` where this run was barred. A run that
        has the claim, or whose version is live already, is given it again.
        """
        self.note(name)
        model = self._known(name)
        if model.live is not None and model.live.run_id == run_id:
            return model
        if model.promoting == run_id:
            if model.barred:
                raise RunStopped("the promotion is being undone")
            return model
        if (model.live.run_id if model.live else None) != live_run_id:
            raise LiveModelChanged(f"another version of {name} has become live since this one was compared")
        if model.promoting is not None and not self._has_ended(model.promoting):
            raise DeploymentPending(f"run {model.promoting} is promoting its version of {name}")
        if model.deleting_until is not None and model.deleting_until > now():
            raise DeploymentPending(f"what there was of {name} is being deleted")
        self._take(name, run_id, model.promoting, live_run_id)
        taken = self._known(name)
        if taken.promoting != run_id:
            raise DeploymentPending(f"another run has touched {name} at this moment: look again")
        return taken

    def _take(self, name: str, run_id: str, holder: str | None, live_run_id: str | None) -> None:
        """Write the claim, unless something has changed since it was looked at."""
        free = "attribute_not_exists(promoting)" if holder is None else "promoting = :holder"
        same = "attribute_not_exists(live)" if live_run_id is None else "live.run_id = :live"
        given = {":run": run_id, ":at": now(), ":holder": holder, ":live": live_run_id}
        self._update(
            name,
            "SET promoting = :run, updated_at = :at REMOVE barred",
            f"{free} AND {same} AND {_NO_DELETION}",
            {key: value for key, value in given.items() if value is not None},
        )

    def _known(self, name: str) -> Model:
        model = self.get(name)
        if model is None:
            raise ValueError(f"{name} is no name of a model")
        return model

    def _has_ended(self, run_id: str) -> bool:
        run = RunStore(self._client, self._table).find(run_id)
        return run is None or run.status.is_terminal

    def holds(self, name: str, run_id: str) -> bool:
        """Whether the run may go on to promote."""
        model = self.get(name)
        return model is not None and model.promoting == run_id and not model.barred

    def set_live(self, name: str, run_id: str, live: Live) -> bool:
        """The promotion is made. False if the run doesn't hold the claim any more, or was barred."""
        return self._update(
            name,
            "SET live = :live, updated_at = :at",
            "promoting = :run AND attribute_not_exists(barred)",
            {":run": run_id, ":live": asdict(live), ":at": now()},
        )

    def bar(self, name: str, run_id: str) -> Barred:
        """Keep a run that closes from promoting, before what it began is undone."""
        if self._update(
            name,
            "SET barred = :yes, updated_at = :at",
            "promoting = :run AND (attribute_not_exists(live) OR live.run_id <> :run)",
            {":run": run_id, ":yes": True, ":at": now()},
        ):
            return Barred.DONE
        model = self.get(name)
        live = model is not None and model.live is not None and model.live.run_id == run_id
        return Barred.TOO_LATE if live else Barred.NOT_PROMOTING

    def release(self, name: str, run_id: str) -> None:
        """Give the claim back; nothing happens if the run holds none."""
        self._update(
            name, "SET updated_at = :at REMOVE promoting, barred", "promoting = :run", {":run": run_id, ":at": now()}
        )

    # -- deletion -----------------------------------------------------------------------------------------------

    def begin_deletion(self, name: str, seconds: float) -> Model | None:
        """Hold the model for so many seconds: nothing of it is live from now on. None if another deletion holds it.

        Raises ``ModelBusy`` while a run that hasn't ended promotes its version.
        """
        model = self._known(name)
        if model.promoting is not None and not self._has_ended(model.promoting):
            raise ModelBusy(f"run {model.promoting} is promoting its version of {name}")
        live = model.live
        leaving = list(model.leaving)
        if live is not None:
            leaving.append({"deployment_arn": live.deployment_arn, "kind": live.kind})
        free = "attribute_not_exists(promoting)" if model.promoting is None else "promoting = :holder"
        same = "attribute_not_exists(live)" if live is None else "live.run_id = :live"
        until = now(seconds_ago=-seconds)
        given: dict[str, Any] = {
            ":until": until,
            ":at": now(),
            ":leaving": leaving,
            ":holder": model.promoting,
            ":live": live.run_id if live else None,
        }
        held = self._update(
            name,
            "SET deleting_until = :until, leaving = :leaving, updated_at = :at REMOVE live, promoting, barred",
            f"{free} AND {same} AND {_NO_DELETION}",
            {key: value for key, value in given.items() if value is not None},
        )
        return replace(self._known(name), deleting_until=until) if held else None

    def end_deletion(self, model: Model, leaving: Sequence[dict[str, str]], *, is_done: bool) -> None:
        """Give back what ``begin_deletion`` gave, with the deployments that are ``leaving`` still.

        ``is_done`` takes the model out of the lists: nothing of it is left.
        """
        done = ", deleted_at = :at REMOVE deleting_until, entity" if is_done else " REMOVE deleting_until"
        self._update(
            model.name,
            f"SET leaving = :leaving, updated_at = :at{done}",
            "deleting_until = :until",
            {":leaving": list(leaving), ":at": now(), ":until": model.deleting_until},
        )

    def left(self, name: str, run_id: str, leaving: Sequence[dict[str, str]]) -> None:
        """For the run that holds the claim: of what was deleted these deployments are there still, others are gone."""
        self._update(
            name,
            "SET leaving = :leaving, updated_at = :at",
            "promoting = :run",
            {":leaving": list(leaving), ":at": now(), ":run": run_id},
        )

    # -- below --------------------------------------------------------------------------------------------------

    def _update(
        self,
        name: str,
        change: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> bool:
        more: Any = {"ExpressionAttributeNames": names} if names else {}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                **more,
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _key(name: str) -> Json:
    return to_item({"pk": f"MODEL#{name}", "sk": "MODEL"})
