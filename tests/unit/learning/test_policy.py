from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.bedrock.learning.base import MAX_REFERENCE_TOKENS
from local.bedrock.learning.policy import Completion, Policy
from local.bedrock.learning.rollouts import MAX_ANSWER_TOKENS

REFERENCES = ['{"kind": "tea"}', '{"kind": "coffee"}', "#### 1,024", "a \U0001f600 and a \ud800"]


def completions(policy: Policy, temperature: float) -> list[Completion]:
    rng = np.random.default_rng(3)
    prompts = ["what is this?", "", "tea, please " * 300]
    return [policy.complete(prompt, temperature=temperature, max_tokens=40, rng=rng) for prompt in prompts]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_saved_policy_completes_as_before(tmp_path: Path, temperature: float) -> None:
    policy = Policy.base(REFERENCES, seed=5)
    policy.save(tmp_path / "weights")
    assert [file.name for file in tmp_path.iterdir()] == ["weights"]
    loaded = Policy.load(tmp_path / "weights")
    assert completions(loaded, temperature) == completions(policy, temperature)


def test_a_copy_is_trained_apart() -> None:
    policy = Policy.base(REFERENCES, seed=5)
    before = completions(policy, 1.0)
    twin = policy.copy()
    assert completions(twin, 1.0) == before
    twin.weights.rows[:] = 0
    assert completions(policy, 1.0) == before


def test_a_base_is_its_references_and_its_seed() -> None:
    first, same, other = (Policy.base(REFERENCES, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.weights.rows, same.weights.rows)
    assert not np.array_equal(first.weights.rows, other.weights.rows)


def test_a_base_speaks_like_its_references_but_is_not_sure_of_the_form() -> None:
    references = [f'{{"kind": "{kind}"}}' for kind in ("tea", "coffee", "water")] * 40
    policy = Policy.base(references, seed=0)
    rng = np.random.default_rng(0)
    answers = [one.text for one in policy.complete_all(["?"] * 200, temperature=1.0, max_tokens=60, rng=rng)]
    bare = sum(answer in references for answer in answers) / len(answers)
    assert 0.2 < bare < 0.8
    assert all(sum(reference in answer for answer in answers) > 20 for reference in references[:3])


def test_greedy_answers_need_no_dice() -> None:
    policy = Policy.base(REFERENCES, seed=5)
    answers = {policy.complete("x", temperature=0, max_tokens=40, rng=np.random.default_rng(seed)) for seed in range(5)}
    assert len(answers) == 1


def test_a_temperature_next_to_nothing_is_no_overflow() -> None:
    policy = Policy.base(REFERENCES, seed=5)
    assert completions(policy, 1e-300) == completions(policy, 1e-3)


def test_an_answer_stops_at_the_limit_and_says_so() -> None:
    policy = Policy.base(["one two three four five six"] * 4, seed=0)
    rng = np.random.default_rng(0)
    assert policy.complete("x", temperature=0, max_tokens=2, rng=rng).stop_reason == "max_tokens"
    whole = policy.complete("x", temperature=0, max_tokens=100, rng=rng)
    assert whole.stop_reason == "end_turn"
    assert whole.tokens < 100


@given(st.lists(st.text(max_size=60), max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_references_make_a_base_that_answers(references: list[str]) -> None:
    policy = Policy.base(references, seed=0)
    completion = policy.complete("a prompt", temperature=1.0, max_tokens=20, rng=np.random.default_rng(0))
    assert completion.tokens <= 20


def test_long_references_in_great_number_stay_bounded() -> None:
    rng = np.random.default_rng(0)
    references = [" ".join(f"w{number}" for number in rng.integers(0, 4000, 300)) for _ in range(15)]
    policy = Policy.base(references, seed=0)
    assert policy.weights.rows.nbytes <= 2**25 + policy.weights.rows[0].nbytes
    completion = policy.complete("x", temperature=1.0, max_tokens=8192, rng=rng)
    assert completion.tokens <= MAX_ANSWER_TOKENS
    assert MAX_REFERENCE_TOKENS < MAX_ANSWER_TOKENS
