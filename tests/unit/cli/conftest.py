"""A little HTTP server that answers as the pipeline's API and as S3 do, and a local cloud that points to it."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer import main, testing
from typer.testing import CliRunner

from cli.target import Target

_command = cache(main.get_command)
RUN_ID = "ticket-triage-0123456789ab"
Json = dict[str, Any]


def a_run(status: str = "received", **changes: Any) -> Json:
    run: Json = {
        "run_id": RUN_ID,
        "model": "ticket-triage",
        "status": status,
        "base_model": "amazon.nova-2-lite-v1:0:256k",
        "grader_arn": "arn:aws:lambda:us-east-1:000000000000:function:rft-grader-format:1",
        "deploy": "on-demand",
        "created_at": "2026-01-31T12:00:00Z",
        "updated_at": "2026-01-31T12:00:40Z",
        "ended_at": None,
        "execution_arn": None,
        "request": {"model": "ticket-triage", "hyperparameters": {"epoch_count": 5, "batch_size": 24}},
        "dataset": None,
        "job_name": None,
        "job_arn": None,
        "job_status": None,
        "job_phases": None,
        "custom_model_arn": None,
        "deployment_arn": None,
        "deployment_kind": None,
        "stop_requested": False,
        "reason": None,
        "warnings": [],
    }
    return run | changes


class FakeApi:
    """Answers ``GET /runs/{id}`` with the next of ``looks`` (the last one for ever); keeps every request it got."""

    def __init__(self) -> None:
        self.looks: list[Json] = [a_run()]
        self.events: list[Json] = []
        self.metrics: Json = {"run_id": RUN_ID, "training": [], "validation": []}
        self.failures: list[tuple[int, Json]] = []  # answered first, whatever is asked
        self.keys: dict[str, Json] = {}
        self.stop_answer: tuple[int, Json] = (202, a_run("training", stop_requested=True))
        self.answers: dict[tuple[str, str], tuple[int, Json]] = {}  # of other routes, by method and path
        self.files: dict[str, bytes] = {}  # what S3 hands over, by path
        self.requests: list[Json] = []
        self.objects: dict[str, Json] = {}
        self.on_look: Callable[[int], None] = lambda count: None
        self._looked = 0
        self.url = ""

    def answer(self, method: str, path: str, query: Json, headers: Json, body: bytes) -> tuple[int, Json]:
        self.requests.append({"method": method, "path": path, "query": query, "headers": headers, "body": body})
        if self.failures:
            return self.failures.pop(0)
        if (method, path) in self.answers:
            return self.answers[method, path]
        if (method, path) == ("POST", "/runs"):
            key = headers["idempotency-key"]
            known = key in self.keys
            self.keys.setdefault(key, json.loads(body))
            return (200 if known else 201), a_run()
        if (method, path) == ("GET", "/runs"):
            return 200, {"runs": self.looks[:1], "next_token": "page-2" if query.get("limit") == "1" else None}
        if path == f"/runs/{RUN_ID}/stop":
            return self.stop_answer
        if path == f"/runs/{RUN_ID}/events":
            start = int(query.get("next_token", "0"))
            more = start + 2 < len(self.events)
            return 200, {"events": self.events[start : start + 2], "next_token": str(start + 2) if more else None}
        if path == f"/runs/{RUN_ID}/metrics":
            return 200, self.metrics
        if path == f"/runs/{RUN_ID}":
            self._looked += 1
            self.on_look(self._looked)
            return 200, self.looks[min(self._looked, len(self.looks)) - 1]
        return 404, {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such run"}

    def sent(self, method: str, path: str) -> list[Json]:
        return [request for request in self.requests if (request["method"], request["path"]) == (method, path)]


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes: the second would wait 40 ms for the first

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if parts.path.startswith("/data-bucket/"):
                self.as_s3(parts.path, headers)
                return
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            path = re.sub(r"^/_aws/execute-api/api1/prod", "", parts.path)
            status, document = api.answer(self.command, path, query, headers, body)
            content = json.dumps(document).encode()
            self.reply(status, {"Content-Type": "application/json"}, content)

        def as_s3(self, path: str, headers: Json) -> None:
            if self.command == "PUT":
                sha256 = headers.get("x-amz-meta-sha256", "")
                size = headers.get("x-amz-decoded-content-length", headers["content-length"])
                api.objects[path] = {"x-amz-meta-sha256": sha256, "x-amz-version-id": "v1", "Content-Length": size}
                self.reply(200, {"x-amz-version-id": "v1"}, b"")
            elif path in api.objects:
                self.reply(200, api.objects[path], b"")
            elif path in api.files:
                self.reply(403 if "authorization" in headers else 200, {}, api.files[path])
            else:
                self.reply(404, {}, b"")

        def reply(self, status: int, headers: Json, content: bytes) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet about callers that hang up, which a Ctrl-C makes them do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()
    server = _Server(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cloud_info(api: FakeApi) -> dict[str, str]:
    return {
        "endpoint": api.url,
        "bedrock_endpoint": api.url,
        "region": "us-east-1",
        "stack": "rft",
        "api_url": f"{api.url}/_aws/execute-api/api1/prod",
        "bucket": "data-bucket",
        "topic_arn": "arn:aws:sns:us-east-1:000000000000:rft",
        "log_bucket": "rft-invocation-logs",
        "state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:rft",
    }


@pytest.fixture
def local_cloud(cloud_info: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A running local cloud, as far as a command can tell, whose runs are looked at without pauses."""
    (tmp_path / "cloud.json").write_text(json.dumps(cloud_info))
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(Target, "poll_seconds", property(lambda _: 0.01))
    return Target.from_cloud(cloud_info)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Of one command line: making it of all its functions anew takes longer than most of what is tried on it."""
    monkeypatch.setattr(testing, "_get_command", _command)
    return CliRunner()


@pytest.fixture
def make_run() -> Callable[..., Json]:
    return a_run
