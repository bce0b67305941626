"""What the grader is asked: good answers, bad answers and tricks, in the form that Bedrock sends them.

======================  =====================================================================================
gold                    the reference answer: as it is if it's a text, else as JSON; of an object one field
                        alone where the grader reads that, and takes no JSON
empty                   no text at all
other                   another record's reference answer, never an equal one
truncated               the first half of the gold answer
echo                    the prompt
flood                   some 20,000 characters: words of the prompt and the gold answer, over and over
base                    an answer of the base model
======================  =====================================================================================

A record without a reference answer has no gold, other and truncated ones.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rft.grading.references import right_answer
from rft.grading.sample import unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

type Kind = Literal["gold", "empty", "other", "truncated", "echo", "flood", "base"]
KINDS: tuple[Kind, ...] = ("gold", "empty", "other", "truncated", "echo", "flood", "base")

FLOOD = 20_000  # characters
_FLOOD_WORDS = 400  # that it is made of, at most
_MOST_FIELDS = 3
_MESSAGE_FIELDS = ("id", "messages")


class Probe(NamedTuple):
    """An answer to the prompt of the record in place ``record``, and the sample that it is sent as."""

    kind: Kind
    record: int
    sample: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.sample["id"])


def written_probes(
    records: Sequence[Mapping[str, Any]], seed: int, grader: str = "", field: str | None = None
) -> dict[Kind, list[Probe]]:
    """All but the base model's answers, each list in the records' order. The same for the same records and seed.

    ``grader`` and ``field``: see gold_of.
    """
    golds = [gold_of(record, grader, field) for record in records]
    others = _others(golds, seed)
    probes: dict[Kind, list[Probe]] = {kind: [] for kind in KINDS}
    for place, (record, gold) in enumerate(zip(records, golds, strict=True)):
        prompt = _prompt_text(record)
        answers: dict[Kind, str | None] = {
            "gold": gold,
            "empty": "",
            "other": others[place],
            "truncated": gold[: len(gold) // 2] if gold and len(gold) > 1 else None,
            "echo": prompt,
            "flood": _flood(f"{prompt} {gold or ''}", seed + place),
        }
        for kind, answer in answers.items():
            if answer is not None:
                probes[kind].append(Probe(kind, place, as_sample(record, place, answer)))
    return probes


def base_probes(records: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[str]]) -> Iterator[Probe]:
    """The base model's ``answers`` to each record."""
    for place, (record, texts) in enumerate(zip(records, answers, strict=True)):
        for text in texts:
            yield Probe("base", place, as_sample(record, place, text))


def as_sample(record: Mapping[str, Any], place: int, answer: str) -> dict[str, Any]:
    """A sample in the form that Bedrock sends a reward function: other fields of the record under ``metadata``.

    All answers to one prompt have its id. Whether they do in Bedrock isn't documented, so a grader must bear it.
    """
    return {
        "id": str(record.get("id") or f"record-{place}"),
        "messages": [*record["messages"], {"role": "assistant", "content": answer}],
        "metadata": {name: value for name, value in record.items() if name not in _MESSAGE_FIELDS},
    }


def gold_of(record: Mapping[str, Any], grader: str = "", field: str | None = None) -> str | None:
    """The reference answer as a model would write it for a grader; None where there is none, or a blank one.

    ``field`` of an object is the whole answer; without one it's what a grader of the stack is known to read.
    """
    reference = right_answer(unwrapped(record.get("reference_answer")), grader)
    if field is not None and isinstance(reference, dict):
        reference = reference.get(field)
    if reference is None or reference == {}:
        return None
    text = reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False)
    return text if text.strip() else None


def answer_fields(records: Sequence[Mapping[str, Any]], grader: str = "") -> list[str]:
    """Fields that may each be the whole answer: texts and numbers that the objects have which are the reference
    answers; the first three."""
    references = [right_answer(unwrapped(record.get("reference_answer")), grader) for record in records]
    objects = [reference for reference in references if isinstance(reference, dict)]
    names = objects[0] if objects else ()
    return [name for name in names if all(_may_be_an_answer(each.get(name)) for each in objects)][:_MOST_FIELDS]


def _may_be_an_answer(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _others(golds: Sequence[str | None], seed: int) -> list[str | None]:
    order = [place for place, gold in enumerate(golds) if gold is not None]
    random.Random(seed).shuffle(order)  # noqa: S311 - a shuffle, no secret
    others: list[str | None] = [None] * len(golds)
    for i, place in enumerate(order):
        following = (golds[order[(i + step) % len(order)]] for step in range(1, len(order)))
        others[place] = next((gold for gold in following if gold != golds[place]), None)
    return others


def _prompt_text(record: Mapping[str, Any]) -> str:
    return "\n".join(_text_of(message.get("content")) for message in record["messages"])


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _flood(text: str, seed: int) -> str:
    """In ever another order, so that what a text ends in, or begins with, isn't the right answer but by chance."""
    words = [word[:100] for word in text.split()[-_FLOOD_WORDS:]] or ["word"]
    chance = random.Random(seed)  # noqa: S311
    written: list[str] = []
    length = 0
    while length < FLOOD:
        chance.shuffle(words)
        written += words
        length += sum(map(len, words)) + len(words)
    return " ".join(written)[:FLOOD]
