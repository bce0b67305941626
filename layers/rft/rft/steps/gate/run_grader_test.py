"""The test of a grader that the API is asked for, in CheckGrader's function: it may call graders and models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.dataset.lines import valid_records
from rft.dataset.whole_file import report_on
from rft.errors import DatasetInvalid
from rft.gate.choosing import choose
from rft.gate.settings import Settings
from rft.grading.catalog import OPENAI, READY
from rft.run.identity import run_id
from rft.steps.dataset.dataset_limits import GRADERS, limits_for
from rft.steps.gate.declared_grader import put_grader
from rft.steps.gate.grader_trial import Patience, try_grader
from rft.steps.pipeline import Pipeline

RECORDS, BASE_ANSWERS, BATCH = 8, 2, 32
SECONDS = 12.0
"""For one call of the grader, for all of them, and for the base model's answers: the API waits 25 s."""


def run_grader_test(pipeline: Pipeline, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The report, as ``gate.json`` has it. Raises ``DatasetMissing`` and ``DatasetInvalid``."""
    name = wanted["name"]
    settings = Settings(
        records=wanted.get("records", RECORDS), base_answers=wanted.get("base_answers", BASE_ANSWERS), batch=BATCH
    )
    source = objects.pin(client("s3"), wanted["s3_uri"], wanted.get("version_id"))
    _must_be_valid(source, name if name in GRADERS else None)
    records = choose(valid_records(objects.chunks(client("s3"), source)), settings.records, settings.seed)
    own = _own_fields(pipeline, wanted)
    tried = try_grader(
        pipeline,
        [{**record, "rft": own} for record in records],
        arn=wanted["arn"],
        name=name if name in READY and name != OPENAI else None,
        declared=wanted.get("openai"),
        base_model=pipeline.environment.default_base_model,
        settings=settings,
        patience=Patience(SECONDS, SECONDS, SECONDS),
    )
    return tried.report.to_json()


def _must_be_valid(source: objects.PinnedObject, grader: str | None) -> None:
    """What a run's dataset is held to, but for the number of its records. Tells how many faults, and quotes nothing."""
    limits = limits_for(grader, validation=True)
    report = report_on(objects.chunks(client("s3"), source), limits, max_listed=1, name=source.key)
    if not report.valid:
        faults = sum(report.error_counts.values())
        counted = "1 fault" if faults == 1 else f"{faults:,} faults"
        raise DatasetInvalid(f"has {counted}, and POST /datasets/check tells where and how to mend it")


def _own_fields(pipeline: Pipeline, wanted: Mapping[str, Any]) -> dict[str, str]:
    """What a run's records carry in ``rft``. The JSON of a declared grader is put where no run's is."""
    content = json.dumps(wanted.get("openai"), sort_keys=True)
    name = run_id("test", hashlib.sha256(content.encode()).hexdigest())
    fields = {"run_id": name, "model": "test"}
    if wanted.get("openai") is None:
        return fields
    return fields | put_grader(pipeline, name, wanted["openai"], tagging=objects.INTERMEDIATE)
