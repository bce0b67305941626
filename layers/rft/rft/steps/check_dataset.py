"""POST /datasets/check: the report on objects of the stack's bucket, without a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.dataset.report import DatasetReport
from rft.dataset.whole_file import FileCheck, check_file, report_on, with_overlap
from rft.errors import DatasetMissing, RequestInvalid, RequestProblem, RftError
from rft.run.request import json_object, parse_request
from rft.run.stack import Stack
from rft.steps.dataset_limits import GRADERS, limits_for
from rft.steps.pipeline import Pipeline

MAX_BYTES = 100_000_000
"""Of both files together. A good file of so many bytes takes some seconds; a file of the worst lines that one can think
of may take minutes, so the time is watched as well."""
MAX_SECONDS = 20.0
"""API Gateway waits 29 s, and a cold start and the answer need some of them."""
MAX_LISTED = 100

# The body's fields, and where a run's request has the same: both are held to one set of rules.
_IN_A_REQUEST = {
    "s3_uri": "training_data.s3_uri",
    "version_id": "training_data.version_id",
    "validation_s3_uri": "validation_data.s3_uri",
    "validation_version_id": "validation_data.version_id",
    "grader": "grader.name",
    "max_prompt_length": "hyperparameters.max_prompt_length",
}
_RUNS = "runs/"


class DatasetTooLarge(RftError):
    """More than can be checked while the caller of the API waits."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    s3_uri: str
    version_id: str | None = None
    validation_s3_uri: str | None = None
    validation_version_id: str | None = None
    grader: str | None = None
    max_prompt_length: int | None = None


def check_dataset(pipeline: Pipeline, body: str) -> dict[str, Any]:
    """Raises ``RequestInvalid``, ``DatasetMissing`` and ``DatasetTooLarge``."""
    wanted = _parse(body, pipeline.environment.stack)
    training = _pin(wanted.s3_uri, wanted.version_id)
    validation = None
    if wanted.validation_s3_uri is not None:
        validation = _pin(wanted.validation_s3_uri, wanted.validation_version_id)
    _must_be_small([source for source in (training, validation) if source is not None])
    limits = limits_for(wanted.grader, max_prompt_length=wanted.max_prompt_length)
    late = monotonic() + MAX_SECONDS
    if validation is None:
        chunks = _in_time(training, late)
        return _described(training, report_on(chunks, limits, max_listed=MAX_LISTED, name=training.key))

    def check(source: objects.PinnedObject, min_records: int) -> FileCheck:
        few = replace(limits, min_records=min_records)
        return check_file(_in_time(source, late), few, max_listed=MAX_LISTED, name=source.key)

    trained = check(training, limits.min_records)
    held_out = with_overlap(check(validation, 1), trained)
    return _described(training, trained.report) | {"validation": _described(validation, held_out)}


def _pin(uri: str, version_id: str | None) -> objects.PinnedObject:
    try:
        return objects.pin(client("s3"), uri, version_id)
    except DatasetMissing:
        raise DatasetMissing(f"{uri} isn't there{' in that version' if version_id else ''}") from None


def _described(source: objects.PinnedObject, report: DatasetReport) -> dict[str, Any]:
    return {"source": source.uri, "version_id": source.version_id, "etag": source.etag} | report.to_json()


def _must_be_small(sources: list[objects.PinnedObject]) -> None:
    size = sum(source.size for source in sources)
    if size > MAX_BYTES:
        raise _too_large(sources[0], f"{size:,} bytes are to be read, and the API reads at most {MAX_BYTES:,}")


def _in_time(source: objects.PinnedObject, late: float) -> Iterator[bytes]:
    for chunk in objects.chunks(client("s3"), source):
        if monotonic() > late:
            raise _too_large(source, f"the check takes longer than the {MAX_SECONDS:.0f} s that the API has")
        yield chunk


def _too_large(source: objects.PinnedObject, reason: str) -> DatasetTooLarge:
    return DatasetTooLarge(f"{reason}; run rft check-dataset on the file itself, which has no limit: {source.uri}")


def _parse(body: str, stack: Stack) -> _Wanted:
    content = json_object(body, 'as in {"s3_uri": "s3://bucket/key"}')
    problems = [
        RequestProblem(name, f"unknown field; known here: {', '.join(_IN_A_REQUEST)}")
        for name in content
        if name not in _IN_A_REQUEST
    ]
    given = {name: value for name, value in content.items() if name in _IN_A_REQUEST and value is not None}
    problems += [RequestProblem(name, problem) for name, problem in _problems_of_its_own(given)]
    problems += _problems_as_of_a_request(given, stack)
    if problems:
        raise RequestInvalid(problems)
    return _Wanted(**given)


def _problems_of_its_own(given: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    if "s3_uri" not in given:
        problems.append(("s3_uri", "is missing: it names the dataset"))
    if "validation_version_id" in given and "validation_s3_uri" not in given:
        problems.append(("validation_version_id", "goes with validation_s3_uri"))
    for name in ("s3_uri", "validation_s3_uri"):
        if objects.split_uri(str(given.get(name, "")))[1].startswith(_RUNS):
            problems.append((name, f"{_RUNS} has what the pipeline wrote; a run's own report stands there"))
    if given.get("grader") is not None and given["grader"] not in GRADERS:
        problems.append(("grader", f"must be one of {', '.join(GRADERS)}"))
    return problems


def _problems_as_of_a_request(given: dict[str, Any], stack: Stack) -> list[RequestProblem]:
    request: dict[str, Any] = {"model": "check", "training_data": {"s3_uri": f"s3://{stack.bucket}/any"}}
    for name, value in given.items():
        part, _, field = _IN_A_REQUEST[name].partition(".")
        if name != "grader" and (name != "validation_version_id" or "validation_s3_uri" in given):
            request.setdefault(part, {})[field] = value
    try:
        parse_request(request, stack)
    except RequestInvalid as invalid:
        names = {path: name for name, path in _IN_A_REQUEST.items()}
        return [RequestProblem(names.get(problem.path, problem.path), problem.message) for problem in invalid.problems]
    return []
