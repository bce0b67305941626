"""A record's bytes and its prompt: what is passed on, and what two records are compared by."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


class Prompt(NamedTuple):
    """What the model is asked, in one form however it was written.

    ``rest`` is the sorted JSON of whatever else shapes the answer (tools, tool calls); empty for a plain prompt.
    """

    roles: tuple[str, ...]
    texts: tuple[str, ...]
    rest: str = ""


def prompt_of(record: Mapping[str, Any]) -> Prompt:
    """The prompt of a record that has passed the check."""
    messages = record["messages"]
    rest: dict[str, Any] = {}
    if "tools" in record:
        rest["tools"] = record["tools"]
    for index, message in enumerate(messages):
        if len(message) > 2:
            rest[str(index)] = {key: value for key, value in message.items() if key not in ("role", "content")}
    return Prompt(
        roles=tuple(message["role"] for message in messages),
        texts=tuple(text_of(message.get("content")) for message in messages),
        rest=json.dumps(rest, sort_keys=True) if rest else "",  # orjson writes no more than 254 levels
    )


def text_of(content: Any) -> str:
    """The text of a message: a string, a list of text parts, or nothing beside tool calls."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content)
    return content or ""


def prompt_hash(prompt: Prompt) -> int:
    """64 bits that depend on the prompt alone: the same on every machine and in every release."""
    return int.from_bytes(blake2b(orjson.dumps(tuple(prompt)), digest_size=8).digest())


def with_rft_field(line: bytes, rft: Mapping[str, str]) -> bytes:
    """The user's own bytes with ``"rft": {...}`` added at the end of the object.

    Never re-serialised: orjson would turn integers above 64 bits into floats. ``line`` is an object that has no
    ``rft`` field yet, as the check has made sure.
    """
    end = line.rindex(b"}")
    separator = b"" if line[:end].rstrip().endswith(b"{") else b", "
    return b"".join((line[:end], separator, b'"rft": ', orjson.dumps(rft), line[end:]))
