from __future__ import annotations

import numpy as np
import pytest

from local.bedrock.learning.features import MAX_PROMPT_WORDS, PADDING, Features, PromptWords
from local.bedrock.learning.policy import Policy
from local.bedrock.learning.rollouts import Rollouts, roll_out, softmax
from local.bedrock.learning.weights import MAX_BUCKETS, MAX_NUMBERS, AdaGrad, Weights

ADVANTAGES = np.array([1.3, -0.4, 0.0, -0.9, 0.7, -0.7])


@pytest.fixture
def policy() -> Policy:
    return Policy.base(["yes", "no", '{"a": "b"}'], seed=1)


@pytest.fixture
def rollouts(policy: Policy) -> Rollouts:
    words = PromptWords.of(["is it so", "so it is not"])
    return roll_out(policy.weights, words, samples=3, temperature=1.0, max_tokens=12, rng=np.random.default_rng(4))


def objective(weights: Weights, rollouts: Rollouts) -> float:
    """The sum of advantage * log-probability, each token's found anew from the answer alone."""
    total = 0.0
    for rollout, answer in enumerate(rollouts.answers):
        tokens = answer + [0] * bool(rollouts.ended[rollout])
        padded = [weights.rows.shape[1]] * 5 + tokens
        contexts = np.array([padded[n : n + 5][::-1] for n in range(len(tokens))])
        prompt = np.full(len(tokens), rollout // 3)
        words = PromptWords(rollouts.words.hashes[prompt], rollouts.words.values[prompt])
        features = Features.of(contexts, np.arange(len(tokens)), words, buckets=weights.buckets)
        probabilities = softmax(weights.logits(features).astype(np.float64))
        total += ADVANTAGES[rollout] * np.log(probabilities[np.arange(len(tokens)), tokens]).sum()
    return total


def test_the_gradient_is_that_of_the_log_probabilities(policy: Policy, rollouts: Rollouts) -> None:
    buckets, slopes = rollouts.gradient(policy.weights, ADVANTAGES).touched()
    assert len(buckets) > 50
    for place, bucket in enumerate(buckets[::7]):
        token = int(np.abs(slopes[::7][place]).argmax())
        measured = []
        for sign in (1, -1):
            moved = Weights.of(*policy.weights.touched())
            row = moved.row_numbers(np.array([bucket]))
            moved.rows[row, token] += sign * 0.02
            measured.append(objective(moved, rollouts))
        slope = (measured[0] - measured[1]) / 0.04
        assert slope == pytest.approx(slopes[::7][place, token], rel=0.02, abs=0.005)


def test_no_advantage_no_gradient(policy: Policy, rollouts: Rollouts) -> None:
    buckets, _ = rollouts.gradient(policy.weights, np.zeros(6)).touched()
    assert not len(buckets)


def test_a_step_along_the_gradient_raises_the_objective(policy: Policy, rollouts: Rollouts) -> None:
    before = objective(policy.weights, rollouts)
    AdaGrad(policy.weights, 0.01).ascend(rollouts.gradient(policy.weights, ADVANTAGES))
    assert objective(policy.weights, rollouts) > before


def test_loss_and_entropy_are_means_over_all_tokens(policy: Policy, rollouts: Rollouts) -> None:
    tokens = sum(len(answer) for answer in rollouts.answers) + int(rollouts.ended.sum())
    assert rollouts.loss(ADVANTAGES) == pytest.approx(-objective(policy.weights, rollouts) / tokens, rel=1e-3)
    assert 0 < rollouts.entropy() < np.log(len(policy.vocabulary))


def test_rollouts_of_an_untouched_model_are_even() -> None:
    vocabulary = 8
    words = PromptWords.of(["any prompt"])
    sampled = roll_out(
        Weights(vocabulary), words, samples=400, temperature=1.0, max_tokens=1, rng=np.random.default_rng(0)
    )
    counts = np.bincount([answer[0] if answer else 0 for answer in sampled.answers], minlength=vocabulary)
    assert counts.min() > 25
    assert sampled.entropy() == pytest.approx(np.log(vocabulary), rel=1e-4)


@pytest.mark.parametrize("vocabulary", [30, 300, 1024])
def test_weights_stay_bounded_whatever_touches_them(vocabulary: int) -> None:
    weights = Weights(vocabulary)
    weights.row_numbers(np.arange(1, weights.buckets + 1))
    assert len(weights.rows) - 1 <= MAX_BUCKETS
    assert (len(weights.rows) - 1) * vocabulary <= MAX_NUMBERS


def test_features_stay_within_the_buckets_and_absent_words_are_padding() -> None:
    words = PromptWords.of(["one", "one two three"])
    features = Features.of(np.zeros((2, 5), np.int64), np.zeros(2, np.int64), words, buckets=64)
    assert features.buckets.max() <= 64
    assert (features.buckets[0, -2:] == PADDING).all()
    assert (np.delete(features.buckets[0], [-1, -2]) != PADDING).all()
    assert (features.buckets[1] != PADDING).all()


def test_a_long_prompt_is_read_at_both_ends() -> None:
    long = [f"word{number}" for number in range(1000)]
    hashes = PromptWords.of([" ".join(long)]).hashes[0]
    assert len(hashes) == MAX_PROMPT_WORDS
    first, last, middle = PromptWords.of([long[0], long[-1], long[500]]).hashes[:, 0]
    assert first in hashes
    assert last in hashes
    assert middle not in hashes
