"""How models are asked to be compared."""

from __future__ import annotations

from typing import Any

import pytest

from rft.steps.comparing.inference_settings import (
    DEFAULT_TOKENS,
    MOST_TOKENS,
    InferenceSettings,
    inference_settings,
    unlike_training,
)

NOVA = "amazon.nova-2-lite-v1:0:256k"
ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"
OTHER = "openai.gpt-oss-20b"


@pytest.mark.parametrize(
    ("base", "hyperparameters", "wanted", "settings"),
    [
        (NOVA, {}, {}, (DEFAULT_TOKENS, None, None)),
        (NOVA, {"inference_max_tokens": 500}, {"temperature": 0.0}, (500, 0.0, None)),
        (NOVA, {"inference_max_tokens": 500}, {"max_tokens": 20}, (20, None, None)),
        (NOVA, {"inference_max_tokens": 262_144}, {}, (MOST_TOKENS, None, None)),
        (ARN, {"reasoning_effort": "medium"}, {"temperature": 0.5}, (DEFAULT_TOKENS, 0.5, "medium")),
        (ARN, {"reasoning_effort": "high", "inference_max_tokens": 9}, {"temperature": 0.5}, (None, None, "high")),
        (OTHER, {"reasoning_effort": "high", "inference_max_tokens": 9}, {"temperature": 0.5}, (9, 0.5, None)),
    ],
)
def test_they_are_those_of_the_training(
    base: str, hyperparameters: dict[str, Any], wanted: dict[str, Any], settings: tuple[Any, ...]
) -> None:
    assert inference_settings(base, hyperparameters, **wanted) == settings


def test_only_nova_2_is_told_of_an_effort() -> None:
    assert InferenceSettings(9, None, None).fields == {}
    assert InferenceSettings(9, None, "low").fields == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}
    }


@pytest.mark.parametrize(("tokens", "seconds"), [(1, 60), (3_000, 60), (10_000, 200), (MOST_TOKENS, 600), (None, 600)])
def test_a_long_answer_is_waited_for_longer_but_not_for_ever(tokens: int | None, seconds: float) -> None:
    assert InferenceSettings(tokens, None, None).seconds == seconds


@pytest.mark.parametrize(
    ("base", "hyperparameters", "temperature", "said"),
    [
        (NOVA, {"inference_max_tokens": MOST_TOKENS, "reasoning_effort": "low"}, 0.0, []),
        (NOVA, {}, None, []),
        (NOVA, {"inference_max_tokens": 40_000}, None, ["at 32,768 tokens at most, not 40,000"]),
        (NOVA, {"reasoning_effort": "high"}, None, ["without inference_max_tokens:"]),
        (NOVA, {"reasoning_effort": "high"}, 0.0, ["without inference_max_tokens and compare.temperature:"]),
        (OTHER, {"reasoning_effort": "low"}, None, ["without reasoning_effort:"]),
    ],
)
def test_what_is_unlike_it_is_said(
    base: str, hyperparameters: dict[str, Any], temperature: float | None, said: list[str]
) -> None:
    settings = inference_settings(base, hyperparameters, temperature=temperature)
    told = unlike_training(settings, hyperparameters, temperature)
    assert len(told) == len(said)
    for sentence, part in zip(told, said, strict=True):
        assert part in sentence
