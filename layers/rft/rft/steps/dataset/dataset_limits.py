"""What a dataset is held to for the grader that will judge: ``rft.dataset`` and ``rft.grading`` together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rft.dataset.limits import Limits
from rft.dataset.problems import Flaw
from rft.grading.catalog import READY
from rft.grading.references import REFERENCE_RULES, ReferenceProblem, ReferenceRule
from rft.run.record import Run

GRADERS = tuple(sorted(REFERENCE_RULES))
"""The names of the graders whose needs are known."""

_FUNCTION_NAME = "-grader-"  # how template.yaml names a grader's function, with the grader's own name behind it


def limits_for(grader: str | None, *, max_prompt_length: int | None = None, validation: bool = False) -> Limits:
    """``grader`` is one of ``GRADERS``, or None where it isn't known what the grader needs of a record.

    ``max_prompt_length`` (tokens) is the job's. Bedrock publishes a minimum of records for training files only.
    """
    limits = Limits(max_prompt_tokens=max_prompt_length)
    if validation:
        limits = replace(limits, min_records=1)
    if grader is None:
        return limits
    rule, ready = REFERENCE_RULES[grader], READY[grader]
    return replace(
        limits,
        require_reference=ready.reference == "required",
        reference_flaw=_usable(rule),
        without_reference=_instead(rule),
        record_flaw=_beside(rule),
    )


def limits_of_run(run: Run, *, validation: bool = False) -> Limits:
    """What the run's grader needs: known of the stack's own, read off OpenAI's JSON, and of a foreign one only known to
    whoever wrote it."""
    asked = run.request.get("hyperparameters") or {}
    limits = limits_for(grader_name(run), max_prompt_length=asked.get("max_prompt_length"), validation=validation)
    declared = (run.request.get("grader") or {}).get("openai")
    if declared is not None:
        from rft.grading.openai import parse_grader  # noqa: PLC0415 - few runs have one

        return replace(limits, require_reference=parse_grader(declared, judge_model=None).needs_reference)
    return limits


def grader_name(run: Run) -> str | None:
    """The stack's own grader of a run; None for OpenAI's JSON and for a foreign function.

    By the request; else, as for the stack's default, by the name of the function.
    """
    asked = run.request.get("grader") or {}
    if asked and asked.get("name") is None:
        return None
    function = (run.grader_arn or "").partition(":function:")[2].partition(":")[0]
    name = asked.get("name") or function.partition(_FUNCTION_NAME)[2]
    return name if name in REFERENCE_RULES else None


def _usable(rule: ReferenceRule) -> Callable[[str | dict[str, Any]], Flaw | None]:
    return lambda reference: _flaw(rule.problem(reference), "reference-unusable")


def _beside(rule: ReferenceRule) -> Callable[[dict[str, Any]], Flaw | None] | None:
    look = rule.record
    return None if look is None else lambda record: _flaw(look(record), "field-unusable")


def _instead(rule: ReferenceRule) -> Callable[[dict[str, Any]], Flaw | None] | None:
    look = rule.without_one
    if look is None:
        return None

    def lack(record: dict[str, Any]) -> Flaw | None:
        problem = look(record)
        missing = problem is not None and problem.path == "reference_answer"
        return _flaw(problem, "reference-missing" if missing else "reference-unusable")

    return lack


def _flaw(problem: ReferenceProblem | None, rule: str) -> Flaw | None:
    return None if problem is None else Flaw(problem.path, rule, problem.found, problem.fix)
