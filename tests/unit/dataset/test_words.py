"""What a report says of a flaw: once, in the order of the line, with a fix that helps there, and plainly seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.dataset import Limits
from rft.dataset.problems import shown
from tests.unit.dataset.test_bad_lines import OTHER_FORMATS, errors_of, good_line, record, report_on, roles


@pytest.mark.parametrize(
    ("line", "rule", "path"), [*OTHER_FORMATS, (roles("user", "assistant"), "ends-with-answer", "messages[1]")]
)
def test_an_answer_that_stands_elsewhere_is_not_missing_besides(line: bytes, rule: str, path: str) -> None:
    report = report_on(record(reference_answer="84"), line, limits=Limits(min_records=1, require_reference=True))
    assert [(problem.rule, problem.path) for problem in report.errors] == [(rule, path)]


def test_a_mark_comes_before_the_end_of_its_line() -> None:
    assert [rule for rule, _ in errors_of(b"\xef\xbb\xbf" + record(id=7) + b"\r")] == [
        "byte-order-mark",
        "crlf",
        "id-type",
    ]
    assert [rule for rule, _ in errors_of(b"\xef\xbb\xbf{\r")] == ["byte-order-mark", "crlf", "invalid-json"]


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        (record(reference_answer=float("nan")), "reference_answer", "give a string or an object"),
        (record(reference_answer={"x": float("nan")}), "reference_answer.x", "give a finite number, null or a string"),
        (record(id=float("nan")), "id", "give a string"),
    ],
)
def test_the_fix_of_a_number_is_one_that_the_field_takes(line: bytes, path: str, words: str) -> None:
    problems = report_on(good_line(1), line).errors
    assert [(p.path, p.fix) for p in problems if p.rule == "not-finite-number"] == [(path, words)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reference_answer": None}, "reference_answer is null"),
        ({"reference_answer": 7}, "reference_answer is a number: 7"),
        ({"reference_answer": [7]}, "reference_answer is a list"),
        ({"id": None}, "id is null"),
        ({"id": {}}, "id is an object"),
        ({"messages": [{"role": "user", "content": {}}]}, "the content is an object"),
    ],
)
def test_a_value_is_not_named_twice(fields: dict[str, Any], words: str) -> None:
    (problem,) = report_on(good_line(1), record(**fields)).errors
    assert problem.message == words


@pytest.mark.parametrize(
    ("character", "name", "escape"),
    [
        ("\t", "a raw tab (0x09) in a string at column", "write \\t, or leave it out"),
        ("\x1b", "a raw control character (0x1b) in a string at column", "write \\u001b, or leave it out"),
    ],
)
def test_a_raw_control_character_is_named(character: str, name: str, escape: str) -> None:
    (problem,) = report_on(good_line(1), record().replace(b"12 *", f"größer{character}*".encode())).errors
    assert (problem.rule, problem.message.startswith(name), problem.fix) == ("invalid-json", True, escape)
    assert "größer" in problem.message


def test_what_was_found_is_shown_as_it_is_written_but_for_what_is_not_seen() -> None:
    assert shown("größer 请 שלום 🎉") == '"größer 请 שלום 🎉"'
    hidden = "\x1b\x7f\x9b\t\u00a0\u00ad\u034f\u200b\u200d\u200f\u202e\u2066\u2028\u3164\ufe0f\ufeff\U000e0001\ud83d"
    for character in hidden:
        text = shown(f"ü{character}ü")
        assert text[2:-2].isascii()
        assert text[2:-2].isprintable()
        assert json.loads(text) == f"ü{character}ü"
