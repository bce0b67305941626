"""What a dataset is held to for the grader that will judge: ``rft.dataset`` and ``rft.grading`` together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rft.dataset.limits import Limits
from rft.dataset.problems import Flaw
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
    rule = REFERENCE_RULES[grader]
    return replace(limits, require_reference=True, reference_flaw=_usable(rule), without_reference=_instead(rule))


def limits_of_run(run: Run, *, validation: bool = False) -> Limits:
    """Each grader of a stack compares with the reference answer; what somebody else's needs, only they know."""
    asked = run.request.get("hyperparameters") or {}
    foreign = "lambda_arn" in (run.request.get("grader") or {})
    name = None if foreign else _grader_name(run)
    limits = limits_for(name, max_prompt_length=asked.get("max_prompt_length"), validation=validation)
    return replace(limits, require_reference=not foreign)


def _grader_name(run: Run) -> str | None:
    """By the request; else, as for the stack's default, by the name of the function."""
    asked = (run.request.get("grader") or {}).get("name")
    if asked is None:
        function = (run.grader_arn or "").partition(":function:")[2].partition(":")[0]
        asked = function.partition(_FUNCTION_NAME)[2]
    return asked if asked in REFERENCE_RULES else None


def _usable(rule: ReferenceRule) -> Callable[[str | dict[str, Any]], Flaw | None]:
    return lambda reference: _flaw(rule.problem(reference), "reference-unusable")


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
