"""The API's answers: JSON for what went well, ``application/problem+json`` (RFC 9457) for what didn't."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from rft.errors import RequestConflict, RequestInvalid, RequestProblem, RunEnded, RunNotFound
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.job_metrics import job_metrics
from rft.steps.pipeline import Pipeline
from rft.steps.start_run import start_from_api
from rft.steps.stop_run import stop_run

_MAX_PAGE, _PAGE = 100, 25
_STATUS_OF = {
    RequestInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestConflict: HTTPStatus.CONFLICT,
    RunEnded: HTTPStatus.CONFLICT,
    RunNotFound: HTTPStatus.NOT_FOUND,
}
_TITLES = {
    RequestInvalid: "The request is invalid",
    RequestConflict: "The Idempotency-Key was used for another request",
    RunEnded: "The run has ended",
    RunNotFound: "There is no such run",
}
logger = Logger()

Answer = Response[str]
Query = Mapping[str, str] | None


def post_run(pipeline: Pipeline, body: str, *, key: str | None, request_id: str) -> Answer:
    if key is not None and not 1 <= len(key) <= 255:
        raise RequestInvalid([RequestProblem("Idempotency-Key", "must be a text of 1 to 255 characters")])
    started = start_from_api(pipeline, body, key=key, request_id=request_id)
    status = HTTPStatus.CREATED if started.created else HTTPStatus.OK
    return _json(status, public(started.run), {"Location": f"/runs/{started.run.run_id}"})


def get_runs(pipeline: Pipeline, query: Query) -> Answer:
    asked = _query(query, "model", "status", "limit", "next_token")
    page = pipeline.store.runs(
        model=asked.get("model"),
        status=Status(asked["status"]) if "status" in asked else None,
        limit=int(asked.get("limit", _PAGE)),
        token=asked.get("next_token"),
    )
    runs = [public(Run.from_json(item)) for item in page.items]
    return _json(HTTPStatus.OK, {"runs": runs, "next_token": page.next_token})


def get_run(pipeline: Pipeline, run_id: str) -> Answer:
    return _json(HTTPStatus.OK, public(pipeline.store.get(run_id)))


def get_events(pipeline: Pipeline, run_id: str, query: Query) -> Answer:
    asked = _query(query, "limit", "next_token")
    page = pipeline.store.events(run_id, limit=int(asked.get("limit", _MAX_PAGE)), token=asked.get("next_token"))
    return _json(HTTPStatus.OK, {"events": page.items, "next_token": page.next_token})


def get_metrics(pipeline: Pipeline, run_id: str) -> Answer:
    return _json(HTTPStatus.OK, job_metrics(pipeline, run_id))


def post_stop(pipeline: Pipeline, run_id: str) -> Answer:
    return _json(HTTPStatus.ACCEPTED, public(stop_run(pipeline, run_id)))


def public(run: Run) -> dict[str, Any]:
    """The record as the API shows it: the task token and the index keys aren't part of ``Run`` at all."""
    return run.to_json()


def problem(error: Exception) -> Answer:
    kind = type(error)
    errors = [p.to_json() for p in error.problems] if isinstance(error, RequestInvalid) else []
    detail = f"{len(errors)} of its parts: see errors" if errors else str(error)
    return _problem(_STATUS_OF[kind], _TITLES[kind], detail, errors)


def no_route(_: Exception) -> Answer:
    return _problem(HTTPStatus.NOT_FOUND, "There is no such route", "see docs/api.md for the routes", [])


def fault(error: Exception) -> Answer:
    """Our own fault. Its text stays in the log: it may speak of things the caller may not know."""
    logger.exception("unforeseen fault", exc_info=error)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "the request id leads to the log entry", [])


def _query(query: Query, *known: str) -> dict[str, str]:
    """The query's parameters, all faults of it in one answer."""
    asked = {name: value for name, value in (query or {}).items() if value != ""}
    problems = [
        RequestProblem(name, f"unknown parameter; known here: {', '.join(known)}")
        for name in asked
        if name not in known
    ]
    limit = asked.get("limit", "1")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= _MAX_PAGE):
        problems.append(RequestProblem("limit", f"must be a whole number from 1 to {_MAX_PAGE}"))
    if "status" in asked and asked["status"] not in set(Status):
        problems.append(RequestProblem("status", f"must be one of {', '.join(Status)}"))
    if problems:
        raise RequestInvalid(problems)
    return asked


def _json(status: HTTPStatus, document: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    body = orjson.dumps(document).decode()
    return Response(status_code=status, content_type="application/json", body=body, headers=dict(headers or {}))


def _problem(status: HTTPStatus, title: str, detail: str, errors: list[dict[str, str]]) -> Answer:
    document = {"type": "about:blank", "title": title, "status": int(status), "detail": detail, "errors": errors}
    body = orjson.dumps(document).decode()
    return Response(status_code=status, content_type="application/problem+json", body=body)
