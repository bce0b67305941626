"""What a request and its data become: numbers, and a sentence for each that was assumed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.cost import GraderFacts, Range, Records, plan_of
from rft.dataset.statistics import Statistics
from tests.unit.cost.plans import JUDGE, a_plan, spread

FULL = {
    "epoch_count": 2,
    "batch_size": 64,
    "training_sample_per_prompt": 4,
    "eval_interval": 10,
    "inference_max_tokens": 800,
}


def test_what_the_request_says_is_taken_as_it_is() -> None:
    plan = a_plan(**FULL)
    assert (plan.epochs, plan.batch_size) == (Range(2, 2), Range(64, 64))
    assert (plan.samples_per_prompt, plan.eval_interval) == (Range(4, 4), Range(10, 10))
    assert plan.answer_tokens == Range(100, 800)
    assert not any("isn't set" in text for text in plan.assumptions)


@pytest.mark.parametrize("name", FULL)
def test_what_it_leaves_out_is_a_range_and_an_assumption(name: str) -> None:
    plan = a_plan(**{key: value for key, value in FULL.items() if key != name})
    assert next(text for text in plan.assumptions if "isn't set" in text).startswith(f"{name} isn't set, so Bedrock")


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=200))
def test_the_mean_prompt_lies_between_the_bounds_that_the_report_allows(characters: list[int]) -> None:
    statistics = Statistics()
    for count in characters:
        statistics.enter(("user",), count, "x")
    mean = sum(-(-count // 4) for count in characters) / len(characters)
    bounds = Records.counted(len(characters), statistics.to_json()).prompt_tokens
    assert bounds.low <= mean + 1e-9
    assert mean <= bounds.high + 1e-9


def test_a_report_without_a_good_record_has_no_prompts() -> None:
    empty = {"prompt_tokens": {"min": None, "median": None, "p95": None, "max": None}}
    assert Records.counted(0, empty) == Records(Range(0, 0), Range(0, 0))


def test_no_mean_prompt_is_longer_than_the_job_takes() -> None:
    assert a_plan(max_prompt_length=50).prompt_tokens.high == 50
    assert a_plan(max_prompt_length=50_000).prompt_tokens.high < 100
    logs = Records.within(100, 20_000, max_prompt_length=2_048)
    assert (logs.count, logs.prompt_tokens.high) == (Range(100, 20_000), 2_048)


def test_measured_seconds_and_tokens_replace_what_is_assumed() -> None:
    measured = GraderFacts("judge", 1, "m", seconds=0.4, judge_input_tokens=900, judge_output_tokens=120)
    plan = a_plan(grader=measured, **FULL)
    assert plan.grader_seconds == Range(0.4, 0.4)
    assert (plan.judge_input_tokens, plan.judge_output_tokens) == (Range(900, 900), Range(120, 120))
    assert not any("judge" in text or "the grader takes" in text for text in plan.assumptions)


def test_a_judge_reads_at_least_the_prompt_and_the_answer() -> None:
    plan = a_plan(grader=JUDGE, **FULL)
    assert plan.judge_input_tokens.low > plan.prompt_tokens.low + plan.answer_tokens.low
    assert any("question to the judge" in text for text in plan.assumptions)


def test_two_questions_take_twice_the_time_of_one() -> None:
    one, two = (a_plan(grader=GraderFacts("judge", calls, "m")).grader_seconds for calls in (1, 2))
    assert two == one.times(2)


def test_of_a_grader_of_ones_own_it_is_said_what_is_not_counted() -> None:
    assert any("grader of your own" in text for text in a_plan(grader=GraderFacts("own")).assumptions)


@pytest.mark.parametrize(
    ("deploy", "models"), [("on-demand", Range(2, 3)), ("provisioned", Range(2, 3)), ("none", Range(0, 0))]
)
def test_only_what_is_deployed_is_compared(deploy: str, models: Range) -> None:
    assert a_plan(request={"deploy": deploy}).compared_models == models


def test_records_that_nobody_counted_are_an_assumption() -> None:
    arguments: dict[str, Any] = {"base_model": "m", "validation": None, "grader": JUDGE}
    logs = plan_of({}, training=Records.within(100, 20_000), **arguments)
    assert "the records aren't counted yet: 100 to 20,000" in logs.assumptions
    assert not any("counted yet" in text for text in a_plan().assumptions)


def test_a_range_is_a_range() -> None:
    for low, high in ((2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1)):
        with pytest.raises(ValueError, match="not a range"):
            Range(low, high)
    assert spread()["prompt_tokens"]["median"] == 60
