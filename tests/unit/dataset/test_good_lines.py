"""No false alarms, and what the check says about a good file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.dataset import DatasetCheck, DatasetReport, Limits, Line, split_lines

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
DEEP: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "string"}}}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"down": DEEP}}


def user(content: Any, /, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **fields}


def check_all(lines: list[bytes], limits: Limits | None = None) -> DatasetReport:
    check = DatasetCheck(limits=limits or Limits(min_records=1))
    for line in split_lines([b"\n".join(lines)]):
        assert check.add(line) is not None
    return check.report()


RECORDS = [
    user("Привет, 世界 🎉 \u2028 é"),
    user('say "content": "x", {"a": 1, "a": 2} : and \\": or \\\\": then \\'),
    user(": starts with a colon", **{"a:b": ":", 'k"': ':"', "k\\": {"k\\": "\\"}}),
    user("\u0000 escaped control"),
    user("x", content="content at the top", note={"content": ["content", {"content": ":"}]}),
    user([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]),
    user("x", reference_answer={"answer": {"deep": [1, {"a": None}]}}, tags=[], nested=[[[]]]),
    user("x", reference_answer="A: 1"),
    user("x", tools=[{"type": "function", "function": {"name": "f", "parameters": DEEP}}]),
    user("x", tools=[{"type": "function", "function": {"name": "f", "description": "no parameters"}}]),
    user("x", schemaVersion="v1", prompt="p", completion="c"),
    user("x", **{f"field_{n}": n for n in range(500)}),
    {"messages": [{"content": "keys the other way round", "role": "user"}]},
    {"messages": [{"role": role, "content": "x"} for role in ("system", "user", "assistant", "user")]},
    {"messages": [{"role": role, "content": "x"} for role in ("developer", "user", "bot", "user")]},
    {
        "messages": [
            {"role": "user", "content": "1 + 1?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "2", "tool_call_id": "c1"},
        ]
    },
]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : "), ("\t,", "\t:")])
def test_a_good_record_passes_however_it_is_written(
    record: dict[str, Any], ascii_only: bool, separators: tuple[str, str]
) -> None:
    line = json.dumps(record, ensure_ascii=ascii_only, separators=separators).encode()
    assert check_all([line, line, line]).valid  # the second is cleared by the quick look if it can


@pytest.mark.parametrize(
    "line",
    [
        b'{"messages":[{"role":"user","content":"x"}],"n":12345678901234567890123456789}',
        b'{"messages":[{"role":"user","content":"x"}],"n":-0.0,"m":1e-999,"k":1E5}',
        b' \t{"messages":[{"role":"user","content":"x"}]} \t',
        b'{"messages":[{"role":"\\u0075ser","content":"\\u003a\\u0022\\u005c\\/ \\ud83c\\udf89"}]}',
        b'{"":{"":{"":0}},"messages":[{"role":"user","content":"x"}]}',
    ],
)
def test_unusual_but_legal_text_passes(line: bytes) -> None:
    assert check_all([line, line]).valid


def test_the_statistics_of_a_file() -> None:
    lines = [
        json.dumps(user("x" * size, reference_answer=answer)).encode()
        for size, answer in ((4, "a"), (5, {"a": 1}), (400, ""), (4, "b"))
    ]
    report = check_all(lines)
    assert report.stats == {
        "records": 4,
        "prompt_tokens": {"estimate": "characters / 4, rounded up", "min": 1, "median": 1, "p95": 100, "max": 100},
        "turns": {"min": 1, "median": 1, "p95": 1, "max": 1},
        "references": {"string": 2, "object": 1, "missing": 1},
        "duplicate_prompts": 1,
    }
    assert {warning.rule for warning in report.warnings} == {"duplicate-prompt", "reference-missing"}


def test_an_empty_check_has_statistics_too() -> None:
    assert DatasetCheck().report().stats["prompt_tokens"]["max"] is None


def test_equal_prompts_have_equal_split_hashes_however_they_are_written() -> None:
    check = DatasetCheck()

    def split_hash(record: dict[str, Any], ascii_only: bool = True) -> int:
        facts = check.add(Line(1, json.dumps(record, ensure_ascii=ascii_only).encode(), 0))
        assert facts is not None
        return facts.split_hash

    plain = split_hash(user("größer als"))
    assert plain == split_hash(user("größer als", reference_answer="other"), ascii_only=False)
    assert plain == split_hash(user([{"type": "text", "text": "größer "}, {"type": "text", "text": "als"}]))
    assert plain != split_hash(user("größer  als"))
    assert plain != split_hash(user("größer als", tools=[{"type": "function", "function": {"name": "f"}}]))
    assert plain == 0x37DF2ED857CD277B  # the same in every release: a new one would reshuffle everybody's split


def test_past_the_record_limit_lines_are_still_counted_and_checked() -> None:
    check = DatasetCheck(limits=Limits(min_records=1, max_records=2))
    line = json.dumps(user("x", id="same")).encode()
    for number in range(1, 6):
        check.add(Line(number, line if number != 5 else b"{", len(line)))
    report = check.report()
    assert report.records == 5
    assert report.error_counts == {"duplicate-id": 1, "invalid-json": 1, "too-many-records": 1}
