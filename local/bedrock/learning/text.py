"""What the policy reads of a record: the prompt's words and the answer that would be ideal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_INSTRUCTIONS = frozenset({"system", "developer"})


def prompt_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of all messages but the instructions, one message a line.

    `messages` are in OpenAI's form (content a string, or blocks `{"type": "text", "text": ...}`) or in Converse's
    (blocks `{"text": ...}`). Instructions are left out because they are the same in every record, and because
    Converse carries them outside the messages: so both forms of one prompt give one text.
    """
    return "\n".join(_text(message.get("content")) for message in messages if message.get("role") not in _INSTRUCTIONS)


def reference_text(reference: object) -> str | None:
    """The ideal answer as a model would write it; None where the record has no reference.

    A string is the answer itself, and so is the string in `{"text": ...}`; any other value is the answer's JSON.
    """
    match reference:
        case None:
            return None
        case str():
            return reference
        case {"text": str() as text, **others} if not others:
            return text
        case _:
            return json.dumps(reference, ensure_ascii=False)


def imitable_texts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts from which a dataset's base policy learns to speak, for `Policy.base`.

    The reference answers, if the dataset has any. A dataset without a single one (a judge may need none) leaves only
    the prompts to learn words from; such a base rambles in the user's own words, and only its grader can better it.
    """
    references = [text for record in records if (text := reference_text(record.get("reference_answer"))) is not None]
    return references or [prompt_of(record["messages"]) for record in records]


def _text(content: object) -> str:
    match content:
        case str():
            return content
        case list():
            return " ".join(block["text"] for block in content if isinstance(block, dict) and "text" in block)
        case _:
            return ""
