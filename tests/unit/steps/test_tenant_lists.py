"""What one tenant is told of its own: lists whose pages tell nothing of others, and keys and ids that are its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rft.aws import items
from rft.run.identity import run_id
from rft.run.status import Status
from tests.unit.steps.two_teams import ACME, ADMIN, CANARY, GLOBEX, STRANGER, Json, World, call, data, request

pytestmark = pytest.mark.thorough

# -- lists -----------------------------------------------------------------------------------------------------------


def pages(caller: str, route: str, key: str, **query: str) -> Iterator[list[Json]]:
    token: str | None = None
    while True:
        status, document, _ = call(caller, route, query=query | ({"next_token": token} if token else {}))
        assert status == 200, document
        yield document[key]
        token = document["next_token"]
        if token is None:
            return
        assert b"acme" not in base64.urlsafe_b64decode(token), "a token is no secret to whoever gets it"


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
@pytest.mark.parametrize("query", [{}, {"status": "training"}, {"model": "globex-m"}])
def test_a_tenants_pages_are_full_and_end_with_its_last(
    own_runs: set[str], monkeypatch: pytest.MonkeyPatch, limit: int, query: Json
) -> None:
    monkeypatch.setenv("RUN_TABLE", "many")
    listed = list(pages(GLOBEX, "GET /runs", "runs", limit=str(limit), **query))
    assert {run["run_id"] for page in listed for run in page} == own_runs
    assert len(own_runs) == sum(map(len, listed)), "each once"
    assert [len(page) for page in listed[:-1]] == [limit] * (len(listed) - 1)
    times = [run["created_at"] for page in listed for run in page]
    assert times == sorted(times, reverse=True)
    if "model" not in query:
        assert listed[-1], "no empty page at the end, and so no word of what others have"


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_models_are_listed_in_the_same_way(own_runs: set[str], monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setenv("RUN_TABLE", "many")
    listed = list(pages(GLOBEX, "GET /models", "models", limit=str(limit)))
    assert [model["name"] for page in listed for model in page] == [f"globex-{letter}" for letter in "edcba"]
    assert all(len(page) == limit for page in listed[:-1])
    assert listed[-1]


def test_an_administrator_lists_all(own_runs: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_TABLE", "many")
    assert len(call(ADMIN, "GET /models")[1]["models"]) == 10
    first = call(ADMIN, "GET /runs", query={"limit": "100"})[1]
    assert {run["model"] for run in first["runs"]} == {"globex-m", "acme-triage"}


@pytest.mark.parametrize("at_a_time", [1, 2, 7])
def test_so_they_do_where_dynamodb_stops_in_between(
    own_runs: set[str], monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setenv("RUN_TABLE", "many")
    monkeypatch.setattr(items, "_AT_A_TIME", at_a_time)
    listed = list(pages(GLOBEX, "GET /runs", "runs", limit="4"))
    assert [len(page) for page in listed] == [4, 2]


def test_a_token_of_another_listing_begins_nothing(world: World) -> None:
    for number in range(10, 13):
        world.make("acme-triage", number, Status.TRAINING)
    token = call(ACME, "GET /runs", query={"limit": "1"})[1]["next_token"]
    assert call(GLOBEX, "GET /runs", query={"limit": "1", "next_token": token})[0] == 422
    listing, key = json.loads(base64.urlsafe_b64decode(token))
    forged = base64.urlsafe_b64encode(json.dumps([listing.replace("acme-", "globex-"), key]).encode()).decode()
    status, document, _ = call(GLOBEX, "GET /runs", query={"limit": "9", "next_token": forged})
    assert status == 200
    assert {run["model"] for run in document["runs"]} <= {"globex-m"}


def test_a_model_named_like_a_tenant_is_nobodys_but_an_administrators(world: World) -> None:
    """Its runs' ids begin like the tenant's."""
    name = world.make("globex", 9, Status.PROMOTED, report={"report_uri": CANARY})
    for caller, status in ((GLOBEX, 404), (ADMIN, 200)):
        assert call(caller, "GET /runs/{run_id}", run_id=name)[0] == status
        assert call(caller, "GET /runs/{run_id}/events", run_id=name)[0] == status
    assert call(GLOBEX, "GET /runs", query={"model": "globex"})[1] == {"runs": [], "next_token": None}


# -- keys and ids ----------------------------------------------------------------------------------------------------


def start(caller: str, model: str, key: str | None, request_id: str = "request-1", **changes: Any) -> tuple[int, Json]:
    headers = {"Idempotency-Key": key} if key is not None else {}
    body = {"model": model, "training_data": data(f"datasets/{model}/own.jsonl")} | changes
    status, document, _ = call(caller, "POST /runs", headers=headers, body=body, request_id=request_id)
    return status, document


def test_an_idempotency_key_is_its_tenants_own(world: World) -> None:
    status, first = start(ACME, "acme-triage", "key-1")
    assert status == 201
    assert start(ACME, "acme-triage", "key-1") == (200, first)
    status, second = start(GLOBEX, "globex-m", "key-1")
    assert (status, second["model"]) == (201, "globex-m"), "neither acme's run nor a conflict"
    assert start(GLOBEX, "globex-m", "key-1", budget={"max_usd": 1})[0] == 409, "of its own it is one"
    status, third = start(ADMIN, "acme-triage", "key-1")
    assert status == 201
    assert third["run_id"] not in (first["run_id"], second["run_id"])


def test_without_tenants_ids_are_what_they_were(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENANTS")
    status, run = start(STRANGER, "any-model", "key-1")
    assert (status, run["run_id"]) == (201, run_id("any-model", "key", "key-1"))
    assert f"KEY#{hashlib.sha256(b'key-1').hexdigest()}" in {item["pk"] for item in world.table()}
    assert call(STRANGER, "GET /models/{model}", model="acme-triage")[0] == 200


def test_a_run_of_a_tenants_own_can_be_repeated_on_what_it_was_trained_on(world: World) -> None:
    body = request(training_data=data(f"runs/{world.runs['own']}/dataset/source.jsonl"))
    assert call(GLOBEX, "POST /runs", body=body)[0] == 201
