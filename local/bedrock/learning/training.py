"""Group-relative policy gradient: several answers to a prompt, each judged against the others of its group.

A step takes the next `batch_size` prompts, samples `samples_per_prompt` answers to each, has them graded in one batch,
and raises the log-probability of an answer in proportion to its advantage: its reward less its group's mean, over the
group's standard deviation. A group whose rewards are all equal says nothing and is left out; so a grader that gives
every answer the same leaves the policy exactly as it was. This is GRPO without clipping (each batch is used once) and
without a penalty for leaving the base.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.bedrock.learning.features import Ints, PromptWords
from local.bedrock.learning.policy import Policy
from local.bedrock.learning.rollouts import Rollouts, roll_out
from local.bedrock.learning.weights import AdaGrad

TEMPERATURE = 1.0
"""At which training and every evaluation sample: rewards at different temperatures cannot be compared."""

_USUAL_LEARNING_RATE = 1e-5
_USUAL_RATE = 0.1

# The three uses of random numbers must not share a stream: a longer answer would change the order of the records.
_ORDER, _TRAINING, _EVALUATION = range(3)

type Rewards = NDArray[np.float64]
"""One number for each answer, or [prompts, samples]."""

type Grade = Callable[[list[tuple[int, str]]], list[float]]
"""(record's index, answer) of each rollout -> their rewards, in the same order."""


class RewardsUnusable(Exception):
    """The grader's rewards do not fit the answers it was given: too few, too many, or not finite."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a job asks for.

    `learning_rate` is Bedrock's: 1e-5, its documented usual value, means an AdaGrad rate of 0.1 here, and other values
    scale that. `max_answer_tokens` are the policy's own tokens; `eval_interval` counts steps.
    """

    epochs: int
    batch_size: int
    samples_per_prompt: int
    learning_rate: float
    max_answer_tokens: int
    eval_interval: int
    seed: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one step saw, before its own update; `number` runs from 1 to `total`, `epoch` from 1.

    `entropy` is in nats a token, `loss` the mean of -advantage * log-probability over all tokens of the batch,
    `informative_groups` the prompts whose answers got different rewards.
    """

    number: int
    total: int
    epoch: int
    reward_mean: float
    reward_min: float
    reward_max: float
    entropy: float
    loss: float
    grad_norm: float
    answer_tokens_mean: float
    informative_groups: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The mean reward of one answer to each validation prompt after so many steps."""

    step: int
    reward_mean: float


def train(
    policy: Policy,
    prompts: Sequence[str],
    *,
    settings: Settings,
    grade: Grade,
    validation_prompts: Sequence[str] = (),
    grade_validation: Grade | None = None,
    on_step: Callable[[Step], None],
    on_evaluation: Callable[[Evaluation], None],
    should_stop: Callable[[], bool],
) -> None:
    """Trains the policy in place for ceil(prompts / batch_size) * epochs steps, each epoch in a new order.

    With validation prompts and their grader, evaluates before the first step, after each `eval_interval`, and at the
    end. `should_stop` is asked before every sampling: a stopped training returns at once, without an evaluation.
    Raises RewardsUnusable; what a grader raises passes through.
    """
    words, validation_words = PromptWords.of(prompts), PromptWords.of(validation_prompts)
    ascent = AdaGrad(policy.weights, _USUAL_RATE * settings.learning_rate / _USUAL_LEARNING_RATE)
    total = math.ceil(len(prompts) / settings.batch_size) * settings.epochs
    rng = np.random.default_rng([settings.seed, _TRAINING])

    def evaluate(step: int) -> None:
        if grade_validation is not None and validation_prompts and not should_stop():
            # The same random numbers each time: the curve is to show the policy, not the dice.
            dice = np.random.default_rng([settings.seed, _EVALUATION])
            rollouts = _sample(policy, validation_words, 1, settings, dice)
            rewards = _graded(policy, rollouts, range(len(validation_prompts)), grade_validation)
            on_evaluation(Evaluation(step, float(rewards.mean())))

    evaluate(0)
    for number, (epoch, records) in enumerate(_batches(len(prompts), settings), start=1):
        if should_stop():
            return
        batch = PromptWords(words.hashes[records], words.values[records])
        rollouts = _sample(policy, batch, settings.samples_per_prompt, settings, rng)
        rewards = _graded(policy, rollouts, np.repeat(records, settings.samples_per_prompt).tolist(), grade)
        advantages = _advantages(rewards.reshape(len(records), settings.samples_per_prompt))
        gradient_norm = ascent.ascend(rollouts.gradient(policy.weights, advantages.ravel()))
        on_step(
            Step(
                number=number,
                total=total,
                epoch=epoch,
                reward_mean=float(rewards.mean()),
                reward_min=float(rewards.min()),
                reward_max=float(rewards.max()),
                entropy=rollouts.entropy(),
                loss=rollouts.loss(advantages.ravel()),
                grad_norm=gradient_norm,
                answer_tokens_mean=float(np.mean([len(answer) for answer in rollouts.answers])),
                informative_groups=int(advantages.any(axis=1).sum()),
            )
        )
        if number % settings.eval_interval == 0 or number == total:
            evaluate(number)


def _batches(records: int, settings: Settings) -> Iterator[tuple[int, Ints]]:
    rng = np.random.default_rng([settings.seed, _ORDER])
    for epoch in range(1, settings.epochs + 1):
        order = rng.permutation(records)
        for start in range(0, records, settings.batch_size):
            yield epoch, order[start : start + settings.batch_size]


def _sample(policy: Policy, words: PromptWords, samples: int, settings: Settings, rng: np.random.Generator) -> Rollouts:
    return roll_out(
        policy.weights,
        words,
        samples=samples,
        temperature=TEMPERATURE,
        max_tokens=settings.max_answer_tokens,
        rng=rng,
    )


def _graded(policy: Policy, rollouts: Rollouts, records: Sequence[int], grade: Grade) -> Rewards:
    answers = [policy.vocabulary.decode(answer) for answer in rollouts.answers]
    rewards = np.array(grade(list(zip(records, answers, strict=True))), np.float64)
    if rewards.shape != (len(answers),):
        raise RewardsUnusable(f"The grader was given {len(answers)} answers and returned {rewards.size} rewards.")
    if not np.isfinite(rewards).all():
        bad = int((~np.isfinite(rewards)).sum())
        raise RewardsUnusable(f"{bad} of the grader's {len(answers)} rewards are not finite numbers.")
    return rewards


def _advantages(rewards: Rewards) -> Rewards:
    """[prompts, samples]: rewards in units of their group's deviation from its mean; all 0 in a group of equals."""
    unequal = np.ptp(rewards, axis=1, keepdims=True) > 0
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    return np.where(unequal, centred / (rewards.std(axis=1, keepdims=True) + 1e-6), 0.0)
