"""Rows to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rft.comparison.document import About, Asked, Settings, compared
from rft.comparison.rows import Against, Role, Row, row_of

BASE, LIVE, CANDIDATE = "amazon.nova-2-lite-v1:0", "arn:aws:bedrock:us-east-1:1:custom-model-deployment/l", "arn:c"


def answer(reward: float, text: str = "an answer", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 100, "output_tokens": 10, "milliseconds": 500, "stop_reason": "end_turn"}
    return {"text": text, "reward": reward, "components": {}, **usage, **more}


def missing(name: str = "BedrockBusy") -> dict[str, Any]:
    return {"missing": name}


def ungraded(text: str = "an answer") -> dict[str, Any]:
    """The model answered, the grader failed."""
    return {"text": text, "input_tokens": 100, "output_tokens": 10, "milliseconds": 500, "missing": "GraderError"}


def document_of(number: int, **answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"record-{number}",
        "messages": [{"role": "user", "content": f"prompt {number}"}],
        "reference_answer": {"label": number},
        "answers": answers,
    }


def rows_of(**sides: Sequence[dict[str, Any]]) -> list[Row]:
    """A row for each place in the lists, which are as long as one another, by role."""
    return [
        row_of(document_of(number, **dict(zip(sides, answers, strict=True))))
        for number, answers in enumerate(zip(*sides.values(), strict=True))
    ]


def rewards(before: Sequence[float], after: Sequence[float]) -> list[Row]:
    return rows_of(base=[answer(each) for each in before], candidate=[answer(each) for each in after])


def about(against: Against = "base", held_out: str | None = None, *, live: bool | None = None) -> About:
    models: dict[Role, Asked] = {"base": Asked(BASE), "candidate": Asked(CANDIDATE, "triage-2")}
    if against == "live" if live is None else live:
        models["live"] = Asked(LIVE, "triage-1")
    return About(
        run_id="triage-2",
        model="triage",
        against=against,
        models=models,
        settings=Settings(temperature=0.0, max_tokens=None, reasoning_effort=None, of=1_000, seed=7),
        grader_arn="arn:aws:lambda:us-east-1:1:function:grader:3",
        held_out_grader_arn=held_out,
    )


def document(
    rows: Sequence[Row], *, min_gain: float = 0.0, confidence: float = 0.95, **of_about: Any
) -> dict[str, Any]:
    return compared(rows, about(**of_about), min_gain=min_gain, confidence=confidence)
