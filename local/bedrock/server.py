"""The stand-in as one ASGI application: both services of Bedrock, and ``/_local`` for whoever runs it."""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bedrock.authorization.checking import credentials_of, require
from local.bedrock.authorization.needs import Needs
from local.bedrock.catalog import Catalog
from local.bedrock.deployments import Deployments
from local.bedrock.events import Events
from local.bedrock.faults import RULES, Faults
from local.bedrock.inference import Inference
from local.bedrock.job_states import JobStates
from local.bedrock.jobs import Jobs
from local.bedrock.keys import Keys
from local.bedrock.models import Models
from local.bedrock.protocol.errors import ServiceError
from local.bedrock.protocol.service import Call, Service, service_model
from local.bedrock.records import CustomModel, Deployment, Job, Record, Throughput
from local.bedrock.store import Store
from local.bedrock.tagging import Tagging
from local.bedrock.throughputs import Throughputs
from local.bedrock.training.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from local.bedrock.authorization.checking import Authorizer
    from local.bedrock.settings import Settings

log = logging.getLogger(__name__)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_NAMES = ("jobName", "modelDeploymentName", "provisionedModelName")
_IDENTIFIERS = (
    "jobIdentifier",
    "customModelDeploymentIdentifier",
    "provisionedModelId",
    "modelIdentifier",
    "modelId",
    "resourceARN",
)


class StandIn:
    """All parts, put together. ``start`` and ``close`` go with the server's own life."""

    def __init__(self, settings: Settings, authorizer: Authorizer | None) -> None:
        self._authorizer = authorizer
        models = [service_model("bedrock"), service_model("bedrock-runtime")]
        self.store = Store(settings.state / "bedrock.sqlite")
        self.faults = Faults(self.store, models)
        tagging = Tagging(self.store)
        self._catalog = catalog = Catalog(settings)
        self._events = Events(self.store, settings, self.faults)
        keys = Keys(settings)
        self.needs = Needs(store=self.store, settings=settings, catalog=catalog, tagging=tagging, keys=keys)
        states = JobStates(self.store, settings, tagging, self._events)
        self._supervisor = Supervisor(self.store, settings, states, self.faults)
        jobs = Jobs(
            store=self.store,
            settings=settings,
            catalog=catalog,
            states=states,
            tagging=tagging,
            keys=keys,
            wake=self._supervisor.wake,
        )
        custom = Models(self.store, settings, tagging)
        deployments = Deployments(self.store, settings, self.faults, tagging)
        throughputs = Throughputs(self.store, settings, catalog, self.faults, tagging)
        inference = Inference(
            store=self.store,
            settings=settings,
            catalog=catalog,
            deployments=deployments,
            throughputs=throughputs,
            faults=self.faults,
            runtime=models[1],
        )
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateModelCustomizationJob": jobs.create,
            "GetModelCustomizationJob": jobs.get,
            "StopModelCustomizationJob": jobs.stop,
            "ListModelCustomizationJobs": jobs.list,
            "GetCustomModel": custom.get,
            "ListCustomModels": custom.list,
            "DeleteCustomModel": custom.delete,
            "CreateCustomModelDeployment": deployments.create,
            "GetCustomModelDeployment": deployments.get,
            "UpdateCustomModelDeployment": deployments.update,
            "DeleteCustomModelDeployment": deployments.delete,
            "ListCustomModelDeployments": deployments.list,
            "CreateProvisionedModelThroughput": throughputs.create,
            "GetProvisionedModelThroughput": throughputs.get,
            "UpdateProvisionedModelThroughput": throughputs.update,
            "DeleteProvisionedModelThroughput": throughputs.delete,
            "ListProvisionedModelThroughputs": throughputs.list,
            "TagResource": tagging.tag,
            "UntagResource": tagging.untag,
            "ListTagsForResource": tagging.list,
            "ListFoundationModels": catalog.list,
            "GetFoundationModel": catalog.get,
            "Converse": inference.converse,
            "InvokeModel": inference.invoke,
        }
        self.service = Service(models, self.operations, self._before)

    def start(self) -> None:
        """Take up the work."""
        self._events.start()
        self._supervisor.start()

    def close(self) -> None:
        """Leave no process and no open file."""
        self._supervisor.close()
        self._events.close()
        self.store.close()

    def _before(self, call: Call) -> None:
        if self._authorizer is not None:
            self._authorize(self._authorizer, call)
        self.faults.raise_for(call.operation.name, self._name(call.parameters))

    def _authorize(self, authorizer: Authorizer, call: Call) -> None:
        try:
            needs = self.needs.of(call.operation.name, call.parameters)
        except KeyError:
            log.error("no rights are known for %s", call.operation.name)
            raise ServiceError("AccessDeniedException", f"Nobody may {call.operation.name} here", 403) from None
        require(authorizer, credentials_of(call.headers), needs)

    def _name(self, parameters: dict[str, Any]) -> str:
        """The name of the resource that a call is about, for the faults that look at it."""
        for member in _NAMES:
            if isinstance(name := parameters.get(member), str):
                return name
        identifier = str(next((parameters[member] for member in _IDENTIFIERS if member in parameters), ""))
        kinds: tuple[type[Record], ...] = (Job, Deployment, Throughput, CustomModel)
        for kind in kinds:
            if record := self.store.get(kind, identifier):
                return record.name
        return self._catalog.model_id(identifier) or identifier


def create_app(settings: Settings, authorizer: Authorizer | None = None) -> Starlette:
    """The application; its lifespan starts and ends the workers. Without an authorizer every signed call is allowed."""
    stand_in = StandIn(settings, authorizer)
    # Sampling is heavy: a burst of it must leave threads and time for everything else.
    limits = {True: anyio.CapacityLimiter(2), False: anyio.CapacityLimiter(16)}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stand_in.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(stand_in.close)

    async def bedrock(request: Request) -> Response:
        began = time.monotonic()
        body = await request.body()
        raw_path = request.scope["raw_path"].decode("ascii")
        query = request.query_params.multi_items()
        headers = dict(request.headers)
        name, answer = await anyio.to_thread.run_sync(
            stand_in.service.respond,
            request.method,
            raw_path,
            query,
            headers,
            body,
            limiter=limits[raw_path.startswith("/model/")],
        )
        error = answer.headers.get("x-amzn-errortype", "-")
        milliseconds = int((time.monotonic() - began) * 1000)
        log.info("%s status=%d error=%s ms=%d", name, answer.status, error, milliseconds)
        return Response(answer.body, answer.status, answer.headers | {"x-amzn-requestid": str(uuid.uuid4())})

    routes = [
        Route("/_local/health", _health(stand_in), methods=["GET"]),
        Route("/_local/faults", _faults(stand_in.faults), methods=["GET", "PUT", "DELETE"]),
        Route("/{path:path}", bedrock, methods=_METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _health(stand_in: StandIn) -> Callable[[Request], Any]:
    async def health(_: Request) -> Response:
        jobs = await anyio.to_thread.run_sync(stand_in.store.all, Job)
        counts: dict[str, int] = {}
        for job in jobs:
            counts[job.status] = counts.get(job.status, 0) + 1
        return JSONResponse({"status": "ok", "jobs": counts})

    return health


def _faults(faults: Faults) -> Callable[[Request], Any]:
    async def control(request: Request) -> Response:
        try:
            if request.method == "PUT":
                faults.replace(RULES.validate_json(await request.body()))
            elif request.method == "DELETE":
                faults.replace([])
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
            return JSONResponse({"message": "; ".join(problems)}, 400)
        except ValueError as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(RULES.dump_python(faults.rules(), mode="json"))

    return control
