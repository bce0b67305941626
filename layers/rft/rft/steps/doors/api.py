"""The API's answers: JSON for what went well, ``application/problem+json`` (RFC 9457) for what didn't."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from rft.errors import (
    BodyTooLarge,
    CallerUnknown,
    DatasetMissing,
    GateTooSlow,
    GraderMissing,
    ModelBusy,
    ModelForbidden,
    ModelMissing,
    NothingToApprove,
    ReportMissing,
    RequestConflict,
    RequestInvalid,
    RequestProblem,
    RunEnded,
    RunNotFound,
    VersionNotDeployed,
)
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.doors.api_approval import approve
from rft.steps.doors.api_door import body_of, pipeline_for
from rft.steps.doors.api_model_deletion import delete_through_function
from rft.steps.doors.api_models import model_of, models_of
from rft.steps.doors.api_report import report_links
from rft.steps.doors.check_dataset import check_dataset
from rft.steps.doors.start_run import start_from_api
from rft.steps.doors.stop_run import stop_run
from rft.steps.gate.grader_test import graders_of, test_grader
from rft.steps.pipeline import Pipeline
from rft.steps.small_files import DatasetTooLarge
from rft.steps.training.job_metrics import job_metrics

_MAX_PAGE, _PAGE = 100, 25
_MAX_KEY = 255
_STATUS_OF = {
    BodyTooLarge: HTTPStatus.CONTENT_TOO_LARGE,
    CallerUnknown: HTTPStatus.FORBIDDEN,
    ModelForbidden: HTTPStatus.FORBIDDEN,
    RequestInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestConflict: HTTPStatus.CONFLICT,
    RunEnded: HTTPStatus.CONFLICT,
    RunNotFound: HTTPStatus.NOT_FOUND,
    DatasetMissing: HTTPStatus.NOT_FOUND,
    DatasetTooLarge: HTTPStatus.CONTENT_TOO_LARGE,
    GateTooSlow: HTTPStatus.CONTENT_TOO_LARGE,
    GraderMissing: HTTPStatus.NOT_FOUND,
    ModelBusy: HTTPStatus.CONFLICT,
    ModelMissing: HTTPStatus.NOT_FOUND,
    NothingToApprove: HTTPStatus.CONFLICT,
    ReportMissing: HTTPStatus.NOT_FOUND,
    VersionNotDeployed: HTTPStatus.CONFLICT,
}
_TITLES = {
    BodyTooLarge: "The body is too large",
    CallerUnknown: "The caller is no tenant",
    ModelForbidden: "The model's name is not yours to use",
    RequestInvalid: "The request is invalid",
    RequestConflict: "The Idempotency-Key was used for another request",
    RunEnded: "The run has ended",
    RunNotFound: "There is no such run",
    DatasetMissing: "There is no such object",
    DatasetTooLarge: "The dataset is too large for the API",
    GateTooSlow: "This takes too long for the API",
    GraderMissing: "There is no such grader",
    ModelBusy: "A run of the model is under way",
    ModelMissing: "There is no such model, or none of it that serves",
    NothingToApprove: "Nothing waits for approval",
    ReportMissing: "There is no report",
    VersionNotDeployed: "The version answers nowhere",
}
logger = Logger()
routes = APIGatewayRestResolver()

Answer = Response[str]


def _door(app: APIGatewayRestResolver, go_on: NextMiddleware) -> Response[Any]:
    """Before every route, and before the answer that there is none."""
    event = app.current_event
    app.context.update(pipeline=pipeline_for(event), body=body_of(event))
    return go_on(app)


routes.use(middlewares=[_door])


def _pipeline() -> Pipeline:
    """As the caller may see it: what is another tenant's was never there. No route has another."""
    pipeline: Pipeline = routes.context["pipeline"]
    return pipeline


def _body() -> str:
    body: str = routes.context["body"]
    return body


@routes.post("/runs")
def post_run() -> Answer:
    event = routes.current_event
    key = event.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _MAX_KEY:
        raise RequestInvalid([RequestProblem("Idempotency-Key", f"must be a text of 1 to {_MAX_KEY} characters")])
    request_id = event.request_context.request_id
    started = start_from_api(_pipeline(), _body(), key=key, request_id=request_id)
    status = HTTPStatus.CREATED if started.created else HTTPStatus.OK
    return _json(status, started.run.to_json(), {"Location": f"/runs/{started.run.run_id}"})


@routes.get("/runs")
def get_runs() -> Answer:
    asked = _query("model", "status", "limit", "next_token")
    page = _pipeline().store.runs(
        model=asked.get("model"),
        status=Status(asked["status"]) if "status" in asked else None,
        limit=int(asked.get("limit", _PAGE)),
        token=asked.get("next_token"),
    )
    # Through ``Run``, which has neither the task token nor the keys of the indexes.
    runs = [Run.from_json(item).to_json() for item in page.items]
    return _json(HTTPStatus.OK, {"runs": runs, "next_token": page.next_token})


@routes.get("/runs/<run_id>")
def get_run(run_id: str) -> Answer:
    return _json(HTTPStatus.OK, _pipeline().store.get(run_id).to_json())


@routes.get("/runs/<run_id>/events")
def get_events(run_id: str) -> Answer:
    asked = _query("limit", "next_token")
    limit = int(asked.get("limit", _MAX_PAGE))
    page = _pipeline().store.events(run_id, limit=limit, token=asked.get("next_token"))
    return _json(HTTPStatus.OK, {"events": page.items, "next_token": page.next_token})


@routes.get("/runs/<run_id>/metrics")
def get_metrics(run_id: str) -> Answer:
    return _json(HTTPStatus.OK, job_metrics(_pipeline(), run_id))


@routes.post("/datasets/check")
def post_dataset_check() -> Answer:
    return _json(HTTPStatus.OK, check_dataset(_pipeline(), _body()))


@routes.post("/estimates")
def post_estimate() -> Answer:
    from rft.steps.doors.estimate import estimate_request  # noqa: PLC0415 - no other route works out a cost

    return _json(HTTPStatus.OK, estimate_request(_pipeline(), _body()))


@routes.get("/graders")
def get_graders() -> Answer:
    return _json(HTTPStatus.OK, {"graders": graders_of(_pipeline())})


@routes.post("/graders/<name>/test")
def post_grader_test(name: str) -> Answer:
    return _json(HTTPStatus.OK, test_grader(_pipeline(), name, _body()))


@routes.post("/runs/<run_id>/stop")
def post_stop(run_id: str) -> Answer:
    return _json(HTTPStatus.ACCEPTED, stop_run(_pipeline(), run_id).to_json())


@routes.get("/runs/<run_id>/report")
def get_report(run_id: str) -> Answer:
    return _json(HTTPStatus.OK, report_links(_pipeline(), run_id), {"Cache-Control": "no-store"})


@routes.post("/runs/<run_id>/approve")
def post_approve(run_id: str) -> Answer:
    event = routes.current_event
    caller = event.request_context.identity.user_arn
    return _json(HTTPStatus.ACCEPTED, approve(_pipeline(), run_id, _body(), decided_by=caller).to_json())


@routes.get("/models")
def get_models() -> Answer:
    asked = _query("limit", "next_token")
    limit = int(asked.get("limit", _PAGE))
    return _json(HTTPStatus.OK, models_of(_pipeline(), limit=limit, token=asked.get("next_token")))


@routes.get("/models/<name>")
def get_model(name: str) -> Answer:
    return _json(HTTPStatus.OK, model_of(_pipeline(), name))


@routes.delete("/models/<name>")
def delete_model(name: str) -> Answer:
    answer = delete_through_function(_pipeline(), name)
    return _json(HTTPStatus.ACCEPTED if answer["left"] else HTTPStatus.OK, answer)


@routes.post("/models/<name>/compare")
def post_model_compare(name: str) -> Answer:
    from rft.steps.comparing.playground import compare_prompts  # noqa: PLC0415 - no other route asks models

    return _json(HTTPStatus.OK, compare_prompts(_pipeline(), name, _body()))


def refusal(error: Exception) -> Answer:
    kind = type(error)
    errors = [p.to_json() for p in error.problems] if isinstance(error, RequestInvalid) else []
    detail = f"{len(errors)} of its parts: see errors" if errors else str(error)
    return _problem(_STATUS_OF[kind], _TITLES[kind], detail, errors)


@routes.not_found
def no_route(_: Exception) -> Answer:
    return _problem(HTTPStatus.NOT_FOUND, "There is no such route", "docs/api.md lists the routes", [])


def fault(error: Exception) -> Answer:
    """Our own fault. Its text stays in the log: it may speak of things the caller may not know."""
    logger.exception("unforeseen fault", exc_info=error)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "the request id leads to the log entry", [])


# Called, not used as decorators: Powertools leaves these without types.
routes.exception_handler(list(_STATUS_OF))(refusal)
routes.exception_handler(Exception)(fault)


def _query(*known: str) -> dict[str, str]:
    """The query's parameters, all faults of it in one answer."""
    asked = {name: value for name, value in routes.current_event.query_string_parameters.items() if value != ""}
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
