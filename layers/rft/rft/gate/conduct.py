"""How a grader behaves from call to call: the same again, other neighbours, a bad sample, nothing at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rft.gate.codes import CODES
from rft.gate.findings import Finding
from rft.gate.ports import InvocationFailed
from rft.gate.reading import Grade, counted, read_answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rft.gate.calls import Calls
    from rft.gate.probes import Probe
    from rft.gate.settings import AboutGrader

_SAME = 1e-9
_GOOD_BESIDE = 4
_BAD_ID = "bad-sample"

type Graded = Sequence[tuple[Probe, Grade | None]]


def same_again(graded: Graded, again: Sequence[Grade | None], about: AboutGrader) -> list[Finding]:
    """``again``: the grades of the same call, made a second time."""
    pairs = [(grade, second) for (_, grade), second in zip(graded, again, strict=True) if grade and second]
    changes = [abs(one.reward - two.reward) for one, two in pairs if _differ(one, two)]
    if not changes:
        return []
    said = f"{len(changes)} of {counted(len(pairs), 'reward')} changed when the same call was made again"
    code = "not-deterministic" if about.computes else "rewards-vary"
    return [Finding(code, f"{said}, by up to {max(changes):.3g}.")]


def beside_others(graded: Graded, calls: Calls, about: AboutGrader) -> list[Finding]:
    """Each prompt's answers were graded side by side; now one of each is graded without the other.

    A grader that asks a model may change its mind; so it must have given both answers of a prompt one reward, and half
    of them another one apart, to be told that it takes one for the other.
    """
    chosen = [graded[i] for i in range(len(graded)) if i % 4 in (0, 3)][::-1]  # the first of a prompt, then the second
    alone = calls.grade([probe for probe, _ in chosen], "one answer to each prompt", typical=False)
    pairs = [(probe, grade, apart) for (probe, grade), apart in zip(chosen, alone, strict=True) if grade and apart]
    changed = [probe.record for probe, grade, apart in pairs if _differ(grade, apart)]
    if not about.computes:
        merged = {record for record in changed if _one_reward(graded, record)}
        changed = changed if len(merged) >= max(2, len(pairs) // 2) else []
    if not changed:
        return []
    said = f"{len(changed)} of {counted(len(pairs), 'answer')} earned another reward without the prompt's other answer"
    return [Finding("depends-on-batch", f"{said} beside them.")]


def bad_among_good(graded: Graded, calls: Calls, about: AboutGrader) -> list[Finding]:
    """A bad sample must be answered like any other, and must not touch the good ones."""
    good = [(probe, grade) for probe, grade in graded[::2] if grade and not grade.error][:_GOOD_BESIDE]
    sunk: list[str] = []
    for what, bad in _bad_samples(good[0][0].sample).items() if good else ():
        fault = None if calls.stopped else _fault(what, bad, good, calls, about)
        if fault:
            sunk.append(f"{what} ({fault})")
    return [Finding("bad-sample-sinks-batch", f"Among good samples: {'; '.join(sunk)}.")] if sunk else []


def empty_batch(calls: Calls) -> list[Finding]:
    """Nothing in, nothing out."""
    if calls.stopped:
        return []
    try:
        answer = json.loads(calls.ask([]))
    except InvocationFailed as failure:
        return [Finding("empty-list-fails", f"An empty list of samples: the call failed ({failure.kind}).")]
    except (ValueError, RecursionError):
        answer = None
    if answer == []:
        return []
    return [Finding("empty-list-fails", "An empty list of samples was not answered with an empty list.")]


def _bad_samples(good: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each is bad in one way only."""
    unlike = {"reference_answer": [None]}
    return {
        "a sample without messages": {"id": _BAD_ID, "metadata": good["metadata"]},
        "metadata that is a number": {**good, "id": _BAD_ID, "metadata": 7},
        "a reference answer that is a list": {**good, "id": _BAD_ID, "metadata": {**good["metadata"], **unlike}},
    }


def _fault(what: str, bad: Mapping[str, Any], good: Graded, calls: Calls, about: AboutGrader) -> str | None:
    half = len(good) // 2
    samples = [probe.sample for probe, _ in good]
    ids = [probe.id for probe, _ in good]
    try:
        payload = calls.ask([*samples[:half], bad, *samples[half:]])
    except InvocationFailed as failure:
        if failure.kind != "raised":
            calls.failed(failure, f"good samples and {what}")
        return "the call failed"
    reading = read_answer(payload, [*ids[:half], _BAD_ID, *ids[half:]])
    broken = [breach.detail for breach in reading.breaches if CODES[breach.code].severity == "contract"]
    if broken:
        return broken[0]
    beside = [*reading.grades[:half], *reading.grades[half + 1 :]]
    pairs = [(before, now) for (_, before), now in zip(good, beside, strict=True) if before and now]
    if about.computes and any(_differ(before, now) for before, now in pairs):
        return "the rewards of the good ones changed"
    return None


def _differ(one: Grade, two: Grade) -> bool:
    return one.error != two.error or abs(one.reward - two.reward) > _SAME


def _one_reward(graded: Graded, record: int) -> bool:
    rewards = {grade.reward for probe, grade in graded if grade and probe.record == record}
    return len(rewards) == 1
