"""Every route of the API with one tenant's identity on another's things: told as if there were no such thing.

The routes are read from the resolver, so one that is added has to be added here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rft.run.tenants import Scope
from tests.unit.steps.two_teams import (
    ACME,
    ADMIN,
    BUCKET,
    CANARY,
    GLOBEX,
    STRANGER,
    STS,
    TRAIN,
    Json,
    World,
    all_routes,
    call,
    data,
    request,
)

pytestmark = pytest.mark.thorough

LOGS = {"invocation_logs": {"s3_uri": f"s3://{BUCKET}/datasets/acme-triage/logs/", "use_prompt_response": True}}
ALL_LOGS = {"invocation_logs": {"s3_uri": "s3://everybodys-logs/AWSLogs/", "use_prompt_response": True}}
FOREIGN_DATA: list[Any] = [
    {"training_data": data(TRAIN)},
    {"training_data": data("inbox/acme-triage/train.jsonl")},
    {"training_data": data("runs/acme-triage-000000000001/dataset/source.jsonl")},
    {"training_data": data("runs/globex-m-000000000003/output/model")},
    {"training_data": data("elsewhere.jsonl")},
    {"training_data": LOGS},
    {"training_data": ALL_LOGS},
    {"validation_data": data(TRAIN)},
]

Attack = tuple[Json, int]
"""Arguments of ``call``, in which {run} and {model} are acme's, and the status they get."""

ATTACKS: dict[str, list[Attack]] = {
    "GET /runs": [({"query": {"model": "acme-triage"}}, 200), ({"query": {"status": "promoted"}}, 200), ({}, 200)],
    "POST /runs": [
        ({"body": request("acme-triage")}, 403),
        ({"body": request("acme-triage", epochs=1)}, 403),
        ({"body": request("acme-triage", training_data=data(TRAIN))}, 403),
        *(({"body": request(**changes)}, 422) for changes in FOREIGN_DATA),
    ],
    "GET /runs/{run_id}": [({}, 404)],
    "GET /runs/{run_id}/events": [({}, 404)],
    "GET /runs/{run_id}/metrics": [({}, 404)],
    "GET /runs/{run_id}/report": [({}, 404)],
    "POST /runs/{run_id}/stop": [({}, 404)],
    "POST /runs/{run_id}/approve": [({"body": {"decision": "promote"}}, 404)],
    "GET /models": [({}, 200)],
    "GET /models/{model}": [({}, 404)],
    "DELETE /models/{model}": [({}, 404)],
    "POST /models/{model}/compare": [
        ({"body": {"prompts": ["x"]}}, 404),
        ({"body": {"prompts": ["x"], "versions": ["base"]}}, 404),
        ({"body": {"prompts": ["x"], "versions": ["acme-triage-000000000001"]}}, 422),
        ({"model": "globex-m", "body": {"prompts": ["x"], "versions": ["acme-triage-000000000002"]}}, 422),
    ],
    "POST /estimates": [
        ({"body": request("acme-triage")}, 403),
        *(({"body": request(**changes)}, 422) for changes in FOREIGN_DATA),
    ],
    "GET /graders": [({}, 200)],
    "POST /graders/{name}/test": [
        ({"name": "format-validation", "body": data(TRAIN)}, 422),
        ({"name": "format-validation", "body": data("inbox/acme-triage/train.jsonl")}, 422),
    ],
    "POST /datasets/check": [
        ({"body": data(TRAIN)}, 422),
        ({"body": data("datasets/globex-m/own.jsonl") | {"validation_s3_uri": f"s3://{BUCKET}/{TRAIN}"}}, 422),
    ],
}


def attacks() -> Iterator[Any]:
    for route, many in ATTACKS.items():
        yield from (pytest.param(route, *one, id=f"{route} {n}") for n, one in enumerate(many))


def test_no_route_is_forgotten() -> None:
    assert set(ATTACKS) == all_routes()


@pytest.mark.parametrize(("route", "given", "expected"), [*attacks()])
def test_what_is_anothers_was_never_there(still: World, route: str, given: Json, expected: int) -> None:
    runs = ["promoted", "waiting"] if "{run_id}" in route else ["promoted"]
    for names in ({"run_id": still.runs[run], "model": "acme-triage"} for run in runs):
        status, document, text = call(GLOBEX, route, **names | given)
        assert status == expected, document
        assert CANARY not in text
        if expected == 200:
            assert "acme" not in text, "what is listed is the caller's own"
        # Things of the same form that never were: the same answer, to the byte.
        twin = json.dumps([names, given]).replace("acme-triage", "acme-never").replace("00000000000", "99999999999")
        named, said = json.loads(twin)
        never = call(GLOBEX, route, **named | said)
        told = [re.sub(r"acme-(triage|never)", "acme-m", re.sub(r"[09]{11}", "n", each)) for each in (text, never[2])]
        assert (never[0], told[1]) == (status, told[0])


@pytest.mark.parametrize(
    ("route", "run"),
    [
        (route, run)
        for route in sorted(ATTACKS)
        for run in ("promoted", "waiting")
        if run == "promoted" or "run_id" in route
    ],
)
@pytest.mark.parametrize("caller", [ACME, ADMIN], ids=["acme", "administrator"])
def test_the_owner_and_an_administrator_see_it(world: World, caller: str, route: str, run: str) -> None:
    """So what others are refused is there, and the test above can fail."""
    bodies: dict[str, Json] = {
        "POST /runs": {"body": request("acme-triage", training_data=data(TRAIN))},
        "POST /estimates": {"body": request("acme-triage", training_data=data(TRAIN))},
        "POST /models/{model}/compare": {"body": {"prompts": ["x"], "versions": ["base", "live"]}},
        "POST /graders/{name}/test": {"name": "format-validation", "body": data(TRAIN)},
        "POST /datasets/check": {"body": data(TRAIN)},
    }
    own = bodies.get(route, {})
    status, document, text = call(caller, route, run_id=world.runs[run], model="acme-triage", **own)
    refused = {
        ("POST /runs/{run_id}/approve", "promoted"): 409,
        ("POST /runs/{run_id}/stop", "promoted"): 409,
        ("GET /runs/{run_id}/report", "waiting"): 404,
    }
    assert status == refused.get((route, run), status)
    if (route, run) not in refused:
        assert status in (200, 201, 202), document
        if route not in (
            "POST /runs",
            "POST /estimates",
            "GET /graders",
            "POST /datasets/check",
            "GET /runs/{run_id}/metrics",
        ):
            assert CANARY in text or route == "GET /runs/{run_id}/events"


@pytest.mark.parametrize("route", sorted(ATTACKS))
def test_who_is_no_tenant_is_refused_at_every_route(still: World, route: str) -> None:
    # Who calls is told by API Gateway: not by what the caller says.
    headers = {"X-Tenant": "acme", "X-Amzn-User-Arn": ACME}
    body = {"tenant": "acme", "userArn": ACME}
    names = {"run_id": still.runs["promoted"], "model": "acme-triage", "name": "format-validation"}
    for caller in (STRANGER, None, "", "acme"):
        status, document, text = call(caller, route, headers=headers, body=body, **names)
        assert (status, document["title"]) == (403, "The caller is no tenant")
        assert CANARY not in text


def test_a_route_that_is_not_there_tells_a_stranger_nothing(still: World) -> None:
    assert call(STRANGER, "GET /elsewhere")[0] == 403
    assert call(GLOBEX, "GET /elsewhere")[0] == 404


def test_tenants_that_can_not_be_read_let_nobody_in(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTS", f"acme={STS}/acme-train")
    for caller in (ACME, ADMIN, GLOBEX):
        status, document, text = call(caller, "GET /runs")
        assert (status, document["title"]) == (500, "Internal error")
        assert "acme" not in text


def test_the_refusal_of_a_name_says_the_rule(still: World) -> None:
    document = call(GLOBEX, "POST /runs", body=request("acme-triage"))[1]
    assert document["detail"] == "the names of your models begin with globex-"
    document = call(GLOBEX, "POST /runs", body=request(training_data=data(TRAIN), epochs=1))[1]
    told = {error["path"]: error["message"] for error in document["errors"]}
    assert set(told) == {"training_data.s3_uri", "epochs"}, "everything wrong at once"
    assert f"s3://{BUCKET}/inbox/globex-" in told["training_data.s3_uri"]


def test_a_scoped_pipeline_is_all_that_a_route_gets(still: World) -> None:
    """Also what no route does today would find nothing."""
    globex = still.pipeline.within(Scope("globex"))
    assert globex.store.find(still.runs["promoted"]) is None
    assert globex.models.get("acme-triage") is None
    assert globex.environment.stack.scope == Scope("globex")
    assert still.pipeline.store.find(still.runs["promoted"]) is not None, "the pipeline's own steps see everything"
