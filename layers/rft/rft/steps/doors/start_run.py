"""The three doors: an upload, an event, a call of the API. All make the same request and start the same execution.

Where a stack has tenants each door knows for whom it is opened: the API by the caller, the bucket by the folder, an
event by its source. A request for a model or data of another's starts nothing, and what is left of it (a run that is
``rejected``) is filed among the own models of whoever sent it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from rft.aws import executions, objects
from rft.aws.clients import client
from rft.aws.clock import now
from rft.errors import DatasetMissing, ModelForbidden, RequestInvalid, RequestProblem
from rft.run.identity import model_slug, run_id
from rft.run.log_source import LogSource, is_converted
from rft.run.record import Run
from rft.run.request import MAX_REQUEST_BYTES, RunRequest, grader_arn, held_out_grader_arn
from rft.run.request_candidate import Commitment
from rft.run.status import Status
from rft.run.tenants import EVENT_SOURCE, Scope
from rft.steps.doors.own_request import parse_own_request
from rft.steps.ending import notices
from rft.steps.ending.notify import notify
from rft.steps.pipeline import Pipeline

INBOX = "inbox/"
_NOBODY = "unnamed"  # the model of a refusal that has no other; no tenant's, for theirs have a hyphen
_MAX_TOLD = 20  # problems in the record and the message; the file in the bucket has all
_TERMS: dict[Commitment, str] = {"OneMonth": "one month", "SixMonths": "six months"}


@dataclass(frozen=True, slots=True)
class Started:
    """``created`` is False where the same request had started this run before."""

    run: Run
    created: bool


def start_from_upload(pipeline: Pipeline, event: dict[str, Any]) -> Started | None:
    """From EventBridge's "Object Created" of S3. None for an object that is no request.

    ``inbox/<model>.jsonl`` is a dataset for the stack's defaults; ``inbox/<model>/run.json`` is a request, and the
    files it names may be relative to it.
    """
    bucket, uploaded = event["detail"]["bucket"]["name"], event["detail"]["object"]
    key, version = uploaded["key"], uploaded.get("version-id")
    if bucket != pipeline.environment.bucket or not key.startswith(INBOX):
        return None
    parts = key.removeprefix(INBOX).split("/")
    # Without a version (a bucket whose versioning was suspended) the sequencer tells one upload from the next.
    origin = ("s3", bucket, key, version or uploaded.get("sequencer") or uploaded["etag"])
    is_dataset = len(parts) == 1 and parts[0].endswith(".jsonl")
    if not is_dataset and not (len(parts) == 2 and parts[1] == "run.json"):
        return None
    name = parts[0].removesuffix(".jsonl") if is_dataset else parts[0]
    scope = pipeline.environment.tenants.of_upload(key)
    if scope is None:
        stranger = "of a stack with tenants each folder is a tenant's: inbox/<tenant>-<model>, and this is nobody's"
        return _reject(pipeline, RequestInvalid([RequestProblem("$", stranger)]), origin, "")
    pipeline = pipeline.within(scope)
    if is_dataset:
        return _start_or_reject(pipeline, _defaults(bucket, key, version), origin, name=name)
    return _start_from_file(pipeline, bucket, key, version, origin, name=name)


def start_from_event(pipeline: Pipeline, event: dict[str, Any]) -> Started:
    """From an "RFT Run Requested" event; its detail is the request."""
    detail = event["detail"]
    name = detail.get("model") if isinstance(detail.get("model"), str) else ""
    origin = ("event", event["id"])
    scope = pipeline.environment.tenants.of_event(event.get("source", ""))
    if scope is None:
        stranger = f"must be {EVENT_SOURCE}<tenant>: a stack with tenants takes events of theirs only"
        return _reject(pipeline, RequestInvalid([RequestProblem("source", stranger)]), origin, "")
    return _start_or_reject(pipeline.within(scope), detail, origin, name=name)


def start_from_api(pipeline: Pipeline, body: str, *, key: str | None, request_id: str) -> Started:
    """From ``POST /runs``. Raises ``RequestInvalid`` and ``ModelForbidden``, or ``RequestConflict`` for a key that
    meant something else; a key is the caller's own, whatever other tenants have used it for."""
    request = parse_own_request(body, pipeline.environment.stack)
    if key is None:
        return _start(pipeline, request, run_id(request.model, "request", request_id))
    content = json.dumps(request.to_json(), sort_keys=True)
    owner = pipeline.environment.scope.origin
    wanted = run_id(request.model, *owner, "key", key)
    run = pipeline.store.claim_key(_sha256("\0".join((*owner, key))), wanted, _sha256(content))
    return _start(pipeline, request, run)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _defaults(bucket: str, key: str, version: str | None) -> dict[str, Any]:
    name = key.removeprefix(INBOX).removesuffix(".jsonl")
    source = {"s3_uri": f"s3://{bucket}/{key}"} | ({"version_id": version} if version else {})
    return {"model": model_slug(name) or name, "training_data": source}


def _start_from_file(
    pipeline: Pipeline, bucket: str, key: str, version: str | None, origin: tuple[str, ...], *, name: str
) -> Started:
    s3 = client("s3")
    try:
        source = objects.pin(s3, f"s3://{bucket}/{key}", version)
        if source.size > MAX_REQUEST_BYTES:
            raise DatasetMissing(f"run.json has {source.size:,} bytes; at most {MAX_REQUEST_BYTES:,} are taken")
        document = b"".join(objects.chunks(s3, source))
    except DatasetMissing as missing:
        return _reject(pipeline, RequestInvalid([RequestProblem("$", str(missing))]), origin, name)
    return _start_or_reject(pipeline, document, origin, name=name, folder=key.removesuffix("run.json"))


def _start_or_reject(
    pipeline: Pipeline,
    document: bytes | dict[str, Any],
    origin: tuple[str, ...],
    *,
    name: str,
    folder: str | None = None,
) -> Started:
    try:
        request = parse_own_request(document, pipeline.environment.stack, folder=folder)
    except RequestInvalid as invalid:
        return _reject(pipeline, invalid, origin, name)
    except ModelForbidden as forbidden:
        return _reject(pipeline, RequestInvalid([RequestProblem("model", str(forbidden))]), origin, name)
    return _start(pipeline, request, run_id(request.model, *origin))


def _start(pipeline: Pipeline, request: RunRequest, run: str) -> Started:
    stack = pipeline.environment.stack
    at = now()
    machine = pipeline.environment.state_machine_arn
    wanted = Run(
        run_id=run,
        model=request.model,
        status=Status.RECEIVED,
        created_at=at,
        updated_at=at,
        request=request.to_json(),
        base_model=request.base_model or stack.base_model,
        grader_arn=grader_arn(request, stack),
        held_out_grader_arn=held_out_grader_arn(request, stack),
        deploy=request.deploy.kind,
        execution_arn=executions.execution_arn(machine, run),
        job_name=run,
        warnings=_beforehand(request),
    )
    created = pipeline.store.create(wanted)
    record = wanted if created else pipeline.store.get(run)
    if not record.status.is_terminal:
        # Also for a run that exists: the first attempt may have died between the record and the execution.
        data: Literal["dataset", "logs"] = "logs" if is_converted(record.request) else "dataset"
        executions.start(client("stepfunctions"), machine, run, data)
    if created:
        pipeline.announce(record)
    if record.status is Status.RECEIVED and pipeline.environment.notify_on_start:
        # The same for a run whose first attempt died before its message.
        notices.started(pipeline, record)
    return Started(record, created)


def _beforehand(request: RunRequest) -> list[str]:
    """What can't be known, and what can't be taken back: better said than found out."""
    warnings = []
    if request.deploy.commitment is not None:
        warnings.append(
            f"deploy: {_TERMS[request.deploy.commitment]} is committed to only if the model is promoted, and is then "
            "paid to the end of its term, used or not; until then throughput is paid by the hour"
        )
    logs = LogSource.of(request.to_json())
    if logs is not None and logs.native:
        warnings.append(
            "native: Bedrock converts the logs itself; AWS does not say which records it takes, nor what the grader "
            "gets as reference_answer"
        )
    return warnings


def _filed_under(scope: Scope, *names: str | None) -> str:
    """The model of a refusal: a name that was given and is the sender's own."""
    own = (name for name in names if name and scope.has_model(name))
    return next(own, f"{scope.prefix}{_NOBODY}")


def _reject(pipeline: Pipeline, invalid: RequestInvalid, origin: tuple[str, ...], name: str) -> Started:
    """Nobody waits for the answer of an upload or an event, so the refusal is a run of its own, with its message."""
    model = _filed_under(pipeline.environment.scope, invalid.model, model_slug(name))
    run = run_id(model, *origin)
    at = now()
    created = pipeline.store.create(Run(run_id=run, model=model, status=Status.RECEIVED, created_at=at, updated_at=at))
    problems = [problem.to_json() for problem in invalid.problems]
    details = objects.put(
        client("s3"),
        pipeline.environment.bucket,
        f"runs/{run}/request-problems.json",
        json.dumps({"problems": problems}, indent=2).encode(),
        "application/json",
    )
    told = [f"{problem.path}: {problem.message}" for problem in invalid.problems[:_MAX_TOLD]]
    if len(invalid.problems) > _MAX_TOLD:
        told.append(f"and {len(invalid.problems) - _MAX_TOLD:,} more problems, all in the file of the details")
    message = "; ".join(told)
    reason = {"error": "RequestInvalid", "message": message, "details_uri": details}
    pipeline.end(run, Status.REJECTED, reason=reason)
    notify(pipeline, run)
    return Started(pipeline.store.get(run), created)
