"""ConvertLogs: one batch of log objects, made into a shard of training prompts and its counts.

Done again it writes the same files again, so a retry changes nothing.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
from aws_lambda_powertools import Logger

from rft.aws import objects
from rft.aws.clients import client
from rft.aws.objects import ObjectWriter, PinnedObject
from rft.invocation_logs import (
    Candidate,
    LogConversion,
    LogOptions,
    LogProblem,
    MetadataFilter,
    Redactor,
    write_shard_line,
)
from rft.run.log_source import LogSource
from rft.run.record import Run
from rft.steps.batch_faults import RETRIED, noted
from rft.steps.dataset.dataset_limits import limits_of_run
from rft.steps.logs.log_bodies import Bodies
from rft.steps.logs.log_files import batch_key, counts_key, log_source, shard_key
from rft.steps.logs.log_reading import CHANGED, read_ahead
from rft.steps.pipeline import Pipeline

# A logged answer that the run's grader can't compare with: in a dataset an error, for logs are nobody's to correct.
UNUSABLE = "reference-unusable"
_MAX_LISTED = 100
logger = Logger()


def convert_logs(pipeline: Pipeline, run_id: str, batch: int) -> dict[str, Any]:
    """Raises ``DatasetMissing`` for an object that isn't ours to read.

    What failed is put on record (``rft.steps.batch_faults``).
    """
    run = pipeline.store.get(run_id)
    pipeline.must_go_on(run)
    with noted(pipeline, run_id, batch, of="logs", retried=RETRIED):
        _convert(pipeline, run, batch)
    return {"run_id": run_id, "batch": batch}


def log_options(source: LogSource) -> LogOptions:
    return LogOptions(
        metadata_filter=MetadataFilter.parse(source.metadata_filter) if source.metadata_filter else None,
        use_prompt_response=source.use_prompt_response,
        redactor=Redactor.parse(source.redact) if source.redact else None,
        seed=source.seed,
    )


def _convert(pipeline: Pipeline, run: Run, batch: int) -> None:
    s3, bucket = client("s3"), pipeline.environment.bucket
    source = log_source(run)
    log_bucket, _ = objects.split_uri(source.s3_uri)
    options = log_options(source)
    listed = json.loads(objects.read(s3, bucket, batch_key(run, batch)))["objects"]
    sources = [PinnedObject(log_bucket, entry["key"], None, entry["etag"], entry["size"]) for entry in listed]
    flaw_of = limits_of_run(run).reference_flaw if source.use_prompt_response else None
    with (
        Bodies(source.s3_uri, options) as bodies,
        ObjectWriter(
            s3, bucket, shard_key(run, batch), "application/octet-stream", tagging=objects.INTERMEDIATE
        ) as shard,
    ):
        conversion = LogConversion(options, bodies)
        for log in read_ahead(sources):
            if log.chunks is None:
                _count_changed(conversion, log.source.key)
                continue
            for candidate in conversion.convert(log.source.key, bodies.begin(log)):
                if flaw_of is not None and flaw_of(_reference(candidate)) is not None:
                    conversion.counts.converted -= 1
                    conversion.counts.skipped[UNUSABLE] += 1
                else:
                    shard.write(write_shard_line(candidate))
    report = {
        "batch": batch,
        "objects": len(sources),
        "counts": conversion.counts.to_json(),
        "problems": [problem.to_json() for problem in conversion.problems],
        "redacted": dict(options.redactor.counts) if options.redactor else {},
    }
    # Last: where the counts are, the shard is whole.
    objects.put(s3, bucket, counts_key(run, batch), json.dumps(report).encode(), "application/json")
    logger.info("batch converted", extra={"objects": len(sources), "counts": report["counts"]})


def _reference(candidate: Candidate) -> str:
    """The last field of its line. In the text of an answer its name can't stand like this: there quotes are escaped."""
    reference: str = orjson.loads(candidate.line.rpartition(b',"reference_answer":')[2][:-1])
    return reference


def _count_changed(conversion: LogConversion, key: str) -> None:
    """Bedrock never writes a log object twice, so one that changed is somebody's doing: its records are unknown, and it
    counts as one that failed."""
    conversion.counts.records += 1
    conversion.counts.failed[CHANGED] += 1
    if len(conversion.problems) < _MAX_LISTED:
        conversion.problems.append(LogProblem(key, 0, CHANGED))
