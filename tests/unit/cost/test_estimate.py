"""The arithmetic by hand, what has no price, and what must hold for any plan."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.cost import Estimate, GraderFacts, Item, Plan, Prices, Range, Records, estimate, plan_of
from rft.cost.ranges import rounded
from tests.unit.cost.plans import ALL_KNOWN, JUDGE, RULE, a_plan, told

SHIPPED = Prices.of_file()
FULL: dict[str, Any] = {
    "epoch_count": 2,
    "batch_size": 64,
    "training_sample_per_prompt": 4,
    "eval_interval": 10,
    "inference_max_tokens": 800,
}


def item(estimated: Estimate, name: str) -> Item:
    (found,) = [one for one in estimated.items if one.name == name]
    return found


def test_steps_and_rollouts_by_hand() -> None:
    made = told(1_000, 0, **FULL)
    assert made.steps == Range(32, 32)  # ceil(1000 / 64) * 2
    assert made.rollouts == Range(8_000, 8_000)  # 1000 * 4 * 2
    assert made.tokens_sampled == Range(800_000, 6_400_000)
    assert made.graded == Range(8_160, 8_320)  # 16 records of the gate with 10 answers each, graded once or twice


def test_the_validation_set_is_answered_while_training_and_in_the_end() -> None:
    without, with_it = told(1_000, 0, **FULL), told(1_000, 100, **FULL)
    # 32 steps, looked at each 10: three times, perhaps a fourth; one to four answers a prompt.
    assert with_it.rollouts == without.rollouts + Range(3 * 100, 4 * 100 * 4)
    assert with_it.graded.low - without.graded.low == 300 + 200
    assert with_it.graded.high - without.graded.high == 1_600 + 300


def test_dollars_by_hand() -> None:
    measured = GraderFacts(
        "judge", 1, JUDGE.judge_model, seconds=0.5, judge_input_tokens=1_000, judge_output_tokens=100
    )
    made = told(1_000, 0, grader=measured, **FULL)
    assert made.judge_calls == made.graded == Range(8_160, 8_320)
    judge = item(made, "judge, read").usd
    assert judge is not None
    assert judge.low == pytest.approx(8_160 * 1_000 * 0.15 / 1e6)
    assert judge.high == pytest.approx(8_320 * 1_000 * 0.15 / 1e6)
    compute = item(made, "grader, compute")
    assert compute.quantity.low == 8_160 * 0.5 * 0.5  # seconds at half a gigabyte
    assert compute.usd is not None
    assert compute.usd.low == pytest.approx(8_160 * 0.25 * 0.0000133334)
    hours = item(made, "training")
    assert hours.quantity == Range(1, 32 * 6 / 60)
    assert hours.usd == Range(60, 192)


def test_a_rule_asks_no_judge() -> None:
    made = told(grader=RULE)
    assert made.judge_calls == Range(0, 0)
    assert not [one for one in made.items if one.name.startswith("judge")]


def test_the_run_and_the_month_are_apart() -> None:
    made = told(request={"deploy": "provisioned"}, **FULL)
    assert item(made, "provisioned throughput").usd == Range(730 * 50, 730 * 50)
    assert made.month == Range(730 * 50 + 2, 730 * 50 + 2)
    assert made.known.high == made.run.high + made.month.high
    assert not [one for one in made.items if one.name.startswith("tuned model")]  # paid by the hour


def test_each_model_unit_is_paid_by_the_hour() -> None:
    made = told(request={"deploy": {"kind": "provisioned", "model_units": 3, "commitment": "OneMonth"}}, **FULL)
    assert item(made, "provisioned throughput").quantity == Range(3 * 730, 3 * 730)
    assert made.month == Range(3 * 730 * 50 + 2, 3 * 730 * 50 + 2)


@pytest.mark.parametrize(
    ("validation", "compare", "asked"),
    [(601, {}, 200), (100, {}, 100), (601, {"max_prompts": 50}, 50), (601, {"max_prompts": 2_000}, 601)],
)
def test_the_comparison_asks_at_most_so_many_of_the_validation_set(
    validation: int, compare: dict[str, Any], asked: int
) -> None:
    made = told(1_000, validation, request={"compare": compare}, **FULL)
    assert item(made, "base model, written").quantity == Range((asked + 64) * 100, (asked + 64) * 800)
    # The candidate, and from the second run on the live version.
    assert item(made, "tuned model, written").quantity == Range(asked * 100, 2 * asked * 800)


def test_on_demand_costs_nothing_while_idle() -> None:
    made = told(request={"deploy": "on-demand"}, **FULL)
    assert made.month == Range(2, 2)  # the storage alone
    assert made.serving == "nothing while nobody asks; $0.33 per 1M tokens read, $2.75 per 1M tokens written"
    assert told(request={"deploy": "none"}).serving == "nothing is deployed"


def test_without_a_deployment_only_the_gate_asks_the_base_model() -> None:
    made = told(1_000, 100, request={"deploy": "none"}, **FULL)
    assert item(made, "base model, written").quantity == Range(64 * 100, 64 * 800)
    assert not [one for one in made.items if one.name.startswith("tuned model")]


def test_an_unknown_price_makes_no_number() -> None:
    made = told(request={"deploy": "provisioned"}, prices=SHIPPED)
    assert made.unknown == ("training", "model-storage", "provisioned-unit")
    assert item(made, "training").usd is None
    known = sum(one.usd.high for one in made.items if one.usd is not None)
    assert made.known.high == pytest.approx(known)


def test_a_base_model_that_the_file_does_not_know_has_no_price() -> None:
    made = estimate(a_plan(), SHIPPED)
    assert "base-input" not in made.unknown
    other = estimate(replace(a_plan(), base_model="openai.gpt-oss-20b"), SHIPPED)
    assert {"base-input", "base-output", "custom-input", "custom-output"} <= set(other.unknown)
    assert other.serving.endswith("the price of a token is unknown")


def test_each_assumption_is_told_with_the_date_of_the_prices() -> None:
    made = told()
    assert any(text.startswith("epoch_count isn't set") for text in made.assumptions)
    assert f"prices of us-east-1, as of {SHIPPED.as_of}; no free tier and no discount is counted" in made.assumptions


def test_an_own_price_is_marked_where_it_counts() -> None:
    document = told().to_json()
    training = next(one for one in document["items"] if one["name"] == "training")
    assert training["price"]["source"] == "set by you"
    assert "set by you" in training["why"]
    assert document["unknown"] == []


def test_the_document_is_plain_json_and_rounded() -> None:
    text = json.dumps(told(grader=JUDGE, prices=SHIPPED).to_json(), allow_nan=False)
    document = json.loads(text)
    assert set(document) == {
        *("steps", "rollouts", "graded_answers", "judge_calls", "tokens_sampled", "usd", "unknown", "items"),
        *("serving", "assumptions"),
    }
    for one in document["items"]:
        for end in ("low", "high"):
            assert one["usd"] is None or one["usd"][end] == rounded(one["usd"][end])
    assert [rounded(x) for x in (123.456, 12.345, 0.012345, 0)] == [123, 12.35, 0.012, 0]


plans = st.fixed_dictionaries(
    {},
    optional={
        "epoch_count": st.integers(1, 50),
        "batch_size": st.integers(16, 512),
        "training_sample_per_prompt": st.integers(2, 16),
        "eval_interval": st.integers(1, 100),
        "inference_max_tokens": st.integers(1, 262_144),
        "max_prompt_length": st.integers(1, 262_144),
    },
)
graders = st.builds(
    GraderFacts,
    st.sampled_from(["rule", "judge", "own"]),
    judge_calls=st.integers(0, 3),
    judge_model=st.sampled_from(["openai.gpt-oss-120b-1:0", "amazon.nova-pro-v1:0", "somebody.elses", None]),
    seconds=st.none() | st.floats(0, 900),
)
deployments = st.sampled_from(["on-demand", "provisioned", "none"])
sizes = st.integers(100, 20_000)
held_out = st.integers(0, 5_000)


@given(sizes, held_out, plans, graders, deployments)
def test_low_is_never_above_high_and_unknown_stays_unknown(
    size: int, kept: int, hyperparameters: dict[str, Any], grader: GraderFacts, deploy: str
) -> None:
    plan = a_plan(size, kept, grader=grader, request={"deploy": deploy}, **hyperparameters)
    open_, closed = estimate(plan, SHIPPED), estimate(plan, ALL_KNOWN)
    for made in (open_, closed):
        for one in made.items:
            assert one.quantity.high > 0
            assert (one.usd is None) == (one.price.usd is None)
            assert one.usd is None or 0 <= one.usd.low <= one.usd.high < math.inf
    assert "training" in open_.unknown and "training" not in closed.unknown
    assert open_.known.high <= closed.known.high
    assert (open_.steps, open_.rollouts, open_.graded) == (closed.steps, closed.rollouts, closed.graded)


@given(sizes, held_out, plans, graders, deployments, st.sampled_from(["training", "validation", *("epoch", "sample")]))
def test_more_is_never_cheaper(
    size: int, kept: int, hyperparameters: dict[str, Any], grader: GraderFacts, deploy: str, what: str
) -> None:
    asked = {"epoch_count": 3, "training_sample_per_prompt": 4} | hyperparameters
    more = dict(asked)
    bigger, more_kept = size, kept
    if what == "training":
        bigger = size + 1_000
    elif what == "validation":
        more_kept = kept + 100
    elif what == "epoch":
        more["epoch_count"] += 1
    else:
        more["training_sample_per_prompt"] += 1
    # The same mean prompt: the mean's bounds move with the number of records.
    less = estimate(_with_prompts(a_plan(size, kept, grader=grader, request={"deploy": deploy}, **asked)), ALL_KNOWN)
    plan = a_plan(bigger, more_kept, grader=grader, request={"deploy": deploy}, **more)
    dearer = estimate(_with_prompts(plan), ALL_KNOWN)
    for name in ("run", "month", "known", "steps", "rollouts", "graded", "judge_calls"):
        before, after = getattr(less, name), getattr(dearer, name)
        assert after.low >= before.low - 1e-9 * before.low, name
        assert after.high >= before.high - 1e-9 * before.high, name


def _with_prompts(plan: Plan) -> Plan:
    return replace(plan, prompt_tokens=Range(50, 70), validation_prompt_tokens=Range(50, 70))


def test_logs_have_the_most_prompts_as_their_high_end() -> None:
    logs = plan_of(
        {"hyperparameters": FULL}, base_model="m", training=Records.within(100, 5_000), validation=None, grader=RULE
    )
    assert estimate(logs, SHIPPED).rollouts == Range(100 * 8, 5_000 * 8)
