"""Where the conversion of invocation logs keeps its files: below ``runs/<run_id>/dataset/``."""

from __future__ import annotations

from typing import Any

from rft.errors import LogsMissing
from rft.run.log_source import LogSource
from rft.run.record import Run

Json = dict[str, Any]


def log_source(run: Run) -> LogSource:
    """The logs that a run converts."""
    source = LogSource.of(run.request)
    if source is None or source.native:
        raise LogsMissing(f"the request of run {run.run_id} names no invocation logs to convert")
    return source


def source_key(run: Run) -> str:
    """The dataset that was made of the logs."""
    return f"{run.folder}dataset/source.jsonl"


def conversion_key(run: Run) -> str:
    """What became of every record."""
    return f"{run.folder}dataset/conversion.json"


def manifest_key(run: Run) -> str:
    """A JSON array with one item for each batch: what the state machine's map reads."""
    return f"{run.folder}dataset/logs/manifest.json"


def listing_key(run: Run) -> str:
    """What the listing found, by kind."""
    return f"{run.folder}dataset/logs/listing.json"


def batch_key(run: Run, batch: int) -> str:
    """The log objects of a batch: ``{"key", "size", "etag"}`` each."""
    return f"{run.folder}dataset/logs/batch-{batch:05d}.json"


def shard_key(run: Run, batch: int) -> str:
    """The prompts that a batch gave."""
    return f"{run.folder}dataset/logs/shard-{batch:05d}.jsonl"


def counts_key(run: Run, batch: int) -> str:
    """What became of the records of a batch."""
    return f"{run.folder}dataset/logs/shard-{batch:05d}.json"
