"""Chat messages of every API that Bedrock logs, as the chat-completions messages of a dataset.

One reader for all of them: Converse and Amazon Nova have content blocks whose only key names them (``{"text": ...}``,
``{"toolUse": ...}``), Anthropic and OpenAI blocks that have a ``type``; Mistral, Meta, Qwen and DeepSeek follow OpenAI.
A prompt that can't become training data raises ``Skipped``; a form that isn't known raises ``Failed``, or ``KeyError``,
``TypeError`` or the like, which the caller takes for the same.
"""

from __future__ import annotations

from typing import Any, NoReturn

from rft.invocation_logs.counting import Failed, Skipped
from rft.invocation_logs.tools import arguments_of, call_id, name_of

Message = dict[str, Any]

SYSTEM_ROLES = ("system", "developer")
SAID_ROLES = ("user", "assistant")
IGNORED_BLOCKS = ("cachePoint", "reasoningContent", "thinking", "redacted_thinking", "reasoning")
NOT_TEXT_BLOCKS = frozenset({"image", "document", "video", "audio", "searchResult"})  # Converse, Nova, Anthropic
NOT_TEXT_BLOCKS |= {"image_url", "input_image", "input_audio", "video_url", "file", "input_file"}  # OpenAI's manner
NOT_TEXT_BLOCKS |= {"container_upload", "search_result"}
SERVER_TOOL_BLOCKS = ("server_tool_use", "mcp_tool_use", "mcp_tool_result")


def read_messages(system: Any, messages: list[Any]) -> list[Message]:
    """The turns of a conversation that waits for an answer; ``system`` is a text, a list of blocks or nothing."""
    turns: list[Message] = []
    if system:
        if text := _plain_text(system):
            turns.append({"role": "system", "content": text})
        else:
            _add_system(turns, joined_text(system))
    for message in messages:
        role = message["role"]
        if role in SAID_ROLES and len(message) == 2 and (text := _plain_text(message["content"])):
            turns.append({"role": role, "content": text})
        else:
            _add_message(turns, role, message)
    if not turns or turns[-1]["role"] != "user":
        check_turns(turns)
    return turns


def check_turns(turns: list[Message]) -> None:
    """Raises ``Skipped`` for a conversation that no training set takes."""
    if all(turn["role"] != "user" for turn in turns):
        raise Skipped("no-user-message")
    if turns[-1]["role"] == "assistant":
        raise Skipped("ends-with-answer")


def _plain_text(content: Any) -> str | None:
    """The text of a content that is nothing but one text; None for any other, and for a blank one."""
    if type(content) is list and len(content) == 1:
        block = content[0]
        if len(block) == 1 or (len(block) == 2 and block.get("type") == "text"):
            content = block.get("text")
    return content if type(content) is str and not content.isspace() else None


def _add_system(turns: list[Message], text: str) -> None:
    """System prompts become one: training data may have one only, and only in front."""
    if not text or text.isspace():
        return
    if not turns:
        turns.append({"role": "system", "content": text})
    elif len(turns) == 1 and turns[0]["role"] == "system":
        turns[0]["content"] += f"\n{text}"
    else:
        raise Skipped("unsupported-roles")


def _add_message(turns: list[Message], role: Any, message: Message) -> None:
    if role in SYSTEM_ROLES:
        _add_system(turns, joined_text(message["content"]))
    elif role == "user":
        _add_user(turns, message["content"])
    elif role == "assistant":
        _add_assistant(turns, message)
    elif role == "tool":
        _add_tool_result(turns, message["tool_call_id"], message["content"])
    else:
        raise Failed("unknown-body")


def _add_user(turns: list[Message], content: Any) -> None:
    texts = []
    answered = False
    for kind, value in blocks(content):
        if kind == "text":
            texts.append(value)
        elif kind == "toolResult":
            _add_tool_result(turns, value["toolUseId"], value["content"])
            answered = True
        elif kind == "tool_result":
            _add_tool_result(turns, value["tool_use_id"], value.get("content"))
            answered = True
        else:
            raise Failed("unknown-body")
    text = "\n".join(texts)
    if text and not text.isspace():
        turns.append({"role": "user", "content": text})
    elif not answered:
        raise Skipped("empty-message")


def _add_assistant(turns: list[Message], message: Message) -> None:
    texts: list[str] = []
    calls = [_openai_call(call) for call in message.get("tool_calls") or ()]
    for kind, value in blocks(message.get("content") or ""):
        if kind == "text":
            texts.append(value)
        elif kind == "toolUse":
            calls.append(_call(value["toolUseId"], value))
        elif kind == "tool_use":
            calls.append(_call(value["id"], value))
        else:
            raise Failed("unknown-body")
    text = "\n".join(texts)
    said = text if text and not text.isspace() else None
    if calls:
        turns.append({"role": "assistant", "content": said, "tool_calls": calls})
    elif said is not None:
        turns.append({"role": "assistant", "content": said})
    else:
        raise Skipped("empty-message")


def _add_tool_result(turns: list[Message], call: Any, content: Any) -> None:
    texts = [value if kind == "text" else arguments_of(value) for kind, value in blocks(content or "", json_too=True)]
    text = "\n".join(texts)
    if not text or text.isspace():
        raise Skipped("empty-message")
    turns.append({"role": "tool", "tool_call_id": call_id(call), "content": text})


def _call(call: Any, value: Message) -> Message:
    function = {"name": name_of(value["name"]), "arguments": arguments_of(value["input"])}
    return {"id": call_id(call), "type": "function", "function": function}


def _openai_call(call: Message) -> Message:
    function = call["function"]
    arguments = function["arguments"]
    written = arguments if type(arguments) is str else arguments_of(arguments)
    return {
        "id": call_id(call["id"]),
        "type": "function",
        "function": {"name": name_of(function["name"]), "arguments": written},
    }


def joined_text(content: Any) -> str:
    """The text of blocks of which all must be text."""
    texts = []
    for kind, value in blocks(content):
        if kind != "text":
            raise Failed("unknown-body")
        texts.append(value)
    return "\n".join(texts)


def blocks(content: Any, *, json_too: bool = False) -> list[tuple[str, Any]]:
    """Kind and value of each block of a content that may also be a plain string; those of no meaning are left out.

    ``json_too``: JSON data are allowed beside text, as in the results of tools.
    """
    if type(content) is str:
        return [("text", content)]
    if type(content) is not list:
        raise Failed("unknown-body")
    found = []
    for block in content:
        kind, value = _block(block)
        if kind == "json" and not json_too:
            raise Failed("unknown-body")
        if kind not in IGNORED_BLOCKS:
            found.append((kind, value))
    return found


def _block(block: Any) -> tuple[str, Any]:
    if type(block) is str:
        return "text", block
    kind = block["type"] if "type" in block else _only_kind(block)
    if kind in ("text", "input_text", "output_text"):
        return "text", _text(block["text"])
    if kind == "guardContent":  # text that a guardrail looks at; the model reads it as any other
        guarded = block["guardContent"]
        return "text", _text(guarded["text"]["text"]) if "text" in guarded else _refuse()
    if kind == "citationsContent":
        return "text", "".join(_text(part["text"]) for part in block["citationsContent"]["content"])
    if kind in NOT_TEXT_BLOCKS:
        _refuse()
    if kind in SERVER_TOOL_BLOCKS or (type(kind) is str and kind.endswith("_tool_result")):
        raise Skipped("unsupported-tools")
    return str(kind), block if "type" in block else block[kind]


def _only_kind(block: dict[str, Any]) -> Any:
    """The key that names a block of Converse."""
    if "text" in block:
        return "text"
    (kind,) = block
    return kind


def _refuse() -> NoReturn:
    raise Skipped("not-text")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Failed("unknown-body")
    return value
