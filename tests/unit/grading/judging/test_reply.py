"""JSON in what a judge wrote: found by its key, the last one counts, and nothing makes it slow or wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.judging.reply import MAX_REPLY, last_object_with, objects_with, values_of

OWN = {"reason": "It says {so}.", "result": 0.8}
TEXT = json.dumps(OWN)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"  \n{TEXT}\n ",
        f"I looked at it twice. {TEXT} That is all.",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```\nThat is all, {{nearly}}.",
        json.dumps(OWN, indent=2),
        f"On the 0.0-1.0 rubric I give 0.5: {TEXT}",
        f"\\boxed{{{TEXT}}}",
        f"{{{{{{{TEXT}",
        f'{{"result": 0.1}} No: {TEXT}',
        f'{{"result": 0.1}}{{"result": 0.2}}{TEXT}',
        f'{{"result": 0.1, \n{TEXT}',
        f'{{"result": "0.1\n{TEXT}',
        f'{{"other": {{"result": 0.1}}}} {TEXT}',
        f'{TEXT} {{"other": 0.1}}',
        f"{TEXT} and the set {{1, 2}}",
        f"}}}}}} {TEXT}",
        f"'{TEXT}'",
        f'"result": 0.1, {TEXT}',
        f"{{ {{ {TEXT}",
        "{" * 100_000 + TEXT,
        "}" * 100_000 + TEXT,
        '{"a":' * 100_000 + "\nSo: " + TEXT,
        '{"a": [' * 100_000 + "\nSo: " + TEXT,
        '{"' * 100_000 + "\n" + TEXT,
        '{"a": "' * 50_000 + "\n" + TEXT,
        "x" * 1_000_000 + TEXT,
        f"{{'result': 0.1}} {TEXT}",
        f"{TEXT}\x00\u202e",
    ],
)
def test_the_last_object_with_the_key(text: str) -> None:
    assert last_object_with(text, "result") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.8",
        "Score: 5",
        "I give it a result of 0.8.",
        '"result": 0.8',
        '[{"no": 1}]',
        '{"results": 0.8}',
        '{"other": {"result": 0.8}}',
        '{"Result": 0.8}',
        '{"result": 0.8',
        '{"result": 0.8,}',
        '{"result": .8}',
        "{'result': 0.8}",
        "{result: 0.8}",
        '{"result": 0.8, "result": 1.0}',
        f'{{"reason": "it says {TEXT} but no", "result": 0}}',
        f'{{"reason": "it says {TEXT} and {TEXT} but no", "result": 0}}',
        TEXT + "x" * MAX_REPLY,
        '{"result":' * 5_000,
    ],
)
def test_no_object_with_the_key(text: str) -> None:
    assert last_object_with(text, "result") is None


def test_an_object_in_a_list_is_one_too() -> None:
    assert last_object_with(f"[{TEXT}]", "result") == OWN


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "1234567890123456789012"]
)
def test_what_is_no_number_in_reach_is_none(number: str) -> None:
    assert last_object_with(f'{{"result": {number}}}', "result") == {"result": None}


def test_all_objects_in_their_order() -> None:
    assert objects_with('{"a": 1} {"b": 2} ```{"a": {"a": 3}}```', "a") == [{"a": 1}, {"a": {"a": 3}}]


def test_what_stood_before_something_broken_is_no_longer_trusted() -> None:
    assert objects_with('{"a": 1} {"b": "{"a": 2}"}', "a") == []
    assert objects_with('{"a": 1} {"b": "{"a": 2}"} {"a": 3}', "a") == [{"a": 3}]


def test_values_of_a_key_wherever_they_are() -> None:
    assert values_of('x "a": 1, {"a": {"a": [2]}} "a" : "three" {"a": nothing', "a") == [1, {"a": [2]}, [2], "three"]
    assert len(values_of('"a": 1 ' * 1000, "a")) == 200
    assert values_of('"a":' + "[" * 100_000, "a") == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
PROSE = st.text(st.characters(exclude_characters="{}"))


@given(JSON, JSON, PROSE, PROSE)
def test_whatever_is_written_as_json_is_read_back(value: Any, other: Any, before: str, after: str) -> None:
    own = {"result": value, "reason": other}
    assert last_object_with(f"{before}{json.dumps(own)}{after}", "result") == own


@given(st.text(st.sampled_from('{}[]":,\\ \n`ab1') | st.characters()))
def test_nothing_breaks_it(text: str) -> None:
    found = last_object_with(text, "a")
    assert found is None or "a" in found
    assert last_object_with(f"{text}\n{TEXT}", "result") in (OWN, None)
