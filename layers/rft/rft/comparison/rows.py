"""``comparison.jsonl``: a line for each prompt, with every model's answer and what the graders gave it.

::

    {"id": "record-7", "messages": […], "reference_answer": …,
     "answers": {"base":      {"text": "…", "reward": 0.4, "components": {"form": 1.0},
                               "held_out_reward": 0.5, "input_tokens": 210, "output_tokens": 25,
                               "milliseconds": 840, "stop_reason": "end_turn"},
                 "candidate": {"missing": "BedrockBusy"}}}

An answer with ``missing`` (a name of an error) takes part in nothing: it's never a zero. Where it has a ``text`` as
well (and tokens, and a time), the model did answer and the grader failed. ``held_out_reward`` is absent where the
held-out grader failed, or there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

type Role = Literal["base", "live", "candidate"]
type Against = Literal["base", "live"]

ROLES: tuple[Role, ...] = ("base", "live", "candidate")

TIE = 1e-9
"""Rewards that differ by no more than this are equal: 0.7 - 0.4 isn't 0.3 to a computer."""

NOT_ASKED = "NotAsked"
NOT_GRADED = "GradeMissing"

_LARGEST_REWARD = 1.0
_LARGEST_COMPONENT = 1e12
_LONGEST = 1e12


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said and what it got for it. ``reward`` is a number exactly where ``missing`` is None. ``text`` is
    None where the model gave no answer, ``milliseconds`` and tokens are None where they aren't known."""

    text: str | None = None
    reward: float | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    held_out_reward: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    milliseconds: float | None = None
    stop_reason: str | None = None
    missing: str | None = None

    @property
    def grader_failed(self) -> bool:
        """The model answered, but there is no grade."""
        return self.missing is not None and self.text is not None


_UNASKED = Answer(missing=NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt. ``answers`` has the models that were asked."""

    id: str
    messages: tuple[Mapping[str, Any], ...]
    reference_answer: Any
    answers: Mapping[Role, Answer]

    def answer(self, role: Role) -> Answer:
        return self.answers.get(role, _UNASKED)


class Pair(NamedTuple):
    """A prompt that both models have a grade for."""

    row: Row
    before: Answer
    after: Answer

    @property
    def gain(self) -> float:
        """``after`` less ``before``; within TIE of 0 it is 0."""
        return difference(self.before.reward or 0.0, self.after.reward or 0.0)


def difference(before: float, after: float) -> float:
    gain = after - before
    return 0.0 if abs(gain) <= TIE else gain


def pairs(rows: Iterable[Row], before: Role, after: Role) -> Iterator[Pair]:
    """The rows in which both models have a grade; the others are left out."""
    for row in rows:
        pair = Pair(row, row.answer(before), row.answer(after))
        if pair.before.missing is None and pair.after.missing is None:
            yield pair


def row_of(document: object) -> Row:
    """A row as it stands in ``comparison.jsonl``.

    A number that can't be one (NaN, a text, a reward beyond -1 to 1) is taken for missing. Raises ValueError where the
    row itself has another shape.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("answers"), Mapping):
        raise ValueError("a row must be an object with answers")
    messages = document.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise ValueError("the messages of a row must be a list of objects")
    answers = document["answers"]
    return Row(
        id=str(document.get("id", "")),
        messages=tuple(messages),
        reference_answer=document.get("reference_answer"),
        answers={role: _answer(answers[role]) for role in ROLES if role in answers},
    )


def _answer(document: object) -> Answer:
    if not isinstance(document, Mapping):
        raise ValueError("an answer must be an object")
    reward = _number(document.get("reward"), _LARGEST_REWARD)
    missing = document.get("missing")
    graded = missing is None and reward is not None
    components = document.get("components")
    return Answer(
        text=_text(document.get("text")),
        reward=reward if graded else None,
        components=_components(components) if graded and isinstance(components, Mapping) else {},
        held_out_reward=_number(document.get("held_out_reward"), _LARGEST_REWARD) if graded else None,
        input_tokens=_count(document.get("input_tokens")),
        output_tokens=_count(document.get("output_tokens")),
        milliseconds=_duration(document.get("milliseconds")),
        stop_reason=_text(document.get("stop_reason")),
        missing=None if graded else NOT_GRADED if missing is None else _error_name(missing),
    )


def _error_name(missing: object) -> str:
    from rft.gate.reading import error_class  # noqa: PLC0415 - with the whole gate, which few readers of rows need

    return error_class(missing)


def _components(document: Mapping[Any, Any]) -> dict[str, float]:
    numbers = ((name, _number(value, _LARGEST_COMPONENT)) for name, value in document.items())
    return {name: value for name, value in numbers if isinstance(name, str) and value is not None}


def _number(value: object, largest: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -largest <= value <= largest else None  # NaN is in no range


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _duration(value: object) -> float | None:
    number = _number(value, _LONGEST)
    return number if number is not None and number >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
