"""Every kind of bad line, planted in a file of good ones: each is found at its place, and nothing else is."""

from __future__ import annotations

import itertools
import random

import pytest

from rft.dataset import Limits
from rft.dataset.whole_file import check_file, report_on
from rft.steps.dataset.dataset_limits import limits_for
from tests.unit.dataset.good_data import good_lines
from tests.unit.dataset.test_bad_lines import OTHER_FORMATS, RECORDS, TEXT, record

GOOD = 20_000
LONGEST = 300_000
PLANTED = [
    *((line, rule) for line, rule, _ in TEXT + RECORDS + OTHER_FORMATS if rule != "duplicate-id"),
    (record(id="record-1"), "duplicate-id"),
    (record(id="twice"), None),
    (record(id="twice", reference_answer="84"), "duplicate-id"),
    (record(note="x" * LONGEST), "line-too-long"),
]


def in_chunks(data: bytes) -> list[bytes]:
    """Of sizes that cut lines and characters anywhere."""
    sizes = itertools.cycle([1, 2, 3, 70_001, 13, 262_144])
    start, chunks = 0, []
    while start < len(data):
        size = next(sizes)
        chunks.append(data[start : start + size])
        start += size
    return chunks


@pytest.mark.thorough
def test_no_false_alarm_on_good_lines() -> None:
    data = b"\n".join(good_lines(GOOD)) + b"\n\n"
    report = report_on(in_chunks(data), Limits())
    assert report.errors == []
    assert (report.valid, report.records, report.stats["records"]) == (True, GOOD, GOOD)
    assert report.stats["duplicate_prompts"] == 0
    assert set(report.warning_counts) == {"reference-missing"}


def test_each_planted_line_is_found_and_no_other() -> None:
    assert len({rule for _, rule in PLANTED}) >= 40
    lines = [b'{"id": "record-1", "messages": [{"role": "user", "content": "Question"}]}']
    good = itertools.islice(good_lines(5 * len(PLANTED) + 10), 2, None)
    expected: dict[int, str] = {}
    random_ = random.Random(7)
    for line, rule in PLANTED:
        lines += itertools.islice(good, random_.randint(1, 4))
        lines.append(line)
        if rule is not None:
            expected[len(lines)] = rule
    lines += itertools.islice(good, 2)
    limits = Limits(min_records=1, max_line_bytes=LONGEST)
    for report in (
        check_file(in_chunks(b"\n".join(lines)), limits).report,
        report_on(in_chunks(b"\n".join(lines)), limits),
    ):
        found: dict[int, set[str]] = {}
        for problem in report.errors:
            assert problem.line is not None
            found.setdefault(problem.line, set()).add(problem.rule)
        assert found.keys() == expected.keys()
        assert [number for number, rule in expected.items() if rule not in found[number]] == []
        assert sum(report.error_counts.values()) == len(report.errors)


def test_each_planted_line_is_found_first_in_its_file_too() -> None:
    good = list(good_lines(3))
    for line, rule in PLANTED:
        if rule in (None, "duplicate-id", "line-too-long", "blank-line"):
            continue
        report = report_on([b"\n".join([line, *good])], Limits(min_records=1))
        assert not report.valid
        assert {problem.line for problem in report.errors} <= {1, None}
        assert rule in report.error_counts or all(problem.line is None for problem in report.errors)


def test_references_that_a_grader_can_not_use_are_found_among_good_ones() -> None:
    lines = [record(id=str(n), reference_answer=f"#### {n}") for n in range(1000)]
    for number in range(9, 1000, 100):
        lines[number] = record(id=str(number), reference_answer="many")
    report = report_on(in_chunks(b"\n".join(lines)), limits_for("math-reasoning"))
    assert [(p.line, p.rule) for p in report.errors] == [(n, "reference-unusable") for n in range(10, 1001, 100)]
