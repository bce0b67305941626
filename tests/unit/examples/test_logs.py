"""The log example: what its ledger says is what the conversion finds, and what is committed is what it makes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rft.invocation_logs import (
    BodyUnavailable,
    LogConversion,
    LogOptions,
    MetadataFilter,
    ObjectKind,
    Redactor,
    assemble,
    object_kind,
    write_shard_line,
)
from rft.run.log_source import LogSource
from rft.run.request import Stack, parse_request
from tests.contract.logs import EXAMPLE, make_logs

COMMITTED = {"objects": 44, "damaged": 4}


def committed() -> dict[str, bytes]:
    folder = EXAMPLE / "logs"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def converted(objects: dict[str, bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    def load(uri: str) -> bytes:
        key = uri.removeprefix("s3://example-invocation-logs/")
        if key not in objects:
            raise BodyUnavailable("not there")
        return objects[key]

    options = LogOptions(MetadataFilter.parse({"equals": {"project": "triage"}}), True, Redactor.parse(["email"]))
    conversion = LogConversion(options, load)
    logs = [key for key, data in sorted(objects.items()) if object_kind(key, len(data)) is ObjectKind.LOG]
    shard = [write_shard_line(found) for key in logs for found in conversion.convert(key, (objects[key],))]
    chosen = assemble(lambda: [shard], 20_000)
    chosen.settle(conversion.counts)
    return conversion.counts.to_json(), [json.loads(line) for line in chosen.lines()]


@pytest.mark.parametrize(
    "options", [COMMITTED, {"objects": 220, "damaged": 22}, {"objects": 5, "damaged": 5}, {"objects": 1, "damaged": 0}]
)
def test_the_ledger_says_what_becomes_of_every_record(options: dict[str, int]) -> None:
    made = make_logs(**options)
    counts, records = converted(made.objects)
    told = made.ledger.to_json()
    assert told.pop("objects")["log"] == options["objects"]
    assert counts == told
    assert {record["id"]: record["messages"] for record in records} == made.ledger.prompts


def test_the_committed_logs_are_those_the_generator_writes() -> None:
    made = make_logs(**COMMITTED).objects
    there = committed()
    assert there.keys() == made.keys()
    for key, data in made.items():
        # Another zlib may pack the same bytes in another way.
        assert _unpacked(there[key]) == _unpacked(data), key
    assert len(there) <= 60
    assert sum(map(len, there.values())) <= 500_000


def _unpacked(data: bytes) -> bytes | None:
    """None for what is damaged."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError):
        return None


def test_the_same_options_make_the_same_logs_and_another_seed_others() -> None:
    assert make_logs(**COMMITTED).objects == make_logs(**COMMITTED).objects
    assert make_logs(**COMMITTED, seed=1).objects != make_logs(**COMMITTED).objects


def test_the_request_asks_for_what_the_ledger_counts() -> None:
    document = json.loads((EXAMPLE / "run.json").read_text())
    stack = Stack("data", "us-east-1", "m", "format-validation", {"format-validation": "arn"})
    request = parse_request(document, stack, folder="inbox/triage-logs/").to_json()
    source = LogSource.of(request)
    assert source is not None
    assert source.metadata_filter == {"equals": {"project": "triage"}}
    assert (source.use_prompt_response, source.redact) == (True, ("email",))
    assert (Path(EXAMPLE) / "logs").is_dir()
