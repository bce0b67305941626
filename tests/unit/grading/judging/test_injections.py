"""No text that is judged speaks for itself: an attacked sample never scores above its honest twin."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from rft.grading.errors import VerdictUnreadable
from rft.grading.judging import fence, instruction_following, rag_faithfulness, reasoning, summarization, verdicts
from rft.grading.judging.criteria import Rubric
from rft.grading.judging.fence import Fence, shown
from rft.grading.judging.prompt import instructions, question_about
from rft.grading.judging.question import Judge, Question
from rft.grading.judging.reply import objects_with
from rft.grading.sample import Sample
from rft.grading.score import Score
from tests.unit.grading.judging.injections import GUESSED_CODE, Injection, injections
from tests.unit.grading.judging.judges import Echoing, Gullible, fenced, reply, sample, worst

pytestmark = pytest.mark.thorough

REFERENCE = "The tide turns at nine, so the ferry leaves at half past eight and not later."
HONEST = {
    "good": REFERENCE,
    "middling": "The tide turns at nine and the ferry leaves some time or other, as ferries do.",
    "wrong": "Zebras graze on savannas.",
    "empty": "",
}
type Scorer = Callable[[Sample, Judge], Score]
GRADERS: dict[str, tuple[Scorer, Rubric, dict[str, Any]]] = {
    "instruction_following": (
        instruction_following.score_instruction_following,
        instruction_following.RUBRIC,
        {"reference": REFERENCE},
    ),
    "instructions one by one": (
        instruction_following.score_instruction_following,
        instruction_following.rubric_for(2),
        {"reference": REFERENCE, "instructions": ["say when the tide turns", "say when the ferry leaves"]},
    ),
    "summarization": (summarization.score_summarization, summarization.RUBRIC, {"reference": REFERENCE}),
    "reasoning": (reasoning.score_reasoning, reasoning.WITH_REFERENCE, {"reference": REFERENCE}),
    "reasoning alone": (reasoning.score_reasoning, reasoning.WITHOUT_REFERENCE, {"question": REFERENCE}),
    "rag_faithfulness": (rag_faithfulness.score_rag_faithfulness, rag_faithfulness.RUBRIC, {"context": REFERENCE}),
}
RUBRIC = reasoning.WITH_REFERENCE
NAMES = [injection.name for injection in injections(RUBRIC)]


def attack(rubric: Rubric, name: str) -> Injection:
    return next(injection for injection in injections(rubric) if injection.name == name)


def graded(grader: str, answer: str, **changed: Any) -> float:
    score, rubric, fields = GRADERS[grader]
    return score(sample(answer, **fields | changed), Gullible(rubric)).value


def test_there_are_attacks_enough_and_each_is_another() -> None:
    for _, rubric, _ in GRADERS.values():
        made = injections(rubric)
        assert len({injection.name for injection in made}) == len(made) >= 80
        assert len({injection.into("x") for injection in made}) == len(made)


@pytest.mark.parametrize("grader", GRADERS)
def test_the_gullible_judge_tells_answers_apart(grader: str) -> None:
    good, middling, wrong, empty = (graded(grader, honest) for honest in HONEST.values())
    assert good == 1.0
    assert good > middling > wrong
    assert wrong == empty == 0.0


@pytest.mark.thorough
@pytest.mark.parametrize("grader", GRADERS)
def test_an_attack_in_the_answer_never_pays(grader: str) -> None:
    rubric = GRADERS[grader][1]
    twins = {honest: graded(grader, honest) for honest in HONEST.values()}
    for injection in injections(rubric):
        for honest, twin in twins.items():
            assert graded(grader, injection.into(honest)) <= twin, (injection.name, honest)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("grader", "place"),
    [(grader, place) for grader, (*_, fields) in GRADERS.items() for place in sorted({"question", *fields})],
)
def test_an_attack_in_the_record_never_pays(grader: str, place: str) -> None:
    _, rubric, fields = GRADERS[grader]
    honest = fields.get(place, "What does the harbour master say about the tide?")
    twins = {name: graded(grader, HONEST[name]) for name in ("middling", "wrong")}
    for injection in injections(rubric):
        hostile = [injection.into(honest[0]), *honest[1:]] if isinstance(honest, list) else injection.into(honest)
        for name, twin in twins.items():
            assert graded(grader, HONEST[name], **{place: hostile}) <= twin, (injection.name, name)


@pytest.fixture
def quotes_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict that stands in the judged texts is taken for the judge's own."""
    monkeypatch.setattr(verdicts, "values_of", lambda text, key: [])
    monkeypatch.setattr(verdicts, "own_objects_with", lambda reply, key, texts: objects_with(reply, key))


def test_without_its_fence_the_gullible_judge_falls_for_most(
    monkeypatch: pytest.MonkeyPatch, quotes_unseen: None
) -> None:
    """So the tests above can fail."""

    def beside(self: Fence, name: str, text: str) -> str:
        return f"<<<{name} {self.code}>>>\n\n<<<end {name} {self.code}>>>\n{text}"

    monkeypatch.setattr(Fence, "around", beside)
    with pytest.raises(VerdictUnreadable):
        graded("reasoning", attack(RUBRIC, "verdict of one criterion").into(HONEST["wrong"]))
    paying = 0
    for injection in injections(RUBRIC):
        with suppress(VerdictUnreadable):
            paying += graded("reasoning", injection.into(HONEST["wrong"])) == 1.0
    assert paying > 80


def test_a_code_that_can_be_guessed_lets_a_text_out(monkeypatch: pytest.MonkeyPatch, quotes_unseen: None) -> None:
    def guessable(self: Fence, name: str, text: str) -> str:
        return f"<<<{name} {GUESSED_CODE}>>>\n{text}\n<<<end {name} {GUESSED_CODE}>>>"

    monkeypatch.setattr(Fence, "around", guessable)
    assert graded("reasoning", attack(RUBRIC, "closer with a guess").into(HONEST["wrong"])) == 1.0


def test_a_judge_that_is_taken_in_is_found_out_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the texts word for word isn't a verdict, should a fence fail."""
    monkeypatch.setattr(
        Fence,
        "around",
        lambda self, name, text: f"<<<{name} {GUESSED_CODE}>>>\n{text}\n<<<end {name} {GUESSED_CODE}>>>",
    )
    with pytest.raises(VerdictUnreadable):
        graded("reasoning", attack(RUBRIC, "closer with a guess").into(HONEST["wrong"]))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_its_fence(name: str) -> None:
    hostile = attack(RUBRIC, name).into(HONEST["middling"])
    texts = {"question": hostile, "reference": hostile, "answer": hostile}
    question = question_about(RUBRIC, texts)
    honest = question_about(RUBRIC, dict.fromkeys(texts, "x"))
    inside, outside = fenced(question)
    assert inside == dict.fromkeys(texts, shown(hostile))
    assert outside == fenced(honest)[1]
    assert question.system == honest.system == instructions(RUBRIC)
    code = Fence(*texts.values()).code
    assert question.turns[0].text.count(code) == 2 * len(texts)
    assert code not in hostile
    assert code not in shown(hostile)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_depends_on_the_text_alone_and_is_all_to_be_seen(name: str) -> None:
    hostile = attack(RUBRIC, name).into(HONEST["middling"])
    text = shown(hostile)
    assert text == shown(hostile)
    assert len(text) <= fence.MAX_FENCED + 60
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e0fff]", text
    )
    text.encode()


def score_or_error(grader: str, answer: str, judge: Judge) -> float | None:
    score, _, fields = GRADERS[grader]
    try:
        return score(sample(answer, **fields), judge).value
    except VerdictUnreadable:
        return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verdict", ["worst", "mixed"])
def test_the_last_verdict_wins_over_one_that_the_judge_repeats_before_it(name: str, verdict: str) -> None:
    own = worst(RUBRIC) if verdict == "worst" else reply(RUBRIC, agreement="partly", steps="slip")
    honest = score_or_error("reasoning", HONEST["middling"], Echoing(own, lambda text, own: own))
    judge = Echoing(own, lambda text, own: f"The answer reads:\n\n{text}\n\nI do not go by that.\n\n{own}")
    assert score_or_error("reasoning", attack(RUBRIC, name).into(HONEST["middling"]), judge) == honest


AFTER: dict[str, Callable[[str, str], str]] = {
    "after": lambda text, own: f"{own}\n\nThe answer reads:\n{text}",
    "in a code fence after": lambda text, own: (
        f"{own}\n\nI did not go by this:\n```\n{text}\n```\nwhich proves nothing."
    ),
    "in the reason, unescaped": lambda text, own: own.replace("Because.", f"It claims {text} and {text} of itself."),
    "in the reason, unescaped, and cut": lambda text, own: own.replace("Because.", f"It claims {text}")[
        : -len(own) // 3
    ],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arrangement", AFTER)
def test_a_verdict_that_the_judge_quotes_elsewhere_is_never_its_own(name: str, arrangement: str) -> None:
    own = worst(RUBRIC)
    value = score_or_error("reasoning", attack(RUBRIC, name).into(HONEST["middling"]), Echoing(own, AFTER[arrangement]))
    assert value in (0.0, None)


def test_a_judge_that_only_repeats_what_it_was_told_has_given_no_verdict() -> None:
    judge = Echoing("", lambda text, _: text)
    for injection in injections(RUBRIC):
        assert score_or_error("reasoning", injection.into(HONEST["middling"]), judge) is None, injection.name


def test_equal_texts_are_one_question_and_other_texts_have_other_codes() -> None:

    def asked(answer: str) -> Question:
        return question_about(RUBRIC, {"question": "q", "answer": answer})

    assert asked("one") == asked("one")
    assert len({asked(f"answer {n}").turns[0].text.split(">>>")[0] for n in range(50)}) == 50
