"""The stand-in for Bedrock on a free port, beside a small AWS that a test can look into and make refuse."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
import uvicorn
from botocore.config import Config
from local.bedrock.server import create_app
from local.bedrock.settings import Settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ROLE = "arn:aws:iam::000000000000:role/rft-job"
GRADER = "arn:aws:lambda:us-east-1:000000000000:function:grader"
BUCKET = "data"

type Reward = Callable[[dict[str, Any]], float]


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The address of the application, while the block runs."""
    listener = listening()
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


def until[T](probe: Callable[[], T], seconds: float = 20) -> T:
    """The first true result of the probe."""
    deadline = time.monotonic() + seconds
    while not (result := probe()):
        assert time.monotonic() < deadline, f"still {result!r} after {seconds} s"
        time.sleep(0.02)
    return result


@dataclass
class FakeAws:
    """S3, STS, EventBridge and one Lambda function, as far as a job needs them."""

    objects: dict[str, bytes] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    grader_events: list[list[dict[str, Any]]] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    reward: Reward = lambda sample: float(sample["messages"][-1]["content"] == sample["metadata"]["reference_answer"])
    answers: list[Any] = field(default_factory=list)
    """What the function answers in place of rewards, one call each: JSON, or an exception to raise."""

    def put_records(self, key: str, records: list[dict[str, Any]]) -> str:
        self.objects[f"{BUCKET}/{key}"] = "".join(json.dumps(record) + "\n" for record in records).encode()
        return f"s3://{BUCKET}/{key}"

    def rows(self, suffix: str) -> list[str]:
        """The lines of the one object whose key ends so."""
        (body,) = [body for key, body in self.objects.items() if key.endswith(suffix)]
        return body.decode().splitlines()

    def details(self, job_arn: str) -> list[dict[str, Any]]:
        """The details of the events about a job, as they came."""
        return [detail for event in self.events if (detail := json.loads(event["Detail"]))["jobArn"] == job_arn]

    def statuses(self, job_arn: str) -> list[str]:
        return [detail["jobStatus"] for detail in self.details(job_arn)]

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._queries, methods=["POST"]),
                Route("/2015-03-31/functions/{name:path}/invocations", self._invoke, methods=["POST"]),
                Route("/{key:path}", self._object, methods=["GET", "PUT"]),
            ]
        )

    async def _queries(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("x-amz-target") == "AWSEvents.PutEvents":
            self.events += json.loads(body)["Entries"]
            return JSONResponse({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
        form = parse_qs(body.decode())
        if "sts:AssumeRole" in self.denied:
            xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            return Response(xml, 403, media_type="text/xml")
        expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        xml = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>JOBROLE</AccessKeyId>"
            "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
            f"<Expiration>{expires}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{form['RoleArn'][0]}</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Response(xml, media_type="text/xml")

    async def _object(self, request: Request) -> Response:
        key = request.path_params["key"]
        self._called(request)
        action = {"GET": "s3:GetObject", "PUT": "s3:PutObject"}[request.method]
        if action in self.denied:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="text/xml")
        if request.method == "PUT":
            self.objects[key] = _unchunked(await request.body(), request)
            return Response(headers={"ETag": '"0"'})
        if key not in self.objects:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="text/xml")
        return Response(self.objects[key])

    async def _invoke(self, request: Request) -> Response:
        samples = json.loads(await request.body())
        self._called(request)
        if "lambda:InvokeFunction" in self.denied:
            headers = {"x-amzn-errortype": "AccessDeniedException"}
            return JSONResponse({"Message": "no"}, 403, headers=headers)
        self.grader_events.append(samples)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                report = {"errorType": type(answer).__name__, "errorMessage": str(answer)}
                return JSONResponse(report, headers={"X-Amz-Function-Error": "Unhandled"})
            return JSONResponse(answer)
        return JSONResponse([{"id": s["id"], "aggregate_reward_score": self.reward(s)} for s in samples])

    def _called(self, request: Request) -> None:
        self.callers.add(request.headers["authorization"].partition("Credential=")[2].partition("/")[0])


def _unchunked(body: bytes, request: Request) -> bytes:
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return body
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole


_COLOURS = ("red", "green", "blue", "black")


def records(count: int = 100) -> list[dict[str, Any]]:
    """Records whose answer is the colour that the prompt names."""
    return [
        {
            "id": f"r{number}",
            "messages": [
                {"role": "system", "content": "Answer with one word."},
                {"role": "user", "content": f"thing {number} is {_COLOURS[number % 4]}"},
            ],
            "reference_answer": _COLOURS[number % 4],
            "rft": {"run_id": "run-1"},
        }
        for number in range(count)
    ]


@dataclass
class Bedrock:
    """A running stand-in, and clients that know nothing of it but its address."""

    aws: FakeAws
    url: str
    control: Any
    runtime: Any

    def job(self, name: str, **changes: Any) -> str:
        """Create a job; its ARN."""
        return self.control.create_model_customization_job(**job_request(name, **changes))["jobArn"]  # type: ignore[no-any-return]

    def status(self, job: str) -> str:
        return self.control.get_model_customization_job(jobIdentifier=job)["status"]  # type: ignore[no-any-return]

    def ended(self, job: str) -> dict[str, Any]:
        """The job once it has ended."""
        until(lambda: self.status(job) in ("Completed", "Failed", "Stopped"))
        return self.control.get_model_customization_job(jobIdentifier=job)  # type: ignore[no-any-return]


def job_request(name: str, **changes: Any) -> dict[str, Any]:
    """A request for a short job on ``records()``; ``hyper_parameters`` adds to its settings."""
    hyper_parameters = {"epochCount": 1, "batchSize": 64, "inferenceMaxTokens": 8}
    hyper_parameters |= changes.pop("hyper_parameters", {})
    request = {
        "jobName": name,
        "customModelName": name,
        "roleArn": ROLE,
        "clientRequestToken": f"token-{name}",
        "baseModelIdentifier": "amazon.nova-2-lite-v1:0:256k",
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "trainingDataConfig": {"s3Uri": f"s3://{BUCKET}/train.jsonl"},
        "outputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/{name}/"},
        "customizationConfig": {
            "rftConfig": {
                "graderConfig": {"lambdaGrader": {"lambdaArn": GRADER}},
                "hyperParameters": hyper_parameters,
            }
        },
    }
    return request | changes


def settings(state: Path, endpoint: str) -> Settings:
    return Settings(
        state=state,
        aws_endpoint=endpoint,
        event_source="local.bedrock",
        access_key="ROOT",
        secret_key="root",
        deployment_seconds=0.2,
        grader_backoff=0.01,
        stop_grace=3,
    )


@contextmanager
def running(state: Path, aws: FakeAws, endpoint: str) -> Iterator[Bedrock]:
    with serving(create_app(settings(state, endpoint))) as url:
        clients = [_client(service, url) for service in ("bedrock", "bedrock-runtime")]
        yield Bedrock(aws, url, *clients)
        for client in clients:
            client.close()


def _client(service: str, url: str) -> Any:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", config=config, **keys)


@pytest.fixture
def fake_aws() -> Iterator[tuple[FakeAws, str]]:
    aws = FakeAws()
    aws.put_records("train.jsonl", records())
    with serving(aws.app()) as url:
        yield aws, url


@pytest.fixture
def bedrock(tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> Iterator[Bedrock]:
    """A stand-in with nothing in it."""
    with running(tmp_path, *fake_aws) as started:
        yield started


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bedrock]:
    """A stand-in with one completed job ``first`` that other tests share: they add to it, and break nothing."""
    aws = FakeAws()
    aws.put_records("train.jsonl", records())
    aws.put_records("validation.jsonl", [record | {"id": f"v{record['id']}"} for record in records(20)])
    with serving(aws.app()) as endpoint, running(tmp_path_factory.mktemp("state"), aws, endpoint) as started:
        job = started.job(
            "first",
            validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]},
            jobTags=[{"key": "run", "value": "run-1"}],
            customModelTags=[{"key": "made-by", "value": "first"}],
            hyper_parameters={"epochCount": 8, "batchSize": 20, "evalInterval": 10, "trainingSamplePerPrompt": 8},
        )
        assert started.ended(job)["status"] == "Completed", started.ended(job)
        yield started
