"""Promote or keep: what the numbers allow, and why in one sentence.

A candidate is promoted when the lower end of its gain's interval reaches ``min_gain`` and lies above 0 (where the
user's ``min_gain`` allows a fall, it need not), when at least ten prompts have a graded answer of both models and
enough of them earned another reward than before, and when a held-out grader, if there is one, doesn't see a fall for
certain: a model that pleases the grader it was trained with, and no other, has learned that grader's weak spots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rft.comparison.interval import Change
from rft.comparison.rows import TIE, Against, Role
from rft.comparison.words import moved, percent, places, signed

type Recommendation = Literal["promote", "keep"]
type Reason = Literal[
    "gain",
    "within-limit",
    "no-gain",
    "gain-too-small",
    "worse",
    "constant-rewards",
    "too-few-pairs",
    "too-few-differ",
    "answers-fewer",
    "missing-answers",
    "held-out-fell",
    "held-out-unknown",
]

FEWEST_PAIRS = 10
MOST_MISSING = 0.20
"""Of the prompts, by either model: what is missing isn't missing by chance, so more would tilt the comparison."""

_NAMES: dict[Role, str] = {"base": "the base model", "live": "the live version", "candidate": "the candidate"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``sentence`` is for a person, and claims no more than the interval carries."""

    recommended: Recommendation
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the grader says that took no part in the training: ``change`` over ``pairs`` prompts, None without any."""

    change: Change | None
    pairs: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What is decided on. ``reward`` is the change over ``pairs`` of the ``prompts``, None without a pair; ``missing``
    counts, for the candidate and for what it is compared ``against``, the prompts without a graded answer; of the pairs
    ``differing`` earned other rewards; ``constant`` is the one reward that every answer got, if so; ``held_out`` is
    None where the run names no second grader."""

    against: Against
    prompts: int
    pairs: int
    reward: Change | None
    missing: Mapping[Role, int]
    differing: int
    constant: float | None = None
    held_out: HeldOut | None = None


def decide(measured: Measured, *, min_gain: float) -> Verdict:
    """The verdict. ``min_gain`` is the least difference of the mean reward (-1 to 1) that the run asks for."""
    if sides := _with_too_many_missing(measured):
        return Verdict("keep", "missing-answers", _missing(measured, sides))
    reward = measured.reward
    if reward is None or measured.pairs < FEWEST_PAIRS:
        return Verdict("keep", "too-few-pairs", _too_few(measured))
    if not _reaches(reward, min_gain):
        return _not_enough(measured, reward, min_gain)
    if min_gain >= 0 and not _could_be_told(measured.differing, reward.gain.confidence):
        return Verdict("keep", "too-few-differ", _too_few_differ(measured, reward))
    if not _bears_its_own_gaps(measured, reward, min_gain):
        return Verdict("keep", "answers-fewer", _answers_fewer(measured, reward))
    return _unconfirmed(measured, reward) or _enough(measured, reward, min_gain)


def _with_too_many_missing(measured: Measured) -> list[Role]:
    return [role for role, count in measured.missing.items() if count > MOST_MISSING * measured.prompts]


def _reaches(reward: Change, min_gain: float) -> bool:
    low = reward.gain.low
    return low >= min_gain - TIE and (low > TIE or min_gain < 0)


def _could_be_told(differing: int, confidence: float) -> bool:
    """Whether a sign test could tell so many differences from chance, if all went one way.

    A bootstrap knows no other differences than those it saw, so of very few it is too sure: by simulation without any
    gain it promotes nearly twice as often as it may.
    """
    return differing > 0 and 2.0 ** (1 - differing) <= 1 - confidence


def _surplus(measured: Measured) -> int:
    """How many more prompts the candidate has left without a graded answer than what it is compared with."""
    return max(0, measured.missing.get("candidate", 0) - measured.missing.get(measured.against, 0))


def _bears_its_own_gaps(measured: Measured, reward: Change, min_gain: float) -> bool:
    """A candidate that leaves prompts unanswered, which the old model answers, may have lost all on them. That is no
    score, and enters none; but the lower end has to bear it."""
    surplus = _surplus(measured)
    low = (reward.gain.low * measured.pairs - surplus) / (measured.pairs + surplus)
    return surplus == 0 or (low >= min_gain - TIE and (low > TIE or min_gain < 0))


def _enough(measured: Measured, reward: Change, min_gain: float) -> Verdict:
    said = f"the mean reward {moved(reward, _decimals(reward, min_gain))} on {_prompts(measured)}"
    if reward.gain.low > TIE:
        return Verdict("promote", "gain", f"Better than {_NAMES[measured.against]}: {said}.")
    allowed = f"{-min_gain:.{places([min_gain])}f}"
    sentence = (
        f"Not shown to be better than {_NAMES[measured.against]}, but within the fall of {allowed} that this run "
    )
    return Verdict("promote", "within-limit", f"{sentence}allows: {said}.")


def _not_enough(measured: Measured, reward: Change, min_gain: float) -> Verdict:
    gain, than = reward.gain, _NAMES[measured.against]
    if measured.constant is not None:
        same = f"every answer of both models earned the same reward, {measured.constant:.2f}"
        sentence = f"No gain could be measured over {than}: {same}, on {_prompts(measured)}."
        return Verdict("keep", "constant-rewards", sentence)
    decimals = _decimals(reward, min_gain)
    said = f"the mean reward {moved(reward, decimals)} on {_prompts(measured)}"
    asked = f"; this run asks for {signed(min_gain, decimals)} at least at the lower end" if abs(min_gain) > TIE else ""
    if gain.high < -TIE:
        return Verdict("keep", "worse", f"Worse than {than}: {said}.")
    if gain.low > TIE:
        return Verdict("keep", "gain-too-small", f"Better than {than}, but not by enough: {said}{asked}.")
    chance = ", so the difference may be chance" if abs(gain.mean) > TIE else ""
    return Verdict("keep", "no-gain", f"No gain over {than} could be shown: {said}{chance}{asked}.")


def _unconfirmed(measured: Measured, reward: Change) -> Verdict | None:
    """What a held-out grader has against the candidate."""
    held_out = measured.held_out
    if held_out is None:
        return None
    by_training = f"by the training grader the mean reward {moved(reward, _decimals(reward))}"
    begin = f"Not confirmed by the held-out grader: {by_training}"
    change = held_out.change
    if change is None or held_out.pairs < max(FEWEST_PAIRS, (1 - MOST_MISSING) * measured.pairs):
        graded = f"{held_out.pairs} of {measured.prompts} prompts"
        sentence = f"{begin}, but the held-out one graded both answers for only {graded}."
        return Verdict("keep", "held-out-unknown", sentence)
    if change.gain.high < -TIE:
        by_held_out = f"by the held-out one it {moved(change, _decimals(change))}"
        return Verdict("keep", "held-out-fell", f"{begin}, but {by_held_out} on {_prompts(measured)}.")
    return None


def _missing(measured: Measured, sides: list[Role]) -> str:
    said = [f"{_NAMES[role]} for {measured.missing[role]} of {measured.prompts} prompts" for role in sides]
    return (
        f"The models can't be compared: there is no graded answer of {' and of '.join(said)}, and at most "
        f"{percent(MOST_MISSING)} may be missing."
    )


def _too_few(measured: Measured) -> str:
    have = "1 prompt has" if measured.pairs == 1 else f"{measured.pairs} prompts have"
    return f"Too little to decide on: {have} a graded answer of both models, and it takes {FEWEST_PAIRS} at least."


def _too_few_differ(measured: Measured, reward: Change) -> str:
    differ = "1 prompt earned" if measured.differing == 1 else f"{measured.differing} prompts earned"
    said = f"the mean reward {moved(reward, _decimals(reward))} on {_prompts(measured)}"
    return (
        f"No gain over {_NAMES[measured.against]} could be shown: {said}, but only {differ} another reward "
        "than before, which may be chance."
    )


def _answers_fewer(measured: Measured, reward: Change) -> str:
    missing, than = measured.missing, _NAMES[measured.against]
    said = f"the mean reward {moved(reward, _decimals(reward))} on {_prompts(measured)}"
    return (
        f"Not shown to be better than {than}: {said}, but the candidate has no graded answer to {missing['candidate']} "
        f"prompts, {than} to {missing[measured.against]}."
    )


def _prompts(measured: Measured) -> str:
    if measured.pairs < measured.prompts:
        return f"{measured.pairs} of {measured.prompts} prompts"
    return f"{measured.pairs} prompts"


def _decimals(change: Change, min_gain: float = 0.0) -> int:
    """As many as tell the ends of the interval from 0, and its lower one from what was asked for."""
    gain = change.gain
    return places([gain.mean, gain.low, gain.high, gain.low - min_gain, min_gain])


def credited(components: Mapping[str, Change]) -> str:
    """In which components of the reward a gain is: a sentence beside the verdict's. None is claimed for the others; an
    empty text where all rose, or there are none."""
    sure = [name for name, change in components.items() if change.gain.low > TIE]
    unsure = [name for name in components if name not in sure]
    if not unsure:
        return ""
    return f"The gain is in {', '.join(sure) or 'no single component'}; none is claimed for {', '.join(unsure)}."
