"""What the tests of OpenAI's graders share: short ways to a sample, a grader and a judge."""

from __future__ import annotations

import json
from typing import Any

from rft.grading.judging.question import Question
from rft.grading.openai import GraderJsonInvalid, OpenAIGrader, parse_grader
from rft.grading.sample import Sample, read_envelope, read_sample

JUDGE = "amazon.nova-pro-v1:0"


def sample(answer: str = "Canberra", reference: Any = None, **metadata: Any) -> Sample:
    """As Bedrock sends it, with a system message and a user's."""
    item = {
        "id": "r1",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "What is the capital "}, {"text": "of Australia?"}]},
            {"role": "assistant", "content": answer},
        ],
        "metadata": metadata | ({} if reference is None else {"reference_answer": reference}),
    }
    return read_sample(item, read_envelope(item, 0))


def string_check(operation: str = "eq", **changes: Any) -> dict[str, Any]:
    return {
        "type": "string_check",
        "name": "exact",
        "operation": operation,
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.reference_answer }}",
    } | changes


def text_similarity(metric: str = "fuzzy_match", **changes: Any) -> dict[str, Any]:
    return {
        "type": "text_similarity",
        "name": "alike",
        "evaluation_metric": metric,
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.reference_answer }}",
    } | changes


def score_model(**changes: Any) -> dict[str, Any]:
    return {
        "type": "score_model",
        "name": "quality",
        "model": JUDGE,
        "input": [
            {"role": "system", "content": "1 if the answer is right."},
            {"role": "user", "content": "Answer: {{ sample.output_text }}"},
        ],
    } | changes


def label_model(**changes: Any) -> dict[str, Any]:
    return {
        "type": "label_model",
        "name": "label",
        "model": JUDGE,
        "input": [{"role": "user", "content": "Good or bad? {{ sample.output_text }}"}],
        "labels": ["bad", "good", "so-so"],
        "passing_labels": ["good"],
    } | changes


def multi(formula: str, **graders: Any) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": graders, "calculate_output": formula}


def parse(document: Any) -> OpenAIGrader:
    return parse_grader(document, judge_model=JUDGE)


def problems(document: Any, judge_model: str | None = JUDGE) -> dict[str, str]:
    """The problems of a document, by path; of several with the same path all messages."""
    try:
        parse_grader(document, judge_model=judge_model)
    except GraderJsonInvalid as invalid:
        found: dict[str, str] = {}
        for path, message in invalid.problems:
            found[path] = f"{found[path]}; {message}" if path in found else message
        return found
    return {}


class Scripted:
    """A judge that gives its replies one after the other, and keeps the questions. An exception is raised."""

    def __init__(self, *replies: Any) -> None:
        self._replies = list(replies)
        self.questions: list[Question] = []

    def ask(self, question: Question) -> str:
        self.questions.append(question)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, str) else json.dumps({"reason": "Because.", "result": reply["result"]})


def result(value: Any) -> dict[str, Any]:
    """A reply in good form."""
    return {"result": value}
