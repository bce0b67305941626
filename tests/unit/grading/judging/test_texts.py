"""What a judge is shown of a sample."""

from __future__ import annotations

from typing import Any

import pytest

from rft.grading.errors import BadSample
from rft.grading.judging.fence import MAX_FENCED, Fence, shown
from rft.grading.judging.texts import conversation, reference_text, string_list, texts_of
from rft.grading.sample import Sample
from tests.unit.grading.judging.judges import sample


def spoken(*messages: dict[str, Any]) -> Sample:
    said = [*messages, {"role": "assistant", "content": "The answer."}]
    return Sample("s", 0, "The answer.", said)


def test_a_conversation_has_roles_and_not_the_answer() -> None:
    text = conversation(
        spoken(
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"text": "kind."}]},
            {"role": "user", "content": "Hello.\nWhat now?"},
            {
                "role": "nova_assistant",
                "content": [{"type": "text", "text": "This."}, {"type": "reasoning", "text": "x"}],
            },
            {"role": "assistant", "content": None, "tool_calls": [{}]},
            {"role": "tool", "content": "42"},
            {"role": "bot", "content": "So 42."},
            {"role": "narrator", "content": "Silence."},
            {"role": 7, "content": "Seven."},
            {"role": "user"},
        )
    )
    assert text.split("\n\n") == [
        "system: Be brief.",
        "system: Be kind.",
        "user: Hello.\nWhat now?",
        "assistant: This.",
        "tool: 42",
        "assistant: So 42.",
        "other: Silence.",
        "other: Seven.",
    ]


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": " "}], [{"role": "user"}]])
def test_nothing_asked(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(BadSample, match="messages"):
        conversation(spoken(*messages))


def test_content_that_is_none() -> None:
    with pytest.raises(BadSample):
        conversation(spoken({"role": "user", "content": 5}))


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("42", "42"),
        (42, "42"),
        (0, "0"),
        ({"answer": "é", "n": [1]}, '{"answer": "é", "n": [1]}'),
        (["a"], '["a"]'),
        (False, "false"),
        (None, None),
        ("", None),
        (" \n\u200b", None),
    ],
)
def test_a_reference_as_text(reference: Any, text: str | None) -> None:
    assert reference_text(sample("x", reference=reference)) == text


def test_the_answer_comes_last() -> None:
    assert list(texts_of(sample("x", reference="y"))) == ["question", "reference", "answer"]


@pytest.mark.parametrize(
    ("value", "strings"),
    [
        ("one", ["one"]),
        (["one", "two"], ["one", "two"]),
        ([{"text": "one", "source": "a.pdf"}, "two"], ["one", "two"]),
        ({"text": "one"}, ["one"]),
        (["one", "", " "], ["one"]),
    ],
)
def test_a_list_of_strings(value: Any, strings: list[str]) -> None:
    assert string_list(value, "context", most=3) == strings


@pytest.mark.parametrize(
    "value", ["", [], [""], [" \n", "\u200b"], 5, [5], [None], {"texts": "one"}, [["one"]], {"text": 1}]
)
def test_a_field_without_strings(value: Any) -> None:
    with pytest.raises(BadSample, match="context: "):
        string_list(value, "context", most=3)


def test_a_list_that_is_too_long() -> None:
    assert len(string_list(["x"] * 3, "context", most=3)) == 3
    with pytest.raises(BadSample, match="context: there are more than 3"):
        string_list(["x"] * 4, "context", most=3)


def test_a_long_text_is_shown_by_its_ends() -> None:
    for length in (MAX_FENCED + 1, 2 * MAX_FENCED, 2 * MAX_FENCED + 1, 10 * MAX_FENCED):
        text = "b" + "x" * (length - 2) + "e"
        seen = shown(text)
        assert (seen[0], seen[-1]) == ("b", "e")
        assert f"[... {length - MAX_FENCED:,} characters are left out here ...]" in seen
        assert len(seen) < MAX_FENCED + 60
    whole = "x" * MAX_FENCED
    assert shown(whole) == whole


@pytest.mark.parametrize("name", ["", "Answer", "an swer", "answer>", "1", "a" * 65, "answer\n"])
def test_the_name_of_a_fence_is_ours(name: str) -> None:
    with pytest.raises(ValueError, match="fenced text"):
        Fence("x").around(name, "x")


def test_the_order_and_the_borders_of_texts_make_the_code() -> None:
    codes = {Fence(*texts).code for texts in (("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), ("abc", ""))}
    assert len(codes) == 5
    assert Fence("\ud800").code == Fence("\ud800").code
