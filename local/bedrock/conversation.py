"""What Converse asks of a conversation beyond its shape, and what it counts and cuts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from local.bedrock.protocol.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EFFORTS = ("low", "medium", "high")


def check(messages: Sequence[dict[str, Any]], system: Sequence[dict[str, Any]]) -> None:
    """Raise ValidationException for what Converse refuses of a conversation."""
    blocks = [block for message in messages for block in message["content"]]
    if any("text" not in block for block in [*blocks, *system]):
        raise InvalidError("The local stand-in takes text only.")
    if any(not block["text"].strip() for block in blocks):
        raise InvalidError("The text field in a content block is blank. Add text to it and try again.")
    if not messages or any(not message["content"] for message in messages):
        raise InvalidError("A conversation needs messages, and every message needs content.")
    roles = [message["role"] for message in messages]
    if roles[0] != "user" or roles[-1] != "user":
        raise InvalidError("A conversation must start and end with a user message. Try again with one.")
    if any(first == second for first, second in itertools.pairwise(roles)) or "system" in roles:
        raise InvalidError("A conversation must alternate between user and assistant roles.")


def check_fields(fields: object, config: Mapping[str, Any]) -> None:
    """What Nova 2 takes beside Converse's own members (Nova 2 User Guide, "Extended thinking"): with high effort no
    limit of tokens and no temperature. It changes no answer here."""
    if not isinstance(fields, dict) or set(fields) - {"reasoningConfig"}:
        raise InvalidError(
            "Malformed input request: of additionalModelRequestFields only reasoningConfig is permitted."
        )
    reasoning = fields.get("reasoningConfig", {"type": "disabled"})
    if not isinstance(reasoning, dict) or set(reasoning) - {"type", "maxReasoningEffort"}:
        raise InvalidError("Malformed input request: reasoningConfig takes type and maxReasoningEffort.")
    enabled, effort = reasoning.get("type") == "enabled", reasoning.get("maxReasoningEffort")
    if reasoning.get("type") not in ("enabled", "disabled") or (effort not in _EFFORTS if enabled else effort):
        raise InvalidError(f"Malformed input request: maxReasoningEffort is one of {', '.join(_EFFORTS)}, if enabled.")
    if effort == "high" and (given := sorted(config.keys() & {"maxTokens", "temperature", "topP"})):
        raise InvalidError(f"{', '.join(given)} must be unset when maxReasoningEffort is high.")


def tokens(messages: Sequence[dict[str, Any]], system: Sequence[dict[str, Any]]) -> int:
    """The same estimate as for training data: four characters a token."""
    blocks = [block for message in messages for block in message["content"]]
    return -(-sum(len(block["text"]) for block in [*blocks, *system]) // 4)


def cut(text: str, stop_reason: str, stop_sequences: Sequence[str]) -> tuple[str, str]:
    """The text before the first stop sequence in it."""
    places = [place for sequence in stop_sequences if (place := text.find(sequence)) >= 0]
    return (text[: min(places)], "stop_sequence") if places else (text, stop_reason)


def within(text: str, stop_reason: str, limit: int) -> tuple[str, str, int]:
    """What ``limit`` tokens hold of a text, why it ends there, and its tokens, by the same estimate."""
    if len(text) > 4 * limit:
        return text[: 4 * limit], "max_tokens", limit
    return text, stop_reason, -(-len(text) // 4)
