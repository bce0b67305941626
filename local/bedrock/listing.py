"""Filters, order and pages, which all of Bedrock's List operations share."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from local.bedrock.protocol.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from local.bedrock.records import Record

_PAGE = 100  # where the caller names no maxResults


def page[R: Record](
    records: Sequence[R], given: dict[str, Any], *, after: str = "creationTimeAfter", before: str = "creationTimeBefore"
) -> tuple[list[R], str | None]:
    """The page that ``given`` (a List operation's parameters) asks for, newest first, and the next page's token."""
    newest_first = given.get("sortOrder", "Descending") == "Descending"
    found = [record for record in records if _wanted(record, given, given.get(after), given.get(before))]
    found.sort(key=_place, reverse=newest_first)
    if token := given.get("nextToken"):
        last = _read(token)
        found = [record for record in found if (_place(record) < last if newest_first else _place(record) > last)]
    size = given.get("maxResults", _PAGE)
    more = len(found) > size
    return found[:size], _token(found[size - 1]) if more else None


def _wanted(record: Record, given: dict[str, Any], after: datetime | None, before: datetime | None) -> bool:
    return (
        given.get("nameContains", "") in record.name
        and (after is None or record.created > after)
        and (before is None or record.created < before)
    )


def _place(record: Record) -> tuple[str, str]:
    return record.created.isoformat(timespec="microseconds"), record.arn


def _token(record: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps(_place(record)).encode()).decode()


def _read(token: str) -> tuple[str, str]:
    try:
        match json.loads(base64.urlsafe_b64decode(token)):
            case [str() as created, str() as arn]:
                return created, arn
    except (ValueError, binascii.Error):
        pass
    raise InvalidError("The nextToken is not one that this operation gave out.")
