from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest

from rft.gate import CODES, Finding, GateReport, may_go_on, with_cost
from rft.gate.codes import SEVERITIES
from rft.gate.findings import by_weight
from tests.unit.gate.bench import by, codes, exact, gate

OPEN = gate(by(exact))


def reporting(*found: str) -> GateReport:
    return dataclasses.replace(OPEN, findings=by_weight(Finding(code, f"About {code}.") for code in found))


@pytest.mark.parametrize(
    ("found", "verdict", "broken", "close", "warn"),
    [
        ((), "open", False, True, True),
        (("gold-low",), "warnings", False, True, True),
        (("gold-low", "too-slow"), "closed", False, False, True),
        (("constant-reward",), "closed", False, False, True),
        (("over-budget",), "closed", False, False, False),
        (("over-budget", "too-slow"), "closed", False, False, False),
        (("nan-reward",), "closed", True, False, False),
        (("gold-low", "nan-reward", "too-slow"), "closed", True, False, False),
    ],
)
def test_who_may_go_on(found: tuple[str, ...], verdict: str, broken: bool, close: bool, warn: bool) -> None:
    report = reporting(*found)
    assert (report.verdict, report.broken_contract) == (verdict, broken)
    assert (may_go_on(report, "close"), may_go_on(report, "warn")) == (close, warn)


def test_the_heaviest_first() -> None:
    assert codes(reporting("gold-low", "too-slow", "nan-reward", "rewards-vary", "grader-raised")) == [
        "grader-raised",
        "nan-reward",
        "too-slow",
        "rewards-vary",
        "gold-low",
    ]


def test_sentences() -> None:
    assert OPEN.sentence == "The gate is open: the grader exact holds."
    warned = reporting("gold-low", "too-hard")
    begin = "The gate is open with warnings for the grader exact: About gold-low. About too-hard. "
    assert warned.sentence == begin + CODES["gold-low"].advice
    closed = reporting("gold-low", "too-slow", "nan-reward", "no-signal", "gold-errors")
    begin = "The gate is closed for the grader exact: About nan-reward. About gold-errors. About no-signal. "
    assert closed.sentence == f"{begin}And 1 more. {CODES['nan-reward'].advice}"
    assert "\n" not in closed.sentence


def test_a_budget_is_not_the_graders_fault() -> None:
    assert reporting("over-budget").sentence == f"The gate is closed: About over-budget. {CODES['over-budget'].advice}"


def test_gate_json() -> None:
    report = reporting("gold-low").to_json()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert list(report) == [
        "verdict", "grader", "findings", "ladder", "signal", "time", "judge", "cost", "sample",
    ]  # fmt: skip
    assert report["findings"] == [
        {"code": "gold-low", "severity": "warning", "message": "About gold-low.", "advice": CODES["gold-low"].advice}
    ]
    assert list(report["ladder"]) == ["gold", "empty", "other", "truncated", "echo", "flood", "base"]
    assert report["ladder"]["gold"] == {"n": 16, "mean": 1.0, "min": 1.0, "max": 1.0, "errors": 0}
    assert report["signal"]["known"] is True
    assert report["judge"] is report["cost"] is None


def test_cost_is_joined() -> None:
    estimate = {"usd": {"low": 80, "high": 240}}
    within = with_cost(OPEN, estimate)
    assert (within.verdict, within.cost) == ("open", estimate)
    over = with_cost(reporting("gold-low"), estimate, over=["It may cost 240 USD.", "The budget is 100 USD."])
    assert codes(over) == ["over-budget", "gold-low"]
    assert over.findings[0].message == "It may cost 240 USD. The budget is 100 USD."
    assert over.to_json()["cost"] == estimate
    assert not may_go_on(over, "warn")
    unknown = with_cost(OPEN, estimate, unknown=["The price of training isn't published."])
    assert (codes(unknown), unknown.verdict) == (["cost-unknown"], "warnings")


def test_codes_are_told_in_whole_sentences_and_in_order() -> None:
    for code in CODES.values():
        assert code.title.endswith(".")
        assert code.advice.endswith((".", ")."))
    places = [SEVERITIES.index(code.severity) for code in CODES.values()]
    assert all(one <= two for one, two in pairwise(places))
