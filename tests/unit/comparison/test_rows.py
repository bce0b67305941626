"""comparison.jsonl, as it is written and as it should never be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.comparison.rows import NOT_ASKED, NOT_GRADED, Answer, pairs, row_of
from tests.unit.comparison.making import answer, document_of, missing, rewards, rows_of, ungraded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(answers: dict[str, Any]) -> Answer:
    return row_of(document_of(0, base=answers)).answer("base")


def test_a_row_as_it_is_written() -> None:
    given_answer = answer(0.5, "the text", components={"form": 1, "size": 20.5}, held_out_reward=0.25)
    row = row_of(json.loads(json.dumps(document_of(3, base=given_answer, candidate=missing()))))
    assert (row.id, row.reference_answer) == ("record-3", {"label": 3})
    assert row.messages == ({"role": "user", "content": "prompt 3"},)
    assert row.answer("base") == Answer(
        text="the text",
        reward=0.5,
        components={"form": 1.0, "size": 20.5},
        held_out_reward=0.25,
        input_tokens=100,
        output_tokens=10,
        milliseconds=500.0,
        stop_reason="end_turn",
    )
    assert row.answer("candidate") == Answer(missing="BedrockBusy")
    assert row.answer("live") == Answer(missing=NOT_ASKED)


def test_an_answer_that_the_grader_failed_on_is_missing_with_its_text() -> None:
    found = read(ungraded("what the model said"))
    assert (found.missing, found.text, found.reward) == ("GraderError", "what the model said", None)
    assert found.output_tokens == 10
    assert found.grader_failed
    assert not read(missing()).grader_failed
    assert not read(answer(0.0)).grader_failed


def test_what_is_missing_has_no_grade_whatever_stands_beside_it() -> None:
    found = read({**answer(1.0, components={"form": 1.0}, held_out_reward=1.0), "missing": "Throttled"})
    assert (found.reward, found.components, found.held_out_reward, found.missing) == (None, {}, None, "Throttled")


@pytest.mark.parametrize(
    "reward", [float("nan"), float("inf"), -1.5, 1.01, True, "0.5", None, [], {}, 10**400, -(10**400)]
)
def test_a_reward_that_is_none_is_missing_and_never_a_zero(reward: Any) -> None:
    found = read(answer(reward))
    assert (found.reward, found.missing) == (None, NOT_GRADED)
    assert found.grader_failed


def test_other_numbers_that_are_none_are_left_out() -> None:
    odd = {"nan": float("nan"), "huge": 10**400, "text": "1", "truth": True, "fine": -3}
    found = read(answer(0.5, components=odd, held_out_reward=float("nan"), input_tokens=-1, output_tokens=2.5))
    assert found.components == {"fine": -3.0}
    assert (found.held_out_reward, found.input_tokens, found.output_tokens) == (None, None, None)
    assert read(answer(0.5, milliseconds=10**400)).milliseconds is None
    assert read(answer(0.5, milliseconds=-1)).milliseconds is None
    assert read(answer(0.5, milliseconds=float("inf"), components=[1])).components == {}


def test_the_name_of_an_error_is_a_name() -> None:
    assert read({"missing": "\x1b[31m<script>"}).missing == "an error"
    assert read({"missing": {"deep": 1}}).missing == "an error"


@pytest.mark.parametrize("text", ["", "\x1b[31m", "\ud800", "\u202e\u05e9", "🫠" * 3, "<script>", "x" * 1_000_000])
def test_texts_are_kept_as_they_are(text: str) -> None:
    row = row_of(json.loads(json.dumps(document_of(0, base=answer(1.0, text)))))
    assert row.answer("base").text == text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[]", "must be an object with answers"),
        (b"3", "must be an object with answers"),
        (b'{"messages": []}', "must be an object with answers"),
        (b'{"messages": [], "answers": []}', "must be an object with answers"),
        (b'{"answers": {}}', "must be a list of objects"),
        (b'{"messages": ["secret"], "answers": {}}', "must be a list of objects"),
        (b'{"messages": [], "answers": {"base": "secret"}}', "must be an object"),
    ],
)
def test_another_shape_is_named_without_its_text(line: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="must be") as failed:
        row_of(json.loads(line))
    assert said in str(failed.value)
    assert "secret" not in str(failed.value)
    assert len(str(failed.value)) < 250


@given(JSON, JSON, JSON)
def test_whatever_an_answer_is_it_is_read_or_refused(one: Any, two: Any, three: Any) -> None:
    document = {"messages": [], "answers": {"base": {"reward": one, "text": two, "components": {"x": three}}}}
    found = row_of(document).answer("base")
    assert (found.reward is None) == (found.missing is not None)
    assert found.reward is None or -1 <= found.reward <= 1
    for part in (document, one):
        try:
            row_of({"messages": [], "answers": {"base": part}})
        except ValueError:
            continue


def test_pairs_have_both_grades() -> None:
    rows = rows_of(
        base=[answer(0.1), missing(), answer(0.3), ungraded(), answer(0.5)],
        candidate=[answer(0.4), answer(0.4), missing(), answer(0.4), answer(0.5 + 1e-12)],
    )
    found = list(pairs(rows, "base", "candidate"))
    assert [pair.row.id for pair in found] == ["record-0", "record-4"]
    assert [pair.gain for pair in found] == [pytest.approx(0.3), 0.0]
    assert list(pairs(rewards([0.1], [0.2]), "live", "candidate")) == []
