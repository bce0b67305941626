"""The answers that a reader should see: the worst regressions and the best gains, found in one pass.

``comparison.jsonl`` may have thousands of lines of megabytes. One line is held at a time, and of each prompt a number;
texts are kept only of the few prompts at both ends, and cut in the end.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft.comparison import rows
from rft.comparison.extremes import extremes
from rft.dataset.lines import split_lines
from rft.report.texts import Excerpt, excerpt, line

MOST = 5
MAX_LINE_BYTES = 16 * 1024 * 1024
_SYSTEM_HEAD, _TURN_HEAD, _TURN_TAIL, _MOST_TURNS = 240, 700, 250, 6
_MOST_COMPONENTS = 12


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    text: Excerpt


@dataclass(frozen=True, slots=True)
class Answer:
    text: Excerpt
    reward: float | None
    components: Mapping[str, float]
    held_out: float | None
    output_tokens: int | None
    milliseconds: float | None
    was_cut_off: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt of the comparison; ``gain`` is the candidate's reward less that of the model it is held against."""

    id: str
    gain: float
    turns: tuple[Turn, ...]
    turns_left_out: int
    reference: Excerpt | None
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class Side:
    """How many of a model's answers were cut off at the token limit, and how many are one and the same text."""

    answers: int = 0
    cut_off: int = 0
    most_alike: int = 0


@dataclass(frozen=True, slots=True)
class Samples:
    """``gains`` of all pairs. ``worst`` and ``best`` have at most ``MOST`` each, the furthest from zero first.
    ``shared`` is the system message that all of these begin with, where there is one; it isn't among their turns.
    ``unreadable`` lines are left out of everything."""

    gains: array[float] = field(default_factory=lambda: array("d"))
    worst: tuple[Sample, ...] = ()
    best: tuple[Sample, ...] = ()
    shared: Excerpt | None = None
    unreadable: int = 0
    before: Side = Side()
    after: Side = Side()


def samples_of(chunks: Iterable[bytes], *, against: rows.Against) -> Samples:
    """From the bytes of ``comparison.jsonl``. ``against``: the model that the candidate is compared with."""
    reader = _Reader(chunks, against)
    ends = extremes(reader.pairs(), MOST)
    shared = _shared([*ends.worst, *ends.best])
    return Samples(
        gains=reader.gains,
        worst=tuple(_sample(pair, shared) for pair in ends.worst),
        best=tuple(_sample(pair, shared) for pair in ends.best),
        shared=excerpt(shared, head=_TURN_HEAD, tail=0) if shared is not None else None,
        unreadable=reader.unreadable,
        before=reader.before.told(),
        after=reader.after.told(),
    )


class _Reader:
    """The pairs of a file, and what is counted on the way."""

    def __init__(self, chunks: Iterable[bytes], against: rows.Against) -> None:
        self._chunks, self._against = chunks, against
        self.gains = array("d")
        self.unreadable = 0
        self.before, self.after = _Seen(), _Seen()

    def pairs(self) -> Iterator[rows.Pair]:
        for pair in rows.pairs(self._rows(), self._against, "candidate"):
            self.gains.append(pair.gain)
            yield pair

    def _rows(self) -> Iterator[rows.Row]:
        for read in split_lines(self._chunks, max_bytes=MAX_LINE_BYTES):
            if read.data is not None and not read.data.strip():
                continue
            try:
                row = rows.row_of(json.loads(read.data or b""))
            except (ValueError, RecursionError):
                self.unreadable += 1
                continue
            self.before.see(row.answer(self._against))
            self.after.see(row.answer("candidate"))
            yield row


class _Seen:
    def __init__(self) -> None:
        self._cut_off = 0
        self._texts: Counter[bytes] = Counter()

    def see(self, answer: rows.Answer) -> None:
        if answer.text is not None:
            self._cut_off += answer.stop_reason == "max_tokens"
            text = answer.text.strip().encode("utf-8", "surrogatepass")
            self._texts[hashlib.blake2b(text, digest_size=8).digest()] += 1

    def told(self) -> Side:
        return Side(self._texts.total(), self._cut_off, max(self._texts.values(), default=0))


def _shared(found: Sequence[rows.Pair]) -> str | None:
    firsts = [pair.row.messages[0] if pair.row.messages else {} for pair in found]
    texts = {_text(first.get("content")) if first.get("role") == "system" else None for first in firsts}
    return texts.pop() if len(texts) == 1 and len(firsts) > 1 else None


def _sample(pair: rows.Pair, shared: str | None) -> Sample:
    turns = pair.row.messages if shared is None else pair.row.messages[1:]
    # Of a long conversation its beginning and its end.
    shown = turns if len(turns) <= _MOST_TURNS else (*turns[:2], *turns[2 - _MOST_TURNS :])
    return Sample(
        id=line(pair.row.id, 80),
        gain=pair.gain,
        turns=tuple(map(_turn, shown)),
        turns_left_out=len(turns) - len(shown),
        reference=_reference(pair.row.reference_answer),
        before=_answer(pair.before),
        after=_answer(pair.after),
    )


def _turn(message: Mapping[str, Any]) -> Turn:
    role = line(message.get("role") or "message", 20)
    text = _text(message.get("content"))
    if role == "system":
        return Turn(role, excerpt(text, head=_SYSTEM_HEAD, tail=0))
    return Turn(role, excerpt(text, head=_TURN_HEAD, tail=_TURN_TAIL))


def _answer(answer: rows.Answer) -> Answer:
    named = [(line(name, 40), value) for name, value in answer.components.items()]
    return Answer(
        text=excerpt(answer.text or ""),
        reward=answer.reward,
        components=dict(named[:_MOST_COMPONENTS]),
        held_out=answer.held_out_reward,
        output_tokens=answer.output_tokens,
        milliseconds=answer.milliseconds,
        was_cut_off=answer.stop_reason == "max_tokens",
    )


def _reference(value: object) -> Excerpt | None:
    return None if value in (None, "", {}) else excerpt(_text(value), head=500, tail=150)


def _text(value: object) -> str:
    """Words as they are; a list of parts as Bedrock has it, joined; anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    return json.dumps(value, ensure_ascii=False)
