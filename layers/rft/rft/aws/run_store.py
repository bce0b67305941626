"""The runs, in one DynamoDB table.

Items share the partition ``RUN#<run_id>``: the run itself (sort key ``RUN``) and one item for each thing that
happened (``EVENT#<time>#<random>``), which is only ever appended. The idempotency keys of the API are items of their
own. Indexes (``all-runs``, ``by-status``, ``by-model``) hold runs only, newest last.

Every change of a status is one transaction with its event, on condition that the status may move there: a late or
repeated event can't take a run back or end it twice.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import secrets
import time
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from rft.aws.clients import error_code
from rft.aws.clock import now
from rft.errors import RequestConflict, RequestInvalid, RequestProblem, RunNotFound
from rft.run.identity import MAX_RUN_ID
from rft.run.record import Run
from rft.run.status import Status, may_precede

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Json = dict[str, Any]
_BAD_TOKEN = RequestProblem("next_token", "must be the next_token of an earlier answer to the same question, unchanged")
_CONFLICT_PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds, at most
_to_item = TypeSerializer().serialize
_from_item = TypeDeserializer().deserialize


class Move(Enum):
    """What became of an attempt to change a status."""

    DONE = auto()
    ALREADY_THERE = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Json]
    next_token: str | None


class RunStore:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    # -- one run ------------------------------------------------------------------------------------------------

    def create(self, run: Run) -> bool:
        """False if the run exists already: whoever asked for it asked twice."""
        item = run.to_json() | {"pk": _pk(run.run_id), "sk": "RUN", "entity": "run"}
        event = self._event(run.run_id, "status", {"status": run.status, "previous": None}, run.created_at)
        put: TransactWriteItemTypeDef = {
            "Put": {"TableName": self._table, "Item": _item(item), "ConditionExpression": "attribute_not_exists(pk)"}
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
        ends = {f":end{n}": {"S": s.value} for n, s in enumerate(s for s in Status if s.is_terminal)}
        attributes["updated_at"] = at = now()
        writes = [
            self._update(run_id, attributes, f"attribute_exists(pk) AND NOT #status IN ({', '.join(ends)})", ends)
        ]
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

    # -- the wait for the job -----------------------------------------------------------------------------------

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

    # -- the message at the end --------------------------------------------------------------------------------

    def claim_message(self, run_id: str, *, at: str, stale_before: str) -> bool:
        """Whether the caller is to send the run's message: nobody has, and nobody is at it since ``stale_before``."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(run_id),
                UpdateExpression="SET notifying_at = :at",
                ConditionExpression="(attribute_not_exists(notified_at) OR attribute_type(notified_at, :null)) AND "
                "(attribute_not_exists(notifying_at) OR notifying_at < :stale)",
                ExpressionAttributeValues=_item({":at": at, ":stale": stale_before, ":null": "NULL"}),
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def release_message(self, run_id: str) -> None:
        """The claim's owner could not send: the next may try at once."""
        self._client.update_item(TableName=self._table, Key=_key(run_id), UpdateExpression="REMOVE notifying_at")

    # -- lists --------------------------------------------------------------------------------------------------

    def runs(self, *, model: str | None, status: Status | None, limit: int, token: str | None) -> Page:
        """Runs, newest first."""
        if model is not None:
            index, name, value = "by-model", "model", model
        elif status is not None:
            index, name, value = "by-status", "status", status.value
        else:
            index, name, value = "all-runs", "entity", "run"
        matches = {"status": status.value} if model is not None and status is not None else {}
        return self._query(index=index, key={name: value}, matches=matches, limit=limit, token=token, newest_first=True)

    def events(self, run_id: str, *, limit: int, token: str | None) -> Page:
        """What happened to a run, oldest first: ``{"at", "type", "detail"}``."""
        self._read(run_id)
        page = self._query(
            index=None,
            key={"pk": _pk(run_id)},
            prefix="EVENT#",
            matches={},
            limit=limit,
            token=token,
            newest_first=False,
        )
        return Page([{key: item[key] for key in ("at", "type", "detail")} for item in page.items], page.next_token)

    # -- idempotency keys ---------------------------------------------------------------------------------------

    def claim_key(self, key_hash: str, run_id: str, request_hash: str) -> str:
        """The id of the run that an Idempotency-Key stands for. Another request under the same key is a conflict."""
        item = {"pk": f"KEY#{key_hash}", "sk": "KEY", "run_id": run_id, "request_hash": request_hash}
        try:
            self._client.put_item(
                TableName=self._table, Item=_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
        else:
            return run_id
        key = _item({"pk": item["pk"], "sk": "KEY"})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        stored = _document(answer["Item"])
        if stored["request_hash"] != request_hash:
            raise RequestConflict(
                f"this Idempotency-Key was used for run {stored['run_id']} with another request; take a new key"
            )
        return str(stored["run_id"])

    # -- below --------------------------------------------------------------------------------------------------

    def _read(self, run_id: str) -> Json:
        if len(run_id) > MAX_RUN_ID:
            raise RunNotFound("there is no run of so long a name")
        answer = self._client.get_item(TableName=self._table, Key=_key(run_id), ConsistentRead=True)
        if "Item" not in answer:
            raise RunNotFound(f"there is no run {run_id}")
        return _document(answer["Item"])

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
                "ExpressionAttributeValues": _item({f":{k}": v for k, v in attributes.items()}) | dict(values),
            }
        }

    def _event(self, run_id: str, event: str, detail: Json, at: str) -> TransactWriteItemTypeDef:
        sk = f"EVENT#{at}#{secrets.token_hex(3)}"
        item = {"pk": _pk(run_id), "sk": sk, "at": at, "type": event, "detail": detail}
        return {"Put": {"TableName": self._table, "Item": _item(item)}}

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

    def _query(
        self,
        *,
        index: str | None,
        key: dict[str, str],
        matches: dict[str, str],
        limit: int,
        token: str | None,
        newest_first: bool,
        prefix: str | None = None,
    ) -> Page:
        names = {f"#{name}": name for name in key | matches}
        values = {f":{name}": value for name, value in (key | matches).items()}
        condition = " AND ".join(f"#{name} = :{name}" for name in key)
        if prefix is not None:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = prefix
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": _item(values),
            "ScanIndexForward": not newest_first,
        }
        if index is not None:
            query["IndexName"] = index
        if matches:
            query["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in matches)
        listing = "/".join([index or "", *(f"{k}={v}" for k, v in (key | matches).items())])
        start: Json = {"ExclusiveStartKey": _from_token(token, listing)} if token else {}
        items: list[Json] = []
        while len(items) < limit:
            # A filter applies after the limit, so ask on until the page is full.
            answer = self._page(query | {"Limit": limit - len(items)} | start)
            items += [_document(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                return Page(items, None)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return Page(items, _to_token(start["ExclusiveStartKey"], listing))

    def _page(self, query: Json) -> Any:
        try:
            return self._client.query(**query)
        except ClientError as error:
            # All of the query is ours but for the start, which came in a token.
            if "ExclusiveStartKey" in query and error_code(error) == "ValidationException":
                raise RequestInvalid([_BAD_TOKEN]) from None
            raise


def _pk(run_id: str) -> str:
    return f"RUN#{run_id}"


def _key(run_id: str) -> Json:
    return _item({"pk": _pk(run_id), "sk": "RUN"})


def _item(document: Mapping[str, Any]) -> Json:
    return {name: _to_item(_decimals(value)) for name, value in document.items()}


def _decimals(value: Any) -> Any:
    """DynamoDB takes no floats."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _decimals(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_decimals(inner) for inner in value]
    return str(value) if isinstance(value, Status) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return value


def _document(item: Mapping[str, Any]) -> Json:
    return {name: _numbers(_from_item(value)) for name, value in item.items()}


def _to_token(key: Mapping[str, Any], listing: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([listing, key]).encode()).decode()


def _from_token(token: str, listing: str) -> Json:
    try:
        made_for, key = json.loads(base64.urlsafe_b64decode(token.encode()))
        if made_for == listing and key and all(set(value) == {"S"} for value in key.values()):
            return dict(key)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        pass
    raise RequestInvalid([_BAD_TOKEN])
