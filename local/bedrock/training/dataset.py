"""The job's records, read from S3 and checked as the service checks them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.bedrock.training.access import bucket_and_key
from local.bedrock.training.failure import JobFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.bedrock.training.access import Role

type DatasetRecord = dict[str, Any]

FEWEST, MOST = 100, 20_000  # prompts of a training set (user guide, rft-prepare-data)
_SHOWN = 5  # faulty lines that a failure message names


def read(role: Role, uris: Sequence[str], *, name: str, fewest: int) -> list[DatasetRecord]:
    """All records of the JSONL objects. Raises ``JobFailed`` with the first faulty lines, or if there are too few."""
    s3 = role.client("s3", read_timeout=60)
    records: list[DatasetRecord] = []
    faults: list[str] = []
    for uri in uris:
        bucket, key = bucket_and_key(uri)
        with role.doing("s3:GetObject", uri):
            lines = s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(chunk_size=65_536)
            collect(lines, uri, records, faults)
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise JobFailed(f"The {name} data is not valid: {'; '.join(faults[:_SHOWN])}{more}.")
    if not fewest <= len(records) <= MOST:
        raise JobFailed(f"The {name} data has {len(records)} records; from {fewest} to {MOST} are allowed.")
    return records


def collect(lines: Iterable[bytes], uri: str, records: list[DatasetRecord], faults: list[str]) -> None:
    """Add the good lines of an object to ``records``, and what is wrong with the others to ``faults``."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            faults.append(f"{uri} line {number}: not JSON")
            continue
        if problem := _problem(record):
            faults.append(f"{uri} line {number}: {problem}")
        else:
            records.append(record)


def _problem(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "not an object"
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages must be a list of messages"
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return "every message needs a role"
        if message["role"] != "assistant" and not message.get("content"):
            return "every message needs content"
    if all(message["role"] != "user" for message in messages):
        return "there must be a message of the user"
    return None


def tokens(messages: Sequence[dict[str, Any]]) -> int:
    """An estimate of a prompt's length: one token for every four characters of its messages, rounded up."""
    characters = sum(_characters(message.get("content")) for message in messages)
    return -(-characters // 4)


def _characters(content: Any) -> int:
    match content:
        case str():
            return len(content)
        case list():
            return sum(len(block["text"]) for block in content if isinstance(block, dict) and "text" in block)
        case _:
            return 0
