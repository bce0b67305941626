"""A grader's answer to one call, read as strictly as Bedrock's contract allows.

The contract (Bedrock User Guide, "Setting up reward functions"): a bare list of samples goes in, a bare list of as many
results comes out, in the same order, each with the sample's ``id``, a number ``aggregate_reward_score`` and perhaps a
``metrics_list``.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rft.grading.score import MAX_COMPONENT_NAME, MAX_COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}")
_TYPES = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_LARGEST = 1.0
_ERROR = "error"  # the metric by which our own graders mark a sample as one


class Breach(NamedTuple):
    """A way in which an answer breaks the contract, or nearly does. ``detail`` is a phrase for a person, without a
    text of the data."""

    code: str
    detail: str


_NONE: Mapping[str, float] = MappingProxyType({})


class Grade(NamedTuple):
    """What a sample got. ``error``: the grader marked it as one, so its reward is no judgement. ``components`` are the
    values of its ``metrics_list`` by name; none where that list breaks the contract."""

    reward: float
    error: bool = False
    components: Mapping[str, float] = _NONE


class Reading(NamedTuple):
    """``grades`` are in the samples' order, None for each that has no usable reward; empty where the answer as a whole
    can't be assigned to the samples. ``breaches`` has one for each fault of each result."""

    grades: list[Grade | None]
    breaches: list[Breach]


def read_answer(payload: bytes, ids: Sequence[str]) -> Reading:
    """The grades in an answer to samples with these ids. Never raises, whatever the bytes are."""
    try:
        answer = json.loads(payload.decode(), parse_int=_whole)
    except (ValueError, RecursionError):
        return Reading([], [Breach("not-json", "the answer is not JSON")])
    if fault := _misshapen(answer, len(ids)):
        return Reading([], [fault])
    if fault := _misplaced(answer, ids):
        return Reading([], [fault])
    grades, breaches = [], []
    for result in answer:
        grade, faults = _grade(result)
        grades.append(grade)
        breaches += faults
    return Reading(grades, breaches)


def error_class(name: object) -> str:
    """The name of an error's class, as far as it is one."""
    return name if isinstance(name, str) and _CLASS.fullmatch(name) else "an error"


def counted(count: int, noun: str) -> str:
    """``1 sample``, ``2 samples``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 300 else float(digits)  # Python refuses an int of more than 4,300 digits


def _misshapen(answer: Any, samples: int) -> Breach | None:
    if not isinstance(answer, list):
        return _no_list(answer)
    if len(answer) != samples:
        said = f"it was given {counted(samples, 'sample')} and answered {counted(len(answer), 'result')}"
        return Breach("rows-missing" if len(answer) < samples else "rows-extra", said)
    for result in answer:
        if not isinstance(result, dict):
            return Breach("not-an-object", f"a result is {_TYPES.get(type(result), 'a number')}")
    return None


def _no_list(answer: Any) -> Breach:
    if isinstance(answer, dict) and "errorMessage" in answer:
        return Breach("grader-raised", f"it answered with {error_class(answer.get('errorType'))}")
    if isinstance(answer, dict) and "body" in answer:
        return Breach("wrapped-for-http", "the answer is an object with statusCode and body")
    if isinstance(answer, str) and answer.lstrip().startswith(("[", "{")):
        return Breach("json-in-a-string", "the answer is a string of JSON")
    return Breach("not-a-list", f"the answer is {_TYPES.get(type(answer), 'a number')}")


def _misplaced(answer: list[dict[str, Any]], ids: Sequence[str]) -> Breach | None:
    """Whether each result has the id of the sample in its place. The answers to one prompt share theirs."""
    given = [result.get("id") for result in answer]
    wrong = sum(mine != theirs for mine, theirs in zip(ids, given, strict=True))
    if not wrong:
        return None
    if all(isinstance(id_, str) for id_ in given) and Counter(given) == Counter(ids):
        return Breach("wrong-order", f"{wrong} of {counted(len(ids), 'result')} stand in the place of another sample")
    if not any("id" in result for result in answer):
        return Breach("wrong-ids", "no result has an id")
    return Breach(
        "wrong-ids", f"{wrong} of {counted(len(ids), 'result')} don't have the id of the sample in their place"
    )


def _grade(result: dict[str, Any]) -> tuple[Grade | None, list[Breach]]:
    breaches = list(_metric_faults(result.get("metrics_list")))
    if "aggregate_reward_score" not in result:
        return None, [*breaches, Breach("reward-missing", "have no aggregate_reward_score")]
    reward = result["aggregate_reward_score"]
    if fault := _reward_fault(reward):
        return None, [*breaches, fault]
    metrics = () if breaches else result.get("metrics_list") or ()
    grade = Grade(float(reward), _is_error(metrics), _components(metrics))
    if reward < 0:
        breaches.append(Breach("negative-reward", "have a reward below 0"))
    return grade, breaches


def _reward_fault(reward: Any) -> Breach | None:
    if isinstance(reward, bool) or not isinstance(reward, int | float):
        return Breach("reward-not-a-number", f"have {_TYPES.get(type(reward))} for a reward")
    if math.isnan(reward):
        return Breach("nan-reward", "have NaN for a reward")
    if math.isinf(reward):
        return Breach("infinite-reward", f"have {'-' if reward < 0 else ''}Infinity for a reward")
    if not -_LARGEST <= reward <= _LARGEST:
        return Breach("out-of-range", f"have a reward {'below -1' if reward < 0 else 'above 1'}")
    return None


def _metric_faults(metrics: Any) -> Iterator[Breach]:
    """At most one for a result: the first."""
    if metrics is None:
        return
    if not isinstance(metrics, list):
        yield Breach("metrics-invalid", "have a metrics_list that is no list")
    elif not all(isinstance(metric, dict) for metric in metrics):
        yield Breach("metrics-invalid", "have a metric that is no object")
    elif not all(isinstance(metric.get("name"), str) and metric["name"] for metric in metrics):
        yield Breach("metrics-invalid", "have a metric without a name")
    elif not all(_is_finite(metric.get("value")) for metric in metrics):
        yield Breach("metrics-invalid", "have a metric whose value is no finite number")
    elif not all(metric.get("type") in ("Metric", "Reward") for metric in metrics):
        yield Breach("metrics-invalid", "have a metric whose type is neither Metric nor Reward")


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_error(metrics: Sequence[Mapping[str, Any]]) -> bool:
    return any(metric["name"] == _ERROR and metric["value"] == 1 for metric in metrics)


def _components(metrics: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """No more of them, and none of a longer name, than our own graders may have."""
    named = {
        metric["name"]: float(metric["value"])
        for metric in metrics
        if metric["name"] != _ERROR and len(metric["name"]) <= MAX_COMPONENT_NAME
    }
    return dict(islice(named.items(), MAX_COMPONENTS))
