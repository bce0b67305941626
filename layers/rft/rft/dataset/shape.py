"""The slow look at a record: every rule of Bedrock's format that it breaks.

The format is OpenAI's chat completions; roles, message keys and the shape of tools are those that AWS's documents
and their own validators take (user guide, "Prepare data for reinforcement fine-tuning").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rft.dataset.kinds import WANTED
from rft.dataset.other_formats import record_flaw
from rft.dataset.problems import Flaw, described, kind_of, shown
from rft.dataset.tools import call_flaws, tool_flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROLES = ("system", "developer", "user", "assistant", "tool", "bot")
SYSTEM_ROLES = ("system", "developer")
ANSWERING_ROLES = ("assistant", "bot")
MESSAGE_KEYS = ("role", "content", "tool_calls", "tool_call_id")


def record_flaws(record: Any) -> Iterator[Flaw]:
    """Every flaw of one parsed line. None when Bedrock would take it."""
    if not isinstance(record, dict):
        yield Flaw("", "not-an-object", f"the line is {kind_of(record)}", f"write {WANTED}")
        return
    yield from _field_flaws(record)
    messages = record.get("messages")
    plain = isinstance(messages, list) and all(isinstance(m, dict) and "content" in m for m in messages)
    if not (plain and messages and all(isinstance(m["content"], str) for m in messages)):
        other = record_flaw(record)
        if other:
            yield other
            return
    if "messages" not in record:
        yield Flaw("messages", "messages-missing", "there is no messages field", f"write {WANTED}")
    elif not isinstance(messages, list):
        yield Flaw("messages", "messages-type", f"messages is {kind_of(messages)}", "give a list of messages")
    elif not messages:
        yield Flaw("messages", "messages-empty", "messages is an empty list", "give at least one user message")
    else:
        for index, message in enumerate(messages):
            yield from _message_flaws(f"messages[{index}]", message)
        yield from role_order_flaws([m.get("role") if isinstance(m, dict) else None for m in messages])


def role_order_flaws(roles: Sequence[Any]) -> Iterator[Flaw]:
    """What is wrong with the order of roles; a role that is no known one is left to the message it stands in."""
    for index, role in enumerate(roles):
        if index and role in SYSTEM_ROLES:
            found = f"a {role} message at place {index + 1}"
            yield Flaw(f"messages[{index}].role", "system-not-first", found, "put the one system message first")
    if "user" not in roles and all(role in ROLES for role in roles):
        yield Flaw("messages", "no-user-message", "there is no user message", "give at least one user message")
    if roles[-1] in ANSWERING_ROLES:
        yield Flaw(
            f"messages[{len(roles) - 1}]",
            "ends-with-answer",
            f"the last message is the {roles[-1]}'s: the model has nothing left to answer",
            'take the answer out of messages; if it is right, make it the "reference_answer"',
        )


def _field_flaws(record: dict[str, Any]) -> Iterator[Flaw]:
    if "rft" in record:
        yield Flaw("rft", "reserved-field", 'the field "rft" is the pipeline\'s own', "give yours another name")
    if "id" in record:
        match record["id"]:
            case str() as record_id if record_id.strip():
                pass
            case str():
                yield Flaw("id", "id-empty", "id is empty", "give each record its own id, or none at all")
            case other:
                yield Flaw("id", "id-type", f"id is {described(other)}", "write it as a string")
    if "reference_answer" in record and not isinstance(record["reference_answer"], (str, dict)):
        found = f"reference_answer is {described(record['reference_answer'])}"
        yield Flaw("reference_answer", "reference-type", found, "give a string or an object, or leave it out")
    if "tools" in record:
        yield from tool_flaws(record["tools"])


def _message_flaws(path: str, message: Any) -> Iterator[Flaw]:
    if not isinstance(message, dict):
        found = f"the message is {kind_of(message)}"
        yield Flaw(path, "message-type", found, 'write {"role": "user", "content": "..."}')
        return
    for key in message:
        if key not in MESSAGE_KEYS:
            fix = "remove it, or move it to the top of the record, from where it reaches the grader"
            yield Flaw(path, "unknown-message-key", f"a message has no field {shown(key)}", fix)
    role = message.get("role")
    if role is None:
        yield Flaw(f"{path}.role", "role-missing", "there is no role", f"give one of {', '.join(ROLES)}")
    elif role not in ROLES:
        yield Flaw(f"{path}.role", "unknown-role", f"the role is {shown(role)}", f"give one of {', '.join(ROLES)}")
    yield from call_flaws(path, message)
    if not (message.get("tool_calls") and message.get("content") in (None, "")):
        yield from _content_flaws(f"{path}.content", message)


def _content_flaws(path: str, message: dict[str, Any]) -> Iterator[Flaw]:
    fix = "give the text as a non-empty string"
    match message.get("content"):
        case None:
            found = "content is null" if "content" in message else "there is no content"
            yield Flaw(path, "content-missing", found, fix)
        case str() as text:
            if not text or text.isspace():
                yield Flaw(path, "content-empty", f"the content is {shown(text)}", fix)
        case list() as parts:
            flawed = False
            for index, part in enumerate(parts):
                for flaw in _part_flaws(f"{path}[{index}]", part):
                    flawed = True
                    yield flaw
            if not flawed and all(not part["text"].strip() for part in parts):
                yield Flaw(path, "content-empty", "the content has no text", fix)
        case other:
            yield Flaw(path, "content-type", f"the content is {described(other)}", fix)


def _part_flaws(path: str, part: Any) -> Iterator[Flaw]:
    fix = 'write {"type": "text", "text": "..."}, or the whole content as a string'
    if not isinstance(part, dict):
        yield Flaw(path, "content-part", f"the part is {kind_of(part)}", fix)
    elif part.get("type") != "text":
        named = part.get("type", next(iter(part), None))
        found = f"the part is {shown(named)}; reinforcement fine-tuning takes text only"
        yield Flaw(path, "not-text", found, "leave out the record, or describe the content in words")
    elif not isinstance(part.get("text"), str):
        yield Flaw(f"{path}.text", "content-part", f"the part's text is {kind_of(part.get('text'))}", fix)
