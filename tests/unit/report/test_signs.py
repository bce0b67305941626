"""Signs of a number that is not what it seems: each is seen where it is, and none in a sound run."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rft.report.curves import Training, training_of
from rft.report.material import Material
from rft.report.samples import Samples, Side
from rft.report.signs import CODES, signs_of
from tests.unit.report import materials

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reading-a-report.md"
SOUND = [(float(step), step / 20) for step in range(1, 21)]


def codes(material: Material, training: Training | None = None) -> list[str]:
    return [sign.code for sign in signs_of(material, training or Training())]


def changed(change: Callable[[dict[str, Any]], None]) -> Material:
    material = materials.promoted()
    document = copy.deepcopy(material.comparison)
    assert document is not None
    change(document)
    return replace(material, comparison=document)


def _role(name: str, *path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document["roles"][name]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def test_a_sound_run_shows_none() -> None:
    material = materials.promoted()
    assert codes(material, training_of(material.curves)) == []


def _held_out(document: dict[str, Any]) -> None:
    document["held_out"]["gain"] = {"mean": -0.1, "low": -0.2, "high": -0.02, "confidence": 0.95}


def _one_component(document: dict[str, Any]) -> None:
    document["components"]["form"] |= {"after": 0.99, "gain": {"mean": 0.3, "low": 0.2, "high": 0.4}}
    document["components"]["category"]["gain"] = {"mean": -0.2, "low": -0.3, "high": -0.1}


def _grader_errors(document: dict[str, Any]) -> None:
    document["roles"]["candidate"]["grader_errors"] = 2


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (_held_out, "held-out-falls", "The whole interval is below zero."),
        (_role("candidate", "length", "mean", value=300), "longer-answers", "times as long"),
        (_one_component, "one-component", "form reached 0.99; category fell by 0.20."),
        (_role("candidate", "missing", value=9), "missing-answers", "9 of the candidate (8\u00a0%)"),
        (_grader_errors, "grader-errors", "2 answers"),
        (lambda d: d.update(pairs=12, loss=1), "few-prompts", "12 prompts"),
        (lambda d: d.update(loss=30), "many-worse", "30 of 100 prompts"),
        (_role("live", "reward", "mean", value=0.97), "nothing-to-gain", "0.97"),
        (_role("candidate", "milliseconds", "median", value=2_000), "slower", "2.0 s"),
    ],
)
def test_a_sign_of_the_comparison(change: Callable[[dict[str, Any]], None], code: str, words: str) -> None:
    material = changed(change)
    assert codes(material) == [code]
    (sign,) = signs_of(material, Training())
    assert words in sign.text
    assert sign.advice


def test_a_live_model_is_what_counts_where_there_is_one() -> None:
    assert codes(changed(_role("base", "reward", "mean", value=0.97))) == []


@pytest.mark.parametrize(
    ("side", "code"),
    [(Side(100, cut_off=10), "cut-off-answers"), (Side(100, most_alike=60), "same-answer")],
)
def test_a_sign_of_the_answers(side: Side, code: str) -> None:
    before = Side(100, cut_off=0, most_alike=20)
    assert codes(replace(materials.promoted(), samples=Samples(before=before, after=side))) == [code]
    as_before = Samples(before=Side(100, 0, 40), after=Side(100, 9, 60))
    assert codes(replace(materials.promoted(), samples=as_before)) == []


@pytest.mark.parametrize(
    ("training", "code"),
    [
        (Training(reward=[(float(n), 0.1) for n in range(20)]), "flat-reward"),
        (Training(reward=SOUND, validation=[(0.0, 0.1), (8.0, 0.5), (20.0, 0.3)]), "validation-falls"),
        (Training(reward=SOUND[:12], entropy=[(float(n), 1 / 2**n) for n in range(10)]), "entropy-collapse"),
        (Training(reward=SOUND, entropy=[(float(n), 1 / 2**n) for n in range(10)]), None),
        (Training(reward=SOUND, validation=[(0.0, 0.1), (8.0, 0.5), (20.0, 0.49)]), None),
        (Training(reward=[(float(n), 0.99) for n in range(20)]), None),
        (Training(reward=SOUND[:3]), None),
        (Training(), None),
    ],
)
def test_a_sign_of_the_training(training: Training, code: str | None) -> None:
    assert codes(materials.promoted(), training) == ([code] if code else [])


def test_the_document_explains_every_sign() -> None:
    explained = re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert explained == list(CODES)
