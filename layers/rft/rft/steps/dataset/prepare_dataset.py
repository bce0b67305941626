"""PrepareDataset: check every line of the pinned upload, split it, write the copies that Bedrock reads."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.dataset.canonical import with_rft_field
from rft.dataset.limits import Limits
from rft.dataset.lines import Line, split_lines
from rft.dataset.split import choose_validation
from rft.dataset.whole_file import FileCheck, check_file, with_overlap
from rft.errors import DatasetInvalid
from rft.run.log_source import LogSource
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.dataset.dataset_limits import limits_of_run
from rft.steps.gate.declared_grader import declared_grader
from rft.steps.logs.log_files import source_key
from rft.steps.pipeline import Pipeline

DEFAULT_FRACTION = 0.1
_JSONL = "application/jsonl"


@dataclass(frozen=True, slots=True)
class _Checked:
    source: objects.PinnedObject
    found: FileCheck
    sha256: str

    @property
    def report(self) -> dict[str, Any]:
        source = {"source": self.source.uri, "version_id": self.source.version_id, "etag": self.source.etag}
        source["sha256"] = self.sha256
        return source | self.found.report.to_json()

    @property
    def hashes(self) -> array[int]:
        return self.found.split_hashes

    def held_against(self, training: _Checked) -> _Checked:
        return replace(self, found=replace(self.found, report=with_overlap(self.found, training.found)))


def prepare_dataset(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``DatasetInvalid`` with the place of the report that names each bad line, and ``DatasetMissing``."""
    run = pipeline.begin(run_id, Status.PREPARING)
    request = run.request
    location = _training_location(pipeline, run)
    training = _check(location, limits_of_run(run)) if location is not None else None
    validation_source = request.get("validation_data") or {}
    limits = limits_of_run(run, validation=True)
    validation = _check(validation_source, limits) if "s3_uri" in validation_source else None
    if training is not None and validation is not None:
        validation = validation.held_against(training)
    report_uri = _report(pipeline, run, training, validation)
    faults = [c.report for c in (training, validation) if c is not None and not c.report["valid"]]
    if faults:
        pipeline.store.record(run_id, dataset={"report_uri": report_uri})
        raise DatasetInvalid(_summary(faults))
    dataset = _write(pipeline, run, training, validation, validation_source.get("fraction", DEFAULT_FRACTION))
    dataset["report_uri"] = report_uri
    pipeline.store.record(run_id, "dataset", dataset, dataset=dataset)
    return {"run_id": run_id}


def _training_location(pipeline: Pipeline, run: Run) -> dict[str, Any] | None:
    """None where Bedrock reads the logs itself: then there is nothing of the training data to check."""
    logs = LogSource.of(run.request)
    if logs is None:
        location: dict[str, Any] = run.request["training_data"]
        return location
    return None if logs.native else {"s3_uri": f"s3://{pipeline.environment.bucket}/{source_key(run)}"}


def _lines(source: objects.PinnedObject) -> Iterator[Line]:
    return split_lines(objects.chunks(client("s3"), source))


def _records(source: objects.PinnedObject) -> Iterator[bytes]:
    """The lines of a file that was found valid; all it may have beside records is white space at its end."""
    return (line.data for line in _lines(source) if line.data and not line.data.isspace())


def _check(location: dict[str, Any], limits: Limits) -> _Checked:
    source, digest = objects.pin(client("s3"), location["s3_uri"], location.get("version_id")), hashlib.sha256()
    found = check_file(_digested(objects.chunks(client("s3"), source), digest), limits, name=source.key)
    return _Checked(source, found, digest.hexdigest())


def _digested(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _report(pipeline: Pipeline, run: Run, training: _Checked | None, validation: _Checked | None) -> str:
    report: dict[str, Any] = {"run_id": run.run_id}
    for name, checked in (("training", training), ("validation", validation)):
        if checked is not None:
            report[name] = checked.report
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
    pipeline: Pipeline, run: Run, training: _Checked | None, validation: _Checked | None, fraction: float
) -> dict[str, Any]:
    """The canonical copies: the user's own lines with the ``rft`` field, under keys that Bedrock's pattern accepts."""
    held_out = frozenset[int]()
    if training is not None and validation is None:
        held_out = choose_validation(training.hashes, fraction=fraction)
    names = [*(["train"] if training is not None else []), *(["validation"] if validation or held_out else [])]
    counts = {"train": 0, "validation": 0}
    digests = {name: hashlib.sha256() for name in names}
    rft = {"run_id": run.run_id, "model": run.model} | declared_grader(pipeline, run)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                objects.ObjectWriter(
                    client("s3"), pipeline.environment.bucket, f"{run.folder}dataset/{name}.jsonl", _JSONL
                )
            )
            for name in names
        }
        hashes = training.hashes if training is not None else ()
        sides = ("validation" if split_hash in held_out else "train" for split_hash in hashes)
        for checked, side in ((training, sides), (validation, repeat("validation"))):
            if checked is None:
                continue
            # Exactly the records that were checked, or nothing: a disagreement of the two passes must not be written.
            for record, name in zip(_records(checked.source), islice(side, len(checked.hashes)), strict=True):
                written = with_rft_field(record, rft) + b"\n"
                writers[name].write(written)
                digests[name].update(written)
                counts[name] += 1
    dataset: dict[str, Any] = {"validation_uri": None, "validation_records": counts["validation"]}
    for name in names:
        copy = {"uri": writers[name].uri, "records": counts[name], "sha256": digests[name].hexdigest()}
        dataset |= {f"{name}_{key}": value for key, value in copy.items()}
    if training is not None:
        dataset |= _origin("source", training) | ({} if validation else {"validation_fraction": fraction})
    return dataset | (_origin("validation_source", validation) if validation is not None else {})


def _origin(name: str, checked: _Checked) -> dict[str, Any]:
    """What was read, for who wants to read the very same again."""
    source = {"uri": checked.source.uri, "version_id": checked.source.version_id, "sha256": checked.sha256}
    return {f"{name}_{key}": value for key, value in source.items()}
