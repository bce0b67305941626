"""The graders that ask a judge: score_model and label_model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from rft.grading.errors import JudgeDenied, VerdictUnreadable
from rft.grading.judging.fence import shown
from rft.grading.judging.prompt import repair
from rft.grading.judging.question import Judge
from rft.grading.judging.reply import objects_with, own_objects_with
from rft.grading.openai.fields import Fields, is_number
from rft.grading.openai.parts import Grade, passed
from rft.grading.openai.problems import JUDGE_REFUSAL, JUDGE_REPLY
from rft.grading.openai.prompt import Prompt, prompt
from rft.grading.openai.template import Template
from rft.grading.openai.values import Values

MAX_MODEL = 2048  # characters, an inference profile's ARN at most
MAX_RANGE = 1_000_000
MAX_LABELS = 64
MAX_LABEL = 100

_KEY = "result"
_REASON = "<one or two sentences>"
_PROBLEM = "it held no JSON object with a result of your own as the form asks for"
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_LABEL = re.compile(rf'[^|<>"\\\x00-\x1f\x7f]{{1,{MAX_LABEL}}}')


class ScoreModel(NamedTuple):
    """A judge gives a number from ``low`` to ``high``, which becomes a value from 0 to 1 in proportion.

    The number itself is the metric ``raw`` where the range isn't 0 to 1. ``pass_threshold`` is one of the range's
    numbers, and adds the metric ``passed``. A number out of range isn't truncated: like any other reply that isn't
    understood it is asked for once more, and then it is an error.
    """

    prompt: Prompt
    low: float
    high: float
    pass_threshold: float | None

    @property
    def judge_calls(self) -> int:
        return 1

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.prompt.templates

    def grade(self, values: Values, judge: Judge | None) -> Grade:
        result = f"<number from {_short(self.low)} to {_short(self.high)}>"
        raw = _verdict(judge, self.prompt, values, result, self._read)
        metrics = {} if (self.low, self.high) == (0, 1) else {"raw": raw}
        value = (raw - self.low) / (self.high - self.low)
        return Grade(min(value, 1.0), {**metrics, **passed(raw, self.pass_threshold)})  # the last digit is rounded

    def _read(self, result: object) -> float | None:
        if isinstance(result, str):
            text = result.strip()
            result = float(text) if _NUMBER.fullmatch(text) else None
        if not (is_number(result) and self.low <= result <= self.high):
            return None
        return float(result)


class LabelModel(NamedTuple):
    """A judge chooses one of ``labels``: 1 if it is one of ``passing``, else 0."""

    prompt: Prompt
    labels: tuple[str, ...]
    passing: frozenset[str]

    @property
    def judge_calls(self) -> int:
        return 1

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.prompt.templates

    def grade(self, values: Values, judge: Judge | None) -> Grade:
        best_first = sorted(self.labels, key=lambda label: label not in self.passing)
        label = _verdict(judge, self.prompt, values, f"<{'|'.join(best_first)}>", self._read)
        return Grade(float(label in self.passing), {})

    def _read(self, result: object) -> str | None:
        if not isinstance(result, str):
            return None
        given = result.strip().casefold()
        return next((label for label in self.labels if label.casefold() == given), None)


def score_model(fields: Fields, judge_model: str | None) -> ScoreModel:
    fields.only("type", "name", "input", "model", "range", "sampling_params", "pass_threshold")
    fields.name()
    _check_model(fields, judge_model)
    low, high = _range(fields)
    return ScoreModel(prompt(fields), low, high, fields.number("pass_threshold", low, high))


def label_model(fields: Fields, judge_model: str | None) -> LabelModel:
    fields.only("type", "name", "input", "model", "labels", "passing_labels", "sampling_params")
    fields.name()
    _check_model(fields, judge_model)
    labels = _labels(fields)
    return LabelModel(prompt(fields), labels, _passing(fields, labels))


def _verdict[R](
    judge: Judge | None, prompt: Prompt, values: Values, result: str, read: Callable[[object], R | None]
) -> R:
    """What ``read`` makes of the judge's result, asked for twice at most. ``result``: its place in the form."""
    if judge is None:
        raise JudgeDenied("this grader asks a model, and there is no judge here: set the stack's judge model")
    texts = prompt.texts(values)
    question = prompt.question(texts, json.dumps({"reason": _REASON, _KEY: result}, ensure_ascii=False))
    silent = True
    for asked in (question, repair(question, _PROBLEM)):
        reply = judge.ask(asked)
        verdict = read(_result(reply, texts.values()))
        if verdict is not None:
            return verdict
        silent = silent and not reply.strip()
    raise VerdictUnreadable(
        "the judge wrote nothing, twice"
        if silent
        else "neither of the judge's two replies holds a result as asked for",
        flags=(JUDGE_REFUSAL if silent else JUDGE_REPLY,),
    )


def _result(reply: str, texts: Iterable[str]) -> object:
    """The last result in a reply, None where there is none. An object that stands in the texts too, word for word or
    as an equal one, is no verdict of the judge's own."""
    quoted = [text for text in map(shown, texts) if f'"{_KEY}"' in text]
    own = own_objects_with(reply, _KEY, quoted)
    quotable = [each for text in quoted for each in objects_with(text, _KEY)] if own else []
    return next((each[_KEY] for each in reversed(own) if each not in quotable), None)


def _check_model(fields: Fields, judge_model: str | None) -> None:
    model = fields.get("model")
    if judge_model is not None and model != judge_model:
        fields.wrong(
            "model", f"must be {judge_model}, the judge of this stack: write that, or change the stack's judge"
        )
    elif not (isinstance(model, str) and 0 < len(model) <= MAX_MODEL):
        fields.wrong("model", "must be the id of a model or of an inference profile of Amazon Bedrock")


def _range(fields: Fields) -> tuple[float, float]:
    given = fields.get("range")
    if given is None:
        return 0.0, 1.0
    if (
        isinstance(given, list)
        and len(given) == 2
        and all(is_number(end) and -MAX_RANGE <= end <= MAX_RANGE for end in given)
        and given[0] < given[1]
    ):
        return float(given[0]), float(given[1])
    fields.wrong(
        "range", f"must be [lowest, highest], two numbers from -{MAX_RANGE:,} to {MAX_RANGE:,}, the lower first"
    )
    return 0.0, 1.0


def _labels(fields: Fields) -> tuple[str, ...]:
    given = fields.get("labels")
    if not (isinstance(given, list) and 2 <= len(given) <= MAX_LABELS):
        fields.wrong("labels", f"must be a list of 2 to {MAX_LABELS} texts")
        return ()
    seen: set[str] = set()
    for at, label in enumerate(given):
        if not (isinstance(label, str) and _LABEL.fullmatch(label) and label == label.strip()):
            fields.problems.add(
                f"{fields.at('labels')}[{at}]",
                f'must be a text of 1 to {MAX_LABEL} characters without | < > " \\ and line breaks, trimmed',
            )
        elif label.casefold() in seen:
            fields.problems.add(f"{fields.at('labels')}[{at}]", "is there already: labels differ in more than case")
        else:
            seen.add(label.casefold())
    return tuple(str(label) for label in given)


def _passing(fields: Fields, labels: tuple[str, ...]) -> frozenset[str]:
    given = fields.get("passing_labels")
    if not (isinstance(given, list) and given and all(isinstance(label, str) for label in given)):
        fields.wrong("passing_labels", "must be a list of one at least of the labels")
    elif labels and not set(given) <= set(labels):
        fields.wrong("passing_labels", "may hold nothing but labels, written as in labels")
    elif set(given) == set(labels):
        fields.wrong(
            "passing_labels", "holds all labels, so every answer would earn 1: leave out those that don't pass"
        )
    else:
        return frozenset(given)
    return frozenset()


def _short(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)
