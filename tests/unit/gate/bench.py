"""A grader of the plainest kind, the ways to spoil it, and the gate around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rft.gate import AboutGrader, AskBase, GateReport, Invocation, InvocationFailed, Settings, choose, examine

EXAMPLES = Path(__file__).parents[3] / "examples"

type Samples = list[dict[str, Any]]
type Handler = Callable[[Samples], Any]

RULE = AboutGrader("exact", "rule", timeout_seconds=30)
OWN = AboutGrader("mine", "own", timeout_seconds=30)
JUDGE = AboutGrader("strict-judge", "judge", judge_calls=1, timeout_seconds=300)


def example_records(name: str = "ticket-triage") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / name / "train.jsonl").read_text().splitlines()]


RECORDS = choose(example_records(), 16, 0)
WITHOUT_GOLD = [{k: v for k, v in record.items() if k != "reference_answer"} for record in RECORDS]


def answer_of(sample: Mapping[str, Any]) -> str:
    return str(sample["messages"][-1]["content"])


def reference_of(sample: Mapping[str, Any]) -> str:
    reference = sample["metadata"]["reference_answer"]
    if not isinstance(reference, dict):
        raise TypeError("no object")
    return json.dumps(reference, ensure_ascii=False)


def exact(sample: Mapping[str, Any]) -> float:
    return float(answer_of(sample) == reference_of(sample))


def result(sample: Mapping[str, Any], score: Callable[[Mapping[str, Any]], Any] = exact) -> dict[str, Any]:
    """What a careful grader answers for one sample."""
    try:
        return {"id": sample["id"], "aggregate_reward_score": score(sample)}
    except (KeyError, TypeError):
        error = {"name": "error", "value": 1.0, "type": "Metric"}
        return {"id": sample["id"], "aggregate_reward_score": 0.0, "metrics_list": [error]}


def by(score: Callable[[Mapping[str, Any]], Any]) -> Handler:
    return lambda samples: [result(sample, score) for sample in samples]


def calling(
    handler: Handler,
    *,
    seconds: float = 0.01,
    per_sample: float = 0.0,
    written: Callable[[bytes], bytes] = bytes,
) -> Callable[[bytes], Invocation]:
    """As Lambda calls it: what it raises is known by its class alone, what it returns is written as JSON."""

    def invoke(payload: bytes) -> Invocation:
        samples = json.loads(payload)
        try:
            answer = handler(samples)
        except InvocationFailed:
            raise
        except Exception as error:
            raise InvocationFailed("raised", type(error).__name__) from error
        return Invocation(written(json.dumps(answer).encode()), seconds + per_sample * len(samples))

    return invoke


def half_right(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """A base model that answers every other time as the record's reference does."""
    return [_GOLD[json.dumps(messages)] if i % 2 else "I can't say." for i in range(count)]


def always(text: str) -> AskBase:
    return lambda messages, count: [text] * count


def always_right(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    return [_GOLD[json.dumps(messages)]] * count


_GOLD = {json.dumps(record["messages"]): json.dumps(record["reference_answer"]) for record in example_records()}


def gate(
    handler: Handler,
    *,
    about: AboutGrader = RULE,
    records: Sequence[Mapping[str, Any]] = RECORDS,
    ask_base: AskBase | None = half_right,
    settings: Settings | None = None,
    seconds: float = 0.01,
    per_sample: float = 0.0,
    written: Callable[[bytes], bytes] = bytes,
) -> GateReport:
    return examine(
        records,
        invoke=calling(handler, seconds=seconds, per_sample=per_sample, written=written),
        ask_base=ask_base,
        about=about,
        settings=settings,
    )


def codes(report: GateReport) -> list[str]:
    return [finding.code for finding in report.findings]
