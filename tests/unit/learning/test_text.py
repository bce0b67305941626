from __future__ import annotations

from typing import Any

import pytest

from local.bedrock.learning.text import imitable_texts, prompt_of, reference_text


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two times two?"}],
        [{"role": "user", "content": [{"type": "text", "text": "Two times two?"}]}],
        [{"role": "user", "content": [{"text": "Two times two?"}]}],
        [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Two times two?"}],
    ],
    ids=["openai-string", "openai-blocks", "converse", "developer"],
)
def test_every_form_of_a_prompt_gives_one_text(messages: list[dict[str, Any]]) -> None:
    assert prompt_of(messages) == "Two times two?"


def test_a_conversation_keeps_the_words_of_all_turns() -> None:
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Help")]
    assert prompt_of([{"role": role, "content": text} for role, text in turns]) == "Hi\nHello\nHelp"


def test_a_message_without_text_adds_none() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"role": "user", "content": [{"image": {}}, {"text": "Go"}]},
    ]
    assert prompt_of(messages) == "\nGo"


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("#### 42", "#### 42"),
        ("", ""),
        ({"text": "yes"}, "yes"),
        ({"text": 5}, '{"text": 5}'),
        ({"text": "yes", "why": "so"}, '{"text": "yes", "why": "so"}'),
        ({"category": "Café", "urgent": True}, '{"category": "Café", "urgent": true}'),
        (42, "42"),
        (None, None),
    ],
)
def test_a_reference_is_the_text_of_an_ideal_answer(reference: object, text: str | None) -> None:
    assert reference_text(reference) == text


def test_a_base_imitates_references_and_only_without_any_the_prompts() -> None:
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "Why?"}]}
    assert imitable_texts([asked, asked | {"reference_answer": "Because."}]) == ["Because."]
    assert imitable_texts([asked]) == ["Why?"]
