from __future__ import annotations

from typing import Any

import pytest

from rft.gate.probes import Kind, Probe
from rft.gate.reading import Grade
from rft.gate.signal import Signal, signal_findings, signal_of


def results(*groups: list[float | None], kind: Kind = "base") -> list[tuple[Probe, Grade | None]]:
    """A list of rewards for each prompt; None is an error."""
    return [
        (Probe(kind, place, {"id": "x"}), Grade(0.0, error=True) if reward is None else Grade(reward))
        for place, group in enumerate(groups)
        for reward in group
    ]


def told(signal: Signal) -> list[str]:
    return [finding.code for finding in signal_findings(signal)]


def test_what_is_counted() -> None:
    signal = signal_of([*results([0, 1], [0.5, 0.5], [0, None], [None, None]), *results([1, 0], kind="gold")])
    assert signal == Signal(prompts=2, differing=1, answers=5, positive=3, mean=0.4)


@pytest.mark.parametrize("groups", [[], [[]], [[1.0], [0.0]], [[None, 1.0]]])
def test_without_two_answers_to_a_prompt_nothing_is_known(groups: list[list[float | None]]) -> None:
    signal = signal_of(results(*groups))
    assert signal.unknown
    assert told(signal) == ["signal-unknown"]
    assert signal.to_json()["known"] is False


@pytest.mark.parametrize(
    ("groups", "codes"),
    [
        ([[0.5, 0.6]] * 16, []),
        ([[0.5, 0.5]] * 16, ["no-signal"]),
        ([[0.0, 0.0]] * 16, ["no-signal", "too-hard"]),
        ([[1.0, 1.0]] * 16, ["no-signal", "nothing-to-gain"]),
        ([[0.5, 0.5]] * 7, ["weak-signal"]),
        ([[0.5, 0.5]] * 8, ["no-signal"]),
        ([[0.5, 0.6], *[[0.5, 0.5]] * 15], ["weak-signal"]),
        ([*[[0.5, 0.6]] * 2, *[[0.5, 0.5]] * 14], []),
        ([[0.0, 1.0], *[[0.0, 0.0]] * 9], []),  # 1 of 20 is 5 %
        ([[0.0, 1.0], *[[0.0, 0.0]] * 10], ["weak-signal", "too-hard"]),
        ([[0.9, 1.0]] * 4, []),
        ([[0.92, 1.0]] * 4, ["nothing-to-gain"]),
        ([[-1.0, -0.5]] * 4, ["too-hard"]),
    ],
)
def test_bounds(groups: list[list[float | None]], codes: list[str]) -> None:
    assert told(signal_of(results(*groups))) == codes


@pytest.mark.parametrize(("hits", "tries", "most"), [(0, 16, 0.194), (16, 16, 1.0), (1, 16, 0.283), (8, 16, 0.72)])
def test_a_few_prompts_say_little(hits: int, tries: int, most: float) -> None:
    """Wilson's interval, values from a table."""
    assert Signal(prompts=tries, differing=hits).differing_up_to == pytest.approx(most, abs=0.001)


def test_words() -> None:
    messages: list[Any] = [finding.message for finding in signal_findings(signal_of(results(*[[0.0, 0.0]] * 16)))]
    assert messages == [
        "The base model's answers differ in reward for 0 of 16 prompts (of all prompts, for up to 19%).",
        "0 of 32 answers of the base model earn more than 0.",
    ]
