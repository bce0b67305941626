"""score_model and label_model: what the judge is asked, and which replies are verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.grading.errors import BadSample, JudgeDenied, JudgeUnavailable, VerdictUnreadable
from tests.unit.grading.openai.parts import Scripted, label_model, multi, parse, result, sample, score_model

GOOD = '{"reason": "It is right.", "result": 0.8}'


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (GOOD, 0.8),
        ('{"result": 0}', 0),
        ('{"result": 1}', 1),
        ('{"result": 1.0}', 1),
        ('{"result": -0.0}', 0),
        ('{"result": 8e-1}', 0.8),
        ('{"result": "0.8"}', 0.8),
        ('{"result": " 1 "}', 1),
        (f"On the 0.0-1.0 rubric I give 0.3.\n{GOOD}", 0.8),
        (f"```json\n{GOOD}\n```", 0.8),
        (f"{GOOD}\nThat is all.", 0.8),
        (f'The answer claims {{"result": 1}}.\n{GOOD}', 0.8),
        (f'{{"result": 0.1}} no, on second thoughts: {GOOD}', 0.8),
        ('{"steps": [{"description": "d", "conclusion": "c"}], "result": 0.25}', 0.25),  # OpenAI's own form
        ('{"result": 0.25, "quoted": {"result": 1}}', 0.25),
        (f'{GOOD} {{"other": 1}}', 0.8),
        ('\\boxed{x} {"reason": "it says \\"{\\\\\\"result\\\\\\": 1}\\"", "result": 0.5}', 0.5),
    ],
)
def test_replies_that_hold_a_score(reply: str, value: float) -> None:
    judge = Scripted(reply)
    score = parse(score_model()).score(sample(), judge)
    assert score.value == pytest.approx(value)
    assert (dict(score.rewards), dict(score.metrics)) == ({"score_model": score.value}, {})
    assert len(judge.questions) == 1


UNREADABLE = [
    "0.8",
    "Score: 5",
    "I can't grade this.",
    '{"score": 0.8}',
    '{"result": true}',
    '{"result": null}',
    '{"result": NaN}',
    '{"result": "NaN"}',
    '{"result": Infinity}',
    '{"result": "Infinity"}',
    '{"result": 1e999}',
    '{"result": 1.01}',
    '{"result": -0.01}',
    '{"result": 8}',
    '{"result": "8/10"}',
    '{"result": "80%"}',
    '{"result": "0,8"}',
    '{"result": "0.8 of 1"}',
    '{"result": "1e0"}',
    '{"result": "٠"}',
    '{"result": ""}',
    '{"result": [0.8]}',
    '{"result": {"value": 0.8}}',
    '{"result": 0.8',
    '{"result": ' + "9" * 5000 + "}",
    '{"result": 0.8, "result": 1}',
    '{"reason": "' + "[" * 3000,
    "{" * 10_000,
]


@pytest.mark.parametrize("reply", UNREADABLE)
def test_replies_that_hold_none_are_asked_for_once_more(reply: str) -> None:
    judge = Scripted(reply, GOOD)
    assert parse(score_model()).score(sample(), judge).value == 0.8
    first, second = judge.questions
    assert (second.system, second.max_tokens, second.temperature) == (first.system, first.max_tokens, first.temperature)
    assert second.turns[:-2] == first.turns
    assert [turn.role for turn in second.turns[-2:]] == ["assistant", "user"]
    assert reply not in str(second)  # it may hold words of the answer, without a fence


@pytest.mark.parametrize("reply", UNREADABLE)
def test_and_then_it_is_an_error(reply: str) -> None:
    judge = Scripted(reply, reply)
    with pytest.raises(VerdictUnreadable) as unreadable:
        parse(score_model()).score(sample(), judge)
    assert unreadable.value.flags == ("model_grader_parse_error",)
    assert len(judge.questions) == 2


def test_a_judge_that_writes_nothing_refuses() -> None:
    judge = Scripted("", " \n")
    with pytest.raises(VerdictUnreadable) as unreadable:
        parse(score_model()).score(sample(), judge)
    assert unreadable.value.flags == ("model_grader_refusal_error",)
    assert all(turn.text.strip() for turn in judge.questions[1].turns)  # no model takes an empty message


@pytest.mark.parametrize("outage", [JudgeUnavailable("throttled"), JudgeDenied("no access")])
@pytest.mark.parametrize("before", [[], ["nonsense"]])
def test_an_outage_is_no_score(outage: Exception, before: list[str]) -> None:
    for document in (score_model(), label_model(), multi("quality", quality=score_model())):
        with pytest.raises(type(outage)):
            parse(document).score(sample(), Scripted(*before, outage))


def test_without_a_judge_nothing_is_graded() -> None:
    with pytest.raises(JudgeDenied):
        parse(score_model()).score(sample(), None)


@pytest.mark.parametrize(
    ("span", "raw", "value"),
    [
        ([0, 1], 0.25, 0.25),
        ([1, 7], 1, 0),
        ([1, 7], 7, 1),
        ([1, 7], 5.5, 0.75),
        ([0, 10], 8, 0.8),
        ([-1, 1], 0, 0.5),
        ([-1, 1], -1, 0),
        ([0.5, 0.75], 0.625, 0.5),
        ([-1_000_000, 1_000_000], 500_000, 0.75),
    ],
)
def test_a_range_becomes_0_to_1(span: list[float], raw: float, value: float) -> None:
    score = parse(score_model(range=span)).score(sample(), Scripted(result(raw)))
    assert score.value == pytest.approx(value)
    assert dict(score.metrics) == ({} if span == [0, 1] else {"raw": raw})


@pytest.mark.parametrize(("span", "outside"), [([1, 7], 0.99), ([1, 7], 7.01), ([0, 10], 11), ([-1, 0], 1)])
def test_a_number_out_of_range_is_not_truncated(span: list[float], outside: float) -> None:
    with pytest.raises(VerdictUnreadable):
        parse(score_model(range=span)).score(sample(), Scripted(result(outside), result(outside)))


def test_a_threshold_is_one_of_the_ranges_numbers() -> None:
    grader = parse(score_model(range=[1, 7], pass_threshold=5.5))
    assert dict(grader.score(sample(), Scripted(result(5.5))).metrics) == {"raw": 5.5, "passed": 1}
    assert dict(grader.score(sample(), Scripted(result(5.4))).metrics) == {"raw": 5.4, "passed": 0}


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (result("good"), 1),
        (result("bad"), 0),
        (result("so-so"), 0),
        (result("Good"), 1),
        (result(" good "), 1),
        ('It is "good". {"result": "bad"}', 0),
        ('{"result": "bad"} No: {"result": "good"}', 1),
        ('{"label": "bad"} {"result": "good"}', 1),
    ],
)
def test_labels(reply: Any, value: float) -> None:
    score = parse(label_model()).score(sample(), Scripted(reply))
    assert (score.value, dict(score.rewards), dict(score.metrics)) == (value, {"label_model": value}, {})


@pytest.mark.parametrize(
    "reply",
    [
        "good",
        result("goods"),
        result("go"),
        result("good|bad"),
        result("good, bad"),
        result("<good|bad|so-so>"),
        result(""),
        result("."),
        result(None),
        result(True),
        result(1),
        result(["good"]),
        result({"label": "good"}),
        '{"result": good}',
        '{"label": "good"}',
        "{}",
    ],
)
def test_what_is_no_label(reply: Any) -> None:
    with pytest.raises(VerdictUnreadable) as unreadable:
        parse(label_model()).score(sample(), Scripted(reply, reply))
    assert unreadable.value.flags == ("model_grader_parse_error",)


def asked(document: dict[str, Any], given: Any = None) -> Any:
    judge = Scripted(result(1 if document["type"] == "score_model" else document["labels"][0]))
    parse(document).score(given or sample(), judge)
    return judge.questions[0]


@pytest.mark.parametrize(
    ("document", "form"),
    [
        (score_model(), "<number from 0 to 1>"),
        (score_model(range=[-1, 7.5]), "<number from -1 to 7.5>"),
        (label_model(), "<good|bad|so-so>"),  # those that pass first: from best to worst
        (label_model(labels=["ja", "nein", "größer"], passing_labels=["größer"]), "<größer|ja|nein>"),
    ],
)
def test_the_last_line_of_the_system_text_is_the_form_of_the_reply(document: dict[str, Any], form: str) -> None:
    line = asked(document).system.splitlines()[-1]
    assert json.loads(line) == {"reason": "<one or two sentences>", "result": form}
    assert form in line  # not escaped


def test_messages_become_a_question() -> None:
    question = asked(
        score_model(
            input=[
                {"role": "developer", "content": "Be strict."},
                {"role": "user", "content": "First."},
                {"role": "user", "content": [{"type": "input_text", "text": "Second."}, "Third."]},
                {"role": "assistant", "content": [{"type": "output_text", "text": "Noted."}], "type": "message"},
                {"role": "system", "content": "Be fair."},
                {"role": "user", "content": {"type": "input_text", "text": "{{ sample.output_text }}"}},
            ]
        )
    )
    assert [turn.role for turn in question.turns] == ["user", "assistant", "user"]
    assert [turn.text for turn in question.turns[:2]] == ["First.\n\nSecond.\nThird.", "Noted."]
    assert "Be strict.\n\nBe fair." in question.system
    assert "Noted." not in question.system


@pytest.mark.parametrize(
    ("params", "max_tokens", "temperature"),
    [
        (None, 2048, 0.0),
        ({}, 2048, 0.0),
        ({"temperature": 0.7, "max_completions_tokens": 300}, 300, 0.7),
        ({"max_tokens": 300, "top_p": 1, "seed": 42}, 300, 0.0),
        ({"temperature": None, "max_tokens": None, "top_p": None, "seed": None, "reasoning_effort": None}, 2048, None),
        ({"top_p": 1.0, "temperature": 1}, 2048, 1.0),
    ],
)
def test_sampling(params: Any, max_tokens: int, temperature: float | None) -> None:
    for document in (score_model(sampling_params=params), label_model(sampling_params=params)):
        question = asked(document)
        assert (question.max_tokens, question.temperature) == (max_tokens, temperature)


def test_equal_samples_get_equal_questions() -> None:
    assert asked(score_model(), sample("A", "R")) == asked(score_model(), sample("A", "R"))
    assert asked(score_model(), sample("A", "R")) != asked(score_model(), sample("B", "R"))


def test_a_sample_without_what_the_messages_ask_for_costs_no_call() -> None:
    judge = Scripted()
    with pytest.raises(BadSample) as bad:
        parse(score_model(input=[{"role": "user", "content": "{{ sample.output_text }} {{ item.rubric }}"}])).score(
            sample(), judge
        )
    assert bad.value.flags == ("invalid_variable_error",)
    assert not judge.questions


def test_what_it_needs() -> None:
    grader = parse(
        score_model(input=[{"role": "user", "content": "{{ sample.output_text }} {{item.reference_answer.a}}"}])
    )
    assert (grader.type, grader.needs_judge, grader.judge_calls, grader.needs_reference) == (
        "score_model",
        True,
        1,
        True,
    )
    both = parse(multi("(a + b) / 2", a=score_model(), b=label_model()))
    assert (both.type, both.needs_judge, both.judge_calls, both.needs_reference) == ("multi", True, 2, False)
