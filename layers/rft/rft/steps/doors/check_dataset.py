"""POST /datasets/check: the report on objects of the stack's bucket, without a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rft.aws import objects
from rft.dataset.report import DatasetReport
from rft.dataset.whole_file import FileCheck, check_file, report_on, with_overlap
from rft.errors import RequestInvalid, RequestProblem
from rft.run.request import json_object, parse_request
from rft.run.stack import Stack
from rft.steps.dataset.dataset_limits import GRADERS, limits_for
from rft.steps.pipeline import Pipeline
from rft.steps.small_files import SmallFiles, pinned

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
    training = pinned(wanted.s3_uri, wanted.version_id)
    validation = None
    if wanted.validation_s3_uri is not None:
        validation = pinned(wanted.validation_s3_uri, wanted.validation_version_id)
    both = [source for source in (training, validation) if source is not None]
    files = SmallFiles(both, what="the check", instead="run rft check-dataset on the file itself")
    limits = limits_for(wanted.grader, max_prompt_length=wanted.max_prompt_length)
    if validation is None:
        return _described(training, report_on(files.chunks(training), limits, max_listed=MAX_LISTED, name=training.key))

    def check(source: objects.PinnedObject, min_records: int) -> FileCheck:
        few = replace(limits, min_records=min_records)
        return check_file(files.chunks(source), few, max_listed=MAX_LISTED, name=source.key)

    trained = check(training, limits.min_records)
    held_out = with_overlap(check(validation, 1), trained)
    return _described(training, trained.report) | {"validation": _described(validation, held_out)}


def _described(source: objects.PinnedObject, report: DatasetReport) -> dict[str, Any]:
    return {"source": source.uri, "version_id": source.version_id, "etag": source.etag} | report.to_json()


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
