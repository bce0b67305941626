"""The ids that AWS gives to calls: by them its support finds what happened to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

_READING = ("Get", "List")


@contextmanager
def request_ids(client: BedrockClient) -> Iterator[list[dict[str, str]]]:
    """Every call of the client in the block that changes something: ``{"operation", "request_id"}``, in their order."""
    found: list[dict[str, str]] = []

    def note(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId")
        if request_id and not model.name.startswith(_READING):
            found.append({"operation": model.name, "request_id": str(request_id)})

    event = f"after-call.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, note)
    try:
        yield found
    finally:
        client.meta.events.unregister(event, note)
