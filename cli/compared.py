"""What the pipeline's comparison found, as ``comparison.json`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cli.records import Gain
from rft.comparison.interval import Change, Interval
from rft.comparison.words import percent, places, signed


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate beside the model that it was measured ``against`` (base or live), on ``records`` prompts that both
    answered. ``held_out`` is by a grader that took no part in the training, if the request names one. ``asked_at`` says
    how the models were asked."""

    against: str
    records: int
    reward: Change
    is_better: bool
    verdict: str
    grader_arn: str
    asked_at: str
    components: Mapping[str, Change] = field(default_factory=dict)
    held_out: Change | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self | None:
        """None where no prompt was answered by both models, and nothing was measured."""
        if document["gain"] is None:
            return None
        held_out = document["held_out"]
        return cls(
            against=document["against"],
            records=document["pairs"],
            reward=_change(document),
            components={name: _change(found) for name, found in document["components"].items()},
            held_out=None if held_out is None else _change(held_out),
            is_better=document["verdict"]["recommended"] == "promote",
            verdict=document["verdict"]["sentence"],
            grader_arn=document["grader"]["arn"],
            asked_at=_asked_at(document["settings"]),
        )


def _change(document: Mapping[str, Any]) -> Change:
    return Change(document["before"], document["after"], Interval(**document["gain"]))


def _asked_at(settings: Mapping[str, Any]) -> str:
    temperature, tokens, effort = (settings.get(name) for name in ("temperature", "max_tokens", "reasoning_effort"))
    words = ["their own temperature" if temperature is None else f"temperature {temperature:g}"]
    words += [f"at most {tokens} tokens"] if tokens is not None else []
    words += [f"reasoning effort {effort}"] if effort is not None else []
    return ", ".join(words)


def gain_words(gain: Gain) -> str:
    """``+0.64 (+0.57 to +0.71 at 95 %)``."""
    mean, low, high = gain_numbers(Interval(**gain))
    return f"{mean} ({low} to {high} at {percent(gain['confidence'])})"


def gain_numbers(gain: Interval) -> tuple[str, str, str]:
    """Mean, low and high, with as many decimals as tell them from 0."""
    decimals = places([gain.mean, gain.low, gain.high])
    return signed(gain.mean, decimals), signed(gain.low, decimals), signed(gain.high, decimals)
