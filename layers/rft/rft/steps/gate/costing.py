"""An estimate for a request whose data have been looked at: ``rft.cost`` and what the stack knows of its graders.

For the API (``rft.steps.doors.estimate``) and for the command line, which reads files and has no stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rft.cost import BudgetCheck, Estimate, GraderFacts, Prices, Range, Records, check_budget, estimate, plan_of
from rft.cost.plan import MIN_PROMPTS
from rft.dataset.split import choose_validation
from rft.errors import RequestInvalid, RequestProblem
from rft.grading.catalog import OPENAI, READY
from rft.run.log_source import LogSource

if TYPE_CHECKING:
    from rft.dataset.whole_file import FileCheck
    from rft.run.request import RunRequest
    from rft.run.stack import Stack

DEFAULT_FRACTION = 0.1
DEFAULT_JUDGE = "openai.gpt-oss-120b-1:0"
"""The judge that is taken where no stack names one."""


@dataclass(frozen=True, slots=True)
class Data:
    """``broken`` counts records that no job would take; they are left out of the others."""

    training: Records
    validation: Records | None
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Costed:
    """A request, what it will cost and how that stands to its budget."""

    request: RunRequest
    base_model: str
    grader: str
    data: Data
    prices: Prices
    estimate: Estimate
    budget: BudgetCheck

    def to_json(self) -> dict[str, Any]:
        validation = self.data.validation
        return {
            "model": self.request.model,
            "base_model": self.base_model,
            "grader": self.grader,
            "deploy": self.request.deploy.kind,
            "records": {
                "training": self.data.training.count.to_json(),
                "validation": None if validation is None else validation.count.to_json(),
                "broken": self.data.broken,
            },
            "estimate": self.estimate.to_json(),
            "budget": self._limits() | self.budget.to_json(),
            "prices": {
                "as_of": self.prices.as_of,
                "region": self.prices.region,
                "currency": self.prices.currency,
                "set_by_you": sorted(self.prices.own),
            },
        }

    def _limits(self) -> dict[str, float | None]:
        asked = self.request.budget
        if asked is None:
            return {"max_usd": None, "max_rollouts": None}
        return {"max_usd": asked.max_usd, "max_rollouts": asked.max_rollouts}


def cost(request: RunRequest, stack: Stack, data: Data, prices: Prices) -> Costed:
    """Nothing is measured here: the gate, which has called the grader, knows more."""
    base_model = request.base_model or stack.base_model
    grader, facts = grader_facts(request.to_json(), stack)
    plan = plan_of(
        request.to_json(), base_model=base_model, training=data.training, validation=data.validation, grader=facts
    )
    told = estimate(plan, prices)
    limits = request.budget
    check = check_budget(
        told,
        max_usd=limits.max_usd if limits is not None else None,
        max_rollouts=limits.max_rollouts if limits is not None else None,
    )
    return Costed(request, base_model, grader, data, prices, told, check)


def grader_facts(request: dict[str, Any], stack: Stack) -> tuple[str, GraderFacts]:
    """The grader's name, and what is known of it without a call."""
    asked = request.get("grader") or {}
    if "lambda_arn" in asked:
        return asked["lambda_arn"].rpartition(":function:")[2], GraderFacts("own")
    name, calls = asked.get("name") or stack.grader, 0
    if "openai" in asked:
        from rft.grading.openai import parse_grader  # noqa: PLC0415 - few requests have one

        name, calls = OPENAI, parse_grader(asked["openai"], judge_model=None).judge_calls
    elif name not in READY:
        return name, GraderFacts("own")
    else:
        calls = READY[name].judge_calls
    if not calls:
        return name, GraderFacts("rule")
    return name, GraderFacts("judge", judge_calls=calls, judge_model=stack.judge_model or DEFAULT_JUDGE)


def data_of(request: RunRequest, training: FileCheck | None, validation: FileCheck | None) -> Data:
    """``training`` is None for invocation logs, which nobody has read yet: up to ``max_prompts`` come of them.

    Raises ``RequestInvalid`` where a file has no record that can be used.
    """
    asked = request.to_json()
    problems = [
        RequestProblem(name, "has no usable record: rft check-dataset says what is wrong")
        for name, found in (("training_data", training), ("validation_data", validation))
        if found is not None and not found.split_hashes
    ]
    if problems:
        raise RequestInvalid(problems)
    held_out = _counted(validation) if validation is not None else None
    logs = LogSource.of(asked)
    if logs is not None:
        longest = (asked.get("hyperparameters") or {}).get("max_prompt_length")
        split = 0.0 if validation is not None or logs.native else _fraction(asked)
        read = Records.within(MIN_PROMPTS, logs.max_prompts, max_prompt_length=longest)
        if split:
            held_out = Records(Range(0, round(logs.max_prompts * split)), read.prompt_tokens)
        return Data(read, held_out, _broken(validation))
    if training is None:
        raise TypeError("a dataset that isn't logs has to be read")
    if validation is not None:
        return Data(_counted(training), held_out, _broken(training) + _broken(validation))
    return _split(training, _fraction(asked))


def _split(found: FileCheck, fraction: float) -> Data:
    """The very records that PrepareDataset would hold out."""
    chosen = choose_validation(found.split_hashes, fraction=fraction)
    everything = _counted(found)
    held_out = sum(value in chosen for value in found.split_hashes)
    prompts = everything.prompt_tokens
    return Data(
        Records(Range.exactly(len(found.split_hashes) - held_out), prompts),
        Records(Range.exactly(held_out), prompts) if held_out else None,
        _broken(found),
    )


def _fraction(asked: dict[str, Any]) -> float:
    share: float = (asked.get("validation_data") or {}).get("fraction", DEFAULT_FRACTION)
    return share


def _counted(found: FileCheck) -> Records:
    return Records.counted(len(found.split_hashes), found.report.stats)


def _broken(found: FileCheck | None) -> int:
    return 0 if found is None else max(found.report.records - len(found.split_hashes), 0)
