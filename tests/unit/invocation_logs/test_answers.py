"""The logged answer as reference: whole and streamed, of every API, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.invocation_logs.records import log_record, only_line, only_reason


def choice(**more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **more}], "usage": {}}


WORDS: dict[str, Any] = {
    "converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello!"}]}},
        "stopReason": "end_turn",
    },
    "converse, reasoning": {
        "output": {
            "message": {"content": [{"reasoningContent": {"reasoningText": {"text": "Hm"}}}, {"text": "Hello!"}]}
        },
        "stopReason": "end_turn",
    },
    "converse stream": [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "Hm"}}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"text": "lo!"}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": {"inputTokens": 1}}},
    ],
    "converse stream, bare events": [{"role": "assistant"}, {"delta": {"text": "Hello!"}}, {"stopReason": "end_turn"}],
    "anthropic": {
        "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hello!"}],
        "stop_reason": "end_turn",
    },
    "anthropic stream": [
        {"type": "message_start", "message": {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo!"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {}},
    ],
    "anthropic text completion": {"completion": " Hello!", "stop_reason": "stop_sequence"},
    "llama": {"generation": "\n\nHello!", "stop_reason": "stop"},
    "llama stream": [{"generation": "Hel", "stop_reason": None}, {"generation": "lo!", "stop_reason": "stop"}],
    "mistral": {"outputs": [{"text": " Hello!", "stop_reason": "stop"}]},
    "mistral stream": [
        {"outputs": [{"text": "Hel", "stop_reason": None}]},
        {"outputs": [{"text": "lo!", "stop_reason": "stop"}]},
    ],
    "openai": choice(message={"role": "assistant", "content": "Hello!"}, finish_reason="stop"),
    "gpt-oss": choice(message={"content": "<reasoning>Hm</reasoning>Hello!"}, finish_reason="stop"),
    "qwen": choice(message={"content": "<think>\nHm\n</think>\n\nHello!"}, finish_reason="stop"),
    "deepseek": {"choices": [{"text": "Hm\n</think>\n\nHello!", "stop_reason": "stop"}]},
    "openai stream": [
        choice(delta={"role": "assistant"}),
        choice(delta={"content": "Hel"}, finish_reason=None),
        choice(delta={"content": "lo!"}),
        choice(delta={}, finish_reason="stop"),
        {"choices": [], "usage": {}},
    ],
    "titan": {"results": [{"outputText": "Hello!", "completionReason": "FINISH"}]},
    "titan stream": [
        {"outputText": "Hel", "completionReason": None},
        {"outputText": "lo!", "completionReason": "FINISH"},
    ],
}


@pytest.mark.parametrize("name", WORDS)
def test_the_answer_becomes_the_reference_only_when_asked(name: str) -> None:
    record = log_record({"messages": [{"role": "user", "content": "Hi"}]}, WORDS[name], operation="InvokeModel")
    assert only_line(record, use_prompt_response=True)["reference_answer"] == "Hello!"
    assert "reference_answer" not in only_line(record)


LEFT_OUT: dict[str, tuple[Any, str]] = {
    "none": (None, "failed/body-missing"),
    "blank": ({"content": [{"type": "text", "text": " "}], "stop_reason": "end_turn"}, "skipped/no-answer"),
    "no blocks": ({"content": [], "stop_reason": "end_turn"}, "skipped/no-answer"),
    "a call": ({"content": [{"type": "tool_use", "id": "t"}], "stop_reason": "tool_use"}, "skipped/no-answer"),
    "a call in converse": (
        {"output": {"message": {"content": [{"text": "Hm"}, {"toolUse": {}}]}}, "stopReason": "tool_use"},
        "skipped/no-answer",
    ),
    "a call in openai": (choice(message={"content": None, "tool_calls": [{}]}), "skipped/no-answer"),
    "a call in a stream": (
        [{"contentBlockDelta": {"delta": {"text": "Hm"}}}, {"messageStop": {"stopReason": "tool_use"}}],
        "skipped/no-answer",
    ),
    "cut off": ({"content": [{"text": "Hel"}], "stop_reason": "max_tokens"}, "skipped/incomplete-answer"),
    "cut off by length": (choice(message={"content": "Hel"}, finish_reason="length"), "skipped/incomplete-answer"),
    "stopped by a guardrail": (
        {"output": {"message": {"content": [{"text": "No."}]}}, "stopReason": "guardrail_intervened"},
        "skipped/incomplete-answer",
    ),
    "a stream that broke off": ([{"contentBlockDelta": {"delta": {"text": "Hel"}}}], "skipped/incomplete-answer"),
    "an empty stream": ([], "skipped/incomplete-answer"),
    "unknown": ({"words": "Hello!"}, "failed/unknown-body"),
    "text as a number": ({"content": [{"text": 5}], "stop_reason": "end_turn"}, "failed/unknown-body"),
    "a delta as a list": ([{"delta": []}], "failed/unknown-body"),
    "a string": ("Hello!", "failed/unknown-body"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_answer_that_is_no_reference_leaves_the_record_out_only_when_asked(name: str) -> None:
    answer, reason = LEFT_OUT[name]
    assert only_reason(log_record(answer=answer), use_prompt_response=True) == reason
    assert only_line(log_record(answer=answer))


def test_no_output_at_all() -> None:
    record = log_record()
    del record["output"]
    assert only_reason(record, use_prompt_response=True) == "skipped/no-answer"
    assert only_line(record)
