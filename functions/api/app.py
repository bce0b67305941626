"""The REST API: start, list, look at and stop runs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from rft.errors import RequestConflict, RequestInvalid, RunEnded, RunNotFound
from rft.steps import api
from rft.steps.pipeline import Pipeline

logger = Logger()
app = APIGatewayRestResolver()


@app.post("/runs")
def post_run() -> Response[str]:
    event = app.current_event
    return api.post_run(
        Pipeline(),
        event.decoded_body or "",
        key=event.headers.get("Idempotency-Key"),
        request_id=event.request_context.request_id,
    )


@app.get("/runs")
def get_runs() -> Response[str]:
    return api.get_runs(Pipeline(), app.current_event.query_string_parameters)


@app.get("/runs/<run_id>")
def get_run(run_id: str) -> Response[str]:
    return api.get_run(Pipeline(), run_id)


@app.get("/runs/<run_id>/events")
def get_events(run_id: str) -> Response[str]:
    return api.get_events(Pipeline(), run_id, app.current_event.query_string_parameters)


@app.get("/runs/<run_id>/metrics")
def get_metrics(run_id: str) -> Response[str]:
    return api.get_metrics(Pipeline(), run_id)


@app.post("/runs/<run_id>/stop")
def post_stop(run_id: str) -> Response[str]:
    return api.post_stop(Pipeline(), run_id)


for error in (RequestInvalid, RequestConflict, RunEnded, RunNotFound):
    app.exception_handler(error)(api.problem)
app.not_found(api.no_route)
app.exception_handler(Exception)(api.fault)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
