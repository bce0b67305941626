"""What a judge is shown of a sample, as texts. What can't be shown raises BadSample, which names the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rft.grading.errors import BadSample
from rft.grading.judging.fence import shown
from rft.grading.sample import Sample, text_of

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "nova_assistant": "assistant",
    "bot": "assistant",
    "tool": "tool",
}


def texts_of(sample: Sample) -> dict[str, str]:
    """By name: ``question``, ``reference`` where the record has one, and ``answer`` at the end."""
    texts = {"question": conversation(sample)}
    reference = reference_text(sample)
    if reference is not None:
        texts["reference"] = reference
    return {**texts, "answer": sample.answer}


def conversation(sample: Sample) -> str:
    """All messages before the answer, each as ``role: text``; those without text are left out."""
    said = [(_role(message), text_of(message.get("content"))) for message in sample.messages[:-1]]
    written = [f"{role}: {text}" for role, text in said if not is_blank(text)]
    if not written:
        raise BadSample("messages: there is no text before the answer, so nothing was asked")
    return "\n\n".join(written)


def reference_text(sample: Sample) -> str | None:
    """The reference answer, as JSON if it isn't a string; None where there is none or a blank one."""
    reference = sample.reference
    if reference is None or (isinstance(reference, str) and is_blank(reference)):
        return None
    return reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False)


def string_list(value: object, field: str, *, most: int) -> list[str]:
    """The strings in a field of the record: a string, or a list of strings and of objects with ``text``.

    Blank ones are left out. Raises BadSample for another form, more than ``most`` and none at all.
    """
    parts = [_part(part, field) for part in (value if isinstance(value, list) else [value])]
    strings = [part for part in parts if not is_blank(part)]
    if not strings:
        raise BadSample(f"{field}: there is no text in it")
    if len(strings) > most:
        raise BadSample(f"{field}: there are more than {most}")
    return strings


def is_blank(text: str) -> bool:
    """Whether a judge would see nothing of it."""
    return not shown(text).strip()


def _part(part: object, field: str) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    if not isinstance(text, str):
        raise BadSample(f"{field}: must be a string, or a list of strings and of objects with text")
    return text


def _role(message: Mapping[str, Any]) -> str:
    role = message.get("role")
    return _ROLES.get(role, "other") if isinstance(role, str) else "other"
