"""A judge model's replies: verdicts by word overlap, in the form that the question asks for.

A question is what the pipeline's judges ask. Its instructions end with the form of the reply as one line of JSON, in
which ``<all|most|few|none>`` lists what can be chosen, best first, and ``<number from 0 to 1>`` a range. The texts to
be judged stand between lines that hold a code::

    <<<answer 5f0c6d1e9a3b47c2>>>
    The dragon is 12 years old.
    <<<end answer 5f0c6d1e9a3b47c2>>>

What is between these lines is counted and never obeyed. Equal questions get equal replies, whatever their code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.bedrock.judge_measures import Overlap, Yardstick, measure_for, support

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXPLANATION = (
    "This is the local stand-in's judge. It has no language model: it judges by word overlap, and only questions "
    "whose instructions end with the form of the reply as one line of JSON, for example "
    '{"verdicts": {"correct": {"reason": "<one sentence>", "verdict": "<yes|no>"}}} or '
    '{"reason": "<one sentence>", "result": "<number from 0 to 1>"}, and whose texts are fenced.'
)
_NO_ANSWER = "There is no answer to judge."

_NAME = r"[a-z][a-z0-9_.]{0,63}"
_OPENER = re.compile(rf"^<<<{_NAME} ([0-9a-f]{{8,64}})>>>$", re.MULTILINE)
_NUMBER = r"(-?\d{1,17}(?:\.\d{1,17})?(?:e[+-]?\d{1,2})?)"
_RANGE = re.compile(rf"<number from {_NUMBER} to {_NUMBER}>")
_YARDSTICKS: tuple[tuple[Yardstick, tuple[str, ...]], ...] = (
    ("reference", ("reference",)),
    ("context", ("context", "source", "document", "passage", "article")),
    ("question", ("question", "instruction", "prompt", "input", "message")),
)


def reply(system: str, user_turns: Sequence[str]) -> str:
    """The reply to a question: a JSON object in its form, or what a judge expects where there is no form.

    A turn that asks for a better reply has no texts of its own, so it gets the same one.
    """
    form = _form(system)
    if form is None:
        return EXPLANATION
    return json.dumps(form.filled(_case("\n".join([system, *user_turns]))), ensure_ascii=False)


def without_codes(conversation: str) -> str:
    """A conversation as it is whatever the codes of its fences, which each process of a grader makes anew."""
    opener = _OPENER.search(conversation)
    return conversation.replace(opener[1], "") if opener else conversation


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer and the texts that it can be held against, the best first."""

    answer: str
    yardsticks: dict[Yardstick, str]

    def overlap(self, criterion: str) -> Overlap | None:
        """With the reference, else the context, else the question; for support the context goes first."""
        first: tuple[Yardstick, ...] = ("context",) if measure_for(criterion) is support else ()
        for yardstick in (*first, "reference", "context", "question"):
            if text := self.yardsticks.get(yardstick):
                return Overlap.of(self.answer, text, yardstick)
        return None


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a reply: what is to be chosen for each criterion, or (``criteria`` None) one result."""

    criteria: dict[str, str] | None
    result: str = ""

    def filled(self, case: _Case | None) -> dict[str, Any]:
        if self.criteria is None:
            return _verdict("result", self.result, "result", case)
        verdicts = {name: _verdict("verdict", slot, name, case) for name, slot in self.criteria.items()}
        return {"verdicts": verdicts}


def _verdict(key: str, slot: str, criterion: str, case: _Case | None) -> dict[str, Any]:
    overlap = case.overlap(criterion) if case else None
    share = measure_for(criterion)(overlap) if overlap else 0.0
    return {"reason": _reason(overlap, case), key: _chosen(slot, share)}


def _reason(overlap: Overlap | None, case: _Case | None) -> str:
    if case is None or not case.answer.strip():
        return _NO_ANSWER
    if overlap is None:
        return "There is nothing to hold the answer against."
    return (
        f"{overlap.common} of the answer's {overlap.given} words are among the {overlap.expected} of the "
        f"{overlap.yardstick}. The local stand-in judges by word overlap."
    )


def _chosen(slot: str, share: float) -> str | float:
    """What a share comes to: the number so far up the range, or the choice of as many equal parts."""
    if numbers := _RANGE.fullmatch(slot):
        low, high = float(numbers[1]), float(numbers[2])
        return min(low + round(share, 4) * (high - low), high)
    choices = _choices(slot)
    return choices[min(int((1 - share) * len(choices)), len(choices) - 1)]


def _choices(slot: str) -> list[str]:
    return [choice.strip() for choice in slot[1:-1].split("|")]


def _form(system: str) -> _Form | None:
    """The form in the last line of the instructions; None if that line is none."""
    try:
        document = json.loads(system.rstrip().rpartition("\n")[2])
    except (ValueError, RecursionError):
        return None
    match document:
        case {"verdicts": dict() as criteria} if criteria:
            slots: dict[str, Any] = {
                name: rule.get("verdict") if isinstance(rule, dict) else None for name, rule in criteria.items()
            }
            return _Form(slots) if all(map(_is_slot, slots.values())) else None
        case {"result": result} if _is_slot(result):
            return _Form(None, result)
    return None


def _is_slot(value: object) -> bool:
    if not isinstance(value, str) or not (value.startswith("<") and value.endswith(">")):
        return False
    return bool(_RANGE.fullmatch(value)) or (len(_choices(value)) > 1 and all(_choices(value)))


def _case(question: str) -> _Case | None:
    """What a question gives to be judged; None if it has no answer."""
    texts = dict(_fenced(question))
    answer = "answer" if "answer" in texts else next((name for name in texts if name.startswith("sample.")), None)
    if answer is None:
        return None
    return _Case(texts.pop(answer), _yardsticks(texts))


def _yardsticks(texts: Mapping[str, str]) -> dict[Yardstick, str]:
    """By what the names of the texts say. Where nothing is called a reference, an item of another name is one."""
    found: dict[Yardstick, str] = {}
    for yardstick, parts in _YARDSTICKS:
        if named := [name for name in texts if any(part in name for part in parts)]:
            found[yardstick] = "\n".join(texts[name] for name in named)
    all_parts = [part for _, parts in _YARDSTICKS for part in parts]
    others = [name for name in texts if name.startswith("item.") and not any(part in name for part in all_parts)]
    if others and "reference" not in found:
        found["reference"] = texts[others[0]]
    return found


def _fenced(question: str) -> Iterator[tuple[str, str]]:
    """The names and the texts of the fences. The first fence's code is that of all: a text that brings lines of its
    own can't know it."""
    opener = _OPENER.search(question)
    if opener is None:
        return
    fence = re.compile(rf"^<<<({_NAME}) {opener[1]}>>>\n(.*?)\n<<<end \1 {opener[1]}>>>$", re.MULTILINE | re.DOTALL)
    seen: set[str] = set()
    for found in fence.finditer(question):
        if found[1] not in seen:
            seen.add(found[1])
            yield found[1], found[2]
