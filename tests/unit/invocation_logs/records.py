"""Log records as Bedrock writes them, for tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any

import orjson

from rft.invocation_logs import BodyUnavailable, Candidate, LogConversion, LogOptions

Json = dict[str, Any]
HELLO: Json = {"output": {"message": {"role": "assistant", "content": [{"text": "Hello!"}]}}, "stopReason": "end_turn"}


def converse(text: str = "Hi", **more: Any) -> Json:
    return {"messages": [{"role": "user", "content": [{"text": text}]}], **more}


def log_record(
    body: Any = None, answer: Any = HELLO, *, operation: str = "Converse", number: int = 1, **more: Any
) -> Json:
    record: Json = {
        "timestamp": f"2026-01-01T00:00:{number % 60:02}Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:iam::123456789012:role/app"},
        "region": "us-east-1",
        "requestId": f"request-{number}",
        "operation": operation,
        "modelId": "amazon.nova-lite-v1:0",
        "input": {"inputContentType": "application/json", "inputBodyJson": converse() if body is None else body},
        "output": {"outputContentType": "application/json", "outputBodyJson": answer},
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }
    return record | more


def lines_of(records: Iterable[Json | bytes]) -> bytes:
    return b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records)


def log_object(*records: Json | bytes) -> bytes:
    return gzip.compress(lines_of(records), 1)


class Bodies(dict[str, bytes]):
    """Offloaded bodies by their path."""

    def __call__(self, path: str) -> bytes:
        if path not in self:
            raise BodyUnavailable("not there")
        return self[path]


def converted(
    *records: Json | bytes, bodies: dict[str, bytes] | None = None, **options: Any
) -> tuple[LogConversion, list[Candidate]]:
    conversion = LogConversion(LogOptions(**options), Bodies(bodies or {}))
    candidates = list(conversion.convert("logs/a.json.gz", [log_object(*records)]))
    assert adds_up(conversion)
    return conversion, candidates


def adds_up(conversion: LogConversion) -> bool:
    counts = conversion.counts
    return counts.records == counts.converted + counts.skipped.total() + counts.failed.total()


def only_line(*records: Json | bytes, **options: Any) -> Json:
    """The one record that is made."""
    conversion, candidates = converted(*records, **options)
    assert len(candidates) == 1, conversion.counts
    line: Json = orjson.loads(candidates[0].line)
    return line


def only_reason(record: Json | bytes, **options: Any) -> str:
    """Why the one record is left out, with ``failed/`` or ``skipped/`` before it."""
    conversion, candidates = converted(record, **options)
    assert not candidates
    assert conversion.counts.records == 1
    found = [f"skipped/{reason}" for reason in conversion.counts.skipped.elements()]
    found += [f"failed/{reason}" for reason in conversion.counts.failed.elements()]
    return found[0]
