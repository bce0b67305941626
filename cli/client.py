"""The client of the pipeline's REST API: SigV4-signed requests, retried where a repeat changes nothing."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ConnectionError as ConnectionLost
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from cli.faults import ApiProblem, ApiUnreachable
from cli.records import Deletion, Event, Grader, Metrics, Model, ModelPage, Playground, ReportLinks, Run, RunPage
from rft.errors import RequestProblem

_SERVICE = "execute-api"
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_CONNECT_SECONDS = 5
_READ_SECONDS = 30  # API Gateway itself gives up after 29 s
_LONGEST_PAUSE = 10.0
_EVENTS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class ApiClient:
    """Every method raises ``ApiProblem`` when the API refuses, ``ApiUnreachable`` when it does not answer.

    Where a call may be repeated without harm (a run is created under its idempotency key), lost connections, 429 and
    5xx are tried again up to ``attempts`` times, with full jitter.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        region: str,
        *,
        proxies: Mapping[str, str],
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._region = region
        self._attempts = attempts
        self._sleep = sleep
        # A bundle's path and a pair of timeouts are botocore's own use of these two; its stubs know neither.
        self._http = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type]
            proxies=dict(proxies),
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),  # type: ignore[arg-type]
        )

    def create_run(self, request: Mapping[str, Any], *, key: str) -> tuple[Run, bool]:
        """The run for ``request``, and whether it is new: the same ``key`` gives the same run again."""
        answer = self._call("POST", "/runs", body=request, headers={"Idempotency-Key": key})
        return cast(Run, answer.document()), answer.status == 201

    def runs(
        self,
        *,
        model: str | None = None,
        status: str | None = None,
        limit: int = 25,
        next_token: str | None = None,
    ) -> RunPage:
        query = {"model": model, "status": status, "limit": str(limit), "next_token": next_token}
        return cast(RunPage, self._call("GET", "/runs", query=query).document())

    def run(self, run_id: str) -> Run:
        return cast(Run, self._call("GET", _run_path(run_id)).document())

    def events(self, run_id: str) -> list[Event]:
        """All that happened so far, oldest first."""
        events: list[Event] = []
        token: str | None = None
        while True:
            query = {"limit": str(_EVENTS_A_PAGE), "next_token": token}
            page = self._call("GET", _run_path(run_id, "/events"), query=query).document()
            events += page["events"]
            token = page.get("next_token")
            if token is None:
                return events

    def metrics(self, run_id: str) -> Metrics:
        return cast(Metrics, self._call("GET", _run_path(run_id, "/metrics")).document())

    def graders(self) -> list[Grader]:
        """The graders of the stack."""
        return cast(list[Grader], self._call("GET", "/graders").document()["graders"])

    def stop(self, run_id: str) -> Run:
        return cast(Run, self._call("POST", _run_path(run_id, "/stop")).document())

    def approve(self, run_id: str, decision: str) -> Run:
        """``promote`` or ``keep``, for a run that waits for a person: said once, so that the answer is to that."""
        answer = self._call("POST", _run_path(run_id, "/approve"), body={"decision": decision}, attempts=1)
        return cast(Run, answer.document())

    def report(self, run_id: str) -> ReportLinks:
        return cast(ReportLinks, self._call("GET", _run_path(run_id, "/report")).document())

    def models(self, *, limit: int = 25, next_token: str | None = None) -> ModelPage:
        query = {"limit": str(limit), "next_token": next_token}
        return cast(ModelPage, self._call("GET", "/models", query=query).document())

    def model(self, name: str) -> Model:
        return cast(Model, self._call("GET", _model_path(name)).document())

    def delete_model(self, name: str) -> Deletion:
        """What this call removed of a model, and what is left; the same call again goes on."""
        return cast(Deletion, self._call("DELETE", _model_path(name)).document())

    def compare(self, model: str, asked: Mapping[str, Any]) -> Playground:
        """The same prompts answered by several versions of a model; asked once, for it takes long and costs tokens."""
        return cast(Playground, self._call("POST", _model_path(model, "/compare"), body=asked, attempts=1).document())

    def download(self, url: str) -> bytes:
        """What a link of the API leads to. The link is a right to read: it is sent unsigned, and no fault names it."""
        host = str(urlsplit(url).hostname)
        try:
            answer = self._persistently(lambda: self._send(AWSRequest(method="GET", url=url)), self._attempts)
        except (HTTPClientError, ConnectionLost):
            raise ApiUnreachable(f"No answer from {host}.") from None
        if answer.status != 200:
            raise ApiProblem(answer.status, f"{host} refuses to hand the file over (HTTP {answer.status}).")
        return answer.body

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int | None = None,
    ) -> Answer:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = self._url + path + (f"?{urlencode(given, quote_via=quote)}" if given else "")
        data = json.dumps(body).encode() if body is not None else None
        try:
            answer = self._persistently(
                lambda: self._signed(method, url, data, headers or {}), attempts or self._attempts
            )
        except (HTTPClientError, ConnectionLost) as lost:
            raise ApiUnreachable(f"No answer from {self._url} ({lost}).") from lost
        if answer.status >= 400:
            raise _problem(answer)
        if not isinstance(answer.document(), dict):
            raise ApiProblem(answer.status, f"The API's answer to {method} {path} is not a JSON object.")
        return answer

    def _persistently(self, once: Callable[[], Answer], attempts: int) -> Answer:
        """What the last try gives or raises; others are repeated only where that may help."""
        for attempt in range(1, attempts):
            try:
                answer = once()
            except (HTTPClientError, ConnectionLost):
                self._sleep(_pause(attempt))
                continue
            if answer.status not in _TRANSIENT:
                return answer
            self._sleep(_pause(attempt, answer.headers.get("retry-after")))
        return once()

    def _signed(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        content = {"Content-Type": "application/json"} if data is not None else {}
        request = AWSRequest(method=method, url=url, data=data, headers={**content, **headers})
        # Frozen at each call: credentials of a role are renewed while a long watch goes on.
        SigV4Auth(self._credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(request)
        return self._send(request)

    def _send(self, request: AWSRequest) -> Answer:
        response = self._http.send(request.prepare())
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lower, response.content)


def _run_path(run_id: str, rest: str = "") -> str:
    return f"/runs/{quote(run_id, safe='')}{rest}"


def _model_path(name: str, rest: str = "") -> str:
    return f"/models/{quote(name, safe='')}{rest}"


def _pause(attempt: int, retry_after: str | None = None) -> float:
    """Seconds until the next try: what the server asked for, else full jitter over a doubling span."""
    if retry_after is not None and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_PAUSE)
    return secrets.SystemRandom().uniform(0, min(_LONGEST_PAUSE, 0.25 * 2**attempt))


def _problem(answer: Answer) -> ApiProblem:
    document = answer.document()
    content = document if isinstance(document, dict) else {}
    errors = content.get("errors")
    problems = [
        RequestProblem(str(error.get("path", "$")), str(error.get("message", "")))
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict)
    ]
    # Where the problems are listed, the detail only strings them together. API Gateway's own refusals (a bad
    # signature, an unknown route) have a message and nothing else.
    names = ("title", "detail") if problems else ("detail", "title", "message", "Message")
    words = next((str(content[name]) for name in names if content.get(name)), "The API refused")
    hint = None
    # The function's own refusals, which say why, have a status in them; those of API Gateway at the door have none.
    if answer.status in {401, 403} and "status" not in content:
        hint = "The credentials need execute-api:Invoke on this API, and the right region."
    return ApiProblem(answer.status, f"{words} (HTTP {answer.status})", problems=problems, hint=hint)
