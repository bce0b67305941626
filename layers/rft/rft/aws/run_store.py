"""The runs, in one DynamoDB table.

Items share the partition ``RUN#<run_id>``: the run itself (sort key ``RUN``) and one item for each thing that
happened (``EVENT#<time>#<random>``), which is only ever appended. The idempotency keys of the API are items of their
own. Indexes (``all-runs``, ``by-status``, ``by-model``) hold runs only, newest last.

Every change of a status is one transaction with its event, on condition that the status may move there: a late or
repeated event can't take a run back or end it twice.
"""

from __future__ import annotations

import random
import secrets
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rft.aws.clients import error_code
from rft.aws.clock import now
from rft.aws.items import Json, Page, from_item, query, to_item
from rft.errors import RequestConflict, RunNotFound
from rft.run.identity import MAX_RUN_ID
from rft.run.record import Run
from rft.run.status import Status, may_precede
from rft.run.tenants import EVERYTHING, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_ALWAYS = "0"  # before every time
END = "end"
"""The kind of the message that every run has: how it ended."""
_CONFLICT_PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds, at most


class Move(Enum):
    """What became of an attempt to change a status."""

    DONE = auto()
    ALREADY_THERE = auto()
    REFUSED = auto()


class RunStore:
    """``scope`` is what the caller may see: a run outside of it is one that never was."""

    def __init__(self, client: DynamoDBClient, table: str, scope: Scope = EVERYTHING) -> None:
        self._client = client
        self._table = table
        self._scope = scope

    # -- one run ------------------------------------------------------------------------------------------------

    def create(self, run: Run) -> bool:
        """False if the run exists already: whoever asked for it asked twice."""
        item = run.to_json() | {"pk": _pk(run.run_id), "sk": "RUN", "entity": "run"}
        event = self._event(run.run_id, "status", {"status": run.status, "previous": None}, run.created_at)
        put: TransactWriteItemTypeDef = {
            "Put": {"TableName": self._table, "Item": to_item(item), "ConditionExpression": "attribute_not_exists(pk)"}
        }
        return self._transact([put, event])

    def get(self, run_id: str) -> Run:
        return Run.from_json(self._read(run_id))

    def find(self, run_id: str) -> Run | None:
        try:
            return self.get(run_id)
        except RunNotFound:
            return None

    def move(self, run_id: str, status: Status, **attributes: Any) -> tuple[Move, Run]:
        """Change the status, and ``attributes`` with it; the run as it is afterwards."""
        before = self.get(run_id)
        if before.status == status:
            return Move.ALREADY_THERE, before
        at = now()
        attributes |= {"status": status, "updated_at": at}
        if status.is_terminal:
            attributes["ended_at"] = at
        allowed = {f":from{n}": {"S": s.value} for n, s in enumerate(may_precede(status))}
        update = self._update(run_id, attributes, f"#status IN ({', '.join(allowed)})", allowed)
        event = self._event(run_id, "status", {"status": status, "previous": before.status}, at)
        done = self._transact([update, event])
        after = self.get(run_id)
        if done:
            return Move.DONE, after
        return (Move.ALREADY_THERE if after.status == status else Move.REFUSED), after

    def record(self, run_id: str, event: str | None = None, detail: Json | None = None, **attributes: Any) -> bool:
        """Set attributes of a run that hasn't ended, and append ``event``. False if the run has ended."""
        ends, values = _not_ended()
        attributes["updated_at"] = at = now()
        writes = [self._update(run_id, attributes, f"attribute_exists(pk) AND {ends}", values)]
        if event is not None:
            writes.append(self._event(run_id, event, detail or {}, at))
        return self._transact(writes)

    def append(self, run_id: str, event: str, detail: Json, **attributes: Any) -> None:
        """Append ``event`` and set attributes, whether or not the run has ended: what happens after the end."""
        at = now()
        writes = [self._event(run_id, event, detail, at)]
        if attributes:
            writes.append(self._update(run_id, attributes, "attribute_exists(pk)", {}))
        self._transact(writes)

    # -- the waits: for the job, and for a person ---------------------------------------------------------------

    def store_token(self, run_id: str, token: str) -> bool:
        """Keep the token of the newest wait; False if the run has ended. The token never leaves the table."""
        return self.record(run_id, task_token=token)

    def take_token(self, run_id: str) -> str | None:
        """The stored token, removed in the same write: only one caller gets it."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_key(run_id),
                UpdateExpression="REMOVE task_token",
                ConditionExpression="attribute_exists(task_token)",
                ReturnValues="UPDATED_OLD",
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return None
            raise
        return str(answer["Attributes"]["task_token"]["S"])

    def await_decision(self, run_id: str, token: str, approval: Json) -> bool:
        """The run waits for a person: ``approval`` is put on record, and the token beside it. False if it has ended."""
        return self.record(run_id, "approval", {"state": "waiting"}, approval=approval, approval_token=token)

    def decide(self, run_id: str, approval: Json) -> str | None:
        """Put a decision on record where one is waited for; only one gets in, and only it gets the wait's token."""
        at = now()
        token = self._read(run_id).get("approval_token")
        if token is None:
            return None
        values = to_item({":token": token, ":waiting": "waiting"})
        condition = "approval_token = :token AND #approval.#state = :waiting"
        update = self._update(run_id, {"approval": approval, "updated_at": at}, condition, values)
        update["Update"]["ExpressionAttributeNames"] = {
            **update["Update"]["ExpressionAttributeNames"],
            "#state": "state",
        }
        event = self._event(run_id, "approval", {name: approval[name] for name in ("state", "decided_by")}, at)
        return str(token) if self._transact([update, event]) else None

    # -- the messages about a run --------------------------------------------------------------------------------

    def claim_message(self, run_id: str, *, at: str, stale_before: str, kind: str = END, since: str = _ALWAYS) -> bool:
        """Whether the caller is to send the run's message of this kind: nobody has, and nobody is at it since
        ``stale_before``. What was before ``since`` was about something else. Messages of other kinds than the end's are
        for runs that go on."""
        sending, sent = _message_attributes(kind)
        condition = (
            f"attribute_exists(pk) AND (attribute_not_exists({sent}) OR attribute_type({sent}, :null) OR "
            f"{sent} < :since) AND (attribute_not_exists({sending}) OR {sending} < :stale OR {sending} < :since)"
        )
        values = to_item({":stale": stale_before, ":since": since, ":null": "NULL"})
        if kind != END:
            ends, ended = _not_ended()
            condition, values = f"{condition} AND {ends}", values | ended
        update = self._update(run_id, {sending: at}, condition, values)["Update"]
        try:
            self._client.update_item(**update)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def release_message(self, run_id: str, kind: str = END) -> None:
        """The claim's owner could not send: the next may try at once."""
        sending, _ = _message_attributes(kind)
        self._client.update_item(TableName=self._table, Key=_key(run_id), UpdateExpression=f"REMOVE {sending}")

    def message_sent(self, run_id: str, message_id: str, kind: str = END) -> None:
        """From now on nobody sends a message of this kind again."""
        _, sent = _message_attributes(kind)
        self.append(run_id, "notified", {"message_id": message_id, "kind": kind}, **{sent: now()})

    # -- lists --------------------------------------------------------------------------------------------------

    def runs(self, *, model: str | None, status: Status | None, limit: int, token: str | None) -> Page:
        """Runs, newest first. Those of a model outside of the scope are none, as of one that never was."""
        if model is not None and not self._scope.has_model(model):
            return Page([], None)
        if model is not None:
            index, name, value = "by-model", "model", model
        elif status is not None:
            index, name, value = "by-status", "status", status.value
        else:
            index, name, value = "all-runs", "entity", "run"
        matches = {"status": status.value} if model is not None and status is not None else {}
        return query(
            self._client,
            self._table,
            index=index,
            key={name: value},
            matches=matches,
            begins={"model": self._scope.prefix} if model is None and self._scope.prefix else {},
            limit=limit,
            token=token,
            newest_first=True,
        )

    def events(self, run_id: str, *, limit: int, token: str | None) -> Page:
        """What happened to a run, oldest first: ``{"at", "type", "detail"}``."""
        self._read(run_id)
        page = query(self._client, self._table, key={"pk": _pk(run_id)}, prefix="EVENT#", limit=limit, token=token)
        return Page([{key: item[key] for key in ("at", "type", "detail")} for item in page.items], page.next_token)

    # -- idempotency keys ---------------------------------------------------------------------------------------

    def claim_key(self, key_hash: str, run_id: str, request_hash: str) -> str:
        """The id of the run that an Idempotency-Key stands for. Another request under the same key is a conflict."""
        item = {"pk": f"KEY#{key_hash}", "sk": "KEY", "run_id": run_id, "request_hash": request_hash}
        try:
            self._client.put_item(
                TableName=self._table, Item=to_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
        else:
            return run_id
        key = to_item({"pk": item["pk"], "sk": "KEY"})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        stored = from_item(answer["Item"])
        if stored["request_hash"] != request_hash:
            raise RequestConflict(
                f"this Idempotency-Key was used for run {stored['run_id']} with another request; take a new key"
            )
        return str(stored["run_id"])

    # -- below --------------------------------------------------------------------------------------------------

    def _read(self, run_id: str) -> Json:
        if len(run_id) > MAX_RUN_ID:
            raise RunNotFound("there is no run of so long a name")
        missing = RunNotFound(f"there is no run {run_id}")
        if not self._scope.has_run(run_id):
            raise missing
        answer = self._client.get_item(TableName=self._table, Key=_key(run_id), ConsistentRead=True)
        if "Item" not in answer or not self._scope.has_model((item := from_item(answer["Item"]))["model"]):
            raise missing
        return item

    def _update(
        self, run_id: str, attributes: Json, condition: str, values: Mapping[str, Any]
    ) -> TransactWriteItemTypeDef:
        names = {f"#{name}": name for name in attributes} | ({"#status": "status"} if "#status" in condition else {})
        return {
            "Update": {
                "TableName": self._table,
                "Key": _key(run_id),
                "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": to_item({f":{k}": v for k, v in attributes.items()}) | dict(values),
            }
        }

    def _event(self, run_id: str, event: str, detail: Json, at: str) -> TransactWriteItemTypeDef:
        sk = f"EVENT#{at}#{secrets.token_hex(3)}"
        item = {"pk": _pk(run_id), "sk": sk, "at": at, "type": event, "detail": detail}
        return {"Put": {"TableName": self._table, "Item": to_item(item)}}

    def _transact(self, writes: list[TransactWriteItemTypeDef]) -> bool:
        """All of ``writes`` or none; False if a condition did not hold."""
        for pause in (*_CONFLICT_PAUSES, None):
            try:
                self._client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    return False
                if "TransactionConflict" not in reasons or pause is None:
                    raise
                # Somebody writes to this run at this moment; the SDK doesn't repeat this by itself.
                time.sleep(random.uniform(0, pause))  # noqa: S311
            else:
                return True
        raise AssertionError("the last try returns or raises")


def _not_ended() -> tuple[str, Json]:
    """A condition that a run which has ended fails, and its values."""
    ends = {f":end{n}": {"S": s.value} for n, s in enumerate(s for s in Status if s.is_terminal)}
    return f"NOT #status IN ({', '.join(ends)})", ends


def _message_attributes(kind: str) -> tuple[str, str]:
    """When somebody began to send a message of this kind, and when it was sent. The end's are known to the record."""
    return ("notifying_at", "notified_at") if kind == END else (f"{kind}_notifying_at", f"{kind}_notified_at")


def _pk(run_id: str) -> str:
    return f"RUN#{run_id}"


def _key(run_id: str) -> Json:
    return to_item({"pk": _pk(run_id), "sk": "RUN"})
