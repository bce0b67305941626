"""Is there something to learn? The base model answers each prompt several times, and the grader tells them apart.

GRPO learns from the differences within the answers to one prompt: where all earn the same, nothing is learned. The
bounds are AWS's advice: under 5 % of answers with a reward is too sparse, above 95 % leaves nothing to gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rft.gate.findings import Finding
from rft.gate.ports import BaseUnavailable
from rft.gate.reading import counted

if TYPE_CHECKING:
    from rft.gate.ladder import Results
    from rft.gate.ports import AskBase, Mapped

TOO_FEW_POSITIVE = 0.05
NEARLY_ALL = 0.95
FEW_DIFFER = 0.10
ENOUGH_PROMPTS = 8
"""To close the gate: of fewer prompts, none with a difference may be chance."""


class Signal(NamedTuple):
    """``prompts`` with two graded answers or more, ``differing`` those whose answers differ in reward; the true share
    may be up to ``differing_up_to`` (95 % confidence). ``positive`` of the ``answers`` earn more than 0. ``unknown``:
    why there is no signal to tell of."""

    prompts: int = 0
    differing: int = 0
    answers: int = 0
    positive: int = 0
    mean: float | None = None
    unknown: str | None = None

    @property
    def differing_up_to(self) -> float | None:
        return _upper(self.differing, self.prompts) if self.prompts else None

    def to_json(self) -> dict[str, Any]:
        most = self.differing_up_to
        return {
            "known": self.unknown is None,
            "reason": self.unknown,
            "prompts": self.prompts,
            "differing": self.differing,
            "differing_up_to": None if most is None else round(most, 4),
            "answers": self.answers,
            "positive": self.positive,
            "mean": None if self.mean is None else round(self.mean, 6),
        }


def base_answers(
    records: Sequence[Mapping[str, Any]], ask_base: AskBase, count: int, mapped: Mapped
) -> tuple[list[list[str]], str | None]:
    """The base model's answers to each record, and why it has stopped answering, if it has.

    After the first prompt that it can't be asked, the others that haven't been begun aren't asked either.
    """
    reasons: list[str] = []

    def ask(record: Mapping[str, Any]) -> list[str]:
        if reasons:
            return []
        try:
            return ask_base(record["messages"], count)
        except BaseUnavailable as unavailable:
            reasons.append(unavailable.message.rstrip("."))
            return []

    return list(mapped(ask, records)), reasons[0] if reasons else None


def signal_of(results: Results) -> Signal:
    """What the grades of base answers say. Answers that are marked as errors don't count."""
    rewards: dict[int, list[float]] = {}
    for probe, grade in results:
        if probe.kind == "base" and grade and not grade.error:
            rewards.setdefault(probe.record, []).append(grade.reward)
    groups = [group for group in rewards.values() if len(group) > 1]
    if not groups:
        return Signal(unknown="no prompt has two graded answers of the base model")
    every = [reward for group in rewards.values() for reward in group]
    return Signal(
        prompts=len(groups),
        differing=sum(max(group) - min(group) > 1e-9 for group in groups),
        answers=len(every),
        positive=sum(reward > 0 for reward in every),
        mean=sum(every) / len(every),
    )


def signal_findings(signal: Signal) -> Iterator[Finding]:
    if signal.unknown is not None or signal.mean is None:
        yield Finding("signal-unknown", f"The base model's answers are not graded: {signal.unknown}.")
        return
    if signal.differing < FEW_DIFFER * signal.prompts:
        code = "weak-signal" if signal.differing or signal.prompts < ENOUGH_PROMPTS else "no-signal"
        said = (
            f"The base model's answers differ in reward for {signal.differing} of {counted(signal.prompts, 'prompt')}"
        )
        yield Finding(code, f"{said} (of all prompts, for up to {_upper(signal.differing, signal.prompts):.0%}).")
    if signal.positive < TOO_FEW_POSITIVE * signal.answers:
        said = f"{signal.positive} of {counted(signal.answers, 'answer')} of the base model earn more than 0."
        yield Finding("too-hard", said)
    if signal.mean > NEARLY_ALL:
        said = f"{counted(signal.answers, 'answer')} of the base model earn {signal.mean:.2f} on average."
        yield Finding("nothing-to-gain", said)


def _upper(hits: int, tries: int) -> float:
    """The upper end of Wilson's interval for a share, at 95 %."""
    z = 1.96
    share = hits / tries
    middle = share + z * z / (2 * tries)
    spread = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    return min(1.0, (middle + spread) / (1 + z * z / tries))
