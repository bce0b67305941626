"""A trial of a grader: what the gate and the API's test of a grader have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rft.aws import graders
from rft.aws.clients import lambda_client
from rft.aws.graders import GraderFunction
from rft.cost import GraderFacts
from rft.gate.examination import examine
from rft.gate.report import GateReport
from rft.gate.settings import AboutGrader, Settings
from rft.grading.catalog import OPENAI, READY
from rft.steps.gate.base_answers import WORKERS, base_asker, inference_id
from rft.steps.pipeline import Pipeline

PHASE = "gate"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for one call of the grader, after which no further one is made, and for the base model's answers."""

    call_seconds: float
    calls_seconds: float
    base_seconds: float


@dataclass(frozen=True, slots=True)
class Tried:
    """The report, and how the grader's function is set up."""

    report: GateReport
    function: GraderFunction


def try_grader(
    pipeline: Pipeline,
    records: Sequence[Mapping[str, Any]],
    *,
    arn: str,
    name: str | None,
    declared: Mapping[str, Any] | None,
    base_model: str,
    settings: Settings,
    patience: Patience,
) -> Tried:
    """``name``: of the stack's own grader; ``declared``: OpenAI's JSON; neither: somebody's own function ``arn``.

    Without ``settings.base_answers`` the base model isn't asked.
    """
    environment = pipeline.environment
    functions = lambda_client(patience.call_seconds)
    function = graders.described(functions, arn)
    inference = inference_id(
        base_model, default_base=environment.default_base_model, profile=environment.base_inference_id
    )
    with ThreadPoolExecutor(WORKERS) as threads:
        report = examine(
            [_outside_of_training(record) for record in records],
            invoke=graders.invoker(functions, arn, seconds=patience.calls_seconds),
            ask_base=base_asker(inference, max_tokens=settings.max_answer_tokens, seconds=patience.base_seconds)
            if settings.base_answers
            else None,
            about=_about(name, declared, arn, function, environment.judge_requests_per_minute),
            settings=settings,
            mapped=threads.map,
        )
    return Tried(report, function)


def _outside_of_training(record: Mapping[str, Any]) -> dict[str, Any]:
    """A grader's metrics are the curve of the run that a sample belongs to; what is tried before is no part of it."""
    return {**record, "rft": {**record.get("rft", {}), "phase": PHASE}}


def _about(
    name: str | None, declared: Mapping[str, Any] | None, arn: str, function: GraderFunction, quota: int | None
) -> AboutGrader:
    seconds = function.timeout_seconds
    if declared is not None:
        return AboutGrader(OPENAI, "declared", judge_calls_of(declared), seconds, quota)
    if name is not None:
        ready = READY[name]
        return AboutGrader(name, ready.kind, ready.judge_calls, seconds, quota)
    return AboutGrader(arn.rpartition(":function:")[2], "own", 0, seconds)


def judge_calls_of(declared: Mapping[str, Any]) -> int:
    from rft.grading.openai import parse_grader  # noqa: PLC0415 - few runs have one

    return parse_grader(declared, judge_model=None).judge_calls


def grader_facts(tried: Tried, judge_model: str | None) -> GraderFacts:
    """What an estimate of the cost takes from a trial."""
    about, timing = tried.report.grader, tried.report.timing
    return GraderFacts(
        kind="own" if about.kind == "own" else "judge" if about.judge_calls else "rule",
        judge_calls=about.judge_calls,
        judge_model=judge_model if about.judge_calls else None,
        seconds=timing.seconds_per_sample if timing else None,
        memory_mb=tried.function.memory_mb or 512,
    )
