"""Graders that are bad in one way each: the gate tells it by name, in few calls, and never quotes the data."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from rft.gate import CODES, GateReport
from tests.unit.gate.bad_graders import CASES
from tests.unit.gate.bench import RECORDS, Samples, codes

pytestmark = pytest.mark.thorough


@cache
def report_of(name: str) -> GateReport:
    """One examination for all that is asked of it: it takes longer than the questions."""
    return CASES[name].report()


@pytest.mark.parametrize("name", CASES)
def test_each_has_its_finding(name: str) -> None:
    report = report_of(name)
    assert set(codes(report)) == CASES[name].finds, [f.message for f in report.findings]


def test_every_code_has_a_grader_that_earns_it() -> None:
    found = set().union(*(case.finds for case in CASES.values()))
    assert found == CODES.keys() - {"over-budget", "cost-unknown"}  # these are the budget's: test_report.py


@pytest.mark.parametrize("name", CASES)
def test_verdict_follows_from_the_heaviest_finding(name: str) -> None:
    report = report_of(name)
    weights = {CODES[code].severity for code in CASES[name].finds}
    assert report.broken_contract == ("contract" in weights)
    assert report.verdict == ("closed" if weights - {"warning"} else "warnings" if weights else "open")


@pytest.mark.parametrize("name", CASES)
def test_no_text_or_id_of_the_data_is_told(name: str) -> None:
    report = report_of(name)
    told = json.dumps(report.to_json()["findings"]) + report.sentence
    for record in RECORDS:
        assert record["id"] not in told
        assert record["messages"][-1]["content"][:12] not in told
    assert "I can't say" not in told


def test_messages_tell_what_happened() -> None:
    def first(name: str) -> str:
        return report_of(name).findings[0].message

    assert first("drops a row") == "It was given 32 samples and answered 31 results (right and empty answers)."
    assert first("crashing") == "It raised ZeroDivisionError, given 32 samples (right and empty answers)."
    assert (
        first("hanging on long answers") == "It ran to its time limit, given 16 samples (answers of 20,000 characters)."
    )
    assert first("constant") == "Each of 96 answers, good and bad, earns 0.5."
    assert first("NaN") == "14 of 96 results have NaN for a reward."


@pytest.mark.parametrize(
    "name", ["crashing", "hanging", "not there", "drops a row", "for the web", "no ids", "nothing"]
)
def test_nothing_more_is_asked_once_the_first_call_has_failed(name: str) -> None:
    calls, asked = 0, 0

    def counted(samples: Samples) -> Any:
        nonlocal calls
        calls += 1
        return CASES[name].handler(samples)

    def ask_base(messages: Any, count: int) -> list[str]:
        nonlocal asked
        asked += 1
        return []

    CASES[name]._replace(handler=counted, ask_base=ask_base).report()
    assert (calls, asked) == (1, 0)


def test_the_base_model_is_not_paid_for_a_grader_that_is_useless() -> None:
    for name in ("constant", "random", "sunk by a bad sample", "nothing but errors"):
        report = CASES[name]._replace(ask_base=refused).report()
        assert report.signal.unknown == "the grader has to be mended first"


def refused(messages: Any, count: int) -> list[str]:
    raise AssertionError("asked")
