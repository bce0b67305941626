"""PrepareDataset: check every line of the pinned upload, split it, write the copies that Bedrock reads."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.dataset.canonical import with_rft_field
from rft.dataset.checking import DatasetCheck
from rft.dataset.limits import Limits
from rft.dataset.lines import Line, split_lines
from rft.dataset.split import choose_validation
from rft.errors import DatasetInvalid
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.pipeline import Pipeline

DEFAULT_FRACTION = 0.1
_JSONL = "application/jsonl"


@dataclass(frozen=True, slots=True)
class _Checked:
    source: objects.PinnedObject
    report: dict[str, Any]
    hashes: array[int]


def prepare_dataset(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``DatasetInvalid`` with the place of the report that names each bad line, and ``DatasetMissing``."""
    run = pipeline.begin(run_id, Status.PREPARING)
    request = run.request
    # All of the stack's own graders compare with the reference; what somebody else's needs, only they know.
    needs_reference = "lambda_arn" not in request.get("grader", {})
    training = _check(request["training_data"], Limits(require_reference=needs_reference))
    validation_source = request.get("validation_data") or {}
    # Bedrock publishes a minimum for training prompts only.
    few = Limits(min_records=1, require_reference=needs_reference)
    validation = _check(validation_source, few) if "s3_uri" in validation_source else None
    report_uri = _report(pipeline, run, training, validation)
    faults = [c.report for c in (training, validation) if c is not None and not c.report["valid"]]
    if faults:
        pipeline.store.record(run_id, dataset={"report_uri": report_uri})
        raise DatasetInvalid(_summary(faults))
    dataset = _write(pipeline, run, training, validation, validation_source.get("fraction", DEFAULT_FRACTION))
    dataset["report_uri"] = report_uri
    pipeline.store.record(run_id, "dataset", dataset, dataset=dataset)
    return {"run_id": run_id}


def _lines(source: objects.PinnedObject) -> Iterator[Line]:
    return split_lines(objects.chunks(client("s3"), source))


def _records(source: objects.PinnedObject) -> Iterator[bytes]:
    """The lines of a file that was found valid; all it may have beside records is white space at its end."""
    return (line.data for line in _lines(source) if line.data and not line.data.isspace())


def _check(location: dict[str, Any], limits: Limits) -> _Checked:
    source = objects.pin(client("s3"), location["s3_uri"], location.get("version_id"))
    check = DatasetCheck(limits=limits)
    hashes = array("Q")
    for line in _lines(source):
        facts = check.add(line)
        if facts is not None:
            hashes.append(facts.split_hash)
    report = {"source": source.uri, "version_id": source.version_id, "etag": source.etag} | check.report().to_json()
    return _Checked(source, report, hashes)


def _report(pipeline: Pipeline, run: Run, training: _Checked, validation: _Checked | None) -> str:
    report = {"run_id": run.run_id, "training": training.report}
    if validation is not None:
        report["validation"] = validation.report
    body = json.dumps(report, indent=2, ensure_ascii=True).encode()
    key = f"{run.folder}dataset/report.json"
    return objects.put(client("s3"), pipeline.environment.bucket, key, body, "application/json")


def _summary(faults: list[dict[str, Any]]) -> str:
    """Counts by rule; never a word of the data."""
    told = []
    for report in faults:
        counts = ", ".join(f"{rule} {count}" for rule, count in sorted(report["error_counts"].items()))
        told.append(f"{report['source']}: {sum(report['error_counts'].values()):,} problems ({counts})")
    return "the dataset breaks Bedrock's rules. " + "; ".join(told) + ". The report names each line with its fix."


def _write(
    pipeline: Pipeline, run: Run, training: _Checked, validation: _Checked | None, fraction: float
) -> dict[str, Any]:
    """The canonical copies: the user's own lines with the ``rft`` field, under keys that Bedrock's pattern accepts."""
    held_out = frozenset[int]() if validation else choose_validation(training.hashes, fraction=fraction)
    counts = {"train": 0, "validation": 0}
    rft = {"run_id": run.run_id, "model": run.model}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                objects.ObjectWriter(
                    client("s3"), pipeline.environment.bucket, f"{run.folder}dataset/{name}.jsonl", _JSONL
                )
            )
            for name in (("train", "validation") if validation or held_out else ("train",))
        }
        sides = ("validation" if split_hash in held_out else "train" for split_hash in training.hashes)
        for checked, names in ((training, sides), (validation, repeat("validation"))):
            if checked is None:
                continue
            # Exactly the records that were checked, or nothing: a disagreement of the two passes must not be written.
            for record, name in zip(_records(checked.source), islice(names, len(checked.hashes)), strict=True):
                writers[name].write(with_rft_field(record, rft) + b"\n")
                counts[name] += 1
    return {
        "train_uri": writers["train"].uri,
        "validation_uri": writers["validation"].uri if "validation" in writers else None,
        "train_records": counts["train"],
        "validation_records": counts["validation"],
        "source_version_id": training.source.version_id,
    }
