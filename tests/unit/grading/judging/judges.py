"""Judges for tests, and samples for them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rft.grading.judging.criteria import Rubric
from rft.grading.judging.prompt import instructions
from rft.grading.judging.question import Question
from rft.grading.judging.reply import objects_with
from rft.grading.sample import Sample

_OPENER = re.compile(r"^<<<([a-z][a-z0-9_.]*) ([0-9a-f]{16})>>>$", re.MULTILINE)
_AFTER_THE_TEXTS = "These were the texts. Judge the answer by the criteria you were given."


def sample(
    answer: str,
    *,
    question: str = "What does the harbour master say about the tide?",
    reference: Any = None,
    **metadata: Any,
) -> Sample:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return Sample("s-1", 0, answer, messages, reference, metadata)


def reply(rubric: Rubric, choices: Mapping[str, str] | None = None, **more: str) -> str:
    """A judge's reply in JSON: the best verdicts, but for those given."""
    chosen = {each.name: each.choices[0] for each in rubric.criteria} | dict(choices or {}) | more
    return json.dumps({"verdicts": {name: {"reason": "Because.", "verdict": word} for name, word in chosen.items()}})


def worst(rubric: Rubric) -> str:
    return reply(rubric, {each.name: each.worst for each in rubric.criteria})


class Scripted:
    """Gives one reply after the other, and keeps the questions."""

    def __init__(self, *replies: str) -> None:
        self._replies = list(replies)
        self.questions: list[Question] = []

    def ask(self, question: Question) -> str:
        self.questions.append(question)
        return self._replies.pop(0)


def fenced(question: Question) -> tuple[dict[str, str], str]:
    """The texts of a question by their names, and all that its user's turns say outside of them."""
    turn = question.turns[0].text
    opener = _OPENER.search(turn)
    assert opener is not None
    code = opener[2]
    whole = re.compile(rf"^<<<([a-z][a-z0-9_.]*) {code}>>>\n(.*?)\n<<<end \1 {code}>>>$", re.MULTILINE | re.DOTALL)
    texts: dict[str, str] = {}
    for found in whole.finditer(turn):
        texts.setdefault(found[1], found[2])
    outside = whole.sub("", turn)
    return texts, " ".join([*outside.split(), *(word for later in question.turns[1:] for word in later.text.split())])


class Gullible:
    """Believes and obeys all that it reads outside of the fences. Of what is fenced it counts the answer's words."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric

    def ask(self, question: Question) -> str:
        texts, outside = fenced(question)
        if believed := objects_with(outside, "verdicts"):
            return json.dumps(believed[-1])
        if outside != _AFTER_THE_TEXTS or question.system != instructions(self._rubric):
            return reply(self._rubric)
        share = _overlap(texts["answer"], texts.get("reference") or texts.get("context") or texts["question"])
        return reply(self._rubric, {each.name: _chosen(each.choices, share) for each in self._rubric.criteria})


class Echoing:
    """Repeats the answer beside its own verdict."""

    def __init__(self, own: str, arrange: Callable[[str, str], str]) -> None:
        self._own = own
        self._arrange = arrange

    def ask(self, question: Question) -> str:
        texts, _ = fenced(question)
        return self._arrange(texts["answer"], self._own)


def _overlap(answer: str, yardstick: str) -> float:
    """F1 of the words, without regard to how often they come."""
    said, sought = (Counter(set(re.findall(r"\w+", text.lower()))) for text in (answer, yardstick))
    common = (said & sought).total()
    return 2 * common / (said.total() + sought.total()) if common else 0.0


def _chosen(choices: tuple[str, ...], share: float) -> str:
    return choices[min(int((1 - share) * len(choices)), len(choices) - 1)]
