"""Plans to try: what the tests of this room share."""

from __future__ import annotations

from typing import Any

from rft.cost import Estimate, GraderFacts, Plan, Prices, Records, estimate, plan_of

BASE = "amazon.nova-2-lite-v1:0:256k"
JUDGE = GraderFacts("judge", judge_calls=1, judge_model="openai.gpt-oss-120b-1:0")
RULE = GraderFacts("rule")
ALL_KNOWN = Prices.of_file().with_overrides({"training": 60.0, "model-storage": 2.0, "provisioned-unit": 50.0})


def spread(low: int = 40, half: int = 60, most: int = 80, top: int = 100) -> dict[str, Any]:
    return {"prompt_tokens": {"estimate": "characters / 4", "min": low, "median": half, "p95": most, "max": top}}


def a_plan(
    training: int = 1_000,
    validation: int = 100,
    *,
    grader: GraderFacts = RULE,
    request: dict[str, Any] | None = None,
    **hyperparameters: Any,
) -> Plan:
    return plan_of(
        {"hyperparameters": hyperparameters} | (request or {}),
        base_model=BASE,
        training=Records.counted(training, spread()),
        validation=Records.counted(validation, spread()) if validation else None,
        grader=grader,
    )


def told(*args: Any, prices: Prices = ALL_KNOWN, **more: Any) -> Estimate:
    return estimate(a_plan(*args, **more), prices)
