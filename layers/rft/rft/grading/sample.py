"""One item of Bedrock's reward event, read into what a grader needs.

The shapes are those that AWS's documents and samples show, which don't agree with each other: the reference answer is
in ``metadata`` (Bedrock User Guide, "Setting up reward functions") or beside it (Nova User Guide), plain or wrapped as
``{"text": ...}``; the answer's role is ``assistant`` or ``nova_assistant``; an id may be called ``task_id``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rft.grading.errors import BadSample, EventNotAList

_ANSWERING_ROLES = ("assistant", "nova_assistant")
_RUN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RunContext(NamedTuple):  # as elsewhere here: a dataclass costs a cold start a millisecond, a NamedTuple doesn't
    """Which run a sample belongs to, as the pipeline wrote it into the training record; None where it didn't."""

    run_id: str | None = None
    model: str | None = None


_NO_RUN = RunContext()


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to be graded.

    ``answer`` is the text of the last message, "" where the model wrote none. ``messages`` are all messages as they
    came. ``reference`` is the reference answer, any JSON value, or None where the record has none. ``id`` may be the
    same for several samples of a batch; ``position`` (from 0) never is.
    """

    id: str | int
    position: int
    answer: str
    messages: Sequence[Mapping[str, Any]]
    reference: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    run: RunContext = _NO_RUN


class Envelope(NamedTuple):
    """What can be said of an item even when it can't be graded. ``metadata`` is None where it isn't an object."""

    id: str | int
    position: int
    run: RunContext
    metadata: Mapping[str, Any] | None


def items_of(event: object) -> list[Any]:
    """The batch in an event: a bare list, or ``{"trajectories": [...]}``. Raises EventNotAList."""
    if isinstance(event, dict):
        event = event.get("trajectories", event)
    if not isinstance(event, list):
        raise EventNotAList(
            "a grader takes a JSON list of samples, each with id, messages and metadata "
            f'(or {{"trajectories": [...]}} around it); this event is of type {type(event).__name__}'
        )
    return event


def read_envelope(item: object, position: int) -> Envelope:
    """Whose sample this is. Never raises; an item without an id is called by its position."""
    if not isinstance(item, dict):
        return Envelope(f"position-{position}", position, _NO_RUN, None)
    metadata = _object(item.get("metadata"))
    return Envelope(_id_of(item, position), position, _run_context(metadata), metadata)


def read_sample(item: object, envelope: Envelope) -> Sample:
    """The sample in an item. Raises BadSample, which names the field but never quotes it."""
    if not isinstance(item, dict):
        raise BadSample("a sample must be a JSON object")
    if envelope.metadata is None:
        raise BadSample("metadata must be a JSON object, or a string that holds one")
    messages = item.get("messages")
    if not (isinstance(messages, list) and messages and all(isinstance(m, dict) for m in messages)):
        raise BadSample("messages must be a list of objects, and not empty")
    last = messages[-1]
    if last.get("role") not in _ANSWERING_ROLES:
        raise BadSample("the last message must be the model's answer, with the role assistant or nova_assistant")
    if "content" not in last:
        raise BadSample("the last message has no content")
    reference = envelope.metadata.get("reference_answer")
    if reference is None:
        reference = item.get("reference_answer")
    return Sample(
        id=envelope.id,
        position=envelope.position,
        answer=text_of(last["content"]),
        messages=messages,
        reference=unwrapped(reference),
        metadata=envelope.metadata,
        run=envelope.run,
    )


def text_of(content: object) -> str:
    """The text of a message's content: a string, a list of parts, or null (a message without text).

    Parts that aren't text (reasoning, tool use) are no part of the answer and left out. Raises BadSample.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not (isinstance(content, list) and all(isinstance(part, dict) for part in content)):
        raise BadSample("the content of a message must be a string or a list of parts")
    texts = [part["text"] for part in content if part.get("type", "text") == "text" and "text" in part]
    if not all(isinstance(text, str) for text in texts):
        raise BadSample("the text of a message's part must be a string")
    return "".join(texts)


def _id_of(item: Mapping[str, Any], position: int) -> str | int:
    for value in (item.get("id"), item.get("task_id")):
        if isinstance(value, str | int) and not isinstance(value, bool):
            return value
    return f"position-{position}"


def _object(metadata: object) -> Mapping[str, Any] | None:
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return None
    if metadata is None:
        return {}
    return metadata if isinstance(metadata, dict) else None


def _run_context(metadata: Mapping[str, Any] | None) -> RunContext:
    rft = metadata.get("rft") if metadata else None
    if not isinstance(rft, dict) or "phase" in rft:  # before the training (the gate): no part of the run's curve
        return _NO_RUN
    return RunContext(run_id=_run_word(rft.get("run_id")), model=_run_word(rft.get("model")))


def _run_word(value: object) -> str | None:
    # It becomes a metric's dimension and a field of log lines, so free text has no way in.
    return value if isinstance(value, str) and _RUN_WORD.fullmatch(value) else None


def unwrapped(reference: Any) -> Any:
    if isinstance(reference, dict) and len(reference) == 1 and isinstance(reference.get("text"), str):
        return reference["text"]
    return reference
