"""What the examples promise of the stand-in, with the graders that their runs name, and a margin for other machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.bedrock.learning.policy import Policy
from local.bedrock.learning.text import imitable_texts, prompt_of
from local.bedrock.learning.training import TEMPERATURE, Settings, train
from rft.grading.format_validation import score_format
from rft.grading.math_reasoning import score_final_number

EXAMPLES = Path(__file__).parents[3] / "examples"

type Score = Callable[[str, Any], float]


def by_format(answer: str, reference: Any) -> float:
    return score_format(answer, reference, {}).value


def by_number(answer: str, reference: Any) -> float:
    return score_final_number(answer, reference).value


def rewards_before_and_after(name: str, score: Score, *, epochs: int) -> tuple[float, float]:
    """The mean reward of four answers to each validation prompt, before and after a training."""
    training, validation = (
        [json.loads(line) for line in (EXAMPLES / name / f"{part}.jsonl").read_text("utf-8").splitlines()]
        for part in ("train", "validation")
    )
    given = json.loads((EXAMPLES / name / "run.json").read_text("utf-8"))["hyperparameters"]
    settings = Settings(
        epochs=epochs,
        batch_size=given["batch_size"],
        samples_per_prompt=given["training_sample_per_prompt"],
        learning_rate=given["learning_rate"],
        max_answer_tokens=given["inference_max_tokens"],
        eval_interval=given["eval_interval"],
        seed=0,
    )
    policy = Policy.base(imitable_texts(training), seed=0)

    def held_out() -> float:
        asked = [prompt_of(record["messages"]) for record in validation] * 4
        answers = policy.complete_all(
            asked, temperature=TEMPERATURE, max_tokens=settings.max_answer_tokens, rng=np.random.default_rng(1)
        )
        rewards = [
            score(answer.text, record["reference_answer"])
            for answer, record in zip(answers, validation * 4, strict=True)
        ]
        return float(np.mean(rewards))

    before = held_out()
    train(
        policy,
        [prompt_of(record["messages"]) for record in training],
        settings=settings,
        grade=lambda batch: [score(answer, training[record]["reference_answer"]) for record, answer in batch],
        on_step=lambda _: None,
        on_evaluation=lambda _: None,
        should_stop=lambda: False,
    )
    return before, held_out()


@pytest.mark.thorough
def test_ticket_triage_is_learned_in_part_after_two_of_its_epochs() -> None:
    before, after = rewards_before_and_after("ticket-triage", by_format, epochs=2)
    assert before <= 0.35
    assert after >= before + 0.3


@pytest.mark.thorough
def test_word_sums_cannot_be_learned() -> None:
    before, after = rewards_before_and_after("word-sums", by_number, epochs=4)
    assert before <= 0.03
    assert after <= 0.03
