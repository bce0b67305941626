"""Asking the base model before a job: by which id, with what patience, and what is no answer."""

from __future__ import annotations

from typing import Any

import pytest

from rft.aws.converse import ConverseBusy, QuestionTooLong, Reply
from rft.gate.ports import BaseUnavailable
from rft.grading.errors import JudgeDenied
from rft.grading.judging.question import Question
from rft.steps.gate import base_answers
from rft.steps.gate.base_answers import MOST_TOKENS, TEMPERATURE, base_asker, inference_id

NOVA = "amazon.nova-2-lite-v1:0:256k"
PROFILE = "us.amazon.nova-2-lite-v1:0"
PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    questions: list[Question] = []

    def ask(_: Any, question: Question) -> Reply:
        questions.append(question)
        return Reply(f"answer {len(questions)}", "end_turn", 1, 1)

    monkeypatch.setattr("rft.steps.gate.base_answers.Converse.ask", ask)
    return questions


def asker(seconds: float = 60, max_tokens: int | None = None) -> Any:
    return base_asker(NOVA, max_tokens=max_tokens, seconds=seconds, client=object())  # type: ignore[arg-type]


def answering(patch: pytest.MonkeyPatch, *replies: Exception | str) -> None:
    left = list(replies)

    def ask(*_: Any) -> Reply:
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return Reply(reply, "end_turn", 1, 1)

    patch.setattr("rft.steps.gate.base_answers.Converse.ask", ask)
    patch.setattr(base_answers.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("base", "profile", "asked_by"),
    [
        (NOVA, PROFILE, PROFILE),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}", PROFILE, PROFILE),
        (NOVA, None, NOVA),
        ("other.model-1", PROFILE, "other.model-1"),
    ],
)
def test_the_stacks_profile_is_for_the_stacks_base_model(base: str, profile: str | None, asked_by: str) -> None:
    assert inference_id(base, default_base=NOVA, profile=profile) == asked_by


@pytest.mark.parametrize("default", ["amazon.nova-2-pro-v1:0", "amazon.nova-2-lite-v1:00", "other.model-1"])
def test_a_profile_of_another_model_is_not_asked_in_its_place(default: str) -> None:
    assert inference_id(default, default_base=default, profile=PROFILE) == default


def test_a_prompt_is_asked_as_the_job_would_but_for_a_bound(asked: list[Question]) -> None:
    assert asker(max_tokens=99_999)(PROMPT, 3) == ["answer 1", "answer 2", "answer 3"]
    assert {question.max_tokens for question in asked} == {MOST_TOKENS}
    assert {question.temperature for question in asked} == {TEMPERATURE}
    assert (asked[0].system, asked[0].turns[0].text) == ("Be brief.", "Hi")
    asker(max_tokens=32)(PROMPT, 1)
    assert asked[-1].max_tokens == 32


@pytest.mark.parametrize("fault", [QuestionTooLong("long"), None])
def test_a_prompt_that_can_not_be_asked_has_no_answers(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    answering(monkeypatch, fault or "never")
    messages = PROMPT if fault else [{"role": "assistant", "content": "I begin"}]
    assert asker()(messages, 2) == []


def test_a_busy_model_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ConverseBusy("busy"), ConverseBusy("busy"), "at last")
    assert asker()(PROMPT, 1) == ["at last"]


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([JudgeDenied("may not be asked: AccessDeniedException")], "AccessDeniedException"),
        ([ConverseBusy("busy")] * 5, "busy, 5 times in a row"),
    ],
)
def test_a_model_that_stays_away_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, faults: list[Exception], says: str
) -> None:
    answering(monkeypatch, *faults)
    with pytest.raises(BaseUnavailable, match=says):
        asker()(PROMPT, 1)


def test_nothing_is_asked_once_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 11.0])
    monkeypatch.setattr(base_answers.time, "monotonic", lambda: next(times))
    answering(monkeypatch, "first")
    with pytest.raises(BaseUnavailable, match="takes too long"):
        asker(seconds=10)(PROMPT, 2)
