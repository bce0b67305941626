from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.gate.probes import FLOOD, Kind, answer_fields, base_probes, gold_of, written_probes
from tests.unit.gate.bench import RECORDS, answer_of


def record(reference: Any, prompt: Any = "How many?") -> dict[str, Any]:
    return {"id": "q", "messages": [{"role": "user", "content": prompt}], "reference_answer": reference}


def answers(records: list[dict[str, Any]], kind: Kind, seed: int = 0, field: str | None = None) -> list[str]:
    return [answer_of(probe.sample) for probe in written_probes(records, seed, field=field)[kind]]


@pytest.mark.parametrize(
    ("reference", "gold"),
    [
        ("84", "84"),
        ({"text": "84"}, "84"),
        ({"answer": "84", "unit": "€"}, '{"answer": "84", "unit": "€"}'),
        ({"text": 84}, '{"text": 84}'),
        (84, "84"),
        ([1, 2], "[1, 2]"),
        (None, None),
        ("  ", None),
        ("", None),
        ({}, None),
        ({"text": " "}, None),
    ],
)
def test_gold(reference: Any, gold: str | None) -> None:
    assert gold_of(record(reference)) == gold


@pytest.mark.parametrize(
    ("grader", "reference", "gold"),
    [
        ("math-reasoning", {"answer": "84", "unit": "€"}, "84"),
        ("math-reasoning", {"final_answer": 84, "steps": 2}, "84"),
        ("math-reasoning", {"answer": 0}, "0"),
        ("math-reasoning", "12 * 7 = 84\n#### 84", "12 * 7 = 84\n#### 84"),
        ("math-reasoning", {"total": 84}, '{"total": 84}'),
        ("generic", {"answer": "Paris"}, "Paris"),
        ("generic", {"answer": "Paris", "unit": "€"}, '{"answer": "Paris", "unit": "€"}'),
        ("format-validation", {"answer": "84"}, '{"answer": "84"}'),
        ("mine", {"answer": "84"}, '{"answer": "84"}'),
    ],
)
def test_gold_is_what_the_grader_reads_in_an_object(grader: str, reference: Any, gold: str) -> None:
    assert gold_of(record(reference), grader) == gold


def test_fields_that_may_be_the_answer() -> None:
    references: list[Any] = [
        {"a": "x", "b": 1, "c": True, "d": [], "e": 0.5, "f": "y", "g": "z"},
        {"b": 2, "e": 1, "f": ""},
    ]
    assert answer_fields([record(each) for each in references]) == ["b", "e", "f"]
    assert answer_fields([record({"answer": 7, "unit": "m"})], "math-reasoning") == []
    assert answer_fields([record("x"), record(None), record(7)]) == answer_fields([]) == []
    assert answers([record({"a": "x", "b": 1}), record("y")], "gold", field="b") == ["1", "y"]


def test_answers_to_one_prompt() -> None:
    records = [record("twelve"), record("thirteen")]
    assert answers(records, "gold") == ["twelve", "thirteen"]
    assert answers(records, "empty") == ["", ""]
    assert answers(records, "other") == ["thirteen", "twelve"]
    assert answers(records, "truncated") == ["twe", "thir"]
    assert answers(records, "echo") == ["How many?", "How many?"]


def test_no_gold_no_wrong_gold() -> None:
    probes = written_probes([record(None), record("7"), record("7")], 0)
    assert {kind: [probe.record for probe in each] for kind, each in probes.items()} == {
        "gold": [1, 2],
        "empty": [0, 1, 2],
        "other": [],
        "truncated": [],
        "echo": [0, 1, 2],
        "flood": [0, 1, 2],
        "base": [],
    }


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12), st.integers(0, 3))
def test_other_is_another_records_and_never_equal(golds: list[str | None], seed: int) -> None:
    records = [record(gold) for gold in golds]
    others = {p.record: answer_of(p.sample) for p in written_probes(records, seed)["other"]}
    for place, gold in enumerate(golds):
        if gold is None or {*golds} <= {gold, None}:
            assert place not in others
        else:
            assert others[place] != gold
            assert others[place] in golds


def test_flood_is_made_of_the_right_words_and_long() -> None:
    for probe in written_probes(RECORDS, 0)["flood"]:
        text = answer_of(probe.sample)
        words = {*gold_of(RECORDS[probe.record]).split(), *json.dumps(RECORDS[probe.record]).split()}  # type: ignore[union-attr]
        assert len(text) == FLOOD
        assert len({*text.split()} & words) > 20


def test_a_flood_does_not_end_in_the_right_answer_but_by_chance() -> None:
    prompt = " ".join(f"word{i}" for i in range(20))
    ends = [text.split()[-2] for text in answers([record(str(i), prompt) for i in range(16)], "flood")]
    assert len(set(ends)) > 4


@pytest.mark.parametrize("prompt", [" ", None, [{"type": "text", "text": "Hi "}, {"text": "there"}], "x" * 50_000])
def test_odd_prompts(prompt: Any) -> None:
    flood = answers([record("7", prompt)], "flood")[0]
    assert FLOOD // 2 < len(flood) <= FLOOD
    assert answers([record("7", prompt)], "echo") == [{list: "Hi there", type(None): ""}.get(type(prompt), prompt)]


def test_base_answers_belong_to_their_records() -> None:
    probes = [*base_probes([record("1"), record("2"), record("3")], [["a", "b"], [], ["c"]])]
    assert [(p.record, answer_of(p.sample), p.kind) for p in probes] == [
        (0, "a", "base"),
        (0, "b", "base"),
        (2, "c", "base"),
    ]
