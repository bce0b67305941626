"""A grader's JSON, read into what grades."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rft.grading.judging.question import Judge
from rft.grading.openai.checks import string_check, text_similarity
from rft.grading.openai.fields import Fields, listed
from rft.grading.openai.formula import Formula
from rft.grading.openai.models import label_model, score_model
from rft.grading.openai.multi import combined, multi
from rft.grading.openai.parts import Part
from rft.grading.openai.problems import Problems
from rft.grading.openai.values import Values
from rft.grading.sample import Sample
from rft.grading.score import Score

MAX_JSON = 65_536  # bytes

_SINGLE = ("string_check", "text_similarity", "score_model", "label_model")
_PYTHON = (
    "python graders are refused: the code would come from data and run with this stack's rights. Write a grader of "
    "your own instead: copy functions/graders/generic, which is short, and name it in the request"
)
_NESTED = "a multi grader can't hold another: put its graders beside the others, and its formula into calculate_output"


class OpenAIGrader:
    """A grader made of OpenAI's JSON.

    ``type`` is the JSON's. ``judge_calls``: questions to the judge for one answer, without those asked a second time;
    ``needs_judge``: whether there are any. ``needs_reference``: whether a template reads ``item.reference_answer``.
    """

    def __init__(self, kind: str, parts: Mapping[str, Part], formula: Formula | None) -> None:
        self.type = kind
        self._parts = parts
        self._formula = formula
        self.judge_calls = sum(part.judge_calls for part in parts.values())
        self.needs_judge = self.judge_calls > 0
        self.needs_reference = any(
            variable.is_of_reference
            for part in parts.values()
            for template in part.templates
            for variable in template.variables
        )

    def score(self, sample: Sample, judge: Judge | None) -> Score:
        """The reward of an answer. Each grader of a multi is a reward under its name, any other one under its type.

        Raises BadSample and VerdictUnreadable, with OpenAI's own flags; JudgeDenied, and whatever the judge raises.
        """
        values = Values(sample)
        grades = {name: part.grade(values, judge) for name, part in self._parts.items()}
        rewards = {name: grade.value for name, grade in grades.items()}
        metrics = {
            metric if self._formula is None else f"{name}.{metric}": value
            for name, grade in grades.items()
            for metric, value in grade.metrics.items()
        }
        value = rewards[self.type] if self._formula is None else combined(self._formula, rewards)
        return Score(value, rewards=rewards, metrics=metrics)


_TEXTS = ("input", "reference")
"""Where templates stand. What is wrong there is said first: whether they read the answer isn't known then."""


def parse_grader(document: object, *, judge_model: str | None) -> OpenAIGrader:
    """The grader in a JSON document, already decoded, of at most 64 KB.

    ``judge_model`` is the judge of this stack, which model graders must name; None takes any name.

    Raises GraderJsonInvalid with everything that is wrong, each with its path.
    """
    problems = Problems()
    if not isinstance(document, dict):
        problems.add("", 'must be an object, a grader such as {"type": "string_check", ...}')
    elif not _fits(document):
        problems.add("", f"must be JSON of at most {MAX_JSON:,} bytes in UTF-8, without NaN and Infinity")
    problems.refuse()
    fields = Fields(document, "", problems)  # type: ignore[arg-type]
    parts: dict[str, Part] = {}
    formula = None
    kind = str(fields.get("type"))
    if kind == "multi":
        parts, formula = multi(fields, lambda inner: _single(inner, judge_model, nested=True))
    elif (part := _single(fields, judge_model, nested=False)) is not None:
        parts = {kind: part}
    if (
        parts
        and (formula is not None) == (kind == "multi")
        and not problems.concern(*_TEXTS, "type", "calculate_output")
    ):
        _check_reads_answer(parts, formula, problems)
    problems.refuse()
    return OpenAIGrader(kind, parts, formula)


def _fits(document: dict[Any, Any]) -> bool:
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return len(text.encode()) <= MAX_JSON
    except (TypeError, ValueError, RecursionError):  # half a surrogate pair is a ValueError
        return False


def _single(fields: Fields, judge_model: str | None, *, nested: bool) -> Part | None:
    match fields.get("type"):
        case "string_check":
            return string_check(fields)
        case "text_similarity":
            return text_similarity(fields)
        case "score_model":
            return score_model(fields, judge_model)
        case "label_model":
            return label_model(fields, judge_model)
        case "python":
            fields.wrong("type", _PYTHON)
        case "multi" if nested:
            fields.wrong("type", _NESTED)
        case _:
            fields.wrong("type", f"must be {listed(_SINGLE if nested else (*_SINGLE, 'multi'))}")
    return None


def _check_reads_answer(parts: Mapping[str, Part], formula: Formula | None, problems: Problems) -> None:
    counted = [part for name, part in parts.items() if formula is None or name in formula.names]
    if not any(template.reads_answer for part in counted for template in part.templates):
        path = "input" if formula is None else "graders"
        problems.add(
            path, "reads nothing of the answer, so all answers would earn the same: use {{ sample.output_text }}"
        )
