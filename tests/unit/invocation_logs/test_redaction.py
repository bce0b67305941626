"""Personal data and secrets are taken out, and what only looks like them is left alone."""

from __future__ import annotations

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.invocation_logs import LogConversion, LogOptions, Redactor
from tests.unit.invocation_logs.records import Bodies, converse, log_object, log_record, only_line

FOUND = {
    "email": [
        "a@b.com",
        "john.doe+x@mail.example.co.uk",
        "<a_b@ex-ample.org>",
        "mailto:x@y.io.",
        "jürgen@example.de",
        "A@B.COM",
    ],
    "phone": [
        "+1 415 555 2671",
        "+14155552671",
        "(415) 555-2671",
        "415-555-2671",
        "415.555.2671",
        "1-800-555-1234",
        "+49 (0)30 1234567",
        "+49 30/1234567",
        "0049 30 1234567",
        "020 7946 0958",
        "(030) 123456",
        "0171-1234567",
        "01 23 45 67 89",
        "tel:+442079460958",
        "call 415-555-2671.",
        "on 2026-01-02 call (415) 555-2671, please",
    ],
    "card": [
        "4111 1111 1111 1111",
        "4111111111111111",
        "5500-0000-0000-0004",
        "3782 822463 10005",
        "378282246310005",
        "6011111111111117",
        "4222222222222",
        "paid 12 times with 4242424242424242, thanks",
    ],
    "key": [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "Authorization: Bearer abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def",
        "sk-proj-abcdEFGH1234567890abcdEFGH",
        "sk-ant-api03-abcdEFGH1234567890abcdEFGH-x",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        'api_key = "a1b2c3d4e5f6g7"',
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        '{"client_secret": "abc123abc123abc123"}',
        "password: hunter2hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nab-cd\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
        "xoxb-123456789012-abcdef",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    ],
}
LEFT_ALONE = {
    "email": ["a@b", "@handle", "x @ y.com", "user@localhost", "5 items @price", "a@b..com"],
    "phone": [
        "2026-01-31",
        "31.01.2026",
        "01.02.2026",
        "2026-01-31T12:00:00Z",
        "order 20260131-0001",
        "192.168.100.200",
        "10.0.0.1",
        "5551234567",
        "123-45-6789",
        "978-3-16-148410-0",
        "v1.22.333",
        "4111 1111 1111 1111",
        "3.14159265358979",
        "1,234,567,890",
        "12345678901234",
        "550e8400-e29b-41d4-a716-446655440000",
        "09:30:00",
        "#415-555-2671",
        "ORD-415-555-2671",
        "0001-2345-6789",
        "between 200 and 300 1000",
        "2024/12/31 23:59",
        "007-1234",
        "12/24/2025 10:00",
        "1.000.000.000",
        "1-2-3-4-5-6-7-8-9-10",
    ],
    "card": [
        "4111 1111 1111 1112",
        "1234567890123456",
        "0.4111111111111111",
        "41111111111111111111",
        "ORDER4111111111111111",
        "4111111111111111x",
        "20260131120000",
        "9111111111111119",
        "2026-01-31 2026-01-31",
    ],
    "key": [
        "sk-learn-is-a-nice-library-for-python",
        "sk-learn-1-is-a-nice-library-for-python-3",
        "Bearer responsibilities of",
        "the token: responsibilities of the team",
        "key: value",
        "AKIA is a prefix",
        "the BEGIN PRIVATE KEY line",
        "password: swordfishes are nice",
        "task-1234567890123456789012345",
        "primary key: customer_identifier",
        "x = 123456789012345",
        "monkey-puzzle-tree-1234567890123456",
    ],
}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in FOUND.items() for text in texts])
def test_what_is_found(rule: str, text: str) -> None:
    redactor = Redactor.parse([rule])
    clean = redactor.redact(f"So: {text}")
    assert f"[{rule.upper()}]" in clean
    assert redactor.counts == {rule: 1}
    assert redactor.redact(clean) == clean
    assert redactor.redact(text) == clean.removeprefix("So: ")


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in LEFT_ALONE.items() for text in texts])
def test_what_is_left_alone(rule: str, text: str) -> None:
    redactor = Redactor.parse([rule])
    assert redactor.redact(text) == text
    assert redactor.redact(f"So: {text}, yes.") == f"So: {text}, yes."
    assert not redactor.counts


def test_exactly_the_secret_goes() -> None:
    redactor = Redactor.parse(Redactor.READY)
    text = "Write to a@b.com or +1 415 555 2671; card 4111 1111 1111 1111 (order 4711), api_key=a1b2c3d4e5f6g7."
    assert redactor.redact(text) == "Write to [EMAIL] or [PHONE]; card [CARD] (order 4711), api_key=[KEY]"
    assert redactor.counts == {"email": 1, "phone": 1, "card": 1, "key": 1}
    pem = "a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b"
    assert redactor.redact(pem) == "a [KEY] b"


def test_patterns_of_ones_own_in_their_order() -> None:
    redactor = Redactor.parse([{"name": "customer", "pattern": "C-[0-9]{8}"}, "email"])
    assert redactor.redact("C-12345678 C-1 a@b.com") == "[CUSTOMER] C-1 [EMAIL]"
    first = Redactor.parse([{"name": "all", "pattern": r"\S+@\S+"}, "email"])
    assert first.redact("ключ a@b.com") == "ключ [ALL]"
    assert first.counts == {"all": 1}


@pytest.mark.parametrize(
    ("rules", "problems"),
    [
        (["mail"], ["[0]: 'mail' is no ready rule"]),
        ([5, {}], ["[0]: give", "[1]: give"]),
        (["email", "email"], ["[1]: there are two rules named 'email'"]),
        ([{"name": "a"}], ["[0]: give"]),
        ([{"name": "a", "pattern": "b", "c": "d"}], ["[0]: give"]),
        ([{"name": "A b", "pattern": "b"}], ["[0]: a name has 1 to 32"]),
        ([{"name": "email", "pattern": "b"}], ["[0]: a name has 1 to 32"]),
        ([{"name": "a", "pattern": ""}], ["[0]: a pattern has 1 to 1000"]),
        ([{"name": "a", "pattern": "("}], ["[0]: the pattern is no regular expression"]),
        ([{"name": "a", "pattern": "(?<=a)b"}], ["[0]: the pattern is no regular expression"]),
        ([{"name": "a", "pattern": "\ud800"}], ["[0]: the pattern is no regular expression"]),
        ([{"name": "a", "pattern": "b*"}], ["[0]: the pattern matches the empty text"]),
        (["email"] * 33, ["a list of at most 32"]),
        ("email", ["give a list"]),
    ],
)
def test_everything_wrong_is_named(rules: Any, problems: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError) as wrong:
        Redactor.parse(rules)
    assert all(problem in str(wrong.value) for problem in problems)
    assert str(wrong.value).count("[") >= len(problems) - 1
    assert capfd.readouterr() == ("", "")


def test_all_texts_of_a_record_are_redacted_and_equal_ones_are_then_duplicates() -> None:
    call = {"toolUseId": "t1", "name": "mail", "input": {"to": ["a@b.com"], "n": 1, "a@b.com": None}}
    body = {
        "system": "I am s@b.com",
        "messages": [
            {"role": "user", "content": "Write to u@b.com"},
            {"role": "assistant", "content": [{"toolUse": call}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "by t@b.com"}]}}]},
        ],
    }
    answer = {"content": [{"type": "text", "text": "Told x@b.com"}], "stop_reason": "end_turn"}
    redactor = Redactor.parse(["email"])
    made = only_line(log_record(body, answer), redactor=redactor, use_prompt_response=True)
    assert "@" not in json.dumps(made)
    arguments = made["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"to": ["[EMAIL]"], "n": 1, "[EMAIL]": None}
    assert made["reference_answer"] == "Told [EMAIL]"
    assert redactor.counts == {"email": 6}
    conversion = LogConversion(LogOptions(redactor=redactor), Bodies())
    records = [log_record(converse(f"I am {name}@b.com"), number=n) for n, name in enumerate("ab")]
    one, two = conversion.convert("a", [log_object(*records)])
    assert one.tag == two.tag


def test_arguments_that_are_no_json_or_very_deep() -> None:
    def made(arguments: str) -> Any:
        call = {"id": "t", "function": {"name": "f", "arguments": arguments}}
        turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
        record = log_record({"messages": [*turns, {"role": "user", "content": "On"}]}, operation="InvokeModel")
        conversion = LogConversion(LogOptions(redactor=Redactor.parse(["email"])), Bodies())
        lines = [orjson.loads(candidate.line) for candidate in conversion.convert("a", [log_object(record)])]
        if not lines:
            return conversion.counts.failed
        return lines[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]

    assert made("to a@b.com") == "to [EMAIL]"
    assert made('{ "n":  1.50 }') == '{ "n":  1.50 }'  # as it was, where nothing is found
    assert made("[" * 500 + "]" * 500) == "[" * 500 + "]" * 500
    assert made('{"n": 123456789012345678901234567890, "x": 1.50, "to": "a@b.com"}') == (
        '{"n": 123456789012345678901234567890, "x": 1.50, "to": "[EMAIL]"}'
    )
    assert made(r'{"\u0061@b.com": "say \"a@b.com\"", "c" : {"a@b.com": "\\"}}') == (
        r'{"[EMAIL]": "say \"[EMAIL]\"", "c" : {"[EMAIL]": "\\"}}'
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.sampled_from(["a@b.com", "c@d.org", "[EMAIL]", 'x "a@b.com" \\', "é"]),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(
                st.sampled_from(["a@b.com", "c@d.org", "e@f.org", "[EMAIL]", "[EMAIL]-2", "to a@b.com", '"', "\\"]),
                below,
                max_size=5,
            )
        ),
        max_leaves=15,
    ),
    st.booleans(),
)
def test_arguments_keep_every_key_and_number(value: Any, ascii_only: bool) -> None:
    def shape(here: Any) -> Any:
        if isinstance(here, dict):
            return [len(here), *map(shape, here.values())]
        return list(map(shape, here)) if isinstance(here, list) else here if isinstance(here, int) else type(here)

    call: Any = {"function": {"arguments": json.dumps(value, ensure_ascii=ascii_only)}}
    Redactor.parse(["email"]).redact_turns([{"content": None, "tool_calls": [call]}])
    clean = call["function"]["arguments"]
    assert "@" not in clean
    assert shape(json.loads(clean)) == shape(value)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r"{\"api_key\": \"a1b2c3d4e5f6g7h8\"}", r"{\"api_key\": \"[KEY]\"}"),
        ("npm_" + "a1" * 18, "[KEY]"),
        ("postgres://app:pa55-word!@db.example/x", "postgres://app:[KEY]@db.example/x"),
        ("https://:pw@host and https://host:8080/a@b", "https://:[KEY]@host and https://host:8080/a@b"),
        ("https://user@host/", "https://user@host/"),
    ],
)
def test_keys_within_other_texts(text: str, clean: str) -> None:
    assert Redactor.parse(["key"]).redact(text) == clean


HOSTILE = {
    "urls": "://a:" * 100_000 + "@",
    "letters": "a" * 500_000,
    "digits": "1" * 500_000,
    "spaced": "1 " * 250_000,
    "groups": "123 " * 125_000,
    "plus": "+1" * 250_000,
    "ats": "@" * 500_000,
    "addresses": "a.b@c." * 80_000,
    "pem": "-----BEGIN PRIVATE KEY-----" * 18_000,
    "jwt": "eyJ" * 160_000,
    "assigned": "key=" * 125_000,
    "sk": "sk-" * 160_000,
    "bearer": "bearer " * 70_000,
    "area codes": "030 1234 " * 55_000,
    "brackets": "(" * 500_000,
    "zeros": "00-1" * 125_000,
    "cards": "4111 1111 1111 1112 " * 25_000,
    "secrets": "key=1aaaaaaaaaaaaaaa " * 25_000,
    "labels": "x@" + "a." * 250_000,
    "dashes": "x@" + "a-" * 250_000,
    "phones": "+1 1 1 1 1 " * 45_000,
    "tokens": "AKIA" * 125_000 + "_live_" * 1000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_makes_redaction_hang(kind: str) -> None:
    """It takes a tenth of a second; it would take minutes if any pattern went back and forth. So the bound is wide."""
    started = time.process_time()
    Redactor.parse([*Redactor.READY, {"name": "own", "pattern": "(a+)+b"}]).redact(HOSTILE[kind])
    assert time.process_time() - started < 5
