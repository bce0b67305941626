"""POST /graders/{name}/test: the gate's trial of a grader on a few records, without a run.

The API's function checks what is asked for and has CheckGrader's function try the grader: that one may call graders and
models, the API may not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ReadTimeoutError

from rft.aws import objects
from rft.aws.clients import client, lambda_client
from rft.errors import GateTooSlow, GraderMissing, RequestInvalid, RequestProblem
from rft.gate.choosing import choose
from rft.gate.settings import Settings
from rft.grading.catalog import OPENAI, READY
from rft.run.identity import run_id
from rft.run.request import json_object, parse_request
from rft.steps.check_grader import records_of
from rft.steps.declared_grader import put_grader
from rft.steps.grader_trial import Patience, try_grader
from rft.steps.pipeline import Pipeline

MAX_RECORDS, RECORDS = 16, 8
MAX_BASE_ANSWERS, BASE_ANSWERS = 4, 2
MAX_BYTES = 100_000_000  # of the dataset: all of it is read to choose among its records
ANSWER_SECONDS, CALL_SECONDS = 25.0, 12.0  # API Gateway waits 29 s
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
    payload = {"test": wanted | {"name": name, "arn": stack.graders[name], "version_id": source.version_id}}
    functions = lambda_client(ANSWER_SECONDS)
    try:
        answer = functions.invoke(
            FunctionName=pipeline.environment.check_grader_function, Payload=json.dumps(payload).encode()
        )
    except ReadTimeoutError:
        raise GateTooSlow(
            f"the test takes longer than the {ANSWER_SECONDS:.0f} s that the API has: {_INSTEAD}"
        ) from None
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise RuntimeError(f"the test of a grader ended with {report.get('errorType')}")
    return report


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


def run_test(pipeline: Pipeline, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """In CheckGrader's function: the report, as ``gate.json`` has it."""
    settings = Settings(
        records=wanted.get("records", RECORDS), base_answers=wanted.get("base_answers", BASE_ANSWERS), batch=32
    )
    source = objects.pin(client("s3"), wanted["s3_uri"], wanted.get("version_id"))
    records = choose(records_of(source), settings.records, settings.seed)
    own = _own_fields(pipeline, wanted)
    tried = try_grader(
        pipeline,
        [{**record, "rft": own} for record in records],
        arn=wanted["arn"],
        name=None if wanted["name"] == OPENAI else wanted["name"],
        declared=wanted.get("openai"),
        base_model=pipeline.environment.default_base_model,
        settings=settings,
        patience=Patience(CALL_SECONDS, CALL_SECONDS, CALL_SECONDS),
    )
    return tried.report.to_json()


def _own_fields(pipeline: Pipeline, wanted: Mapping[str, Any]) -> dict[str, str]:
    """What a run's records carry in ``rft``. The JSON of a declared grader is put where no run's is."""
    content = json.dumps(wanted.get("openai"), sort_keys=True)
    name = run_id("test", hashlib.sha256(content.encode()).hexdigest())
    fields = {"run_id": name, "model": "test"}
    if wanted.get("openai") is None:
        return fields
    return fields | put_grader(pipeline, name, wanted["openai"], tagging=objects.INTERMEDIATE)
