"""AssembleLogs: one dataset of what all batches gave, and an account of what became of every record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger

from rft.aws import objects
from rft.aws.clients import client
from rft.aws.objects import ObjectWriter, PinnedObject
from rft.dataset.lines import split_lines
from rft.errors import DatasetInvalid, LogsDamaged, LogsInconsistent
from rft.invocation_logs import MAX_SHARD_LINE_BYTES, ConversionCounts, assemble
from rft.run.log_source import MIN_PROMPTS, LogSource
from rft.run.record import Run
from rft.steps.logs.log_files import (
    conversion_key,
    counts_key,
    listing_key,
    log_source,
    shard_key,
    source_key,
)
from rft.steps.logs.log_reading import THREADS
from rft.steps.pipeline import Pipeline

_MAX_LISTED = 1_000
_ANEW = "start the run anew"

Json = dict[str, Any]
logger = Logger()


def assemble_logs(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``LogsDamaged`` where too many records failed, ``DatasetInvalid`` where too few prompts are left, and
    ``LogsInconsistent`` where the prompts aren't those that were counted.

    The shards are read twice, once to choose and once to copy, so memory holds the choice and no prompts.
    """
    run = pipeline.store.get(run_id)
    pipeline.must_go_on(run)
    source = log_source(run)
    listing = _read(pipeline, listing_key(run))
    counts, prompts, details = _add_up(pipeline, run, listing["batches"])
    assembly = assemble(_Shards(pipeline, run, prompts), source.max_prompts)
    assembly.settle(counts)
    if assembly.chosen != counts.converted:
        raise LogsInconsistent(f"{assembly.chosen:,} prompts were chosen and {counts.converted:,} counted; {_ANEW}")
    summary = {"objects": listing["objects"]} | counts.to_json()
    summary["report_uri"] = _put_report(pipeline, run, source, summary | details)
    pipeline.store.record(run_id, "logs_converted", counts.to_json(), conversion=summary)
    logger.info("logs converted", extra={"counts": counts.to_json()})
    _must_be_enough(counts, source)
    with ObjectWriter(client("s3"), pipeline.environment.bucket, source_key(run), "application/jsonl") as dataset:
        for line in assembly.lines():
            dataset.write(line)
    return {"run_id": run_id}


class _Shards:
    """Opens the shards anew at each call; those of the second reading have to be those of the first.

    ``prompts``: how many lines the shard of each batch has by its counts. A batch that is converted twice at a time
    (a function that ran on while it was tried again) may replace the one but not yet the other.
    """

    def __init__(self, pipeline: Pipeline, run: Run, prompts: list[int]) -> None:
        s3, bucket = client("s3"), pipeline.environment.bucket
        self._prompts = prompts
        uris = [f"s3://{bucket}/{shard_key(run, batch)}" for batch in range(len(prompts))]
        with ThreadPoolExecutor(THREADS) as pool:
            self._pinned = list(pool.map(lambda uri: objects.pin(s3, uri, None), uris))

    def __call__(self) -> Iterator[Iterable[bytes]]:
        return (self._lines(batch, shard) for batch, shard in enumerate(self._pinned))

    def _lines(self, batch: int, shard: PinnedObject) -> Iterator[bytes]:
        found = 0
        for line in split_lines(objects.chunks(client("s3"), shard), max_bytes=MAX_SHARD_LINE_BYTES):
            if line.data is None:
                raise ValueError(f"line {line.number} of {shard.uri} is longer than a shard's can be")
            found = line.number
            yield line.data
        if found != self._prompts[batch]:
            raise LogsInconsistent(
                f"the shard of batch {batch} has {found:,} prompts and {self._prompts[batch]:,} were counted: "
                f"it was converted again meanwhile; {_ANEW}"
            )


def _add_up(pipeline: Pipeline, run: Run, batches: int) -> tuple[ConversionCounts, list[int], Json]:
    """All counts together, how many prompts each batch gave, and the details of the report."""
    counts = ConversionCounts()
    prompts: list[int] = []
    problems: list[Json] = []
    redacted: Counter[str] = Counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for report in pool.map(lambda batch: _read(pipeline, counts_key(run, batch)), range(batches)):
            of_batch = ConversionCounts.from_json(report["counts"])
            counts.merge(of_batch)
            prompts.append(of_batch.converted)
            problems += report["problems"][: _MAX_LISTED - len(problems)]
            redacted.update(report["redacted"])
    return counts, prompts, {"redacted": dict(redacted), "problems": problems}


def _read(pipeline: Pipeline, key: str) -> Json:
    document: Json = json.loads(objects.read(client("s3"), pipeline.environment.bucket, key))
    return document


def _put_report(pipeline: Pipeline, run: Run, source: LogSource, content: Json) -> str:
    report = {"run_id": run.run_id, "source": source.s3_uri} | content
    body = json.dumps(report, indent=2, ensure_ascii=True).encode()
    return objects.put(client("s3"), pipeline.environment.bucket, conversion_key(run), body, "application/json")


def _must_be_enough(counts: ConversionCounts, source: LogSource) -> None:
    share = counts.failed_share
    if share.value > source.max_failed_share:
        raise LogsDamaged(f"{share}; at most {source.max_failed_share:.1%} may fail (max_failed_share)")
    if counts.converted < MIN_PROMPTS:
        left_out = _in_words(counts.skipped + counts.failed)
        raise DatasetInvalid(
            f"{counts.records:,} log records gave {counts.converted:,} training prompts; Bedrock wants at least "
            f"{MIN_PROMPTS}. Left out: {left_out or 'none'}"
        )


def _in_words(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
