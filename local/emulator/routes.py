"""The emulator's ASGI application with the routes of the Bedrock stand-in around it.

- ``POST /_local/caller`` ``{"access_key", "session_token"}``: who that is, ``{"arn", "account", "role"}``.
- ``POST /_local/authorize`` ``{"access_key", "session_token", "checks": [{"action", "resource", "context"}]}``:
  the same, and under ``refused`` the first of the checks that the caller's policies don't allow, or null.

Both answer 403 ``{"code", "message"}`` for a key that is nobody's, and 404 to who doesn't know the key of the stand-in
or is not on this machine. With that key a request for anything else may say in ``x-local-source-vpc`` which VPC it
comes from.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY_HEADER, VPC_HEADER = b"x-local-key", b"x-local-source-vpc"
_LARGEST = 1_000_000  # bytes; a call's checks are some kilobytes


class Unknown(Exception):
    """The key is nobody's, is inactive, has run out, or came with another session's token."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Inside(Protocol):
    """What the routes ask of the emulator; see ``inside``."""

    source_vpc: Any
    caller: Callable[..., dict[str, str]]
    refused: Callable[..., dict[str, Any] | None]


def hosted(app: App, *, key: str, inside: Inside) -> App:
    """``app`` with the routes. ``key`` must not be empty."""
    if not key:
        raise ValueError("the routes need a key")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        given = {name.lower(): value for name, value in scope["headers"] if name.lower() in (KEY_HEADER, VPC_HEADER)}
        trusted = _trusted(scope, given, key)
        if scope["path"].startswith("/_local/"):
            status, answer = await _answer(scope, receive, inside) if trusted else (404, {"message": "Not Found"})
            await _send(send, status, answer)
            return
        if given:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() not in given]}
        inside.source_vpc.set(given.get(VPC_HEADER, b"").decode() or None if trusted else None)
        await app(scope, receive, send)

    return application


def _trusted(scope: Scope, given: dict[bytes, bytes], key: str) -> bool:
    from_here = (scope.get("client") or ("",))[0] == "127.0.0.1"
    return from_here and hmac.compare_digest(given.get(KEY_HEADER, b""), key.encode())


async def _answer(scope: Scope, receive: Receive, inside: Inside) -> tuple[int, dict[str, Any]]:
    if scope["method"] != "POST" or scope["path"] not in ("/_local/caller", "/_local/authorize"):
        return 404, {"message": "Not Found"}
    try:
        asked = json.loads(await _body(receive))
        access_key, token = asked["access_key"], asked.get("session_token")
        checks = [_check(check) for check in asked["checks"]] if scope["path"] == "/_local/authorize" else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return 400, {"message": f"{type(error).__name__}: the body is not what this route takes"}
    try:
        answer: dict[str, Any] = inside.caller(access_key, token)
        if scope["path"] == "/_local/authorize":
            answer["refused"] = inside.refused(access_key, checks)
    except Unknown as unknown:
        return 403, {"code": unknown.code, "message": unknown.message}
    return 200, answer


def _check(given: dict[str, Any]) -> dict[str, Any]:
    """One check in full. Raises ``TypeError`` or ``KeyError``."""
    check = {"action": given["action"], "resource": given["resource"], "context": given.get("context") or {}}
    if not (isinstance(check["action"], str) and isinstance(check["resource"], str)):
        raise TypeError("action and resource are texts")
    return check


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
        if len(body) > _LARGEST:
            raise ValueError("too large")
    return body


async def _send(send: Send, status: int, answer: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
