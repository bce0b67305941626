"""Every form of request that Bedrock logs, and the messages it becomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.dataset import MAX_LINE_BYTES, DatasetCheck, Limits, split_lines
from rft.invocation_logs.shards import MAX_RECORD_BYTES, Candidate, with_id
from tests.unit.invocation_logs.records import Json, converse, converted, log_record, only_line

SYSTEM = {"role": "system", "content": "Be brief."}
HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello!"}
AGAIN = {"role": "user", "content": "And again?"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Now.", "parameters": SCHEMA}}
CALL = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "t1", "content": "sunny"}


def blocks(*texts: str) -> list[Json]:
    return [{"text": text} for text in texts]


def typed(*texts: str) -> list[Json]:
    return [{"type": "text", "text": text} for text in texts]


INVOKED: dict[str, tuple[Json, list[Json]]] = {
    "nova": (
        {"schemaVersion": "messages-v1", "system": blocks("Be brief."), "messages": converse()["messages"]},
        [SYSTEM, HI],
    ),
    "anthropic": (
        {"anthropic_version": "bedrock-2023-05-31", "system": "Be brief.", "messages": [HI]},
        [SYSTEM, HI],
    ),
    "anthropic, blocks": (
        {"system": typed("Be", "brief."), "messages": [{"role": "user", "content": typed("Hi")}, HELLO, AGAIN]},
        [{"role": "system", "content": "Be\nbrief."}, HI, HELLO, AGAIN],
    ),
    "anthropic, cached": (
        {
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}
            ],
        },
        [SYSTEM, HI],
    ),
    "anthropic, thinking": (
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, *typed("Hello!")],
                },
                AGAIN,
            ]
        },
        [HI, HELLO, AGAIN],
    ),
    "anthropic, tools": (
        {
            "tools": [{"name": "weather", "description": "Now.", "input_schema": SCHEMA}],
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}, *typed("And again?")],
                },
            ],
        },
        [HI, CALLS, RESULT, AGAIN],
    ),
    "anthropic, text completion": (
        {
            "prompt": "Be brief.\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: And again?\n\nAssistant:",
            "max_tokens_to_sample": 9,
        },
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "openai": (
        {"messages": [SYSTEM, HI, HELLO, AGAIN], "max_completion_tokens": 9},
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "openai, developer and parts": (
        {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": typed("Hi")}]},
        [SYSTEM, HI],
    ),
    "openai, tools": (
        {"tools": [TOOL], "messages": [HI, CALLS, {"name": "weather", **RESULT}]},
        [HI, CALLS, RESULT],
    ),
    "mistral, tools with arguments as an object": (
        {
            "tools": [TOOL],
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"id": "t1", "function": {"name": "weather", "arguments": {"city": "Rome"}}}],
                },
                RESULT,
            ],
        },
        [HI, CALLS, RESULT],
    ),
    "llama 3": (
        {
            "prompt": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
            "Hello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnd again?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
            "max_gen_len": 9,
        },
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "llama 4": (
        {
            "prompt": "<|begin_of_text|><|header_start|>user<|header_end|>\n\nHi<|eot|>"
            "<|header_start|>assistant<|header_end|>\n\n"
        },
        [HI],
    ),
    "llama 2": (
        {"prompt": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello! </s><s>[INST] And again? [/INST]"},
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "mistral": ({"prompt": "<s>[INST] Hi [/INST] Hello!</s>[INST] And again? [/INST]"}, [HI, HELLO, AGAIN]),
    "chatml": (
        {"prompt": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
        [SYSTEM, HI],
    ),
    "deepseek": ({"prompt": "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hi<｜Assistant｜><think>\n"}, [SYSTEM, HI]),
    "plain prompt": ({"prompt": "Hi", "max_gen_len": 9}, [HI]),
    "titan": ({"inputText": "User: Hi\nBot:", "textGenerationConfig": {}}, [HI]),
    "titan, several turns": ({"inputText": "User: Hi\nBot: Hello!\nUser: And again?\nBot:"}, [HI, HELLO, AGAIN]),
    "titan, plain": ({"inputText": "Hi"}, [HI]),
}


@pytest.mark.parametrize("name", INVOKED)
@pytest.mark.parametrize("operation", ["InvokeModel", "InvokeModelWithResponseStream"])
def test_native_bodies_become_messages(name: str, operation: str) -> None:
    body, expected = INVOKED[name]
    made = only_line(log_record(body, operation=operation))
    assert made["messages"] == expected
    assert made["id"] == "request-1"
    assert made.get("tools") == ([TOOL] if "tools" in body else None)
    assert "reference_answer" not in made


CONVERSED: dict[str, tuple[Json, list[Json]]] = {
    "plain": (converse("Hi"), [HI]),
    "system and several turns": (
        {
            "system": blocks("Be brief."),
            "messages": [
                {"role": "user", "content": blocks("Hi")},
                {"role": "assistant", "content": blocks("Hello!")},
                {"role": "user", "content": blocks("And again?")},
            ],
        },
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "several blocks": (
        {"messages": [{"role": "user", "content": blocks("Hi", "there")}]},
        [{"role": "user", "content": "Hi\nthere"}],
    ),
    "cache points, guarded text, reasoning, citations": (
        {
            "system": [*blocks("Be brief."), {"cachePoint": {"type": "default"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [{"guardContent": {"text": {"text": "Hi"}}}, {"cachePoint": {"type": "default"}}],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                        {"citationsContent": {"content": blocks("Hel", "lo!"), "citations": []}},
                    ],
                },
                {"role": "user", "content": blocks("And again?")},
            ],
        },
        [SYSTEM, HI, HELLO, AGAIN],
    ),
    "tools": (
        {
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": "weather", "description": "Now.", "inputSchema": {"json": SCHEMA}}},
                    {"cachePoint": {"type": "default"}},
                ]
            },
            "messages": [
                {"role": "user", "content": blocks("Hi")},
                {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}}],
                },
                {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": blocks("sunny")}}]},
            ],
        },
        [HI, CALLS, RESULT],
    ),
    "a tool's result in JSON": (
        {
            "messages": [
                {"role": "user", "content": blocks("Hi")},
                {
                    "role": "assistant",
                    "content": [
                        *blocks("Hm."),
                        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "toolResult": {
                                "toolUseId": "t1",
                                "content": [{"json": {"sky": ["blue"]}}],
                                "status": "success",
                            }
                        }
                    ],
                },
            ],
        },
        [HI, {**CALLS, "content": "Hm."}, {**RESULT, "content": '{"sky":["blue"]}'}],
    ),
}


@pytest.mark.parametrize("name", CONVERSED)
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_converse_bodies_become_messages(name: str, operation: str) -> None:
    body, expected = CONVERSED[name]
    made = only_line(log_record(body, operation=operation))
    assert made["messages"] == expected
    assert ("tools" in made) == ("toolConfig" in body)


def test_whatever_is_made_passes_the_check_of_datasets() -> None:
    bodies: list[tuple[str, Json]] = [("InvokeModel", body) for body, _ in INVOKED.values()]
    bodies += [("Converse", body) for body, _ in CONVERSED.values()]
    records = [log_record(body, operation=operation, number=n) for n, (operation, body) in enumerate(bodies)]
    _, candidates = converted(*records, use_prompt_response=False)
    assert len(candidates) == len(records)
    check = DatasetCheck(limits=Limits(min_records=1))
    for line in split_lines([b"\n".join(candidate.line for candidate in candidates)]):
        check.add(line)
    assert check.report().error_counts == {}


@pytest.mark.parametrize("text", ["ключ 鍵 🗝", 'quotes " and \\ and \u0001 and \u2028', "x" * 200_000, "a\r\nb"])
def test_texts_come_out_as_they_went_in(text: str) -> None:
    made = only_line(log_record({"system": text, "messages": [{"role": "user", "content": text}]}))
    assert [message["content"] for message in made["messages"]] == [text, text]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS, st.booleans())
def test_plain_messages_are_read_as_those_that_need_a_closer_look(
    texts: list[str], system: str, typed_too: bool
) -> None:
    """A block without meaning beside the text takes a message off the short way, and must change nothing."""
    form = typed if typed_too else blocks
    plain = [{"role": ("user", "assistant")[n % 2], "content": form(text)} for n, text in enumerate(texts)]
    longer = [message | {"content": [*message["content"], {"cachePoint": {}}]} for message in plain]
    outcomes = []
    for messages, prompt in ((plain, form(system)), (longer, [*form(system), {"cachePoint": {}}])):
        conversion, candidates = converted(log_record({"system": prompt, "messages": messages}))
        outcomes.append((candidates, conversion.counts))
    assert outcomes[0] == outcomes[1]


def test_no_record_is_longer_than_the_check_of_datasets_takes() -> None:
    assert MAX_RECORD_BYTES <= MAX_LINE_BYTES
    candidate = Candidate(1, "t r", b'{"id":"r","x":"'.ljust(MAX_RECORD_BYTES - 2, b"x") + b'"}')
    assert len(with_id(candidate, "r-1234567890")) <= MAX_LINE_BYTES


def test_equal_prompts_have_equal_tags_whatever_the_api() -> None:
    tags: list[Any] = []
    for body in (converse("Hi"), {"messages": [HI]}, {"prompt": "Hi"}, {"inputText": "Hi"}):
        operation = "Converse" if body == converse("Hi") else "InvokeModel"
        _, (candidate,) = converted(log_record(body, operation=operation, number=len(tags)))
        tags.append(candidate.tag)
    assert len(set(tags)) == 1
    _, (other,) = converted(log_record(), seed=1)
    assert other.tag != tags[0]
