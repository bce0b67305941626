"""POST /graders/{name}/test: the gate's trial of a grader on a few records, without a run.

The API's function checks what is asked for and has CheckGrader's function try the grader: that one may call graders and
models, the API may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ReadTimeoutError

from rft.aws import functions, objects
from rft.aws.clients import client
from rft.errors import DatasetInvalid, DatasetMissing, GateTooSlow, GraderMissing, RequestInvalid, RequestProblem
from rft.grading.catalog import OPENAI, READY
from rft.run.request import json_object, parse_request
from rft.steps.pipeline import Pipeline
from rft.steps.small_files import MAX_BYTES

MAX_RECORDS, MAX_BASE_ANSWERS = 16, 4
ANSWER_SECONDS = 25.0  # API Gateway waits 29 s
_FIELDS = ("s3_uri", "version_id", "records", "base_answers", "openai")


def graders_of(pipeline: Pipeline) -> list[dict[str, Any]]:
    """What GET /graders tells: the stack's graders, and what each needs."""
    arns = pipeline.environment.stack.graders
    return [
        {
            "name": ready.name,
            "kind": ready.kind,
            "arn": arns[ready.name],
            "reference": ready.reference,
            "fields": list(ready.fields),
            "judge_calls": ready.judge_calls,
            "summary": ready.summary,
        }
        for ready in READY.values()
        if ready.name in arns
    ]


def test_grader(pipeline: Pipeline, name: str, body: str) -> dict[str, Any]:
    """From the API. Raises ``GraderMissing``, ``RequestInvalid``, ``DatasetMissing`` and ``GateTooSlow``."""
    stack = pipeline.environment.stack
    if name not in stack.graders:
        raise GraderMissing(f"this stack has no grader {name}; GET /graders lists those that it has")
    wanted = _parse(pipeline, name, body)
    source = objects.pin(client("s3"), wanted["s3_uri"], wanted.get("version_id"))
    if source.size > MAX_BYTES:
        raise GateTooSlow(f"the dataset has {source.size:,} bytes, and the API reads at most {MAX_BYTES:,}: {_INSTEAD}")
    event = {"test": wanted | {"name": name, "arn": stack.graders[name], "version_id": source.version_id}}
    try:
        return functions.ask(pipeline.environment.check_grader_function, event, seconds=ANSWER_SECONDS)
    except ReadTimeoutError:
        raise GateTooSlow(
            f"the test takes longer than the {ANSWER_SECONDS:.0f} s that the API has: {_INSTEAD}"
        ) from None
    except functions.FunctionFailed as failed:
        raise _ended(failed) from None


def _ended(failed: functions.FunctionFailed) -> Exception:
    """A fault of the dataset is the caller's."""
    if failed.name == DatasetInvalid.__name__:
        return RequestInvalid([RequestProblem("s3_uri", failed.message)])
    if failed.name == DatasetMissing.__name__:
        return DatasetMissing(failed.message)
    return RuntimeError(f"the test of a grader ended with {failed.name}")


_INSTEAD = "ask for fewer records or base_answers, or run rft check-grader, which has no such limit"


def _parse(pipeline: Pipeline, name: str, body: str) -> dict[str, Any]:
    content = json_object(body, 'as in {"s3_uri": "s3://bucket/datasets/train.jsonl"}')
    given = {key: value for key, value in content.items() if value is not None}
    problems = [
        RequestProblem(key, f"unknown field; known here: {', '.join(_FIELDS)}") for key in given if key not in _FIELDS
    ]
    for key, least, most in (("records", 1, MAX_RECORDS), ("base_answers", 0, MAX_BASE_ANSWERS)):
        value = given.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            problems.append(RequestProblem(key, f"must be a whole number from {least} to {most}"))
    if (name == OPENAI) != ("openai" in given):
        wants = "must be the grader's JSON" if name == OPENAI else f"goes with the grader {OPENAI} only"
        problems.append(RequestProblem("openai", wants))
    if "s3_uri" not in given:
        problems.append(RequestProblem("s3_uri", "is missing: it names the dataset"))
    elif objects.split_uri(str(given["s3_uri"]))[1].startswith("runs/"):
        problems.append(
            RequestProblem("s3_uri", "runs/ has what the pipeline wrote; a run's own gate.json stands there")
        )
    problems += _as_of_a_request(pipeline, given)
    if problems:
        raise RequestInvalid(problems)
    return given


def _as_of_a_request(pipeline: Pipeline, given: Mapping[str, Any]) -> list[RequestProblem]:
    """The fields that a run's request has too are held to the same rules."""
    stack = pipeline.environment.stack
    data = {key: given[key] for key in ("s3_uri", "version_id") if key in given and "s3_uri" in given}
    request: dict[str, Any] = {"model": "test", "training_data": data or {"s3_uri": f"s3://{stack.bucket}/any"}}
    if "openai" in given:
        request["grader"] = {"openai": given["openai"]}
    try:
        parse_request(request, stack)
    except RequestInvalid as invalid:
        return [
            RequestProblem(p.path.removeprefix("training_data.").removeprefix("grader."), p.message)
            for p in invalid.problems
        ]
    return []
