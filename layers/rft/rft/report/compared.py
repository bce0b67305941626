"""The sections about the two models: by how much the candidate is better, on what, and what its answers look like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rft.report import pictures, words
from rft.report.blocks import (
    Answers,
    Block,
    Cell,
    Facts,
    Figure,
    Gallery,
    Note,
    Notes,
    Paragraph,
    Section,
    Table,
    Tally,
    Text,
    Tone,
)
from rft.report.curves import Training
from rft.report.material import Material, mapping, part
from rft.report.pictures import Curve, Interval, Picture
from rft.report.signs import signs_of
from rft.report.texts import line

ROLES = ("base", "live", "candidate")
NAMES = {"base": "Base model", "live": "Live model", "candidate": "Candidate"}
_LABELS = {"good": "good", "bad": "stop and look", "warn": "look", "plain": "note", "quiet": "note"}


def role_name(role: str) -> str:
    return NAMES.get(role, line(role, 30))


def gain_picture(material: Material) -> Picture | None:
    """All gains of a comparison below each other; None where there is none."""
    document = material.comparison
    against = "live" if material.against == "live" else "base"
    named = [(f"over {against}", part(document, "gain"))]
    if against == "live":
        named.append(("over base", part(document, "gain_over_base")))
    named += [(line(name, 40), part(found, "gain")) for name, found in mapping(document, "components").items()]
    named.append(("held-out grader", part(document, "held_out", "gain")))
    rows = [row for name, found in named if (row := _interval(name, found)) is not None]
    if not rows:
        return None
    return pictures.gains(rows, threshold=_threshold(material))


def _threshold(material: Material) -> float | None:
    told = part(material.comparison, "verdict", "min_gain")
    return words.number(told) or words.number(part(material.run.request, "promote", "min_gain")) or None


def _interval(name: str, found: object) -> Interval | None:
    mean, low, high = (words.number(part(found, key)) for key in ("mean", "low", "high"))
    if mean is None or low is None or high is None or not low <= high:
        return None
    return Interval(name, mean, low, high)


def look_at(material: Material, training: Training) -> Section | None:
    """What speaks against taking the numbers at their word."""
    found = signs_of(material, training)
    if not found:
        if material.comparison is None:
            return None
        said = "None of the signs of a hacked reward or a weak comparison was seen. Read a few answers all the same."
        return Section("look", "What to look at", [Paragraph(said, "quiet")])
    notes = [Note(sign.tone, _LABELS[sign.tone], sign.title, sign.text, sign.advice) for sign in found]
    return Section("look", "What to look at", [Notes(notes)])


def models(material: Material) -> Section | None:
    """The models side by side, in numbers."""
    document = material.comparison
    if document is None:
        return None
    blocks: list[Block] = [_roles(document)]
    if components := _components(document):
        blocks.append(components)
    blocks.append(_how(material, document))
    return Section("models", "The models side by side", blocks)


def _roles(document: Mapping[str, Any]) -> Table:
    heads = (
        "Model",
        "Mean reward",
        "Spread",
        "Answers",
        "Missing",
        "Characters",
        "Time",
        "Tokens read",
        "Written",
        "Cost",
    )
    rows = [
        [Cell(role_name(role), strong=True), *_role(mapping(document, "roles", role))] for role in _present(document)
    ]
    caption = (
        "Reward: mean and standard deviation. Characters of a mean answer. Time: the median, and what 95\u00a0% of the "
        "answers took at most. Cost: of the answers to this comparison, by their tokens."
    )
    return Table(caption, heads, rows, numeric=frozenset(range(1, len(heads))), wide=True)


def _present(document: Mapping[str, Any]) -> list[str]:
    return [role for role in ROLES if role in mapping(document, "roles")]


def _role(role: Mapping[str, Any]) -> Iterator[Cell]:
    missing = words.number(role.get("missing"))
    yield Cell(words.score(part(role, "reward", "mean")), strong=True)
    yield Cell(f"\u00b1 {words.score(part(role, 'reward', 'deviation'))}", "quiet")
    yield Cell(words.count(role.get("answers")))
    yield Cell(words.count(missing), "warn" if missing else "plain")
    yield Cell(words.count(part(role, "length", "mean")))
    middle, most = (words.milliseconds(part(role, "milliseconds", name)) for name in ("median", "p95"))
    yield Cell(f"{middle}, {most}")
    yield Cell(words.count(part(role, "tokens", "input")))
    yield Cell(words.count(part(role, "tokens", "output")))
    yield Cell(words.dollars(role.get("cost_usd")))


def _components(document: Mapping[str, Any]) -> Table | None:
    rows = [
        [Cell(line(name, 40)), *_change(found)]
        for name, found in mapping(document, "components").items()
        if isinstance(found, Mapping)
    ]
    if held_out := mapping(document, "held_out"):
        rows.append([Cell("held-out grader", strong=True), *_change(held_out)])
    if not rows:
        return None
    caption = "What the reward is made of, and what a second grader says that took no part in the training"
    return Table(
        caption if held_out else "What the reward is made of",
        ("Component", "Before", "After", "Gain", "Interval"),
        rows,
        numeric=frozenset({1, 2, 3, 4}),
    )


def _change(found: Mapping[str, Any]) -> Iterator[Cell]:
    yield Cell(words.score(found.get("before")))
    yield Cell(words.score(found.get("after")))
    low, high = words.number(part(found, "gain", "low")), words.number(part(found, "gain", "high"))
    tone: Tone = "good" if low is not None and low > 0 else "bad" if high is not None and high < 0 else "plain"
    yield Cell(words.gain(part(found, "gain", "mean")), tone)
    yield Cell(words.interval(part(found, "gain")), "quiet")


def _how(material: Material, document: Mapping[str, Any]) -> Facts:
    settings = mapping(document, "settings")
    temperature, tokens = words.number(settings.get("temperature")), words.number(settings.get("max_tokens"))
    asked = [
        "the models\u2019 own temperature" if temperature is None else f"temperature {temperature:g}",
        "no token limit" if tokens is None else f"at most {tokens:,.0f} tokens an answer",
    ]
    if effort := settings.get("reasoning_effort"):
        asked.append(f"reasoning effort {line(effort, 20)}")
    prompts, of, seed = (settings.get(name) for name in ("prompts", "of", "seed"))
    items = [
        (
            "Prompts",
            Cell(f"{words.count(prompts)} of the {words.count(of)} held out, drawn with seed {words.count(seed)}"),
        ),
        ("Asked at", Cell(", ".join(asked))),
        ("Graded by", Cell(line(part(document, "grader", "arn") or words.UNKNOWN, 300), code=True)),
    ]
    if held_out := part(document, "held_out_grader", "arn"):
        items.append(("Held-out grader", Cell(line(held_out, 300), code=True)))
    confidence = part(document, "gain", "confidence")
    items.append(
        ("Interval", Cell(f"{words.confidence(confidence)}, by drawing prompts again and again (bootstrap, BCa)"))
    )
    for role in _present(document):
        asked_as = part(document, "models", role, "model_id")
        if asked_as and role != "candidate":
            items.append((role_name(role), Cell(line(asked_as, 300), code=True)))
    live = part(document, "models", "live", "run_id")
    if material.against == "live" and live:
        items.append(("Live model of", Cell(line(live, 80), code=True)))
    return Facts(items)


def answers(material: Material) -> Section | None:
    """How gains are spread, and the answers at both ends."""
    found = material.samples
    if found is None:
        return None
    blocks: list[Block] = []
    if tally := _tally(material):
        blocks.append(tally)
    if found.gains:
        words_ = "Each bar counts the prompts whose reward rose or fell by so much."
        blocks.append(Gallery([Figure(pictures.distribution(found.gains), "Gains, prompt by prompt", words_)]))
    sides = (role_name(material.against), role_name("candidate"))
    if found.shared is not None:
        blocks.append(Text("The system message of all these prompts", found.shared))
    if found.gains:
        blocks.append(Answers("The worst regressions", "No prompt earned less than before.", sides, found.worst))
        blocks.append(Answers("The best gains", "No prompt earned more than before.", sides, found.best))
    else:
        blocks.append(Paragraph("No prompt has a graded answer of both models.", "quiet"))
    if found.unreadable:
        said = f"{words.counted(found.unreadable, 'line')} of comparison.jsonl could not be read and is left out here."
        blocks.append(Paragraph(said, "warn"))
    return Section("answers", "The answers", blocks)


def _tally(material: Material) -> Tally | None:
    document = material.comparison
    counts = [words.number(part(document, name)) for name in ("win", "tie", "loss")]
    if any(number is None or number < 0 for number in counts) or not sum(number or 0 for number in counts):
        return None
    win, tie, loss = (int(number or 0) for number in counts)
    return Tally(
        "Prompts whose answer got", (("better", win, "good"), ("neither", tie, "quiet"), ("worse", loss, "bad"))
    )


def training(material: Material, found: Training) -> Section | None:
    """The curves of the training."""
    figures = [figure for figure in _figures(found) if figure is not None]
    if not figures:
        return None
    blocks: list[Block] = [Gallery(figures)]
    if material.is_stand_in:
        blocks.append(Paragraph("These are the curves of the stand-in, not of a Bedrock model.", "quiet"))
    return Section("training", "The training", blocks)


def _figures(found: Training) -> Iterator[Figure | None]:
    yield _reward(found)
    yield _figure(
        [Curve(name, points, f"c{number}") for number, (name, points) in enumerate(found.components.items(), start=1)],
        f"Components of the reward by {'minute' if found.components_by_minute else 'step'}",
        "A component that is full while others fall is a sign of a hacked reward.",
        unit_range=True,
    )
    yield _figure(
        [Curve("mean length", found.length, "one")],
        "Length of answers by step",
        "In tokens. A length that explodes while the reward rises is the commonest sign of a hacked reward.",
    )
    yield _figure(
        [Curve("entropy", found.entropy, "one")],
        "Entropy by step",
        "How many ways to answer the model still weighs up. Falling slowly is healthy, near zero nothing new is tried.",
    )


def _reward(found: Training) -> Figure | None:
    lowest = dict(found.lowest)
    band = [(step, high) for step, high in found.highest if step in lowest]
    spread = Curve("lowest to highest", band, "one", "band", [(step, lowest[step]) for step, _ in band])
    curves = [spread, Curve("training, mean", found.reward, "one")]
    if not found.by_minute:
        curves.append(Curve("validation", found.validation, "two", "dots"))
    return _figure(
        curves,
        "Reward by minute, as the grader saw it" if found.by_minute else "Reward by training step",
        "Training and validation should rise together; validation that falls while training rises is over-fitting.",
        unit_range=True,
    )


def _figure(curves: Sequence[Curve], title: str, said: str, *, unit_range: bool = False) -> Figure | None:
    if all(len(curve.points) < 2 for curve in curves):
        return None  # one point is no curve
    told = "; ".join(
        f"{curve.name} from {words.score(curve.points[0][1])} at {curve.points[0][0]:g} to "
        f"{words.score(curve.points[-1][1])} at {curve.points[-1][0]:g}"
        for curve in curves
        if curve.points and curve.kind != "band"
    )
    picture = pictures.curves(curves, label=f"{title}: {line(told, 800)}", unit_range=unit_range)
    return None if picture is None else Figure(picture, title, said)
