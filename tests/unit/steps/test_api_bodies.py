"""How much a call of the API may bring."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rft.errors import BodyTooLarge, RequestInvalid
from rft.steps.doors.api_door import LITTLE, MOST_BYTES, body_of
from tests.unit.steps.two_teams import World, all_routes, call


@pytest.mark.parametrize("resource", sorted({route.partition(" ")[2] for route in all_routes()}))
def test_a_body_may_be_as_long_as_its_route_has_use_for(
    still: World, resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit and one byte over it: 413 before anything is read of it."""
    monkeypatch.delenv("TENANTS")
    route = next(route for route in sorted(all_routes(), reverse=True) if route.partition(" ")[2] == resource)
    names = {"run_id": "no-such-run-000000000000", "model": "no-such-model", "name": "format-validation"}
    most = MOST_BYTES.get(resource, LITTLE)
    for body in ("x" * most, "ü" * (most // 2) + "x" * (most % 2)):
        assert len(body.encode()) == most
        assert call(None, route, body=body, **names)[0] not in (413, 500)
        status, document, _ = call(None, route, body=body + "x", **names)
        assert (status, document["title"]) == (413, "The body is too large")
        assert f"{most + 1:,} bytes" in document["detail"]


def test_a_body_in_base64_is_measured_by_what_it_holds(still: World) -> None:
    def event(content: bytes) -> Any:
        return APIGatewayProxyEvent(
            {"resource": "/runs/{run_id}/approve", "body": base64.b64encode(content).decode(), "isBase64Encoded": True}
        )

    assert body_of(event(b"x" * LITTLE)) == "x" * LITTLE
    with pytest.raises(BodyTooLarge):
        body_of(event(b"x" * (LITTLE + 1)))
    with pytest.raises(RequestInvalid, match="UTF-8"):
        body_of(event(b"\xff"))
    with pytest.raises(RequestInvalid, match="UTF-8"):
        body_of(APIGatewayProxyEvent({"resource": "/runs", "body": "no base64!", "isBase64Encoded": True}))
