"""Format validation: what an answer earns under each kind of record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.format_validation import MAX_FIELD_METRICS, score_format
from rft.grading.json_answer import MAX_ANSWER
from rft.grading.score import MAX_COMPONENT_NAME

TICKET = {"queue": "billing", "urgent": True, "items": [1, {"n": 2}], "total": 10}
RIGHT = json.dumps(TICKET)


def changed(**fields: Any) -> str:
    return json.dumps(TICKET | fields)


@pytest.mark.parametrize(
    ("answer", "keys_right", "fields"),
    [
        (RIGHT, 1, 1),
        (f"```json\n{RIGHT}\n```", 1, 1),
        (json.dumps(TICKET, indent=4, sort_keys=True), 1, 1),
        (changed(total=10.0), 1, 1),
        (changed(queue="shipping"), 1, 0.75),
        (changed(queue="Billing"), 1, 0.75),
        (changed(urgent="true"), 1, 0.75),
        (changed(urgent=1), 1, 0.75),
        (changed(total="10"), 1, 0.75),
        (changed(total=True), 1, 0.75),
        (changed(items=[1, {"n": 3}]), 1, 0.75),
        (changed(items=[{"n": 2}, 1]), 1, 0.75),
        (changed(queue=None, urgent=None, items=None, total=None), 1, 0),
        (changed(note="a key too many"), 0, 1),
        ('{"queue": "billing"}', 0, 0.25),
        ('{"Queue": "billing"}', 0, 0),
        ("{}", 0, 0),
        (f"Here it is: {RIGHT}", 0, 0),
        (f"{RIGHT}\nAnything else?", 0, 0),
        (f"[{RIGHT}]", 0, 0),
        (RIGHT[:-1] + ', "queue": "billing"}', 0, 0),
        (changed(total=float("nan")), 0, 0),
        (RIGHT[:-1], 0, 0),
        ("", 0, 0),
        ("I can't help with that.", 0, 0),
        (RIGHT + " " * MAX_ANSWER, 0, 0),
    ],
)
@pytest.mark.parametrize("reference", [TICKET, RIGHT, f" {RIGHT}\n"], ids=["object", "string", "string with space"])
def test_an_object_is_compared_field_by_field(reference: Any, answer: str, keys_right: float, fields: float) -> None:
    score = score_format(answer, reference, {})
    assert score.value == pytest.approx(0.2 * keys_right + 0.8 * fields)
    assert score.rewards == {"format": keys_right, "fields": fields}


def test_the_right_object_earns_exactly_one() -> None:
    for size in range(1, 30):
        reference = {f"field{n}": n for n in range(size)}
        assert score_format(json.dumps(reference), reference, {}).value == 1


def test_each_field_is_a_metric() -> None:
    assert score_format(changed(urgent=1), TICKET, {}).metrics == {
        "field.queue": 1,
        "field.urgent": 0,
        "field.items": 1,
        "field.total": 1,
    }


def test_the_metrics_of_fields_are_bounded_and_their_names_plain_and_distinct() -> None:
    names = ["Prénom du client", "a b", "a_b", "a/b", "\n", "", "x" * 100, "x" * 101, *map(str, range(40))]
    metrics = score_format("{}", dict.fromkeys(names, 1), {}).metrics
    assert len(metrics) == MAX_FIELD_METRICS
    assert list(metrics)[:4] == ["field.Pr_nom_du_client", "field.a_b", "field.a_b-2", "field.a_b-3"]
    assert max(map(len, metrics)) == MAX_COMPONENT_NAME


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ("shipping", 1),
        ("  shipping \n", 1),
        ("Shipping", 0),
        ("shipping!", 0),
        ("shipping shipping", 0),
        ('"shipping"', 0),
        ("", 0),
        ("shipping" + " " * MAX_ANSWER, 0),
    ],
)
def test_a_text_is_compared_but_for_white_space(answer: str, match: float) -> None:
    score = score_format(answer, "shipping", {})
    assert score.value == match
    assert score.rewards == {"match": match}


def test_white_space_between_words_counts_as_one_space() -> None:
    assert score_format("a  b\n\tc", "a b c", {}).value == 1
    assert score_format("ab c", "a b c", {}).value == 0


def test_a_string_that_only_looks_like_an_object_is_a_text() -> None:
    assert score_format("{curly}", "{curly}", {}).rewards == {"match": 1}


@pytest.mark.parametrize(
    ("answer", "constraints", "kept"),
    [
        ('{"name": 1, "city": 2}', {"keys": ["name", "city"]}, {"keys": 1}),
        ('{"city": 2}', {"keys": ["name", "city"]}, {"keys": 0}),
        ('{"name": 1, "city": 2, "zip": 3}', {"keys": ["name", "city"]}, {"keys": 0}),
        ("name, city", {"keys": ["name", "city"]}, {"keys": 0}),
        ("three short words", {"max_words": 3}, {"max_words": 1}),
        ("now four short words", {"max_words": 3}, {"max_words": 0}),
        ("", {"max_words": 3}, {"max_words": 0}),
        (" \n", {"max_words": 3}, {"max_words": 0}),
        ("x" * (MAX_ANSWER + 1), {"max_words": 3}, {"max_words": 0}),
        ('{"name": "a b c d"}', {"keys": ["name"], "max_words": 3}, {"keys": 1, "max_words": 0}),
    ],
)
@pytest.mark.parametrize("reference", [None, "a text that isn't looked at"])
def test_constraints(reference: Any, answer: str, constraints: dict[str, Any], kept: dict[str, float]) -> None:
    score = score_format(answer, reference, {"format": constraints})
    assert score.metrics == kept
    assert score.value == sum(kept.values()) / len(kept)
    assert score.rewards == {"format": score.value}


def test_a_reference_object_comes_before_constraints() -> None:
    assert score_format(RIGHT, TICKET, {"format": {"max_words": 1}}).value == 1


@pytest.mark.parametrize(
    ("reference", "metadata", "message"),
    [
        (None, {}, "an object or a string"),
        (["a"], {}, "an object or a string"),
        (42, {}, "an object or a string"),
        ({}, {}, "without fields"),
        ("{}", {}, "without fields"),
        ("", {}, "empty"),
        (" \n", {}, "empty"),
        ("text", {"format": "json"}, "format must be an object"),
        ("text", {"format": {}}, "format must be an object"),
        ("text", {"format": {"regex": ".*"}}, "format must be an object"),
        ("text", {"format": {"keys": []}}, "format.keys"),
        ("text", {"format": {"keys": ["a", 1]}}, "format.keys"),
        ("text", {"format": {"max_words": 0}}, "format.max_words"),
        ("text", {"format": {"max_words": True}}, "format.max_words"),
        ("text", {"format": {"max_words": "5"}}, "format.max_words"),
    ],
)
def test_a_record_that_asks_for_nothing_readable_is_bad_data(reference: Any, metadata: Any, message: str) -> None:
    with pytest.raises(BadSample, match=message):
        score_format("answer", reference, metadata)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), min_size=1))
def test_the_reference_itself_always_earns_one(reference: dict[str, Any]) -> None:
    assert score_format(json.dumps(reference), reference, {}).value == 1
