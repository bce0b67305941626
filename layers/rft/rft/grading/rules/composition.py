"""Many values become one Score, with each of them named.

    values = {"correct": 1.0, "style": 0.5}
    score = weighted_sum(values, {"correct": 3, "style": 1})             # 0.875
    score = gated(score, {"cites": citations_exist(answer, 5) == 1})     # 0 if it doesn't, whatever else is good
    score = penalised(score, length_penalty(count_words(answer), free=200, limit=400))

Values that are no numbers from 0 to 1 (NaN too) raise ScoreInvalid, and weights that make no sense raise RuleInvalid:
nothing is clamped into range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rft.grading.errors import ScoreInvalid
from rft.grading.rules.limits import RuleInvalid
from rft.grading.score import Score, component_name


def weighted_sum(values: Mapping[str, float], weights: Mapping[str, float]) -> Score:
    """The average of the values by their weights, which need not add up to 1. Each value is a reward of its name.

    Raises RuleInvalid unless each value has a weight, and these are finite, not negative and not all 0.
    """
    _check_values(values)
    if values.keys() != weights.keys():
        raise RuleInvalid("each value needs a weight of the same name, and each weight a value")
    if not all(_is_number(weight) and math.isfinite(weight) and weight >= 0 for weight in weights.values()):
        raise RuleInvalid("a weight must be a finite number from 0")
    heaviest = max(weights.values())
    if not heaviest:
        raise RuleInvalid("all weights are 0")
    shares = {name: weight / heaviest for name, weight in weights.items()}  # so that no sum grows out of range
    total = math.fsum(values[name] * share for name, share in shares.items()) / math.fsum(shares.values())
    return Score(min(total, 1.0), rewards=dict(values))  # the last digit may be rounded up beyond 1


def all_of(values: Mapping[str, float], *, at_least: float = 1.0) -> Score:
    """1 if each value is ``at_least`` so much, else 0. Each value is a reward of its name. Raises RuleInvalid."""
    _check_values(values)
    if not (_is_number(at_least) and 0 < at_least <= 1):
        raise RuleInvalid("at_least must be a number above 0, and at most 1")
    return Score(float(min(values.values()) >= at_least), rewards=dict(values))


def gated(score: Score, gates: Mapping[str, bool | float]) -> Score:
    """``score``, or 0 if one of the gates is shut: false, or below 1.

    A metric ``gate.<name>`` tells of each whether it was open, so a 0 says which one was shut. Raises RuleInvalid.
    """
    if not gates:
        raise RuleInvalid("there is no gate")
    _check_values(gates)
    is_open = {component_name(f"gate.{name}"): float(gate >= 1) for name, gate in gates.items()}
    if len(is_open) < len(gates):
        raise RuleInvalid("two gates have the same name, once made a metric's")
    value = score.value if all(is_open.values()) else 0.0
    return Score(value, rewards=score.rewards, metrics={**score.metrics, **is_open})


def length_penalty(length: float, *, free: float, limit: float) -> float:
    """The factor for an answer of a length: 1 up to ``free``, 0 from ``limit``, a straight line between.

    ``length`` is a count, of words say, from 0. Raises RuleInvalid unless 0 <= free < limit.
    """
    if not (_is_number(free) and _is_number(limit) and 0 <= free < limit and math.isfinite(limit)):
        raise RuleInvalid("free and limit must be finite numbers with 0 <= free < limit")
    if not (_is_number(length) and length >= 0):
        raise ScoreInvalid("a length must be a number from 0")
    return 1.0 if length <= free else max(0.0, (limit - length) / (limit - free))


def penalised(score: Score, factor: float, name: str = "length_penalty") -> Score:
    """``score`` with its value times ``factor`` (0 to 1), which is a metric of its own."""
    _check_values({name: factor})
    if name in score.metrics or name in score.rewards:
        raise RuleInvalid(f"the score has a component {name} already")
    return Score(score.value * factor, rewards=score.rewards, metrics={**score.metrics, name: float(factor)})


def _check_values(values: Mapping[str, float]) -> None:
    if not values:
        raise RuleInvalid("there is no value")
    for name, value in values.items():
        if not (_is_number(value) and 0 <= value <= 1):
            raise ScoreInvalid(f"the value of {component_name(str(name))} must be a finite number from 0 to 1")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
