"""Items of the run table as Python documents, and the tokens of its pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from rft.aws.clients import error_code
from rft.errors import RequestInvalid, RequestProblem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]
_BAD_TOKEN = RequestProblem("next_token", "must be the next_token of an earlier answer to the same question, unchanged")
_AT_A_TIME = 500  # items that a query with a prefix looks at; DynamoDB stops at a megabyte before that
_to_item = TypeSerializer().serialize
_from_item = TypeDeserializer().deserialize


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Json]
    next_token: str | None


def to_item(document: Mapping[str, Any]) -> Json:
    return {name: _to_item(_decimals(value)) for name, value in document.items()}


def from_item(item: Mapping[str, Any]) -> Json:
    return {name: _numbers(_from_item(value)) for name, value in item.items()}


def _decimals(value: Any) -> Any:
    """DynamoDB takes no floats."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _decimals(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_decimals(inner) for inner in value]
    return str(value) if isinstance(value, StrEnum) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return value


def query(
    client: DynamoDBClient,
    table: str,
    *,
    key: dict[str, str],
    index: str | None = None,
    prefix: str | None = None,
    matches: dict[str, str] | None = None,
    begins: dict[str, str] | None = None,
    limit: int,
    token: str | None,
    newest_first: bool = False,
) -> Page:
    """At most ``limit`` of the items with ``key`` (and a sort key that begins with ``prefix``) that ``matches``.

    With ``begins`` only those with attributes that begin so. Then the page tells nothing of the others: there is a
    token only where one more of them follows, and it names the last item of the page, never one that was passed over.
    """
    matches, begins = matches or {}, begins or {}
    asked_for = key | matches | begins
    names = {f"#{name}": name for name in asked_for}
    values = {f":{name}": value for name, value in asked_for.items()}
    condition = " AND ".join(f"#{name} = :{name}" for name in key)
    if prefix is not None:
        condition += " AND begins_with(sk, :prefix)"
        values[":prefix"] = prefix
    asked: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": not newest_first,
    }
    if index is not None:
        asked["IndexName"] = index
    filters = [f"#{name} = :{name}" for name in matches] + [f"begins_with(#{name}, :{name})" for name in begins]
    if filters:
        asked["FilterExpression"] = " AND ".join(filters)
    listing = "/".join([index or "", *(f"{k}={v}" for k, v in (key | matches).items())])
    listing += "".join(f"/{k}^={v}" for k, v in begins.items())
    start: Json = {"ExclusiveStartKey": _from_token(token, listing)} if token else {}
    if begins:
        at = ("pk", "sk") if index is None else ("pk", "sk", *key, "created_at")
        return _page_of_few(client, asked | start, limit, listing, at)
    items: list[Json] = []
    while len(items) < limit:
        # A filter applies after the limit, so ask on until the page is full.
        answer = _page(client, asked | {"Limit": limit - len(items)} | start)
        items += [from_item(item) for item in answer["Items"]]
        if not answer.get("LastEvaluatedKey"):
            return Page(items, None)
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return Page(items, _to_token(start["ExclusiveStartKey"], listing))


def _page_of_few(client: DynamoDBClient, asked: Json, limit: int, listing: str, at: Sequence[str]) -> Page:
    """One item more than is given, to know whether there is one. Where the first look doesn't find so many, most of
    what is there is somebody else's, so much is looked at from then on."""
    found: list[Json] = []
    look_at = limit + 1
    while len(found) <= limit:
        answer = _page(client, asked | {"Limit": look_at})
        found += answer["Items"]
        if not answer.get("LastEvaluatedKey"):
            break
        asked |= {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        look_at = _AT_A_TIME
    last = {name: found[limit - 1][name] for name in at} if len(found) > limit else None
    return Page([from_item(item) for item in found[:limit]], _to_token(last, listing) if last else None)


def _page(client: DynamoDBClient, asked: Json) -> Any:
    try:
        return client.query(**asked)
    except ClientError as error:
        # All of the query is ours but for the start, which came in a token.
        if "ExclusiveStartKey" in asked and error_code(error) == "ValidationException":
            raise RequestInvalid([_BAD_TOKEN]) from None
        raise


def _to_token(key: Mapping[str, Any], listing: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([listing, key]).encode()).decode()


def _from_token(token: str, listing: str) -> Json:
    """The key at which the next page begins. Raises ``RequestInvalid`` for a token of another listing, or of none."""
    try:
        made_for, key = json.loads(base64.urlsafe_b64decode(token.encode()))
        if made_for == listing and key and all(set(value) == {"S"} for value in key.values()):
            return dict(key)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        pass
    raise RequestInvalid([_BAD_TOKEN])
