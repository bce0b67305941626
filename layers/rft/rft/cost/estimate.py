"""The estimate: what a run does, times what each of it costs.

steps = ceil(records / batch) * epochs; rollouts = records * samples * epochs, and those of the validation set. S3,
DynamoDB, logs, messages and the pipeline's own functions come to cents and are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from rft.cost import assumed
from rft.cost.plan import Plan
from rft.cost.prices import YOURS, Price, Prices
from rft.cost.ranges import Range

NOTHING = Range(0, 0)
MB_IN_GB = 1024

When = Literal["once", "month"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill. ``usd`` is None where the price isn't known. ``when``: for the run, or for each month that
    its model is kept."""

    name: str
    quantity: Range
    price: Price
    usd: Range | None
    why: str
    when: When = "once"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "when": self.when,
            "quantity": self.quantity.to_json(),
            "unit": self.price.unit,
            "usd": None if self.usd is None else self.usd.to_json(),
            "price": {"name": self.price.name, "usd": self.price.usd, "per": self.price.per, "unit": self.price.unit}
            | {"source": self.price.source, "as_of": self.price.as_of, "note": self.price.note},
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """``rollouts`` are answers that the job samples and has graded; ``graded`` adds those of the gate and of the
    comparison. ``serving`` is what users of the deployed model cost, which no item has: nobody knows their number."""

    steps: Range
    rollouts: Range
    graded: Range
    judge_calls: Range
    tokens_sampled: Range
    items: tuple[Item, ...]
    serving: str
    assumptions: tuple[str, ...]

    @property
    def run(self) -> Range:
        """Dollars, as far as prices are known."""
        return self._sum("once")

    @property
    def month(self) -> Range:
        """Dollars for each month that the model is kept, as far as prices are known; its users not counted."""
        return self._sum("month")

    @property
    def known(self) -> Range:
        """The run and its model's first month: what a budget is held against."""
        return self.run + self.month

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the prices that are missing."""
        return tuple(dict.fromkeys(item.price.name for item in self.items if item.usd is None))

    def _sum(self, when: When) -> Range:
        return reduce(Range.__add__, (i.usd for i in self.items if i.usd is not None and i.when == when), NOTHING)

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": self.steps.to_json(),
            "rollouts": self.rollouts.to_json(),
            "graded_answers": self.graded.to_json(),
            "judge_calls": self.judge_calls.to_json(),
            "tokens_sampled": self.tokens_sampled.to_json(),
            "usd": {"run": self.run.to_json(), "month": self.month.to_json(), "budgeted": self.known.to_json()},
            "unknown": list(self.unknown),
            "items": [item.to_json() for item in self.items],
            "serving": self.serving,
            "assumptions": list(self.assumptions),
        }


@dataclass(frozen=True, slots=True)
class _Amounts:
    """How much of everything."""

    steps: Range
    rollouts: Range
    graded: Range
    judge_calls: Range
    hours: Range


def estimate(plan: Plan, prices: Prices) -> Estimate:
    """The same plan at the same prices gives the same estimate; nothing is looked up."""
    much = _amounts(plan)
    pace = f"{assumed.MINUTES_A_STEP.low:g} to {assumed.MINUTES_A_STEP.high:g} minutes a step, an hour at least"
    items = [
        _item("training", much.hours, prices.of("training", plan.base_model), pace),
        *_judge(plan, much, prices),
        *_grader(plan, much, prices),
        *_answers(plan, prices),
        _item(
            "state machine",
            much.hours.times(assumed.TRANSITIONS_AN_HOUR) + Range.exactly(assumed.TRANSITIONS_A_RUN),
            prices.of("state-transition"),
            "20 transitions a run and 4 in each hour of waiting",
        ),
        *_kept(plan, prices),
    ]
    said = (
        *plan.assumptions,
        f"training takes {pace}; AWS says only that it can take a few hours",
        f"prices of {prices.region}, as of {prices.as_of}; no free tier and no discount is counted",
    )
    return Estimate(
        steps=much.steps,
        rollouts=much.rollouts,
        graded=much.graded,
        judge_calls=much.judge_calls,
        tokens_sampled=much.rollouts * plan.answer_tokens,
        items=tuple(item for item in items if item.quantity.high > 0),
        serving=_serving(plan, prices),
        assumptions=said,
    )


def _amounts(plan: Plan) -> _Amounts:
    records, batch = plan.training_records, plan.batch_size
    steps = Range(math.ceil(records.low / batch.high), math.ceil(records.high / batch.low)) * plan.epochs
    # How many answers Bedrock samples to a validation prompt, and whether also at the end, isn't published.
    evaluations = Range(steps.low // plan.eval_interval.high, steps.high // plan.eval_interval.low + 1)
    validated = plan.validation_records * evaluations * Range(1, plan.samples_per_prompt.high)
    rollouts = records * plan.samples_per_prompt * plan.epochs + validated
    graded = rollouts + plan.compared_records * plan.compared_models + plan.gate_answers
    minutes = steps * assumed.MINUTES_A_STEP
    hours = Range(max(minutes.low / 60, assumed.SHORTEST_HOURS), max(minutes.high / 60, assumed.SHORTEST_HOURS))
    return _Amounts(steps, rollouts, graded, graded.times(plan.grader.judge_calls), hours)


def _item(name: str, quantity: Range, price: Price, why: str, when: When = "once") -> Item:
    usd = None if price.usd is None else quantity.times(price.usd / price.per)
    origin = f"; {price.words}" + (f", {YOURS}" if price.source == YOURS else "") if price.usd is not None else ""
    return Item(name, quantity, price, usd, why + origin, when)


def _judge(plan: Plan, much: _Amounts, prices: Prices) -> list[Item]:
    model = plan.grader.judge_model or "a judge model"
    return [
        _item(
            f"judge, {verb}",
            much.judge_calls * tokens,
            prices.of(f"judge-{way}", model),
            f"{model} reads each graded answer" if way == "input" else "its reasons and verdicts",
        )
        for way, verb, tokens in (
            ("input", "read", plan.judge_input_tokens),
            ("output", "written", plan.judge_output_tokens),
        )
    ]


def _grader(plan: Plan, much: _Amounts, prices: Prices) -> list[Item]:
    facts = plan.grader
    calls = Range(math.ceil(much.graded.low / assumed.SAMPLES_PER_CALL.high), much.graded.high)
    gigabytes = facts.memory_mb / MB_IN_GB
    why = f"each graded answer at {facts.memory_mb} MB"
    compute = prices.of("lambda-compute", facts.architecture)
    return [
        _item("grader, compute", much.graded * plan.grader_seconds.times(gigabytes), compute, why),
        _item("grader, calls", calls, prices.of("lambda-request"), "from 1 to 128 answers in a call"),
    ]


def _answers(plan: Plan, prices: Prices) -> list[Item]:
    """The answers that the gate and the comparison ask for; those of the training are part of its price."""
    held_out = plan.compared_records
    by_base = held_out if plan.compared_models.high else NOTHING
    # A provisioned model is paid by the hour, whatever it answers.
    by_custom = held_out * _one_less(plan.compared_models) if plan.deploy == "on-demand" else NOTHING
    base_reads = plan.gate_base_answers * plan.prompt_tokens + by_base * plan.validation_prompt_tokens
    base_writes = (plan.gate_base_answers + by_base) * plan.answer_tokens
    asks = "the gate's sample and the comparison" if by_base.high else "the gate's sample"
    model = plan.base_model
    return [
        _item("base model, read", base_reads, prices.of("base-input", model), asks),
        _item("base model, written", base_writes, prices.of("base-output", model), asks),
        _item(
            "tuned model, read",
            by_custom * plan.validation_prompt_tokens,
            prices.of("custom-input", model),
            "the comparison: the candidate, and the live version if there is one",
        ),
        _item("tuned model, written", by_custom * plan.answer_tokens, prices.of("custom-output", model), "the same"),
    ]


def _one_less(models: Range) -> Range:
    return Range(max(models.low - 1, 0), max(models.high - 1, 0))


def _kept(plan: Plan, prices: Prices) -> list[Item]:
    items = [
        _item("keeping the model", Range.exactly(1), prices.of("model-storage", plan.base_model), "a month", "month")
    ]
    if plan.deploy == "provisioned":
        hours = Range.exactly(assumed.HOURS_A_MONTH)
        price = prices.of("provisioned-unit", plan.base_model)
        units = "one model unit" if plan.model_units == 1 else f"{plan.model_units} model units"
        items.append(
            _item("provisioned throughput", hours.times(plan.model_units), price, f"{units}, a month", "month")
        )
    return items


def _serving(plan: Plan, prices: Prices) -> str:
    if plan.deploy == "none":
        return "nothing is deployed"
    if plan.deploy == "provisioned":
        return "paid by the hour, whether it is used or not, until it is deleted"
    read, written = (prices.of(f"custom-{way}", plan.base_model) for way in ("input", "output"))
    if read.usd is None or written.usd is None:
        return "nothing while nobody asks; the price of a token is unknown"
    return f"nothing while nobody asks; {read.words} read, {written.words} written"
