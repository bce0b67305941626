"""One question answered: retries against the deadline, equal questions asked once, and what is counted."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rft.aws.converse import ConverseBusy, QuestionTooLong, Reply
from rft.grading.errors import JudgeDenied, JudgeUnavailable, VerdictUnreadable
from rft.grading.judging.prompt import question_about, repair
from rft.grading.judging.question import Question, Turn
from rft.grading.score import ScoreInvalid
from rft.judges import calls as calls_module
from rft.judges.cache import ReplyCache
from rft.judges.calls import METRICS, Deadline, SampleJudge
from tests.unit.judges.fakes import RUBRIC, YES, Clock, Model, calls

BUSY = ConverseBusy("the model judge.model is busy or failing: ThrottlingException")


def question(answer: str = "An answer.") -> Question:
    return question_about(RUBRIC, {"question": "What?", "answer": answer})


def busy_for(times: int) -> Model:
    return Model(lambda _, before: BUSY if before < times else YES)


def test_throttled_then_answered() -> None:
    clock, tally = Clock(), Counter[str]()
    assert calls(busy_for(4), clock).reply(question(), Deadline(300, clock.monotonic), tally).text == YES
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]
    assert tally == {
        "JudgeCalls": 5,
        "JudgeRetries": 4,
        "JudgeCacheHits": 0,
        "JudgeInputTokens": 100,
        "JudgeOutputTokens": 10,
    }


def test_pauses_are_drawn_up_to_20_seconds() -> None:
    clock = Clock()
    calls(busy_for(9), clock, jitter=0.5).reply(question(), Deadline(300, clock.monotonic), Counter())
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


def test_tries_are_bounded() -> None:
    clock, model = Clock(), busy_for(1000)
    with pytest.raises(JudgeUnavailable, match=r"ThrottlingException \(tries: 10\)"):
        calls(model, clock, jitter=0.0).reply(question(), Deadline(300, clock.monotonic), Counter())
    assert len(model.asked) == 10


def test_no_try_begins_after_the_deadline() -> None:
    clock, model = Clock(), busy_for(1000)
    with pytest.raises(JudgeUnavailable, match=r"tries: 4"):
        calls(model, clock).reply(question(), Deadline(6, clock.monotonic), Counter())
    assert clock.slept == [0.5, 1.0, 2.0]  # the next would have been 4 s, of 2.5 that are left
    with pytest.raises(JudgeUnavailable, match="time of the invocation is up"):
        calls(model, clock).reply(question(), Deadline(0, clock.monotonic), Counter())
    assert len(model.asked) == 4


def test_a_deadline_that_is_stopped_leaves_nothing() -> None:
    clock = Clock()
    deadline = Deadline(10, clock.monotonic)
    assert deadline.left() == 10
    clock.sleep(4)
    assert deadline.left() == 6
    deadline.stop()
    assert deadline.left() == 0


@pytest.mark.parametrize("error", [JudgeDenied("no"), QuestionTooLong("long"), RuntimeError("bug")])
def test_other_errors_pass_at_once_and_are_not_kept(error: Exception) -> None:
    clock, model = Clock(), Model(lambda _, before: error if before == 0 else YES)
    asked = calls(model, clock)
    with pytest.raises(type(error)):
        asked.reply(question(), Deadline(300, clock.monotonic), Counter())
    assert asked.reply(question(), Deadline(300, clock.monotonic), Counter()).text == YES
    assert clock.slept == []


def test_an_equal_question_is_answered_from_the_cache() -> None:
    clock, model, tally = Clock(), busy_for(0), Counter[str]()
    asked = calls(model, clock)
    for answer in ("one", "two", "one", "one"):
        asked.reply(question(answer), Deadline(300, clock.monotonic), tally)
    assert [answer for answer, _ in model.asked] == ["one", "two"]
    assert (tally["JudgeCalls"], tally["JudgeCacheHits"], tally["JudgeInputTokens"]) == (2, 2, 200)


@pytest.mark.parametrize(
    "changed",
    [
        {"system": "Another."},
        {"max_tokens": 1},
        {"temperature": 0.5},
        {"temperature": None},
        {"turns": (Turn("user", "Another."),)},
    ],
)
def test_questions_that_differ_in_anything_are_two(changed: dict[str, Any]) -> None:
    cache = ReplyCache()
    replies = [Reply("one", "", 0, 0), Reply("two", "", 0, 0)]
    first = cache.reply(question(), lambda: replies[0], seconds=1)
    assert cache.reply(question()._replace(**changed), lambda: replies[1], seconds=1) == (replies[1], False)
    assert first == (replies[0], False)


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = ReplyCache(2)
    asked: list[str] = []

    def ask(answer: str) -> bool:
        def reply() -> Reply:
            asked.append(answer)
            return Reply(answer, "", 0, 0)

        return cache.reply(question(answer), reply, seconds=1)[1]

    assert [ask(answer) for answer in ("a", "b", "a", "c", "a", "b")] == [False, False, True, False, True, False]
    cache.forget(question("a"))
    assert ask("a") is False
    assert asked == ["a", "b", "c", "b", "a"]


def test_equal_questions_in_flight_make_one_call() -> None:
    waiting, clock = threading.Event(), Clock()

    def slow(_: str, before: int) -> str:
        assert waiting.wait(10)
        return YES

    model = Model(slow)
    asked = calls(model, clock)
    tallies = [Counter[str]() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(asked.reply, question(), Deadline(300, clock.monotonic), tally) for tally in tallies]
        while not model.asked:
            pass
        waiting.set()
        assert {future.result().text for future in futures} == {YES}
    assert len(model.asked) == 1
    assert sum(tallies, Counter())["JudgeCacheHits"] == 7


def test_who_waits_for_another_ones_call_fails_with_it_and_tries_on_his_own() -> None:
    started, go, clock = threading.Event(), threading.Event(), Clock()

    def behaviour(_: str, before: int) -> str | Exception:
        if before == 0:
            started.set()
            assert go.wait(10)
            return BUSY
        return YES

    model = Model(behaviour)
    asked = calls(model, clock)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(asked.reply, question(), Deadline(300, clock.monotonic), Counter())]
        assert started.wait(10)
        futures.append(pool.submit(asked.reply, question(), Deadline(300, clock.monotonic), Counter()))
        go.set()
        assert {future.result().text for future in futures} == {YES}
    assert len(model.asked) in (2, 3)


def test_nobody_waits_for_another_ones_call_beyond_the_deadline() -> None:
    started, go, clock = threading.Event(), threading.Event(), Clock()

    def behaviour(_: str, before: int) -> str:
        started.set()
        assert go.wait(10)
        return YES

    asked = calls(Model(behaviour), clock)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(asked.reply, question(), Deadline(300, clock.monotonic), Counter())
        assert started.wait(10)
        with pytest.raises(JudgeUnavailable, match="did not reply"):
            asked.reply(question(), Deadline(0.01, clock.monotonic), Counter())
        go.set()
        assert first.result().text == YES


def judge_of(model: Model, asked: Any = None) -> SampleJudge:
    clock = Clock()
    return SampleJudge(asked or calls(model, clock), Deadline(300, clock.monotonic))


def test_a_refusal_is_no_verdict_and_has_a_flag() -> None:
    for stop in ("content_filtered", "guardrail_intervened"):
        model = Model(lambda *_, stop=stop: Reply("Blocked.", stop, 1, 1))
        with pytest.raises(VerdictUnreadable) as caught:
            judge_of(model).ask(question())
        assert caught.value.flags == ("model_grader_refusal_error",)
        assert len(model.asked) == 1


def test_a_question_that_the_model_cannot_read_is_no_verdict() -> None:
    with pytest.raises(VerdictUnreadable) as caught:
        judge_of(Model(lambda *_: QuestionTooLong("too long"))).ask(question())
    assert caught.value.flags == ("model_grader_question_too_long",)


def test_a_question_that_goes_on_tells_of_a_reply_that_was_not_read() -> None:
    judge = judge_of(busy_for(0))
    several = Question("s", (*question("other").turns, Turn("assistant", "a"), Turn("user", "b")))
    for asked in (question(), question("other two"), several):
        judge.ask(asked)
    assert judge.tally["JudgeParseFailures"] == 0
    judge.ask(repair(question(), "no object"))
    assert judge.tally["JudgeParseFailures"] == 1


def test_what_a_sample_asked_can_be_forgotten() -> None:
    clock, model = Clock(), busy_for(0)
    asked = calls(model, clock)
    for _ in range(2):
        judge = judge_of(model, asked)
        judge.ask(question())
        judge.forget()
    assert len(model.asked) == 2


def test_the_names_of_the_metrics_are_taken() -> None:
    from rft.grading.score import Score

    for name in METRICS:
        with pytest.raises(ScoreInvalid):
            Score(1.0, metrics={name: 1.0})
    assert set(METRICS) == {
        value for name, value in vars(calls_module).items() if str(value).startswith("Judge") and name.isupper()
    }
