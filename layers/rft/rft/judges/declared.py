"""Grading by the OpenAI grader JSON of a run.

The pipeline writes a request's grader JSON to ``runs/<run_id>/grader.json`` in the data bucket, and into each training
record, beside the run's id, where it lies and what its SHA-256 is; both come back in a sample's metadata::

    "rft": {"run_id": "...", "model": "...", "grader_key": "runs/<run_id>/grader.json", "grader_sha256": "<64 hex>"}

A grader that only compares lies beside it, in ``runs/<run_id>/comparison/grader.json``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.grading.errors import BadSample, SystemicFault
from rft.grading.judging.question import Judge
from rft.grading.openai import GraderJsonInvalid, OpenAIGrader, parse_grader
from rft.grading.openai.problems import OTHER
from rft.grading.sample import Sample
from rft.grading.score import Score
from rft.run.identity import RUN_ID_PATTERN, grader_key, held_out_grader_key

MAX_GRADERS = 8
"""Graders that a process keeps: one for each run that trains at the same time."""

_RUN_ID = re.compile(RUN_ID_PATTERN)
_SHA256 = re.compile("[0-9a-f]{64}")
_LOADING = Lock()


class GraderJsonUnusable(SystemicFault):
    """A run's grader JSON isn't there, isn't the one that the run began with, or isn't one: nothing can be graded."""


class Pointer(NamedTuple):
    """Where a run's grader JSON lies in the data bucket, and which bytes it has."""

    key: str
    sha256: str


def openai_score(sample: Sample, judge: Judge) -> Score:
    """The score of an answer under the grader JSON of its run.

    Raises BadSample for a record without a pointer to one, GraderJsonUnusable, and what OpenAIGrader.score raises.
    """
    pointer = pointer_of(sample.metadata)
    with _LOADING:  # of many samples at once the first one loads it
        grader = _grader(pointer)
    return grader.score(sample, judge)


def pointer_of(metadata: Mapping[str, object]) -> Pointer:
    """The pointer in a sample's metadata. Raises BadSample unless it is one of the sample's own run."""
    rft = metadata.get("rft")
    note = rft if isinstance(rft, dict) else {}
    run_id, key, digest = (note.get(name) for name in ("run_id", "grader_key", "grader_sha256"))
    if key is None and digest is None:
        raise BadSample(
            "this record names no grader JSON: the pipeline writes rft.grader_key and rft.grader_sha256 into the "
            'records of a run whose request has {"grader": {"openai": {...}}}',
            flags=(OTHER,),
        )
    if not (isinstance(run_id, str) and _RUN_ID.fullmatch(run_id) and key in _keys_of(run_id)):
        raise BadSample("rft.grader_key must be runs/<run_id>/grader.json of the record's own run", flags=(OTHER,))
    if not (isinstance(digest, str) and _SHA256.fullmatch(digest)):
        raise BadSample("rft.grader_sha256 must be 64 hexadecimal digits", flags=(OTHER,))
    return Pointer(str(key), digest)


def _keys_of(run_id: str) -> tuple[str, str]:
    return grader_key(run_id), held_out_grader_key(run_id)


@lru_cache(maxsize=MAX_GRADERS)
def _grader(pointer: Pointer) -> OpenAIGrader:
    body = _read(pointer.key)
    if sha256(body).hexdigest() != pointer.sha256:
        raise GraderJsonUnusable(
            f"{pointer.key} was changed after its run began: put its old version back, or start the run anew"
        )
    try:
        return parse_grader(json.loads(body), judge_model=None)  # the judge's name was checked with the request
    except (GraderJsonInvalid, ValueError, RecursionError) as unusable:
        told = str(unusable) if isinstance(unusable, GraderJsonInvalid) else "it is no JSON"
        raise GraderJsonUnusable(f"{pointer.key} can't be used as it is: {told}") from unusable


def _read(key: str) -> bytes:
    bucket = os.environ.get("DATA_BUCKET")
    if not bucket:
        raise GraderJsonUnusable("the environment variable DATA_BUCKET is missing: template.yaml sets it")
    try:
        return objects.read(client("s3"), bucket, key)
    except (ClientError, BotoCoreError) as error:
        raise GraderJsonUnusable(f"{key} can't be read from the data bucket: {error_code(error)}") from error
