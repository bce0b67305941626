"""The API client against a real little server: signatures, retries, paging, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials

from cli.client import ApiClient
from cli.faults import ApiProblem, ApiUnreachable

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(api: FakeApi, pauses: list[float]) -> ApiClient:
    credentials = Credentials("AKIDEXAMPLE", "secret", "token")
    return ApiClient(api.url, credentials, "eu-west-1", proxies={}, attempts=4, sleep=pauses.append)


def test_calls_are_signed_for_the_api_in_its_region(api: FakeApi, client: ApiClient) -> None:
    client.runs(model="ticket-triage", limit=5)
    (sent,) = api.sent("GET", "/runs")
    signature = r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-west-1/execute-api/aws4_request, SignedHeaders=.*"
    assert re.match(signature, sent["headers"]["authorization"])
    assert sent["headers"]["x-amz-security-token"] == "token"
    assert sent["query"] == {"model": "ticket-triage", "limit": "5"}


def test_a_run_is_created_under_its_key_and_found_again(api: FakeApi, client: ApiClient) -> None:
    request = {"model": "ticket-triage"}
    assert [client.create_run(request, key="k-1")[1] for _ in range(2)] == [True, False]
    assert {sent["headers"]["idempotency-key"] for sent in api.sent("POST", "/runs")} == {"k-1"}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(api: FakeApi, client: ApiClient, pauses: list[float], status: int) -> None:
    api.failures = [(status, {"message": "later"})] * 3
    assert client.run(RUN_ID)["run_id"] == RUN_ID
    assert len(pauses) == 3
    assert all(0 <= pause <= 10 for pause in pauses)


def test_every_try_is_signed_once(api: FakeApi, client: ApiClient) -> None:
    api.failures = [(503, {})]
    client.run(RUN_ID)
    assert all(sent["headers"]["authorization"].count("Credential=") == 1 for sent in api.requests)


def test_in_the_end_the_refusal_stands(api: FakeApi, client: ApiClient) -> None:
    api.failures = [(503, {"message": "Service Unavailable"})] * 4
    with pytest.raises(ApiProblem) as refused:
        client.run(RUN_ID)
    assert refused.value.status == 503
    assert len(api.requests) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refusal_is_not_argued_with(api: FakeApi, client: ApiClient, pauses: list[float], status: int) -> None:
    api.failures = [(status, {"title": "No"})]
    with pytest.raises(ApiProblem):
        client.run(RUN_ID)
    assert (len(api.requests), pauses) == (1, [])


def test_a_refusal_carries_every_problem(api: FakeApi, client: ApiClient) -> None:
    errors = [{"path": "model", "message": "is required"}, {"path": "deploy", "message": "must be one of ..."}]
    api.failures = [(422, {"title": "The request is invalid", "detail": "model: is required; ...", "errors": errors})]
    with pytest.raises(ApiProblem) as refused:
        client.create_run({}, key="k")
    assert [problem.to_json() for problem in refused.value.problems] == errors
    assert refused.value.message == "The request is invalid (HTTP 422)"


def test_api_gateways_own_refusal_is_explained(api: FakeApi, client: ApiClient) -> None:
    api.failures = [(403, {"message": "Forbidden"})]
    with pytest.raises(ApiProblem, match="Forbidden") as refused:
        client.run(RUN_ID)
    assert refused.value.hint is not None
    assert "execute-api:Invoke" in refused.value.hint


def test_a_refusal_of_the_function_is_not_explained_by_rights_to_call_it(api: FakeApi, client: ApiClient) -> None:
    detail = "the names of your models begin with acme-"
    api.failures = [(403, {"title": "The model's name is not yours to use", "status": 403, "detail": detail})]
    with pytest.raises(ApiProblem, match=detail) as refused:
        client.create_run({}, key="k")
    assert refused.value.hint is None


@pytest.mark.parametrize("document", [[], None, "text"])
def test_an_answer_of_another_form_is_a_refusal(api: FakeApi, client: ApiClient, document: Any) -> None:
    api.failures = [(200, document)]
    with pytest.raises(ApiProblem, match="not a JSON object"):
        client.run(RUN_ID)


def test_nobody_there(pauses: list[float]) -> None:
    client = ApiClient(
        "http://127.0.0.1:1", Credentials("a", "b"), "us-east-1", proxies={}, attempts=3, sleep=pauses.append
    )
    with pytest.raises(ApiUnreachable, match=re.escape("No answer from http://127.0.0.1:1")):
        client.runs()
    assert len(pauses) == 2


def test_all_pages_of_events(api: FakeApi, client: ApiClient, make_run: Callable[..., Any]) -> None:
    api.events = [{"at": f"2026-01-31T12:00:0{i}Z", "type": "status", "detail": {"status": "x"}} for i in range(5)]
    assert client.events(RUN_ID) == api.events
    assert len(api.sent("GET", f"/runs/{RUN_ID}/events")) == 3


def test_an_id_can_not_lead_to_another_route(api: FakeApi, client: ApiClient) -> None:
    with pytest.raises(ApiProblem):
        client.run("../../runs?x")
    assert api.requests[-1]["path"] == "/runs/..%2F..%2Fruns%3Fx"


def test_a_link_is_followed_unsigned(api: FakeApi, client: ApiClient) -> None:
    api.files["/data-bucket/report.html"] = b"<html>"  # given to nobody who signs
    assert client.download(f"{api.url}/data-bucket/report.html?X-Amz-Signature=secret") == b"<html>"


@pytest.mark.parametrize(
    "url", ["{api}/data-bucket/gone?X-Amz-Signature=secret", "http://127.0.0.1:1/x?Signature=secret"]
)
def test_a_link_that_leads_nowhere_is_told_without_its_signature(api: FakeApi, client: ApiClient, url: str) -> None:
    with pytest.raises((ApiProblem, ApiUnreachable)) as refused:
        client.download(url.format(api=api.url))
    assert "127.0.0.1" in refused.value.message
    assert "secret" not in refused.value.message
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "ask", [lambda client: client.approve(RUN_ID, "promote"), lambda client: client.compare("m", {"prompts": ["x"]})]
)
def test_what_must_not_be_done_twice_is_asked_once(
    api: FakeApi, client: ApiClient, ask: Callable[[ApiClient], object]
) -> None:
    api.failures = [(503, {"message": "Service Unavailable"})] * 4
    with pytest.raises(ApiProblem):
        ask(client)
    assert len(api.requests) == 1


def test_a_name_can_not_lead_to_another_route(api: FakeApi, client: ApiClient) -> None:
    with pytest.raises(ApiProblem):
        client.model("../runs?x")
    assert api.requests[-1]["path"] == "/models/..%2Fruns%3Fx"
