"""ListLogs: find the log objects of a run, and put them into batches for the state machine's map."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.errors import DatasetInvalid, LogsMissing
from rft.invocation_logs import ObjectKind, object_kind
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.logs.log_files import batch_key, listing_key, log_source, manifest_key
from rft.steps.pipeline import Pipeline

BATCH_OBJECTS = 200
BATCH_BYTES = 64 * 1024 * 1024  # a larger object is a batch of its own
# What AssembleLogs can read twice in its time, with room: of 16 GB of logs some 30 GB of prompts may be left.
MAX_OBJECTS = 500_000
MAX_BYTES = 16_000_000_000
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "NoSuchBucket", "403"})
_JSON = "application/json"

Batch = list[dict[str, Any]]
logger = Logger()


def list_logs(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Leaves the batches and their manifest. Raises ``LogsMissing`` where there is nothing to convert.

    Each object is listed with its ETag: what is written under the prefix later is not part of the run.
    """
    run = pipeline.begin(run_id, Status.CONVERTING)
    source = log_source(run)
    kinds: Counter[str] = Counter()
    batches = _write_batches(pipeline, run, _logs(source.s3_uri, kinds))
    found = {kind.value: kinds[kind.value] for kind in ObjectKind}
    listing = {"prefix": source.s3_uri, "objects": found, "batches": batches}
    _put(pipeline, listing_key(run), listing)
    if not batches:
        raise LogsMissing(f"there are no invocation logs under {source.s3_uri}: {_in_words(found)}")
    _put(pipeline, manifest_key(run), [{"run_id": run_id, "batch": batch} for batch in range(batches)])
    logger.info("logs listed", extra={"objects": found, "batches": batches})
    pipeline.store.record(run_id, "logs_listed", found | {"batches": batches}, conversion={"objects": found})
    return {"run_id": run_id}


def _logs(uri: str, kinds: Counter[str]) -> Iterator[objects.PinnedObject]:
    """The log objects below ``uri``; every object is counted by its kind."""
    size = 0
    try:
        for found in objects.listed(client("s3"), uri):
            kind = object_kind(found.key, found.size)
            kinds[kind.value] += 1
            if kind is ObjectKind.LOG:
                size += found.size
                if kinds[kind.value] > MAX_OBJECTS or size > MAX_BYTES:
                    raise DatasetInvalid(
                        f"there are more than {MAX_OBJECTS:,} log objects or {MAX_BYTES / 1e9:.0f} GB under {uri}: "
                        "name a narrower prefix, a month or a day"
                    )
                yield found
    except ClientError as error:
        if error_code(error) not in _DENIED:
            raise
        raise LogsMissing(
            f"{uri} can't be listed ({error_code(error)}): see that the bucket is there and that its policy does not "
            "deny this stack's roles"
        ) from None


def _batches(logs: Iterable[objects.PinnedObject]) -> Iterator[Batch]:
    """Neighbours together, so that a batch is a time of day; the same listing gives the same batches."""
    batch: Batch = []
    size = 0
    for log in logs:
        if batch and (len(batch) == BATCH_OBJECTS or size + log.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"key": log.key, "size": log.size, "etag": log.etag})
        size += log.size
    if batch:
        yield batch


def _write_batches(pipeline: Pipeline, run: Run, logs: Iterable[objects.PinnedObject]) -> int:
    written = 0
    for batch in _batches(logs):
        _put(pipeline, batch_key(run, written), {"objects": batch})
        written += 1
    return written


def _put(pipeline: Pipeline, key: str, document: Any) -> None:
    objects.put(client("s3"), pipeline.environment.bucket, key, json.dumps(document).encode(), _JSON)


def _in_words(found: dict[str, int]) -> str:
    there = [f"{count:,} of kind {kind}" for kind, count in found.items() if count]
    objects_there = "it has " + ", ".join(there) if there else "it is empty"
    return f"{objects_there}; Bedrock writes them to [prefix/]AWSLogs/<account>/BedrockModelInvocationLogs/<region>/"
