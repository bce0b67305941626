"""A stack that two teams share: acme, whose things are to stay unseen, and globex, who looks; and calls of its API."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3

from functions.api.app import handler
from rft.aws.model_store import Live
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.doors.api import routes
from rft.steps.environment import Environment
from rft.steps.pipeline import Pipeline

Json = dict[str, Any]

BUCKET, ACCOUNT = "rft-data-123456789012", "123456789012"
STS = f"arn:aws:sts::{ACCOUNT}:assumed-role"
ACME, GLOBEX = f"{STS}/acme-train/alice", f"{STS}/globex-train/bob"
ADMIN, STRANGER = f"arn:aws:iam::{ACCOUNT}:user/ops", f"{STS}/else/acme-train"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:rft-run"
GRADER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rft-grader:1"
CANARY = "KINGFISHER"  # in everything that is acme's
MODEL_ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/amazon.nova-2-lite-v1:0:256k/{CANARY}"
DEPLOYMENT = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/{CANARY}"
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "STACK_NAME": "rft",
    "DATA_BUCKET": BUCKET,
    "LOG_BUCKET": "everybodys-logs",
    "RUN_TABLE": "runs",
    "STATE_MACHINE_ARN": MACHINE,
    "DEFAULT_BASE_MODEL": "amazon.nova-2-lite-v1:0:256k",
    "DEFAULT_GRADER": "format-validation",
    "GRADERS": f"format-validation={GRADER}",
    "AWAIT_JOB_FUNCTION": "await-job",
    "CHECK_GRADER_FUNCTION": "check-grader",
    "COMPARE_MODELS_FUNCTION": "compare-models",
    "DELETE_MODEL_FUNCTION": "delete-model",
    "READ_CURVE_FUNCTION": "read-curve",
    "TENANTS": f"acme={STS}/acme-train/*,globex={STS}/globex-train/*,*={ADMIN}",
}
WAITING = {"state": "waiting", "since": "a", "until": "z", "decided_at": None, "decided_by": CANARY}
LINE = json.dumps({"messages": [{"role": "user", "content": CANARY}], "reference_answer": CANARY})


class Functions:
    """Lambda, as far as the API calls it: everything it is asked succeeds, and tells of acme."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Json]] = []

    def client(self, seconds: float) -> Functions:
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> Json:  # noqa: N803
        self.called.append((FunctionName, json.loads(Payload)))
        answer = {"points": [], "told": CANARY, "model": CANARY, "removed": [], "left": []}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass
class World:
    pipeline: Pipeline
    functions: Functions
    runs: dict[str, str] = field(default_factory=dict)

    def make(self, model: str, number: int, status: Status, **attributes: Any) -> str:
        name = f"{model}-{number:012x}"
        at = f"2026-01-{number // 60 + 1:02}T12:{number % 60:02}:00.000Z"
        assert self.pipeline.store.create(Run(name, model, status, at, at, **attributes))
        return name

    def table(self) -> list[Json]:
        return list(boto3.resource("dynamodb").Table(self.pipeline.environment.table).scan()["Items"])


def populated(functions: Functions) -> World:
    """acme has a model that serves, a run with a report and one that waits for a word; globex has a run."""
    made = World(Pipeline(Environment()), functions)
    store = made.pipeline.store
    left = {f"{kind}_uri": f"s3://{BUCKET}/runs/x/{CANARY}" for kind in ("report", "markdown", "manifest")}
    request = {"training_data": {"s3_uri": f"s3://{BUCKET}/datasets/acme-triage/train.jsonl"}}
    common: Json = {"custom_model_arn": MODEL_ARN, "request": request, "base_model": "amazon.nova-2-lite-v1:0:256k"}
    promoted = made.make("acme-triage", 1, Status.PROMOTED, report=left, grader_arn=GRADER, **common)
    waiting = made.make("acme-triage", 2, Status.COMPARING, approval=WAITING, deployment_arn=DEPLOYMENT, **common)
    store.append(promoted, "noted", {"what": CANARY})
    made.pipeline.models.claim("acme-triage", promoted, None)
    live = Live(promoted, MODEL_ARN, DEPLOYMENT, "on-demand", "amazon.nova-2-lite-v1:0:256k", "2026-01-31T12:00:00Z")
    assert made.pipeline.models.set_live("acme-triage", promoted, live)
    made.runs = {"promoted": promoted, "waiting": waiting, "own": made.make("globex-m", 3, Status.TRAINING)}
    return made


def call(
    caller: str | None,
    route: str,
    *,
    query: Any = None,
    body: Any = None,
    headers: Any = None,
    request_id: Any = "request-1",
    **names: Any,
) -> tuple[int, Any, str]:
    method, _, resource = route.partition(" ")
    event = {
        "resource": resource,
        "path": resource.format(**names),
        "httpMethod": method,
        "headers": headers or {},
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {key: [value] for key, value in (query or {}).items()},
        "pathParameters": names,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": request_id,
            "httpMethod": method,
            "resourcePath": resource,
            "identity": {"userArn": caller, "sourceIp": "192.0.2.1", "accountId": ACCOUNT},
        },
    }
    context = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1024, invoked_function_arn="arn", aws_request_id="request"
    )
    answer: Json = handler(event, context)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"]), answer["body"] + json.dumps(answer["multiValueHeaders"])


def all_routes() -> set[str]:
    found = {
        f"{route.method} {re.sub(r'<(\w+)>', r'{\1}', route.path)}"
        for route in (*routes._static_routes, *routes._dynamic_routes)
    }
    return {name.replace("/models/{name}", "/models/{model}") for name in found}


def data(key: str) -> Json:
    return {"s3_uri": f"s3://{BUCKET}/{key}"}


TRAIN = "datasets/acme-triage/train.jsonl"


def request(model: str = "globex-m", **changes: Any) -> Json:
    return {"model": model, "training_data": data("datasets/globex-m/own.jsonl")} | changes
