"""``comparison.json``: two or three models on the same prompts, in numbers.

::

    {"version": 1, "run_id", "model", "against": "base" or "live",
     "models": {role: {"model_id", "run_id"}},
     "settings": {"temperature", "max_tokens", "reasoning_effort", "prompts", "of", "seed"},
     "grader": {"arn"}, "held_out_grader": {"arn"},
     "roles": {role: {"answers", "missing", "grader_errors", "reward": {"mean", "deviation"},
                      "length": {"mean", "median"}, "milliseconds": {"median", "p95"}, "tokens": {"input", "output"},
                      "cost_usd", "held_out": {"mean"}}},
     "pairs", "before", "after", "gain": {"mean", "low", "high", "confidence"}, "win", "tie", "loss", "gain_over_base",
     "components": {name: {"before", "after", "gain"}}, "held_out": {"before", "after", "gain", "pairs"},
     "verdict": {"recommended", "reason", "sentence", "min_gain"}}

A role's ``answers`` are those with a grade, and ``answers`` + ``missing`` the prompts; ``grader_errors`` are those of
the missing that the model gave and the grader failed on. Lengths are in characters; lengths, times and tokens are of
all that the model answered, graded or not. ``before``, ``after``, gains and counts are over the ``pairs``: the prompts
with a graded answer both of the candidate and of what it is compared ``against``. What isn't known is null.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from rft.comparison.interval import Change, change_of, quantile
from rft.comparison.rows import ROLES, TIE, Against, Answer, Role, Row, difference
from rft.comparison.spend import CostOf
from rft.comparison.verdict import HeldOut, Measured, decide
from rft.grading.score import MAX_COMPONENTS

VERSION = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A model as it was asked: Converse's ``modelId``, and the run that made it (None for the base)."""

    model_id: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How the models were asked (None: their own default); the prompts are out of ``of`` in the validation set, chosen
    by ``seed``, which the intervals are drawn by as well."""

    temperature: float | None
    max_tokens: int | None
    reasoning_effort: str | None
    of: int
    seed: int


@dataclass(frozen=True, slots=True)
class About:
    """What the rows don't tell. ``models`` has the base, the candidate and, where it was asked, the live version; the
    candidate is compared ``against`` one of the others."""

    run_id: str
    model: str
    against: Against
    models: Mapping[Role, Asked]
    settings: Settings
    grader_arn: str
    held_out_grader_arn: str | None = None

    def __post_init__(self) -> None:
        if not {self.against, "base", "candidate"} <= self.models.keys():
            raise ValueError("a comparison needs the base, the candidate and what it is compared against")


class _Grade(NamedTuple):
    reward: float
    components: Mapping[str, float]
    held_out: float | None


type _Pairs = Sequence[tuple[_Grade, _Grade]]


@dataclass(slots=True)
class _Tally:
    """What is counted of one model. ``grades`` has None for each prompt without one, in the rows' order."""

    grades: list[_Grade | None] = field(default_factory=list)
    grader_errors: int = 0
    lengths: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_known: bool = True

    def add(self, answer: Answer) -> None:
        reward = answer.reward
        self.grades.append(None if reward is None else _Grade(reward, answer.components, answer.held_out_reward))
        self.grader_errors += answer.grader_failed
        if answer.text is None:
            return
        self.lengths.append(len(answer.text))
        if answer.milliseconds is not None:
            self.milliseconds.append(answer.milliseconds)
        self.tokens_known &= answer.input_tokens is not None and answer.output_tokens is not None
        self.input_tokens += answer.input_tokens or 0
        self.output_tokens += answer.output_tokens or 0

    @property
    def graded(self) -> list[_Grade]:
        return [grade for grade in self.grades if grade is not None]

    @property
    def missing(self) -> int:
        return len(self.grades) - len(self.graded)


def compared(
    rows: Iterable[Row], about: About, *, min_gain: float, confidence: float, cost_of: CostOf | None = None
) -> dict[str, Any]:
    """The content of ``comparison.json``. ``rows`` (of :mod:`rft.comparison.rows`) are read once, and no text is held.

    Where ``verdict.reason`` is ``missing-answers`` there is nothing to decide on: the step raises ComparisonFailed with
    the sentence.
    """
    roles = [role for role in ROLES if role in about.models]
    tallies = {role: _Tally() for role in roles}
    for row in rows:
        for role in roles:
            tallies[role].add(row.answer(role))
    candidate, other = tallies["candidate"], tallies[about.against]
    pairs = _pairs(other, candidate)
    measure = _Measure(confidence, about.settings.seed)
    reward = measure.reward(pairs)
    held_out = measure.held_out(pairs) if about.held_out_grader_arn else None
    outcomes = _outcomes(pairs)
    measured = Measured(
        against=about.against,
        prompts=len(candidate.grades),
        pairs=len(pairs),
        reward=reward,
        missing={about.against: other.missing, "candidate": candidate.missing},
        differing=outcomes["win"] + outcomes["loss"],
        constant=_constant(pairs),
        held_out=held_out,
    )
    over_base = measure.reward(_pairs(tallies["base"], candidate)) if about.against != "base" else None
    return {
        "version": VERSION,
        **_head(about, len(candidate.grades)),
        "roles": {role: _role(tally, role, about, cost_of) for role, tally in tallies.items()},
        "pairs": len(pairs),
        "before": _rounded(reward.before) if reward else None,
        "after": _rounded(reward.after) if reward else None,
        "gain": reward.gain.to_json() if reward else None,
        **outcomes,
        "gain_over_base": over_base.gain.to_json() if over_base else None,
        "components": {name: change.to_json() for name, change in measure.components(pairs).items()},
        "held_out": {**held_out.change.to_json(), "pairs": held_out.pairs} if held_out and held_out.change else None,
        "verdict": {**asdict(decide(measured, min_gain=min_gain)), "min_gain": min_gain},
    }


def summary(document: Mapping[str, Any], *, document_uri: str, rows_uri: str) -> dict[str, Any]:
    """What a run's record keeps of ``comparison.json``: ``means`` are each model's over all its graded answers (null
    without any), ``records`` the prompts, ``missing`` those of them without a pair."""
    verdict, prompts = document["verdict"], document["settings"]["prompts"]
    return {
        "against": document["against"],
        "live_run_id": document["models"].get("live", {}).get("run_id"),
        "recommended": verdict["recommended"],
        "sentence": verdict["sentence"],
        "records": prompts,
        "gain": document["gain"],
        "means": {role: of_role["reward"]["mean"] for role, of_role in document["roles"].items()},
        **{outcome: document[outcome] for outcome in ("win", "tie", "loss")},
        "missing": prompts - document["pairs"],
        "document_uri": document_uri,
        "rows_uri": rows_uri,
    }


class _Measure(NamedTuple):
    """Changes over pairs, each with its interval."""

    confidence: float
    seed: int

    def reward(self, pairs: _Pairs) -> Change | None:
        return self._of([(before.reward, after.reward) for before, after in pairs])

    def held_out(self, pairs: _Pairs) -> HeldOut:
        both = [
            (before.held_out, after.held_out)
            for before, after in pairs
            if before.held_out is not None and after.held_out is not None
        ]
        return HeldOut(self._of(both), len(both))

    def components(self, pairs: _Pairs) -> dict[str, Change]:
        """Of those that every graded answer has, in the first one's order."""
        grades = [grade for pair in pairs for grade in pair]
        shared = [
            name for name in (grades[0].components if grades else ()) if all(name in g.components for g in grades)
        ]
        changes = {}
        for name in shared[:MAX_COMPONENTS]:
            change = self._of([(before.components[name], after.components[name]) for before, after in pairs])
            if change is not None:
                changes[name] = change
        return changes

    def _of(self, values: Sequence[tuple[float, float]]) -> Change | None:
        if not values:
            return None
        before, after = zip(*values, strict=True)
        return change_of(before, after, confidence=self.confidence, seed=self.seed)


def _pairs(before: _Tally, after: _Tally) -> _Pairs:
    sides = zip(before.grades, after.grades, strict=True)
    return [(early, late) for early, late in sides if early is not None and late is not None]


def _head(about: About, prompts: int) -> dict[str, Any]:
    settings = about.settings
    return {
        "run_id": about.run_id,
        "model": about.model,
        "against": about.against,
        "models": {role: asdict(about.models[role]) for role in ROLES if role in about.models},
        "settings": {
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "reasoning_effort": settings.reasoning_effort,
            "prompts": prompts,
            "of": settings.of,
            "seed": settings.seed,
        },
        "grader": {"arn": about.grader_arn},
        "held_out_grader": {"arn": about.held_out_grader_arn} if about.held_out_grader_arn else None,
    }


def _role(tally: _Tally, role: Role, about: About, cost_of: CostOf | None) -> dict[str, Any]:
    rewards = [grade.reward for grade in tally.graded]
    held_out = [grade.held_out for grade in tally.graded if grade.held_out is not None]
    cost = cost_of(role, tally.input_tokens, tally.output_tokens) if cost_of and tally.tokens_known else None
    return {
        "answers": len(rewards),
        "missing": tally.missing,
        "grader_errors": tally.grader_errors,
        "reward": {"mean": _mean(rewards), "deviation": _deviation(rewards)},
        "length": {"mean": _mean(tally.lengths), "median": _share(tally.lengths, 0.5)},
        "milliseconds": {"median": _share(tally.milliseconds, 0.5), "p95": _share(tally.milliseconds, 0.95)},
        "tokens": {"input": tally.input_tokens, "output": tally.output_tokens},
        "cost_usd": None if cost is None else _rounded(cost),
        "held_out": {"mean": _mean(held_out)} if about.held_out_grader_arn else None,
    }


def _outcomes(pairs: _Pairs) -> dict[str, int]:
    gains = [difference(before.reward, after.reward) for before, after in pairs]
    win, loss = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return {"win": win, "tie": len(gains) - win - loss, "loss": loss}


def _constant(pairs: _Pairs) -> float | None:
    """The one reward that every answer got."""
    rewards = [grade.reward for pair in pairs for grade in pair]
    return rewards[0] if rewards and max(rewards) - min(rewards) <= TIE else None


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(math.fsum(values) / len(values)) if values else None


def _deviation(values: Sequence[float]) -> float | None:
    """Of the sample: over one less than its number."""
    return _rounded(statistics.stdev(values)) if len(values) > 1 else None


def _share(values: Sequence[float], share: float) -> float | None:
    return _rounded(quantile(sorted(values), share)) if values else None


def _rounded(value: float) -> float:
    return round(value, 6)
