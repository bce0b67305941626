"""The answer in the body of a response, whatever model's native form it has, whole or as the chunks of a stream."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from rft.invocation_logs.counting import Failed, Skipped

WHOLE_ANSWER = ("end_turn", "stop", "stop_sequence", "eos", "FINISH", "COMPLETE")
CALLS_OF_TOOLS = ("tool_use", "tool_calls", "tool_call")
_REASONING = re.compile(r"\s*<(reasoning|think|thinking)>.*?</\1>\s*", re.DOTALL)
_ANSWER_FIELDS = ("generation", "completion", "outputText", "text")
_OTHER_FORMS = frozenset(("choices", "outputs", "results", *_ANSWER_FIELDS))


def answer_of(body: Any) -> str:
    """The words of an answer, without reasoning. Raises ``Skipped`` when there are none or not all."""
    if type(body) is list:
        answer, stop = _joined(body)
    else:
        answer, stop = _whole(body)
    if stop in CALLS_OF_TOOLS:
        raise Skipped("no-answer")
    if stop not in WHOLE_ANSWER:
        raise Skipped("incomplete-answer")
    answer = _without_reasoning(answer).strip()
    if not answer:
        raise Skipped("no-answer")
    return answer


def _whole(body: dict[str, Any]) -> tuple[str, Any]:
    """Text and stop reason of a response that came at once."""
    if "output" in body:  # Converse, Nova
        return _blocks(body["output"]["message"]["content"]), body.get("stopReason")
    if "content" in body:  # Anthropic
        return _blocks(body["content"]), body.get("stop_reason")
    return _unknown() if _OTHER_FORMS.isdisjoint(body) else _either(body)


def _joined(chunks: list[dict[str, Any]]) -> tuple[str, Any]:
    """Text and stop reason of a stream."""
    texts: list[str] = []
    stop: Any = None
    for chunk in chunks:
        # Nearly all chunks are of these two forms, Converse's and Nova's, and Anthropic's: they are read soonest.
        if "contentBlockDelta" in chunk:
            text = chunk["contentBlockDelta"]["delta"].get("text", "")  # reasoning and tool input have none
        elif chunk.get("type") == "content_block_delta":
            text = chunk["delta"].get("text", "")
        else:
            text, stopped = _stream_part(chunk)
            stop = stopped or stop
        texts.append(text)
    try:
        return "".join(texts), stop
    except TypeError:
        return _unknown()


def _stream_part(chunk: dict[str, Any]) -> tuple[str, Any]:
    """Text and stop reason, where it has them, of one chunk of a stream."""
    text, stop = "", None
    if chunk.get("type") == "message_delta":  # Anthropic
        stop = chunk["delta"].get("stop_reason")
    elif chunk.get("type") == "content_block_start":
        text = _text_of_block(chunk["content_block"])
    elif "delta" in chunk:
        text = chunk["delta"].get("text", "")
    elif "contentBlockStart" in chunk:
        text = _text_of_block(chunk["contentBlockStart"].get("start") or {})
    elif "messageStop" in chunk or "stopReason" in chunk:
        stop = chunk.get("messageStop", chunk).get("stopReason")
    elif not _OTHER_FORMS.isdisjoint(chunk):
        text, stop = _either(chunk)
    return text if type(text) is str else _unknown(), stop  # else: metadata, pings, the beginning of a message


def _either(body: dict[str, Any]) -> tuple[str, Any]:
    """Forms that are the same in a stream: OpenAI, DeepSeek, Mistral, Titan, Llama, Anthropic's completions."""
    for key in ("choices", "outputs", "results"):
        if key in body:
            if not body[key]:
                return "", None  # OpenAI's chunk of usage
            body = body[key][0]
            break
    message = body.get("message") or body.get("delta")
    if message:
        if message.get("tool_calls"):
            return "", "tool_calls"
        content: Any = message.get("content") or ""
        text: Any = content if type(content) is str else _blocks(content)
    else:
        text = next((body[key] for key in _ANSWER_FIELDS if key in body), "")
    stop = body.get("stop_reason") or body.get("finish_reason") or body.get("completionReason")
    return text if type(text) is str else _unknown(), stop


def _blocks(content: list[Any]) -> str:
    return "\n".join(filter(None, map(_text_of_block, content)))


def _text_of_block(block: dict[str, Any]) -> str:
    if "toolUse" in block or block.get("type") == "tool_use":
        raise Skipped("no-answer")
    if "citationsContent" in block:
        return "".join(part["text"] for part in block["citationsContent"]["content"])
    text = block.get("text", "")  # reasoning blocks have none
    return text if type(text) is str else _unknown()


def _without_reasoning(text: str) -> str:
    """Some models think aloud in front of the answer, in tags; DeepSeek's template holds the opening one itself."""
    thought = _REASONING.match(text)
    if thought:
        return text[thought.end() :]
    before, closing, answer = text.partition("</think>")
    return answer if closing and "<think>" not in before else text


def _unknown() -> NoReturn:
    raise Failed("unknown-body")
