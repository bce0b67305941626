"""OpenAI's grader JSON of a request, as an object of its own: what every training record carries leads there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.run.identity import grader_key
from rft.run.record import Run
from rft.steps.pipeline import Pipeline


def declared_grader(pipeline: Pipeline, run: Run) -> dict[str, str]:
    """The fields of a record's ``rft`` that lead the grader to its JSON; none for a run with another grader."""
    declared = (run.request.get("grader") or {}).get("openai")
    return {} if declared is None else put_grader(pipeline, run.run_id, declared)


def put_grader(
    pipeline: Pipeline, run_id: str, declared: dict[str, Any], *, key: str | None = None, tagging: str = ""
) -> dict[str, str]:
    """Under ``key``, else where the grader of a run's training lies. The hash makes sure that what grades at the end is
    what was written at the beginning."""
    body = _body(declared)
    key = key or grader_key(run_id)
    objects.put(client("s3"), pipeline.environment.bucket, key, body, "application/json", tagging=tagging)
    return _lead(key, body)


def lead_to_grader(run: Run) -> dict[str, str]:
    """What ``declared_grader`` gave when the run's data was prepared; nothing is written."""
    declared = (run.request.get("grader") or {}).get("openai")
    return {} if declared is None else _lead(grader_key(run.run_id), _body(declared))


def _body(declared: dict[str, Any]) -> bytes:
    return json.dumps(declared, sort_keys=True).encode()


def _lead(key: str, body: bytes) -> dict[str, str]:
    return {"grader_key": key, "grader_sha256": hashlib.sha256(body).hexdigest()}
