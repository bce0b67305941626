"""Rubrics: what may be one, what a judge is asked by it, and what its verdicts come to."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample, JudgeDenied, VerdictUnreadable
from rft.grading.judging import instruction_following, rag_faithfulness, reasoning, summarization
from rft.grading.judging.criteria import MAX_CRITERIA, Criterion, Rubric, Verdict
from rft.grading.judging.prompt import instructions
from rft.grading.judging.question import Question
from rft.grading.judging.rubric import judged, rubric_score
from rft.grading.rules.limits import RuleInvalid
from tests.unit.grading.judging.judges import Scripted, fenced, reply, sample, worst

YES_NO = (Verdict("yes", 1.0, "It is."), Verdict("no", 0.0, "It isn't."))
SCALE = (Verdict("all", 1.0, "All."), Verdict("some", 0.5, "Some."), Verdict("none", 0.0, "None."))
RUBRIC = Rubric(
    "You judge help.",
    (
        Criterion("help", "Does it help?", SCALE, weight=3),
        Criterion("safe", "Is it safe?", YES_NO, weight=1, gate=True),
    ),
)
READY = [
    instruction_following.RUBRIC,
    instruction_following.rubric_for(1),
    instruction_following.rubric_for(20),
    summarization.RUBRIC,
    reasoning.WITH_REFERENCE,
    reasoning.WITHOUT_REFERENCE,
    rag_faithfulness.RUBRIC,
]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "Help"}, "name of a criterion"),
        ({"name": "the help"}, "name of a criterion"),
        ({"name": ""}, "name of a criterion"),
        ({"name": "a" * 49}, "name of a criterion"),
        ({"question": " "}, "words that explain"),
        ({"verdicts": (Verdict("yes", 1.0, ""), YES_NO[1])}, "words that explain"),
        ({"verdicts": ()}, "must fall from 1"),
        ({"verdicts": YES_NO[:1]}, "must fall from 1"),
        ({"verdicts": YES_NO[::-1]}, "must fall from 1"),
        ({"verdicts": (SCALE[0], SCALE[1], Verdict("few", 0.5, "x"), SCALE[2])}, "must fall from 1"),
        ({"verdicts": (SCALE[0], Verdict("few", math.nan, "x"), SCALE[2])}, "must fall from 1"),
        ({"verdicts": (SCALE[0], Verdict("few", 2.0, "x"), SCALE[2])}, "must fall from 1"),
        ({"verdicts": (SCALE[0], Verdict("all", 0.0, "x"))}, "same name"),
        ({"verdicts": (Verdict("a|b", 1.0, "x"), SCALE[2])}, "lower-case words"),
        ({"verdicts": (Verdict("Yes", 1.0, "x"), SCALE[2])}, "lower-case words"),
        ({"verdicts": (Verdict("", 1.0, "x"), SCALE[2])}, "lower-case words"),
        ({"weight": 0}, "weight of help"),
        ({"weight": -1}, "weight of help"),
        ({"weight": math.nan}, "weight of help"),
        ({"weight": math.inf}, "weight of help"),
    ],
)
def test_a_criterion_that_makes_no_sense_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleInvalid, match=problem):
        Criterion(**{"name": "help", "question": "Does it?", "verdicts": YES_NO, "weight": 1.0, **changed})


def test_a_rubric_that_makes_no_sense_is_refused() -> None:
    one = RUBRIC.criteria[0]
    for task, criteria in (("", (one,)), ("x", ()), ("x", (one, one))):
        with pytest.raises(RuleInvalid):
            Rubric(task, criteria)
    many = tuple(Criterion(f"c{n}", "?", YES_NO, 1) for n in range(MAX_CRITERIA + 1))
    Rubric("x", many[1:])
    with pytest.raises(RuleInvalid, match="1 to 24"):
        Rubric("x", many)


@pytest.mark.parametrize("rubric", [RUBRIC, *READY])
def test_the_instructions_end_with_the_form_of_the_reply(rubric: Rubric) -> None:
    text = instructions(rubric)
    assert text.startswith(rubric.task)
    assert json.loads(text.rpartition("\n")[2]) == {
        "verdicts": {
            each.name: {"reason": "<one or two sentences>", "verdict": f"<{'|'.join(each.choices)}>"}
            for each in rubric.criteria
        }
    }
    for each in rubric.criteria:
        assert f"\n{each.name}: {each.question}\n" in text
        for verdict in each.verdicts:
            assert f"\n  {verdict.name}: {verdict.anchor}" in text


def test_the_question() -> None:
    judge = Scripted(reply(RUBRIC))
    rubric_score(RUBRIC)(sample("An answer.", question="What?", reference={"b": "é", "a": 1}), judge)
    [question] = judge.questions
    texts, outside = fenced(question)
    assert texts == {"question": "user: What?", "reference": '{"b": "é", "a": 1}', "answer": "An answer."}
    assert outside == "These were the texts. Judge the answer by the criteria you were given."
    assert question.system == instructions(RUBRIC)
    assert question.temperature == 0
    assert [turn.role for turn in question.turns] == ["user"]


@pytest.mark.parametrize("reference", [None, "", " \n", "\u200b"])
def test_no_reference_is_not_shown(reference: str | None) -> None:
    judge = Scripted(reply(RUBRIC))
    rubric_score(RUBRIC)(sample("An answer.", reference=reference), judge)
    assert list(fenced(judge.questions[0])[0]) == ["question", "answer"]


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"help": "some"}, 0.625),
        ({"help": "none"}, 0.25),
        ({"safe": "no"}, 0.0),
        ({"help": "none", "safe": "no"}, 0.0),
    ],
)
def test_the_score(choices: dict[str, str], value: float) -> None:
    score = rubric_score(RUBRIC)(sample("An answer of five words."), Scripted(reply(RUBRIC, choices)))
    assert score.value == pytest.approx(value)
    assert score.rewards == {
        "help": {"all": 1.0, "some": 0.5, "none": 0.0}[choices.get("help", "all")],
        "safe": {"yes": 1.0, "no": 0.0}[choices.get("safe", "yes")],
    }
    assert score.metrics == {"gate.safe": score.rewards["safe"], "words": 5}


@pytest.mark.parametrize("rubric", READY)
def test_the_ready_rubrics_reach_1_and_0(rubric: Rubric) -> None:
    texts = {"question": "q", "answer": "An answer."}
    assert judged(rubric, texts, Scripted(reply(rubric))).value == 1.0
    assert judged(rubric, texts, Scripted(worst(rubric))).value == 0.0
    assert any(each.gate for each in rubric.criteria)


@pytest.mark.parametrize("rubric", READY)
@given(data=st.data())
def test_a_better_verdict_is_never_worth_less(rubric: Rubric, data: st.DataObject) -> None:
    texts = {"question": "q", "answer": "An answer."}
    choices = {each.name: data.draw(st.sampled_from(each.choices)) for each in rubric.criteria}
    raised = data.draw(st.sampled_from(rubric.criteria))
    better = raised.choices[max(0, raised.choices.index(choices[raised.name]) - 1)]
    before = judged(rubric, texts, Scripted(reply(rubric, choices))).value
    after = judged(rubric, texts, Scripted(reply(rubric, choices | {raised.name: better}))).value
    assert 0 <= before <= after <= 1


@pytest.mark.parametrize("answer", ["", " \n\t", "\u200b\u2060", "\x00", "\u3164\ufe0f", "\U000e0041"])
def test_nobody_is_asked_about_nothing(answer: str) -> None:
    score = rubric_score(RUBRIC)(sample(answer), Scripted())
    assert score.value == 0
    assert score.rewards == {"help": 0.0, "safe": 0.0}


def test_one_more_try_that_says_what_was_wrong_and_shows_nothing() -> None:
    judge = Scripted("canary: I would say all.", reply(RUBRIC, help="some"))
    assert rubric_score(RUBRIC)(sample("An answer."), judge).value == pytest.approx(0.625)
    first, second = judge.questions
    assert second.turns[:1] == first.turns
    assert second.system == first.system
    assert [turn.role for turn in second.turns] == ["user", "assistant", "user"]
    added = " ".join(turn.text for turn in second.turns[1:])
    assert "no complete JSON object with the key verdicts" in added
    assert "canary" not in added


def test_a_repair_names_no_verdict_as_the_one_to_give() -> None:
    judge = Scripted(reply(RUBRIC, help="splendid"), reply(RUBRIC))
    rubric_score(RUBRIC)(sample("An answer."), judge)
    assert "the verdict for help was none of: all, some, none" in judge.questions[1].turns[-1].text
    assert "splendid" not in judge.questions[1].turns[-1].text


@pytest.mark.parametrize("garbage", ["", "0.8", '{"score": 1.0}', reply(RUBRIC, help="great")])
def test_garbage_twice_is_an_error_and_no_score(garbage: str) -> None:
    judge = Scripted(garbage, garbage)
    with pytest.raises(VerdictUnreadable) as caught:
        rubric_score(RUBRIC)(sample("An answer."), judge)
    assert caught.value.flags == ("model_grader_parse_error",)
    assert len(judge.questions) == 2


def test_what_the_judge_raises_passes() -> None:
    class Denying:
        def ask(self, question: Question) -> str:
            raise JudgeDenied

    with pytest.raises(JudgeDenied):
        rubric_score(RUBRIC)(sample("An answer."), Denying())


def test_a_sample_without_a_question_is_bad() -> None:
    for question in ("", " ", "\u200b"):
        with pytest.raises(BadSample, match="messages"):
            rubric_score(RUBRIC)(sample("An answer.", question=question), Scripted())
