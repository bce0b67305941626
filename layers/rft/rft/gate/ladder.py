"""What each kind of answer earns: the right one must stand at the top, silence and tricks at the bottom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rft.gate.findings import Finding
from rft.gate.probes import KINDS, Kind, Probe
from rft.gate.reading import Grade, counted

GOOD_ENOUGH = 0.7  # of the right answer
MUCH_FOR_NOTHING = 0.2  # of an empty answer
MUCH_FOR_AN_ECHO = 0.5
MANY_ERRORS = 0.25  # of the right answers
ABOUT_AS_MUCH = 0.02

_NAMES: dict[Kind, str] = {
    "empty": "an empty one",
    "other": "another record's",
    "truncated": "half of it",
    "echo": "the prompt itself",
    "flood": "20,000 characters of its words and the prompt's",
}

type Results = Iterable[tuple[Probe, Grade | None]]


class Rung(NamedTuple):
    """What one kind of answer earned. ``n`` rewards; ``errors`` are beside them, they are no rewards."""

    n: int
    mean: float | None
    min: float | None
    max: float | None
    errors: int

    def to_json(self) -> dict[str, int | float | None]:
        numbers = {"mean": self.mean, "min": self.min, "max": self.max}
        rounded = {name: None if value is None else round(value, 6) for name, value in numbers.items()}
        return {"n": self.n, **rounded, "errors": self.errors}


type Ladder = Mapping[Kind, Rung]


def ladder_of(results: Results) -> dict[Kind, Rung]:
    """A rung for every kind, also for one that has no result."""
    rewards: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    errors = dict.fromkeys(KINDS, 0)
    for probe, grade in results:
        if grade and grade.error:
            errors[probe.kind] += 1
        elif grade:
            rewards[probe.kind].append(grade.reward)
    return {kind: _rung(rewards[kind], errors[kind]) for kind in KINDS}


def constant_of(ladder: Ladder) -> float | None:
    """The one reward that every answer earned; None where there are two, or no answer that could earn more."""
    reached = [rung for rung in ladder.values() if rung.n]
    lowest = min((rung.min for rung in reached if rung.min is not None), default=0.0)
    highest = max((rung.max for rung in reached if rung.max is not None), default=0.0)
    gold, base = ladder["gold"], ladder["base"]
    may_differ = len(reached) > 1 and (gold.n if gold.n + gold.errors else base.n)
    return highest if may_differ and highest - lowest <= 1e-9 else None


def ladder_findings(ladder: Ladder) -> list[Finding]:
    errors = sum(rung.errors for rung in ladder.values())
    if errors and not any(rung.n for rung in ladder.values()):
        return [Finding("no-scores", f"All of {counted(errors, 'answer')} are marked as errors.")]
    constant = constant_of(ladder)
    if constant is not None:
        graded = sum(rung.n for rung in ladder.values())
        return [Finding("constant-reward", f"Each of {counted(graded, 'answer')}, good and bad, earns {constant:g}.")]
    return [*_errors(ladder), *(list(_upside_down(ladder)) or _hints(ladder))]


def _rung(rewards: list[float], errors: int) -> Rung:
    if not rewards:
        return Rung(0, None, None, None, errors)
    return Rung(len(rewards), sum(rewards) / len(rewards), min(rewards), max(rewards), errors)


def _errors(ladder: Ladder) -> Iterator[Finding]:
    gold = ladder["gold"]
    errors = {kind: rung.errors for kind, rung in ladder.items() if rung.errors}
    if gold.errors > MANY_ERRORS * (gold.n + gold.errors):
        said = f"{gold.errors} of {counted(gold.n + gold.errors, 'right answer')} are marked as errors."
        yield Finding("gold-errors", said)
    elif errors:
        told = ", ".join(f"{kind} {count}" for kind, count in errors.items())
        yield Finding("some-errors", f"{counted(sum(errors.values()), 'answer')} marked as errors: {told}.")


def _upside_down(ladder: Ladder) -> Iterator[Finding]:
    """Where the right answer isn't above a wrong one, or is below a trick."""
    gold = ladder["gold"].mean
    if gold is None:
        return
    wrongs: tuple[Kind, ...] = ("empty", "other")
    tricks: tuple[Kind, ...] = ("truncated", "echo", "flood")
    wrong = {kind: mean for kind in wrongs if (mean := ladder[kind].mean) is not None}
    if any(gold <= mean + ABOUT_AS_MUCH for mean in wrong.values()):
        yield Finding("gold-not-above", _beside(gold, wrong))
    for kind in tricks:
        mean = ladder[kind].mean
        if mean is not None and mean > gold + ABOUT_AS_MUCH:
            yield Finding(f"{kind}-above-gold", _beside(gold, {kind: mean}))


def _hints(ladder: Ladder) -> Iterator[Finding]:
    """What isn't wrong yet, but a model in training would find out sooner or later."""
    gold, empty, echo, flood = (ladder[kind].mean for kind in ("gold", "empty", "echo", "flood"))
    if gold is not None and gold < GOOD_ENOUGH:
        yield Finding("gold-low", f"The right answer earns {gold:.2f} on average.")
    if empty is not None and empty > MUCH_FOR_NOTHING:
        yield Finding("empty-rewarded", f"An empty answer earns {empty:.2f} on average.")
    if echo is not None and echo > MUCH_FOR_AN_ECHO:
        yield Finding("echo-rewarded", f"The prompt itself earns {echo:.2f} on average.")
    if gold is not None and flood is not None and flood > gold - ABOUT_AS_MUCH:
        yield Finding("flood-as-good", _beside(gold, {"flood": flood}))


def _beside(gold: float, others: Mapping[Kind, float]) -> str:
    told = " and ".join(f"{_NAMES[kind]} {mean:.2f}" for kind, mean in others.items())
    return f"The right answer earns {gold:.2f} on average, {told}."
