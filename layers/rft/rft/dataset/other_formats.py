"""Records of other well-known formats, recognised by their fields, and how each becomes a record of this one."""

from __future__ import annotations

from typing import Any

from rft.dataset.problems import Flaw, shown

_CONVERSE_FIX = 'write content as a string, "system" as the first message, the answer as "reference_answer"'
_INTO_MESSAGES = 'write {"messages": [{"role": "user", "content": <prompt>}], "reference_answer": <answer>}'

PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "target"),
    ("prompt", "output"),
    ("prompt", "solution"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "completion"),
    ("input", "output"),
    ("input", "target"),
    ("input", "ideal"),
    ("input_text", "output_text"),
    ("inputText", "outputText"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("problem", "solution"),
    ("problem", "answer"),
    ("source", "target"),
)
"""Names under which other formats have the prompt and the answer to it."""

HOLDS_ITS_ANSWER_ELSEWHERE = frozenset(
    {
        *("bedrock-batch", "batch-request", "converse-schema", "ends-with-answer", "gemini", "invocation-log"),
        *("message-per-line", "nested-records", "preference-pairs", "prompt-completion", "prompt-messages"),
        *("sharegpt", "text-only"),
    }
)
"""Rules whose fix says where the answer goes as well: a record that breaks one doesn't lack its answer besides."""

_LONE_PROMPTS = ("prompt", "instruction", "question", "query", "problem", "input", "text", "content")

_BY_FIELDS = (
    (
        ("recordId", "modelInput"),
        "bedrock-batch",
        "the record is of a Bedrock batch inference file",
        'take "messages" out of "modelInput", and write content as a string',
    ),
    (
        ("custom_id", "body"),
        "batch-request",
        "the record is an OpenAI batch request",
        'take "messages" out of "body"; "custom_id" can become "id"',
    ),
    (
        ("custom_id", "params"),
        "batch-request",
        "the record is a request of a message batch",
        'take "messages" out of "params"; "custom_id" can become "id"',
    ),
    (
        ("chosen", "rejected"),
        "preference-pairs",
        "the record is a preference pair (DPO)",
        'put the prompt into "messages" and the chosen answer, if it is right, into "reference_answer"',
    ),
    (
        ("preferred_output", "non_preferred_output"),
        "preference-pairs",
        "the record is a preference pair (DPO)",
        'put the input\'s messages into "messages", and the preferred answer, if right, into "reference_answer"',
    ),
    (
        ("conversations",),
        "sharegpt",
        "the record is in ShareGPT format",
        'rename "conversations" to "messages", "from" to "role", "value" to "content", and "human" to "user"',
    ),
    (
        ("conversation",),
        "sharegpt",
        "the record is a conversation under another name",
        'rename "conversation" to "messages", and give each message "role" and "content"',
    ),
    (
        ("contents",),
        "gemini",
        "the record is in Gemini's format",
        'rename "contents" to "messages", "model" to "assistant", and write the parts\' text as "content"',
    ),
    (
        ("role", "content"),
        "message-per-line",
        "the line is one message, not a record",
        'put the messages that belong together into one {"messages": [...]} on one line',
    ),
)


def record_flaw(record: dict[str, Any]) -> Flaw | None:
    """The well-known other format that a record without the wanted ``messages`` is in."""
    if record.get("schemaType") == "ModelInvocationLog":
        fix = "convert the log first: rft convert-logs FILE -o OUT"
        return Flaw("schemaType", "invocation-log", "the record is a Bedrock model invocation log", fix)
    if str(record.get("schemaVersion", "")).startswith("bedrock-conversation") or _has_converse_blocks(record):
        path = "messages" if "messages" in record else "schemaVersion"
        found = "the record is in Bedrock's Converse (supervised fine-tuning) format"
        return Flaw(path, "converse-schema", found, _CONVERSE_FIX)
    if "messages" in record:
        return None  # whatever stands beside messages is the user's own
    return _flaw_by_fields(record) or _flaw_of_pair(record) or _flaw_of_the_rest(record)


def _has_converse_blocks(record: dict[str, Any]) -> bool:
    """Content blocks that name no type: ``[{"text": ...}]``."""
    messages = record.get("messages")
    contents = [m.get("content") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(isinstance(block, dict) and "type" not in block and "text" in block for block in blocks)


def _flaw_by_fields(record: dict[str, Any]) -> Flaw | None:
    for fields, rule, found, fix in _BY_FIELDS:
        if all(field in record for field in fields):
            return Flaw("", rule, found, fix)
    prompt = record.get("prompt")
    if isinstance(prompt, list) and prompt and all(isinstance(m, dict) and "role" in m for m in prompt):
        fix = 'rename "prompt" to "messages", and put the right answer under "reference_answer"'
        return Flaw("prompt", "prompt-messages", 'the messages stand under "prompt"', fix)
    return None


def _flaw_of_pair(record: dict[str, Any]) -> Flaw | None:
    for prompt, answer in PAIRS:
        if prompt in record and answer in record:
            fix = f'{_INTO_MESSAGES}, with "{prompt}" as the prompt and "{answer}", if it is right, as the answer'
            if prompt == "instruction" and "input" in record:
                return Flaw("", "prompt-completion", "the record is in Alpaca's format", f'{fix}; "input" goes below')
            return Flaw("", "prompt-completion", f'the record is a pair of "{prompt}" and "{answer}"', fix)
    return None


def _flaw_of_the_rest(record: dict[str, Any]) -> Flaw | None:
    for field in _LONE_PROMPTS:
        if isinstance(record.get(field), str):
            fix = f'write {{"messages": [{{"role": "user", "content": <{field}>}}]}}, with a "reference_answer"'
            return Flaw("", "text-only", f'the record has its text under "{field}"', fix)
    for field, value in record.items():
        if (
            isinstance(value, list)
            and value
            and all(isinstance(item, dict) for item in value)
            and "messages" in value[0]
        ):
            found = f"the records stand in a list under {shown(field)}"
            return Flaw("", "nested-records", found, "write each item of that list as a line of its own")
    return None
