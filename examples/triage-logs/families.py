"""One question and its answer, in the native form of each family of models that Bedrock logs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

_EMAIL = re.compile(r"[\w.]+@example\.com")


class Record(NamedTuple):
    """What differs between the records of two APIs or models."""

    operation: str
    model: str
    input: Any
    output: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to a model, and what it answered."""

    system: str
    user: str
    answer: str

    def redacted(self) -> Asked:
        """As it may be trained on."""
        return replace(self, user=_EMAIL.sub("[EMAIL]", self.user))

    def messages_of(self, family: Family) -> list[dict[str, Any]]:
        """The chat-completions messages that the family's record has to become."""
        if family is tool_loop:
            return [*self._both(), *_TOOL_TURNS]
        if family in (mistral, titan):  # these templates know no system prompt
            return [{"role": "user", "content": f"{self.system}\n\n{self.user}"}]
        return self._both()

    def _both(self) -> list[dict[str, Any]]:
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


type Family = Callable[[Asked], Record]

NOVA = "us.amazon.nova-pro-v1:0"
CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0"
USAGE = {"inputTokens": 300, "outputTokens": 14, "totalTokens": 314}


def _converse_input(asked: Asked) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": [{"text": asked.user}]}],
        "system": [{"text": asked.system}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.0},
    }


def _converse_output(asked: Asked) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": asked.answer}]}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE}


def converse(asked: Asked) -> Record:
    return Record("Converse", NOVA, _converse_input(asked), _converse_output(asked))


def converse_stream(asked: Asked) -> Record:
    pieces = [{"contentBlockDelta": {"delta": {"text": t}, "contentBlockIndex": 0}} for t in _pieces(asked.answer)]
    stream = [
        {"messageStart": {"role": "assistant"}},
        *pieces,
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": USAGE}},
    ]
    return Record("ConverseStream", NOVA, _converse_input(asked), stream)


def nova(asked: Asked) -> Record:
    return Record(
        "InvokeModel", NOVA, {"schemaVersion": "messages-v1"} | _converse_input(asked), _converse_output(asked)
    )


def _anthropic_input(asked: Asked) -> dict[str, Any]:
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 64,
        "system": asked.system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": asked.user}]}],
    }


def anthropic(asked: Asked) -> Record:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": asked.answer}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 300, "output_tokens": 14},
    }
    return Record("InvokeModel", CLAUDE, _anthropic_input(asked), answer)


def anthropic_stream(asked: Asked) -> Record:
    pieces = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}}
        for t in _pieces(asked.answer)
    ]
    stream = [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *pieces,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 14}},
        {"type": "message_stop"},
    ]
    return Record("InvokeModelWithResponseStream", CLAUDE, _anthropic_input(asked), stream)


def anthropic_text(asked: Asked) -> Record:
    prompt = f"{asked.system}\n\nHuman: {asked.user}\n\nAssistant:"
    answer = {"completion": f" {asked.answer}", "stop_reason": "stop_sequence", "stop": "\n\nHuman:"}
    return Record("InvokeModel", "anthropic.claude-v2:1", {"prompt": prompt, "max_tokens_to_sample": 64}, answer)


def llama(asked: Asked) -> Record:
    prompt = (
        f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{asked.system}<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{asked.user}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    answer = {
        "generation": asked.answer,
        "prompt_token_count": 300,
        "generation_token_count": 14,
        "stop_reason": "stop",
    }
    return Record("InvokeModel", "meta.llama3-3-70b-instruct-v1:0", {"prompt": prompt, "max_gen_len": 64}, answer)


def mistral(asked: Asked) -> Record:
    prompt = f"<s>[INST] {asked.system}\n\n{asked.user} [/INST]"
    answer = {"outputs": [{"text": f" {asked.answer}", "stop_reason": "stop"}]}
    return Record("InvokeModel", "mistral.mistral-large-2402-v1:0", {"prompt": prompt, "max_tokens": 64}, answer)


def openai(asked: Asked) -> Record:
    messages = [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}]
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": asked.answer}, "finish_reason": "stop"}],
    }
    return Record("InvokeModel", "openai.gpt-oss-120b-1:0", {"messages": messages, "max_completion_tokens": 64}, answer)


def titan(asked: Asked) -> Record:
    given = {"inputText": f"User: {asked.system}\n\n{asked.user}\nBot:", "textGenerationConfig": {"maxTokenCount": 64}}
    answer = {"results": [{"outputText": asked.answer, "tokenCount": 14, "completionReason": "FINISH"}]}
    return Record("InvokeModel", "amazon.titan-text-premier-v1:0", given, answer)


def tool_loop(asked: Asked) -> Record:
    """The model has looked the customer up before it answers."""
    body = _converse_input(asked)
    call = {"toolUse": {"toolUseId": "t-1", "name": "customer_tier", "input": {"customer": 7}}}
    result = {"toolResult": {"toolUseId": "t-1", "content": [{"json": {"tier": "gold"}}]}}
    body["messages"] += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    schema = {"type": "object", "properties": {"customer": {"type": "integer"}}, "required": ["customer"]}
    spec = {"name": "customer_tier", "description": "The tier of a customer", "inputSchema": {"json": schema}}
    body["toolConfig"] = {"tools": [{"toolSpec": spec}]}
    return Record("Converse", NOVA, body, _converse_output(asked))


_TOOL_TURNS: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "t-1",
                "type": "function",
                "function": {"name": "customer_tier", "arguments": json.dumps({"customer": 7}, separators=(",", ":"))},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "t-1", "content": json.dumps({"tier": "gold"}, separators=(",", ":"))},
]

FAMILIES: tuple[Family, ...] = (
    converse,
    converse_stream,
    nova,
    anthropic,
    anthropic_stream,
    anthropic_text,
    llama,
    mistral,
    openai,
    titan,
    tool_loop,
)


def _pieces(text: str) -> list[str]:
    """As a stream brings them."""
    return [text[at : at + 8] for at in range(0, len(text), 8)]
