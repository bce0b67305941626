"""Signs that a number is not what it seems: of a hacked reward, of a training that went wrong, of a weak comparison.

The bounds are rules of thumb after AWS's advice for reinforcement fine-tuning (user guide and blog, best practices):
they say where to look, and decide nothing. ``docs/reading-a-report.md`` explains each by its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rft.report import words
from rft.report.blocks import Tone
from rft.report.curves import Training
from rft.report.material import Material, mapping, part
from rft.report.texts import line

MUCH_LONGER, LONGER_CHARACTERS = 1.5, 80
MUCH_SLOWER = 1.5
FEW_PAIRS = 30
MANY_MISSING = 0.05
MANY_CUT_OFF = 0.1
MANY_WORSE = 0.2
HALF_ALIKE, TWICE_AS_ALIKE = 0.5, 2.0
SATURATED, CLEAR = 0.95, 0.1
NEARLY_ALL = 0.95
FALLS_BY, RISES_BY = 0.05, 0.02
FLAT, LOW = 0.02, 0.15
COLLAPSED, LIVELY, NEARLY_LEARNED = 0.05, 0.2, 0.9


class Sign(NamedTuple):
    code: str
    tone: Tone
    title: str
    text: str
    advice: str


_TITLES: Mapping[str, tuple[Tone, str, str]] = {
    "held-out-falls": (
        "bad",
        "The held-out grader sees no gain",
        "The candidate may have learned what the training's grader likes, not the task. Read the answers below before "
        "anything else, and put what the held-out grader sees into the training's reward.",
    ),
    "longer-answers": (
        "warn",
        "The answers got much longer",
        "Read some: padding is the commonest way to please a grader. A length penalty in the reward ends it; "
        "longer answers also cost more tokens.",
    ),
    "one-component": (
        "warn",
        "One component is full while another falls",
        "The candidate takes the easy part of the reward and pays with the hard one: give the falling one more weight.",
    ),
    "same-answer": (
        "warn",
        "The candidate gives one answer again and again",
        "Fine where the task has few answers and this is often the right one; else a sign of a collapsed policy. "
        "Compare with the references below.",
    ),
    "validation-falls": (
        "warn",
        "Validation falls while training rises",
        "The model learns the training prompts by heart, or a trick that fails elsewhere: fewer epochs, more data, "
        "or a lower learning rate.",
    ),
    "flat-reward": (
        "warn",
        "The training's reward did not rise",
        "Nothing was learned from it. The task may be too hard for the base model, or the reward too rare: partial "
        "credit, easier prompts first, more answers to a prompt.",
    ),
    "entropy-collapse": (
        "warn",
        "The entropy fell to almost nothing",
        "The model has settled on one way to answer, and learns no more: a lower learning rate or fewer steps.",
    ),
    "cut-off-answers": (
        "warn",
        "Answers were cut off at the token limit",
        "What is cut off can't earn its reward: raise inference_max_tokens, and prefer concise answers in the reward.",
    ),
    "missing-answers": (
        "warn",
        "Answers are missing",
        "Their prompts are left out on all sides. Where the missing ones are the hard ones, the gain is too good; look "
        "at the errors, and compare again.",
    ),
    "grader-errors": (
        "warn",
        "The grader could not judge some answers",
        "They count as missing, not as zero. Find out in the grader's log what these answers have in common.",
    ),
    "few-prompts": (
        "warn",
        "Few prompts were compared",
        "Few prompts make a wide interval, and one that holds less well than it says: hold out more records.",
    ),
    "many-worse": (
        "warn",
        "Many prompts got worse",
        "The mean gain hides them: read the worst ones, and look for a kind of prompt that they share.",
    ),
    "nothing-to-gain": (
        "plain",
        "The old model was nearly perfect already",
        "Above a mean of 0.95 there is little left to measure: take harder prompts, or a stricter grader.",
    ),
    "slower": (
        "plain",
        "The candidate takes longer to answer",
        "A deployment that was just made may be slow at first; else longer answers are the usual reason.",
    ),
}
CODES = tuple(_TITLES)


def signs_of(material: Material, training: Training) -> list[Sign]:
    """In the order of ``CODES``, each with the numbers of this run."""
    found = dict([*_of_comparison(material), *_of_samples(material), *_of_training(training)])
    return [
        Sign(code, tone, title, found[code], advice) for code, (tone, title, advice) in _TITLES.items() if code in found
    ]


def _of_comparison(material: Material) -> Iterator[tuple[str, str]]:
    document = material.comparison
    if document is None:
        return
    before, after = mapping(document, "roles", material.against), mapping(document, "roles", "candidate")
    yield from _held_out(document)
    yield from _components(document)
    first, second = (words.number(part(role, "length", "mean")) for role in (before, after))
    if first and second and second >= MUCH_LONGER * first and second - first >= LONGER_CHARACTERS:
        yield (
            "longer-answers",
            f"From {first:,.0f} to {second:,.0f} characters on average, {second / first:.1f} times as long.",
        )
    yield from _missing((before, after))
    pairs = words.number(document.get("pairs"))
    if pairs is not None and pairs < FEW_PAIRS:
        yield "few-prompts", f"{words.counted(round(pairs), 'prompt')} with an answer of both models."
    lost, mean = words.number(document.get("loss")), words.number(part(document, "gain", "mean"))
    if pairs and lost and mean is not None and mean > 0 and lost / pairs >= MANY_WORSE:
        yield "many-worse", f"{lost:,.0f} of {words.counted(round(pairs), 'prompt')} earn less than before."
    reward = words.number(part(before, "reward", "mean"))
    if reward is not None and reward > NEARLY_ALL:
        yield "nothing-to-gain", f"It earns {words.score(reward)} on average."
    slow, slower = (words.number(part(role, "milliseconds", "median")) for role in (before, after))
    if slow and slower and slower >= MUCH_SLOWER * slow:
        yield "slower", f"{words.milliseconds(slower)} in the middle of all answers; {words.milliseconds(slow)} before."


def _held_out(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    held_out = mapping(document, "held_out", "gain")
    mean, high = words.number(held_out.get("mean")), words.number(held_out.get("high"))
    if mean is not None and mean < 0 and (words.number(part(document, "gain", "mean")) or 0) > 0:
        certain = " The whole interval is below zero." if high is not None and high < 0 else ""
        said = f"Its gain is {words.gain(mean)} ({words.interval(held_out)}), while the training's grader sees one."
        yield "held-out-falls", said + certain


def _components(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    components = mapping(document, "components")
    full = [
        name
        for name, found in components.items()
        if (words.number(part(found, "after")) or 0) >= SATURATED
        and (words.number(part(found, "gain", "mean")) or 0) >= CLEAR
    ]
    falling = [
        name
        for name, found in components.items()
        if (high := words.number(part(found, "gain", "high"))) is not None and high < 0
    ]
    if full and falling:
        said = f"{_names(full)} reached {words.score(part(components, full[0], 'after'))}"
        yield "one-component", f"{said}; {_names(falling)} fell by {_fall(components, falling[0])}."


def _fall(components: Mapping[str, Any], name: str) -> str:
    return words.score(-(words.number(part(components, name, "gain", "mean")) or 0.0))


def _names(names: Sequence[str]) -> str:
    return ", ".join(line(name, 40) for name in names[:3])


def _missing(roles: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    told, errors = [], 0.0
    for name, role in zip(("before", "of the candidate"), roles, strict=True):
        missing, answers = words.number(role.get("missing")) or 0.0, words.number(role.get("answers")) or 0.0
        errors += words.number(role.get("grader_errors")) or 0.0
        if missing and missing / (missing + answers) > MANY_MISSING:
            told.append(f"{missing:,.0f} {name} ({words.share(missing, missing + answers)})")
    if told:
        yield "missing-answers", f"{' and '.join(told)}."
    if errors:
        yield "grader-errors", f"{words.counted(round(errors), 'answer')} of these two models."


def _of_samples(material: Material) -> Iterator[tuple[str, str]]:
    found = material.samples
    if found is None or not found.after.answers:
        return
    before, after = found.before, found.after
    if after.cut_off / after.answers >= MANY_CUT_OFF:
        yield "cut-off-answers", f"{after.cut_off:,} of {words.counted(after.answers, 'answer')} of the candidate."
    alike = after.most_alike / after.answers
    alike_before = before.most_alike / before.answers if before.answers else 0.0
    if after.answers >= 10 and alike >= HALF_ALIKE and alike >= TWICE_AS_ALIKE * alike_before:
        said = f"{words.share(after.most_alike, after.answers)} of its answers are one and the same text"
        yield "same-answer", f"{said}; before it was {words.share(before.most_alike, before.answers or 1)}."


def _of_training(training: Training) -> Iterator[tuple[str, str]]:
    rewards = [value for _, value in training.reward]
    validation = training.validation
    if len(rewards) >= 5:
        first, last = _mean(rewards[: max(1, len(rewards) // 10)]), _mean(rewards[-max(1, len(rewards) // 10) :])
        if last < first + FLAT and last < NEARLY_ALL:
            unit = "minutes" if training.by_minute else "steps"
            low = " It stays below 0.15, where hardly an answer earns anything." if max(first, last) < LOW else ""
            yield "flat-reward", f"From {words.score(first)} to {words.score(last)} over {len(rewards):,} {unit}.{low}"
    if len(validation) >= 3 and rewards and not training.by_minute:
        best_step, best = max(validation, key=lambda point: point[1])
        at_best = [value for step, value in training.reward if step <= best_step][-5:] or rewards[:1]
        fell, rose = best - validation[-1][1], _mean(rewards[-5:]) - _mean(at_best)
        if fell >= FALLS_BY and rose >= RISES_BY:
            said = f"Validation was best at step {best_step:g} with {words.score(best)} and ended at"
            yield "validation-falls", f"{said} {words.score(validation[-1][1])}, while training went on rising."
    entropy = [value for _, value in training.entropy]
    unfinished = not rewards or _mean(rewards[-5:]) < NEARLY_LEARNED  # who is right has no reason to waver
    if unfinished and len(entropy) >= 5 and entropy[0] >= LIVELY and entropy[-1] < COLLAPSED:
        yield "entropy-collapse", f"From {words.score(entropy[0])} to {entropy[-1]:.3f}."


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
