"""Metadata filters mean what Bedrock's do, and say all that is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from rft.invocation_logs import MetadataFilter

A1, A2, B1 = {"a": "1"}, {"a": "2"}, {"b": "1"}


@pytest.mark.parametrize(
    ("document", "admitted", "refused"),
    [
        ({"equals": A1}, [A1, A1 | B1], [{}, None, A2, B1, {"a": 1}, "a"]),
        ({"notEquals": A1}, [{}, None, A2, B1, {"a": None}], [A1, A1 | B1]),
        ({"andAll": [{"equals": A1}, {"notEquals": B1}]}, [A1, A1 | {"b": "2"}], [{}, A2, A1 | B1]),
        ({"orAll": [{"equals": A1}, {"equals": B1}]}, [A1, B1, A2 | B1], [{}, A2]),
        ({"orAll": [{"notEquals": A1}, {"equals": B1}]}, [{}, A2, A1 | B1], [A1]),
        ({"andAll": [{"equals": A1, "notEquals": B1}]}, [A1], [A1 | B1, {}]),
        ({"orAll": [{"equals": A1, "notEquals": B1}, {"equals": A2}]}, [A1, A2 | B1], [A1 | B1, {}]),
        ({"equals": {"a": ""}}, [{"a": ""}], [{}, A1]),
    ],
)
def test_who_is_admitted(document: dict[str, Any], admitted: list[Any], refused: list[Any]) -> None:
    parsed = MetadataFilter.parse(document)
    assert all(parsed.admits(metadata) for metadata in admitted)
    assert not any(parsed.admits(metadata) for metadata in refused)


def test_all_must_be_equal() -> None:
    wanted = MetadataFilter.all_equal({"a": "1", "b": "1"})
    assert wanted.admits({"a": "1", "b": "1", "c": "1"})
    assert not wanted.admits({"a": "1"})
    with pytest.raises(ValueError, match="1 to 16"):
        MetadataFilter.all_equal({str(number): "x" for number in range(17)})
    with pytest.raises(ValueError, match="1 to 16"):
        MetadataFilter.all_equal({})


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ([], ["exactly one of"]),
        ({}, ["exactly one of"]),
        ({"equals": A1, "notEquals": B1}, ["exactly one of"]),
        ({"contains": A1}, ["'contains' is none of"]),
        ({"equals": {}}, ["equals must be an object with exactly one key"]),
        ({"equals": A1 | B1}, ["equals must be an object with exactly one key"]),
        ({"equals": {"": "1"}}, ["equals: a key has 1 to 256"]),
        ({"equals": {"a": 1}}, ["equals: a value is a string"]),
        ({"equals": {"a": "ä"}}, ["equals: a value is a string"]),
        ({"equals": {"a" * 257: "b" * 257}}, ["a key has", "a value is"]),
        ({"andAll": []}, ["andAll must be a list of 1 to 16"]),
        ({"andAll": [{"equals": A1}] * 17}, ["andAll must be a list of 1 to 16"]),
        ({"andAll": {"equals": A1}}, ["andAll must be a list of 1 to 16"]),
        ({"orAll": [{"equals": A1}, {}, {"andAll": []}]}, ["orAll[1] must be", "orAll[2] must be"]),
        (
            {"orAll": [{"equals": {"a": 1}}, {"notEquals": {"ß": "1"}}]},
            ["orAll[0].equals: a val", "orAll[1].notEquals: a key"],
        ),
    ],
)
def test_everything_wrong_is_named(document: Any, problems: list[str]) -> None:
    with pytest.raises(ValueError) as wrong:
        MetadataFilter.parse(document)
    assert len(str(wrong.value).split("; ")) == len(problems)
    for problem in problems:
        assert problem in str(wrong.value)
