"""One JSON object and nothing else; values equal only with their types."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.json_answer import MAX_ANSWER, MAX_DEPTH, NotOneObject, parse_object, same_value


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '  \n{"a": 1}\n ',
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}\n```',
        '\n```JSON \r\n{"a": 1}\r\n```\n',
    ],
)
def test_reads(text: str) -> None:
    assert parse_object(text) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"{}"',
        "{'a': 1}",
        '{"a": 1,}',
        'Here: {"a": 1}',
        '{"a": 1} as asked',
        '{"a": 1}{"a": 1}',
        '```json\n{"a": 1}\n```\nas asked',
        '```json {"a": 1}```',
        '```python\n{"a": 1}\n```',
        '```json\n{"a": 1}',
        '\ufeff{"a": 1}',
        '{"a": 1, "a": 1}',
        '{"b": {"a": 1, "a": 2}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": "\n"}',
        nested(MAX_DEPTH + 1),
        nested(5000),
        '{"a":' + "[" * 32_000,
        '{"a": "' + "x" * MAX_ANSWER + '"}',
    ],
    ids=lambda text: repr(text)[:20],
)
def test_refuses(text: str) -> None:
    with pytest.raises(NotOneObject):
        parse_object(text)


def test_reads_what_is_just_deep_enough() -> None:
    assert parse_object(nested(MAX_DEPTH))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0, -0.0),
        (None, None),
        (True, True),
        ("a", "a"),
        ([1, [2.0]], [1.0, [2]]),
        ({"a": {"b": [None]}, "c": 1}, {"c": 1, "a": {"b": [None]}}),
    ],
)
def test_same(one: Any, other: Any) -> None:
    assert same_value(one, other)
    assert same_value(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (1, "1"),
        (None, False),
        (None, ""),
        ([], {}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([True], [1]),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}),
        (2**53, 2**53 + 1),
        ("é", "e\u0301"),
    ],
)
def test_not_the_same(one: Any, other: Any) -> None:
    assert not same_value(one, other)
    assert not same_value(other, one)


SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(max_size=5)
VALUES = st.recursive(
    SCALARS | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(OBJECTS, st.sampled_from(["{}", " {}\n", "```json\n{}\n```"]))
def test_every_object_comes_back(value: dict[str, Any], around: str) -> None:
    assert same_value(parse_object(around.replace("{}", json.dumps(value))), value)


@given(VALUES, VALUES)
def test_sameness_is_reflexive_and_symmetric(one: Any, other: Any) -> None:
    assert same_value(one, one)
    assert same_value(one, other) == same_value(other, one)


@given(st.text(alphabet='{}[]",:0123456789.eE-+truefalsn \n`\\'))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotOneObject):
        assert isinstance(parse_object(text), dict)
