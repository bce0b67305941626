"""Every rule, with the line it is broken on: found, with its number, its path and a fix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.dataset import DatasetCheck, DatasetReport, Limits, split_lines
from rft.dataset.kinds import file_flaw
from rft.dataset.other_formats import PAIRS

USER = {"role": "user", "content": "What is 12 * 7?"}
ANY_SIZE = Limits(min_records=1)


def good_line(number: int = 0) -> bytes:
    return json.dumps(
        {"id": f"good-{number}", "messages": [{"role": "user", "content": f"Question {number}"}]}
    ).encode()


def report_on(*lines: bytes, limits: Limits = ANY_SIZE, **options: Any) -> DatasetReport:
    check = DatasetCheck(limits=limits, **options)
    for line in split_lines([b"\n".join(lines)], max_bytes=limits.max_line_bytes):
        check.add(line)
    return check.report()


def errors_of(line: bytes, **options: Any) -> list[tuple[str, str]]:
    """Rules and paths of the errors of a line that stands third among good ones."""
    report = report_on(good_line(1), good_line(2), line, good_line(3), **options)
    assert {problem.line for problem in report.errors} <= {3}
    assert all(problem.message and problem.fix for problem in report.errors)
    assert report.valid == (not report.errors)
    return [(problem.rule, problem.path) for problem in report.errors]


def record(**fields: Any) -> bytes:
    return json.dumps({"messages": [USER], **fields}).encode()


def message(**fields: Any) -> bytes:
    return record(messages=[USER, {"role": "user", "content": "And now?", **fields}])


def roles(*order: str) -> bytes:
    return record(messages=[{"role": role, "content": "text"} for role in order])


TEXT = [
    (b'{"messages": [}', "invalid-json", ""),
    (b'{"messages": []} {}', "invalid-json", ""),
    (record()[:-1] + b",}", "invalid-json", ""),
    (record().replace(b"12 *", b"12\t*"), "invalid-json", ""),
    (b"not json", "invalid-json", ""),
    (record(a=1, b={"c": [0]}).replace(b'"b": ', b'"a": 2, "b": '), "repeated-key", "a"),
    (record(b={"c": [{"d": "x"}]}).replace(b'"d"', b'"d": "y", "d"'), "repeated-key", "b.c[0].d"),
    (record().replace(b'"role"', b'"role" : "user", "role"'), "repeated-key", "messages[0].role"),
    (record(**{"we.ird": {}}).replace(b"{}", b'{"k": 1, "k": 2}'), "repeated-key", '["we.ird"].k'),
    (record(n=[0, float("nan")]), "not-finite-number", "n[1]"),
    (record(n=float("inf")), "not-finite-number", "n"),
    (record(n=float("-inf")), "not-finite-number", "n"),
    (record(n=0).replace(b"0", b"1e999"), "not-finite-number", "n"),
    (record(n=0).replace(b"0", b"9" * 5000), "not-finite-number", "n"),
    (record(n=0).replace(b": 0", b": " + b"[" * 1100 + b"]" * 1100), "too-deep", ""),
    (record(n=0).replace(b": 0", b": " + b"[" * 200_000), "too-deep", ""),
    (record(note="\ud83d"), "lone-surrogate", "note"),
    (record(note={"\udc00": 1}), "lone-surrogate", 'note["\\udc00"]'),
    (record().replace(b"12", b"\xff12"), "invalid-utf-8", ""),
    (record().replace(b"12", b"\xed\xa0\x80"), "invalid-utf-8", ""),
    (b"\xef\xbb\xbf" + record(), "byte-order-mark", ""),
    (record().replace(b"12", b"1\x002"), "nul-byte", ""),
    (record() + b"\r", "crlf", ""),
    (b"  \t", "blank-line", ""),
    (b"", "blank-line", ""),
]
RECORDS = [
    (b"[]", "not-an-object", ""),
    (b"null", "not-an-object", ""),
    (b'"text"', "not-an-object", ""),
    (record(rft={"run_id": "x"}), "reserved-field", "rft"),
    (record(id=""), "id-empty", "id"),
    (record(id=7), "id-type", "id"),
    (record(id=None), "id-type", "id"),
    (record(id="good-1"), "duplicate-id", "id"),
    (record(reference_answer=84), "reference-type", "reference_answer"),
    (record(reference_answer=["84"]), "reference-type", "reference_answer"),
    (record(reference_answer=None), "reference-type", "reference_answer"),
    (b"{}", "messages-missing", "messages"),
    (record(messages="Hi"), "messages-type", "messages"),
    (record(messages={"role": "user"}), "messages-type", "messages"),
    (record(messages=[]), "messages-empty", "messages"),
    (record(messages=[USER, "Hi"]), "message-type", "messages[1]"),
    (message(name="Ann"), "unknown-message-key", "messages[1]"),
    (record(messages=[USER, {"content": "Hi"}]), "role-missing", "messages[1].role"),
    (message(role="human"), "unknown-role", "messages[1].role"),
    (message(role=["user"]), "unknown-role", "messages[1].role"),
    (roles("user", "system", "user"), "system-not-first", "messages[1].role"),
    (roles("system", "developer", "user"), "system-not-first", "messages[1].role"),
    (roles("system"), "no-user-message", "messages"),
    (roles("user", "assistant"), "ends-with-answer", "messages[1]"),
    (roles("user", "bot"), "ends-with-answer", "messages[1]"),
    (record(messages=[USER, {"role": "user"}]), "content-missing", "messages[1].content"),
    (message(content=None), "content-missing", "messages[1].content"),
    (message(content=""), "content-empty", "messages[1].content"),
    (message(content=" \n\u3000"), "content-empty", "messages[1].content"),
    (message(content=[]), "content-empty", "messages[1].content"),
    (message(content=[{"type": "text", "text": " "}]), "content-empty", "messages[1].content"),
    (message(content={"text": "Hi"}), "content-type", "messages[1].content"),
    (message(content=5), "content-type", "messages[1].content"),
    (message(content=["Hi"]), "content-part", "messages[1].content[0]"),
    (message(content=[{"type": "text", "text": 5}]), "content-part", "messages[1].content[0].text"),
    (message(content=[{"type": "image_url", "image_url": {}}]), "not-text", "messages[1].content[0]"),
    (message(content=[{"video": {}}]), "not-text", "messages[1].content[0]"),
    (record(tools=[]), "tools-type", "tools"),
    (record(tools={}), "tools-type", "tools"),
    (record(tools=[{"name": "f"}]), "tool-form", "tools[0]"),
    (record(tools=[{"type": "function", "function": {}}]), "tool-form", "tools[0].function.name"),
    (
        record(tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]),
        "tool-form",
        "tools[0].function.parameters",
    ),
    (record(tools=[{"type": "function", "function": {"name": "f"}}] * 2), "tool-repeated", "tools[1].function.name"),
    (message(tool_calls=[]), "tool-calls", "messages[1].tool_calls"),
    (message(tool_call_id="c1"), "tool-call-id", "messages[1].tool_call_id"),
    (message(role="tool", tool_call_id=1), "tool-call-id", "messages[1].tool_call_id"),
]
OTHER_FORMATS = [
    (
        record(schemaVersion="bedrock-conversation-2024", messages=[{"role": "user", "content": [{"text": "Hi"}]}]),
        "converse-schema",
        "messages",
    ),
    (record(messages=[{"role": "user", "content": [{"text": "Hi"}]}]), "converse-schema", "messages"),
    (b'{"prompt": "Hi", "completion": "Hello"}', "prompt-completion", ""),
    (b'{"instruction": "Greet", "input": "", "output": "Hello"}', "prompt-completion", ""),
    (b'{"prompt": "Hi", "chosen": "Hello", "rejected": "Go"}', "preference-pairs", ""),
    (b'{"conversations": [{"from": "human", "value": "Hi"}]}', "sharegpt", ""),
    (b'{"schemaType": "ModelInvocationLog", "input": {}}', "invocation-log", "schemaType"),
    (b'{"schemaVersion": "bedrock-conversation-2024", "system": []}', "converse-schema", "schemaVersion"),
    *((json.dumps(dict.fromkeys(pair, "text")).encode(), "prompt-completion", "") for pair in PAIRS),
    (b'{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}', "preference-pairs", ""),
    (b'{"conversation": [{"speaker": "human", "text": "Hi"}]}', "sharegpt", ""),
    (b'{"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}', "gemini", ""),
    (b'{"recordId": "r1", "modelInput": {"messages": []}}', "bedrock-batch", ""),
    (b'{"custom_id": "c1", "method": "POST", "body": {"messages": []}}', "batch-request", ""),
    (b'{"custom_id": "c1", "params": {"messages": []}}', "batch-request", ""),
    (b'{"role": "user", "content": "Hi"}', "message-per-line", ""),
    (b'{"prompt": [{"role": "user", "content": "Hi"}], "reward_model": {}}', "prompt-messages", "prompt"),
    (b'{"text": "Hi"}', "text-only", ""),
    (b'{"id": "a", "prompt": "Hi"}', "text-only", ""),
    (b'{"train": [{"messages": []}, {"messages": []}]}', "nested-records", ""),
]


@pytest.mark.parametrize(("line", "rule", "path"), TEXT + RECORDS + OTHER_FORMATS)
def test_a_bad_line_is_found_with_its_number_rule_and_path(line: bytes, rule: str, path: str) -> None:
    assert (rule, path) in errors_of(line)


@pytest.mark.parametrize(("line", "rule", "path"), OTHER_FORMATS)
def test_another_format_is_named_once_not_as_a_heap_of_flaws(line: bytes, rule: str, path: str) -> None:
    assert errors_of(line) == [(rule, path)]


def test_all_errors_of_a_line_are_reported() -> None:
    line = record(id=7, rft={}, messages=[{"role": "human", "content": ""}], n=float("nan")) + b"\r"
    assert [rule for rule, _ in errors_of(line)] == [
        "crlf",
        "not-finite-number",
        "reserved-field",
        "id-type",
        "unknown-role",
        "content-empty",
    ]


def test_a_bad_byte_is_reported_with_its_offset() -> None:
    (problem,) = report_on(record(note="café").decode("unicode_escape").encode("latin-1")).errors
    assert "0xe9 at offset" in problem.message


def test_a_missing_reference_is_an_error_only_where_the_grader_needs_one() -> None:
    lines = (record(id="a"), record(id="b", reference_answer=" "), record(id="c", reference_answer="84"))
    lenient = report_on(*lines)
    assert lenient.valid
    assert ("reference-missing", "2 records") in [(w.rule, w.message[:9]) for w in lenient.warnings]
    strict = report_on(*lines, limits=Limits(min_records=1, require_reference=True))
    assert [(p.rule, p.line) for p in strict.errors] == [("reference-missing", 1), ("reference-missing", 2)]


def test_a_line_over_the_limit_is_reported_by_its_length() -> None:
    limits = Limits(min_records=1, max_line_bytes=200)
    (problem,) = report_on(good_line(1), record(note="x" * 300), limits=limits).errors
    assert (problem.rule, problem.line) == ("line-too-long", 2)


def test_only_blank_lines_before_a_record_are_errors() -> None:
    assert report_on(good_line(1), b"", b"", b"").valid
    report = report_on(good_line(1), b"", b" ", good_line(2), b"")
    assert [(p.rule, p.line) for p in report.errors] == [("blank-line", 2), ("blank-line", 3)]


def test_a_duplicate_id_names_the_line_that_had_it_first_even_if_that_one_is_bad() -> None:
    report = report_on(record(id="a", rft={}), good_line(1), record(id="a"))
    assert [(p.rule, p.line) for p in report.errors] == [("reserved-field", 1), ("duplicate-id", 3)]
    assert "line 1" in report.errors[1].message


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\x1f\x8b\x08\x00" + bytes(range(256)), "compressed-file"),
        (b"PK\x03\x04zip", "compressed-file"),
        (b"PK\x03\x04\x14\x00[Content_Types].xml", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1xls", "spreadsheet"),
        (b"\x28\xb5\x2f\xfdzstd", "compressed-file"),
        (b"BZh91AY", "compressed-file"),
        (b"\xfd7zXZ\x00", "compressed-file"),
        (b"train.jsonl".ljust(257, b"\0") + b"ustar", "compressed-file"),
        (b"PAR1\x15\x04", "columnar-file"),
        (b"ARROW1\x00\x00", "columnar-file"),
        (b"ORC\x08", "columnar-file"),
        (b"Obj\x01\x04", "columnar-file"),
        (b"SQLite format 3\x00", "database-file"),
        (b"\x80\x04\x95\x00", "other-file"),
        (b"%PDF-1.7", "other-file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs-pointer"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "markup"),
        (b"  <!DOCTYPE html>\n<html>", "markup"),
        (b"---\nmessages:\n", "yaml"),
        (b"- messages:\n    - role: user\n", "yaml"),
        (good_line().decode().encode("utf-16"), "utf-16"),
        (good_line().decode().encode("utf-16-le"), "utf-16"),
        (good_line().decode().encode("utf-32"), "utf-16"),
        (b"[" + good_line(1) + b",\n" + good_line(2) + b"]", "json-array"),
        (b"[" + good_line(1) + b"]", "json-array"),
        (json.dumps({"messages": [USER]}, indent=1).encode(), "pretty-printed"),
        (b'{"messages": [\n{"role": "user",\n"content": "Hi"}\n]}', "pretty-printed"),
        (b'{"id": "a",\n"messages": []}', "pretty-printed"),
        (b"prompt\tcompletion\nHi\tHello\n", "csv"),
        (b"prompt,completion\nHi,Hello\n", "csv"),
        (b'\xef\xbb\xbf"prompt";"completion"\r\n"Hi";"Hello"\r\n', "csv"),
        (b"", "empty-file"),
        (b"\n\n", "empty-file"),
    ],
)
def test_a_file_of_another_kind_is_named_once(content: bytes, rule: str) -> None:
    report = report_on(content)
    assert [(p.rule, p.line) for p in report.errors] == [(rule, None)]
    assert not report.valid


@pytest.mark.parametrize(
    ("records", "rule"), [(99, "too-few-records"), (100, None), (150, None), (151, "too-many-records")]
)
def test_the_number_of_records_has_limits(records: int, rule: str | None) -> None:
    report = report_on(*map(good_line, range(records)), limits=Limits(max_records=150))
    assert [p.rule for p in report.errors] == ([rule] if rule else [])
    assert report.records == records


def test_the_list_is_capped_the_counts_are_not_and_a_rare_rule_stays_in_sight() -> None:
    lines = [roles("user", "bot")] * 300 + [record(rft={})] * 2
    report = report_on(*lines, max_listed=50)
    assert len(report.errors) <= 50
    assert report.error_counts == {"ends-with-answer": 300, "reserved-field": 2}
    assert [p.line for p in report.errors if p.rule == "reserved-field"] == [301, 302]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{'messages': [{'role': 'user', 'content': 'Hi'}]}", "json.dumps"),
        (record() + b",", "remove the comma"),
        (b"```json", "Markdown"),
        (record() + b" " + record(), "a line of its own"),
        (record()[:-1], "JSON library"),
    ],
)
def test_the_fix_of_bad_json_names_the_mistake(line: bytes, words: str) -> None:
    (problem,) = report_on(good_line(1), line).errors
    assert (problem.rule, words in problem.fix) == ("invalid-json", True)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("train.jsonl.gz", "compressed-file"),
        ("train.tar", "compressed-file"),
        ("train.CSV", "csv"),
        ("train.parquet", "columnar-file"),
        ("train.xlsx", "spreadsheet"),
        ("train.yml", "yaml"),
        ("train.html", "markup"),
        ("train.txt", "plain-text"),
        ("train.jsonl", None),
        ("train", None),
        (None, None),
    ],
)
def test_the_name_decides_where_the_content_does_not(name: str | None, rule: str | None) -> None:
    flaw = file_flaw(b"A question, and what follows?", name)
    assert (flaw.rule if flaw else None) == rule
    assert file_flaw(b"PAR1", name) == file_flaw(b"PAR1")
    assert file_flaw(b'{"messages": [', name) == file_flaw(b'{"messages": [')
    assert file_flaw(b'{"a broken": record', name) is None


@pytest.mark.parametrize(
    "line",
    [
        record() + b",",
        b'{"messages": [{"role": "user"}',
        b'"a string"',
        b"42",
        b"Hello, world",
        b"Note: this is prose, not YAML",
    ],
)
def test_a_damaged_first_line_does_not_make_the_file_another_kind(line: bytes) -> None:
    report = report_on(line, good_line(1), good_line(2))
    assert [problem.line for problem in report.errors] == [1]
    assert report.records == 3


def test_what_stands_beside_messages_is_the_users_own() -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    foreign = dict.fromkeys(["prompt", "completion", "chosen", "rejected", "conversations", "text", "recordId"], "x")
    report = report_on(good_line(1), record(**{**foreign, "messages": parts, "modelInput": {}}))
    assert report.valid


def test_what_was_found_is_shortened_and_escaped() -> None:
    (problem,) = report_on(message(role="\x1b[31mrole\n" * 50)).errors
    assert len(problem.message) < 120
    assert problem.message.isprintable()


def test_the_report_as_json() -> None:
    report = report_on(good_line(1), record(rft={})).to_json()
    assert set(report) == {"valid", "records", "errors", "error_counts", "warnings", "warning_counts", "stats"}
    assert report["errors"] == [
        {
            "line": 2,
            "path": "rft",
            "rule": "reserved-field",
            "message": 'the field "rft" is the pipeline\'s own',
            "fix": "give yours another name",
        }
    ]
    assert json.loads(json.dumps(report)) == report
