"""The stand-in for Bedrock on a free port, beside a small AWS that a test can look into and make refuse."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bedrock.authorization.checking import Authorizer
from local.bedrock.loopback import listen
from local.bedrock.server import create_app
from local.bedrock.settings import Settings

ROLE = "arn:aws:iam::000000000000:role/rft-job"
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
GRADER = "arn:aws:lambda:us-east-1:000000000000:function:grader"
BUCKET = "data"

type Reward = Callable[[dict[str, Any]], float]


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The address of the application, while the block runs."""
    listener = listen(0)
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert server.running.wait(timeout=20)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        thread.join(timeout=20)
        listener.close()


class _Server(uvicorn.Server):
    """uvicorn asks ten times a second whether to end, and ends in tenths of a second. Hundreds of tests can't wait."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.running = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Take no further request, answer those that are there, close the application."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._over.set)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.running.set()
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


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
    """Who read or wrote an object, or called the function."""
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of a role's name and an action."""
    reward: Reward = lambda sample: float(sample["messages"][-1]["content"] == sample["metadata"]["reference_answer"])
    answers: dict[str, list[Any]] = field(default_factory=dict)
    """By function: what it answers in place of rewards, one call each: JSON, or an exception to raise."""
    graders: dict[str, Callable[[list[dict[str, Any]]], Any]] = field(default_factory=dict)
    """By a function's ARN: what makes its answer of the samples, in place of rewards; it may raise."""
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Functions of the stack that are called for their answers."""
    absent: set[str] = field(default_factory=set)
    """Ids of keys, subnets and security groups that don't exist; every other one does."""
    vpcs: dict[str, str] = field(default_factory=dict)
    """The VPC that a subnet or a security group is in; vpc-1 for those that are not here."""
    modified: dict[str, datetime] = field(default_factory=dict)
    """When objects were written; those that are not here, in 2026."""
    listings: int = 0

    def put_records(self, key: str, records: list[dict[str, Any]]) -> str:
        self.objects[f"{BUCKET}/{key}"] = "".join(json.dumps(record) + "\n" for record in records).encode()
        self.modified[f"{BUCKET}/{key}"] = datetime.now(UTC)
        return f"s3://{BUCKET}/{key}"

    def rows(self, under: str, suffix: str) -> list[str]:
        """The lines of the one object whose key begins and ends so."""
        (body,) = [body for key, body in self.objects.items() if key.startswith(under) and key.endswith(suffix)]
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
                Route("/", self._buckets, methods=["GET"]),
                Route("/2015-03-31/functions/{name:path}/invocations", self._invoke, methods=["POST"]),
                Route("/{key:path}", self._object, methods=["GET", "PUT"]),
            ]
        )

    async def _queries(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("x-amz-target") == "AWSEvents.PutEvents":
            self.events += json.loads(body)["Entries"]
            return JSONResponse({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
        if request.headers.get("x-amz-target") == "TrentService.DescribeKey":
            return self._key(json.loads(body)["KeyId"])
        form = parse_qs(body.decode())
        if form["Action"][0].startswith("Describe"):
            return self._network(form, _role(request))
        role = form["RoleArn"][0].rpartition("/")[2]
        if (role, "sts:AssumeRole") in self.denied:
            xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            return Response(xml, 403, media_type="text/xml")
        expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        xml = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"<AccessKeyId>{role}</AccessKeyId>"
            "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
            f"<Expiration>{expires}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{form['RoleArn'][0]}</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Response(xml, media_type="text/xml")

    def _key(self, identifier: str) -> Response:
        name = identifier.rpartition("/")[2]
        if name in self.absent:
            return JSONResponse({"__type": "NotFoundException", "message": "no"}, 400)
        arn = f"arn:aws:kms:us-east-1:000000000000:key/{name}"
        return JSONResponse({"KeyMetadata": {"KeyId": name, "Arn": arn, "KeyState": "Enabled"}})

    def _network(self, form: dict[str, list[str]], role: str) -> Response:
        action = form["Action"][0]
        if (role, f"ec2:{action}") in self.denied:
            return _ec2_error("UnauthorizedOperation", 403)
        ids = [values[0] for name, values in form.items() if name.partition(".")[0] in ("SubnetId", "GroupId", "VpcId")]
        if absent := self.absent & set(ids):
            kind = "InvalidSubnetID" if action == "DescribeSubnets" else "InvalidGroup"
            return _ec2_error(f"{kind}.NotFound", 400, ", ".join(absent))
        tag, item = {
            "DescribeSubnets": ("subnetSet", "subnetId"),
            "DescribeSecurityGroups": ("securityGroupInfo", "groupId"),
            "DescribeVpcs": ("vpcSet", "vpcId"),
        }.get(action, ("dhcpOptionsSet", "dhcpOptionsId"))
        items = "".join(
            f"<item><{item}>{one}</{item}>"
            + (f"<vpcId>{self.vpcs.get(one, 'vpc-1')}</vpcId>" if item != "vpcId" else "")
            + "</item>"
            for one in ids
        )
        return Response(f"<{action}Response><{tag}>{items}</{tag}></{action}Response>", media_type="text/xml")

    async def _buckets(self, _: Request) -> Response:
        names = sorted({key.partition("/")[0] for key in self.objects})
        entries = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in names)
        xml = f"<ListAllMyBucketsResult><Buckets>{entries}</Buckets></ListAllMyBucketsResult>"
        return Response(xml, media_type="text/xml")

    async def _object(self, request: Request) -> Response:
        key = request.path_params["key"]
        listing = "list-type" in request.query_params
        role = _role(request) if listing else self._caller(request)
        action = "s3:ListBucket" if listing else {"GET": "s3:GetObject", "PUT": "s3:PutObject"}[request.method]
        if (role, action) in self.denied:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="text/xml")
        if listing:
            return Response(self._listing(key.rstrip("/"), request.query_params["prefix"]), media_type="text/xml")
        if request.method == "PUT":
            self.objects[key] = _unchunked(await request.body(), request)
            return Response(headers={"ETag": '"0"'})
        if key not in self.objects:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="text/xml")
        return Response(self.objects[key])

    def _listing(self, bucket: str, prefix: str) -> str:
        self.listings += 1
        begin = f"{bucket}/{prefix}"
        found = [(key, body) for key, body in sorted(self.objects.items()) if key.startswith(begin)]
        entries = "".join(
            f"<Contents><Key>{key.partition('/')[2]}</Key><Size>{len(body)}</Size>"
            f"<ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag>"
            f"<LastModified>{self.modified.get(key, _LONG_AGO).isoformat()}</LastModified></Contents>"
            for key, body in found
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"

    async def _invoke(self, request: Request) -> Response:
        samples = json.loads(await request.body())
        function = request.path_params["name"].rpartition(":")[2]
        if function in self.functions:
            return JSONResponse(await asyncio.to_thread(self.functions[function], samples))
        if (self._caller(request), "lambda:InvokeFunction") in self.denied:
            headers = {"x-amzn-errortype": "AccessDeniedException"}
            return JSONResponse({"Message": "no"}, 403, headers=headers)
        self.grader_events.append(samples)
        name = request.path_params["name"].rpartition(":")[2]
        if grader := self.graders.get(request.path_params["name"]):
            try:
                return Response(json.dumps(grader(samples)), media_type="application/json")
            except Exception as error:
                return _ended(error)
        if self.answers.get(name):
            answer = self.answers[name].pop(0)
            return _ended(answer) if isinstance(answer, Exception) else JSONResponse(answer)
        return JSONResponse([{"id": s["id"], "aggregate_reward_score": self.reward(s)} for s in samples])

    def _caller(self, request: Request) -> str:
        role = _role(request)
        self.callers.add(role)
        return role


def _ended(error: Exception) -> Response:
    """As the Lambda runtime reports a function that raised."""
    report = {"errorType": type(error).__name__, "errorMessage": str(error)}
    return JSONResponse(report, headers={"X-Amz-Function-Error": "Unhandled"})


def _ec2_error(code: str, status: int, text: str = "no") -> Response:
    error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return Response(f"<Response><Errors>{error}</Errors></Response>", status, media_type="text/xml")


def _role(request: Request) -> str:
    return request.headers["authorization"].partition("Credential=")[2].partition("/")[0]


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

    def faults(self, rules: list[dict[str, Any]]) -> tuple[int, Any]:
        """Put rules in place; the status and the answer."""
        body = json.dumps(rules).encode()
        request = urllib.request.Request(f"{self.url}/_local/faults", body, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def status(self, job: str) -> str:
        return self.control.get_model_customization_job(jobIdentifier=job)["status"]  # type: ignore[no-any-return]

    def ended(self, job: str) -> dict[str, Any]:
        """The job once it has ended."""
        until(lambda: self.status(job) in ("Completed", "Failed", "Stopped"))
        return self.control.get_model_customization_job(jobIdentifier=job)  # type: ignore[no-any-return]


def job_request(name: str, **changes: Any) -> dict[str, Any]:
    """A request for a short job on ``records()``; ``hyper_parameters`` adds to its settings, ``grader`` is an ARN."""
    hyper_parameters = {"epochCount": 1, "batchSize": 64, "inferenceMaxTokens": 8}
    hyper_parameters |= changes.pop("hyper_parameters", {})
    grader = changes.pop("grader", GRADER)
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
                "graderConfig": {"lambdaGrader": {"lambdaArn": grader}},
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
def running(
    state: Path, aws: FakeAws, endpoint: str, authorizer: Authorizer | None = None, **changes: Any
) -> Iterator[Bedrock]:
    """A stand-in on a free port; ``changes`` are to its settings. Without an authorizer every caller may do all."""
    with serving(create_app(replace(settings(state, endpoint), **changes), authorizer)) as url:
        clients = [_client(service, url) for service in ("bedrock", "bedrock-runtime")]
        yield Bedrock(aws, url, *clients)
        for client in clients:
            client.close()


def _client(service: str, url: str) -> Any:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", config=config, **keys)


def refused(call: Any, **parameters: Any) -> tuple[str, int, str]:
    """The code, the status and the text of the error that a call must end with."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        response = error.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]
    raise AssertionError(f"accepted: {answer}")
