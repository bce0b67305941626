"""The prompt in the body of a request, whatever model's native form it has."""

from __future__ import annotations

from typing import Any

from rft.invocation_logs.counting import Failed, Skipped
from rft.invocation_logs.messages import Message, check_turns, read_messages
from rft.invocation_logs.templates import read_input_text, read_prompt
from rft.invocation_logs.tools import read_tools

CONVERSE = ("Converse", "ConverseStream")
OPERATIONS = frozenset((*CONVERSE, "InvokeModel", "InvokeModelWithResponseStream"))
NO_TOOLS: list[dict[str, Any]] = []
OTHER_TASKS = frozenset({"texts", "inputs", "images", "inputImage", "embeddingTypes", "embeddingConfig", "dimensions"})
OTHER_TASKS |= {"normalize", "input_type", "inputType", "documents", "mediaSource", "inputPrompt"}
OTHER_TASKS |= {"taskType", "text_prompts", "textToImageParams", "aspect_ratio", "output_format", "mode", "init_image"}
"""Keys of requests for embeddings, reranking, images and video."""


def prompt_of(operation: str, model_id: Any, body: Any) -> tuple[list[Message], list[dict[str, Any]]]:
    """The turns and the tools of the prompt that a request's body holds.

    Raises ``Skipped`` for what is no prompt for training, ``Failed`` or ``KeyError``, ``TypeError`` and the like for
    a form that isn't known.
    """
    if operation not in OPERATIONS:
        raise Skipped("not-a-conversation")
    messages = body.get("messages")
    if type(messages) is list:
        turns = read_messages(body.get("system"), messages)
        return turns, read_tools(body) if "tools" in body or "toolConfig" in body else NO_TOOLS
    turns = _turns_of_text(body, operation, model_id)
    check_turns(turns)
    return turns, NO_TOOLS


def _turns_of_text(body: dict[str, Any], operation: str, model_id: Any) -> list[Message]:
    if operation in CONVERSE:  # a stored prompt that is named by its ARN: its text isn't logged
        raise Skipped("no-user-message") if "messages" not in body else Failed("unknown-body")
    if not OTHER_TASKS.isdisjoint(body) or (type(model_id) is str and "embed" in model_id):
        raise Skipped("not-a-conversation")
    if type(body.get("prompt")) is str:
        return read_prompt(body["prompt"])
    if type(body.get("inputText")) is str:
        return read_input_text(body["inputText"])
    raise Failed("unknown-body")
