from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from local.bedrock.learning.policy import Policy
from local.bedrock.learning.training import Evaluation, RewardsUnusable, Settings, Step, train

pytestmark = pytest.mark.thorough

SETTINGS = Settings(
    epochs=2, batch_size=16, samples_per_prompt=4, learning_rate=1e-5, max_answer_tokens=30, eval_interval=3, seed=9
)
DRINKS = {"tea": "leaves in hot water", "coffee": "beans ground and brewed", "milk": "white and from a cow"}
FILLERS = ("please", "today", "for my guest", "in a cup", "again", "as always", "with a smile")


def prompts_and_answers(count: int, seed: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    prompts, answers = [], []
    for _ in range(count):
        drink = list(DRINKS)[rng.integers(3)]
        hint = rng.choice(DRINKS[drink].split(), 2)
        prompts.append(" ".join([rng.choice(FILLERS), *hint, rng.choice(FILLERS)]))
        answers.append(f'{{"drink": "{drink}"}}')
    return prompts, answers


def against(answers: Sequence[str]) -> Callable[[list[tuple[int, str]]], list[float]]:
    def grade(batch: list[tuple[int, str]]) -> list[float]:
        return [0.2 * answer.startswith("{") + 0.8 * (answer == answers[record]) for record, answer in batch]

    return grade


@dataclass
class Log:
    steps: list[Step] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def step(self, step: Step) -> None:
        self.steps.append(step)
        self.events.append(f"step {step.number}")

    def evaluation(self, evaluation: Evaluation) -> None:
        self.evaluations.append(evaluation)
        self.events.append(f"evaluation {evaluation.step}")


def run(
    policy: Policy,
    prompts: Sequence[str],
    grade: Callable[[list[tuple[int, str]]], list[float]],
    *,
    settings: Settings = SETTINGS,
    validation: tuple[list[str], list[str]] | None = None,
    stop_after: float = math.inf,
) -> Log:
    log = Log()
    train(
        policy,
        prompts,
        settings=settings,
        grade=grade,
        validation_prompts=validation[0] if validation else (),
        grade_validation=against(validation[1]) if validation else None,
        on_step=log.step,
        on_evaluation=log.evaluation,
        should_stop=lambda: len(log.steps) >= stop_after,
    )
    return log


def test_it_learns_from_rewards_which_answer_fits_which_prompt() -> None:
    prompts, answers = prompts_and_answers(120, seed=0)
    policy = Policy.base(answers, seed=0)
    settings = replace(SETTINGS, epochs=4, samples_per_prompt=8, eval_interval=100)
    log = run(policy, prompts, against(answers), settings=settings, validation=prompts_and_answers(100, seed=1))
    before, after = (evaluation.reward_mean for evaluation in log.evaluations)
    assert before < 0.4
    assert after > before + 0.3


def test_rewards_that_do_not_fit_the_prompts_teach_no_fit() -> None:
    prompts, answers = prompts_and_answers(120, seed=0)
    policy = Policy.base(answers, seed=0)
    settings = replace(SETTINGS, epochs=4, samples_per_prompt=8, eval_interval=100)
    shuffled = [answers[place] for place in np.random.default_rng(2).permutation(len(answers))]
    log = run(policy, prompts, against(shuffled), settings=settings, validation=prompts_and_answers(100, seed=1))
    assert log.evaluations[-1].reward_mean < 0.65  # the form, and one drink in three


@pytest.mark.parametrize("reward", [0.0, 0.1, 1.0])
def test_equal_rewards_leave_the_policy_as_it_was(reward: float) -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    policy = Policy.base(answers, seed=0)
    base = policy.copy()
    log = run(policy, prompts, lambda batch: [reward] * len(batch))
    (buckets, rows), (base_buckets, base_rows) = policy.weights.touched(), base.weights.touched()
    assert np.array_equal(buckets, base_buckets)
    assert np.array_equal(rows, base_rows)
    assert {step.informative_groups for step in log.steps} == {0}
    assert {step.grad_norm for step in log.steps} == {0.0}


def test_a_seed_gives_the_same_training_again_and_another_seed_another() -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    logs = [
        run(Policy.base(answers, seed=0), prompts, against(answers), settings=replace(SETTINGS, seed=seed))
        for seed in (9, 9, 10)
    ]
    assert logs[0].steps == logs[1].steps
    assert logs[0].steps != logs[2].steps


def test_every_epoch_grades_every_record_as_often_as_asked_in_a_new_order() -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    graded: list[list[int]] = []

    def grade(batch: list[tuple[int, str]]) -> list[float]:
        graded.append([record for record, _ in batch])
        return [0.0] * len(batch)

    log = run(Policy.base(answers, seed=0), prompts, grade)
    assert [len(batch) for batch in graded] == [64, 64, 32, 64, 64, 32]
    first, second = ([record for batch in graded[start : start + 3] for record in batch] for start in (0, 3))
    assert sorted(first) == sorted(second) == sorted(list(range(40)) * 4)
    assert first != second
    assert [(step.number, step.total, step.epoch) for step in log.steps] == [
        (1, 6, 1), (2, 6, 1), (3, 6, 1), (4, 6, 2), (5, 6, 2), (6, 6, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "evaluated"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (4, [0, 4, 6]), (100, [0, 6])]
)
def test_evaluations_come_before_between_and_at_the_end(interval: int, evaluated: list[int]) -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    validation = prompts_and_answers(5, seed=1)
    settings = replace(SETTINGS, eval_interval=interval)
    log = run(Policy.base(answers, seed=0), prompts, against(answers), settings=settings, validation=validation)
    assert [evaluation.step for evaluation in log.evaluations] == evaluated
    assert log.events[0] == "evaluation 0"
    assert log.events[-2:] == ["step 6", "evaluation 6"]


def test_evaluations_throw_the_same_dice() -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    validation = prompts_and_answers(30, seed=1)
    log = run(
        Policy.base(answers, seed=0), prompts, lambda batch: [0.0] * len(batch), validation=validation
    )  # so the policy does not change
    assert len({evaluation.reward_mean for evaluation in log.evaluations}) == 1


@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_a_stop_is_heard_before_the_next_sampling(stop_after: int) -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    calls = 0

    def grade(batch: list[tuple[int, str]]) -> list[float]:
        nonlocal calls
        calls += 1
        return against(answers)(batch)

    log = run(
        Policy.base(answers, seed=0),
        prompts,
        grade,
        validation=prompts_and_answers(5, seed=1),
        stop_after=stop_after,
    )
    assert calls == len(log.steps) == stop_after
    assert stop_after not in [evaluation.step for evaluation in log.evaluations]


@pytest.mark.parametrize(
    ("rewards", "words"),
    [
        (lambda batch: [1.0] * (len(batch) - 1), "given 64 answers and returned 63"),
        (lambda batch: [math.nan, math.inf, *[0.0] * (len(batch) - 2)], "2 of the grader's 64 rewards"),
    ],
)
def test_rewards_that_cannot_be_used_are_an_error(
    rewards: Callable[[list[tuple[int, str]]], list[float]], words: str
) -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    with pytest.raises(RewardsUnusable, match=words):
        run(Policy.base(answers, seed=0), prompts, rewards)


@pytest.mark.parametrize("learning_rate", [1e-7, 1e-3])
def test_bedrocks_extreme_learning_rates_keep_every_number_finite(learning_rate: float) -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    policy = Policy.base(answers, seed=0)
    log = run(policy, prompts, against(answers), settings=replace(SETTINGS, epochs=6, learning_rate=learning_rate))
    assert np.isfinite(policy.weights.rows).all()
    assert all(math.isfinite(value) for step in log.steps for value in (step.entropy, step.loss, step.grad_norm))


def test_a_small_learning_rate_changes_less() -> None:
    prompts, answers = prompts_and_answers(40, seed=0)
    base = Policy.base(answers, seed=0)
    changes = []
    for learning_rate in (1e-6, 1e-5):
        policy = base.copy()
        run(policy, prompts, against(answers), settings=replace(SETTINGS, learning_rate=learning_rate))
        buckets, rows = base.weights.touched()
        changes.append(float(np.abs(policy.weights.rows[policy.weights.row_of[buckets]] - rows).sum()))
    assert 0 < 3 * changes[0] < changes[1]
