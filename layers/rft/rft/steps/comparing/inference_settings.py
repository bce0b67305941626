"""How the models of a comparison are asked: as the training samples its answers, and each of them alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

DEFAULT_TOKENS = 4_096
"""Of an answer, where the request says nothing: Bedrock publishes no default for the training."""
MOST_TOKENS = 32_768
"""What a model writes in the time that a Lambda function has."""
_TOKENS_A_SECOND = 50.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 60.0, 600.0  # that an answer is waited for
_NOVA_2 = "amazon.nova-2-"
_BOUNDLESS = "high"


class InferenceSettings(NamedTuple):
    """None leaves it to the model."""

    max_tokens: int | None
    temperature: float | None
    reasoning_effort: str | None

    @property
    def fields(self) -> dict[str, Any]:
        """What Converse has no member of its own for (Nova 2 User Guide, "Extended thinking")."""
        if self.reasoning_effort is None:
            return {}
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": self.reasoning_effort}}

    @property
    def seconds(self) -> float:
        """How long one answer may take."""
        if self.max_tokens is None:
            return _LONGEST_SECONDS
        return min(max(self.max_tokens / _TOKENS_A_SECOND, _SHORTEST_SECONDS), _LONGEST_SECONDS)


def inference_settings(
    base_model: str,
    hyperparameters: Mapping[str, Any],
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> InferenceSettings:
    """Those of a training with these ``hyperparameters``; ``max_tokens`` in place of what they say.

    With ``high`` effort Nova 2 takes neither a temperature nor a limit of tokens; for other base models nobody says how
    their effort is asked for.
    """
    effort = hyperparameters.get("reasoning_effort") if _NOVA_2 in base_model else None
    if effort == _BOUNDLESS:
        return InferenceSettings(None, None, effort)
    asked = max_tokens or hyperparameters.get("inference_max_tokens") or DEFAULT_TOKENS
    return InferenceSettings(min(asked, MOST_TOKENS), temperature, effort)


def unlike_training(
    settings: InferenceSettings, hyperparameters: Mapping[str, Any], temperature: float | None
) -> list[str]:
    """Where models are asked in another way than the training, or the request, would have it."""
    said = []
    effort, asked = hyperparameters.get("reasoning_effort"), hyperparameters.get("inference_max_tokens")
    if settings.reasoning_effort == _BOUNDLESS:
        left_out = "inference_max_tokens" if temperature is None else "inference_max_tokens and compare.temperature"
        said.append(f"answers are compared without {left_out}: with reasoning_effort high Nova 2 takes none")
    elif settings.max_tokens is not None and asked is not None and asked > settings.max_tokens:
        said.append(f"answers are compared at {settings.max_tokens:,} tokens at most, not {asked:,} as in the training")
    if effort is not None and settings.reasoning_effort is None:
        said.append("answers are compared without reasoning_effort: it is known for Nova 2 only how that is asked for")
    return said
