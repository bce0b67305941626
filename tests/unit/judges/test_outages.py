"""What a judge that is throttled, silent, denied or unreadable does to a batch: an outage is never a score."""

from __future__ import annotations

import threading

import pytest

from rft.aws.converse import ConverseBusy, Reply
from rft.grading.errors import (
    JudgeDenied,
    JudgeUnavailable,
    JudgeUnreliable,
)
from rft.grading.judging.rubric import rubric_score
from rft.judges.handler import judge_grader
from tests.unit.judges.fakes import (
    CANARY,
    RUBRIC,
    YES,
    Clock,
    Context,
    Model,
    Printed,
    calls,
    handler_of,
    item,
    rewards,
)

BUSY = ConverseBusy("the model judge.model is busy or failing: ServiceUnavailableException")


def test_throttled_then_judged(name: str, printed: Printed) -> None:
    clock = Clock()
    results = handler_of(lambda _, before: BUSY if before < 3 else YES, name, clock=clock)([item()], Context(60))
    assert rewards(results) == [1]
    assert clock.slept == [0.5, 1.0, 2.0]


def test_an_outage_fails_the_whole_batch_and_prints_no_reward(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str | Exception:
        return BUSY if answer.startswith("third") else YES

    with pytest.raises(JudgeUnavailable, match="ServiceUnavailableException"):
        handler_of(behaviour, name)([item("first"), item("second"), item(f"third {CANARY}")], Context(60))
    assert printed() == ([], [])


def test_after_an_outage_the_next_batch_is_judged(name: str, printed: Printed) -> None:
    model = Model(lambda _, before: BUSY if before < 10 else YES)
    handler = handler_of(model, name)
    with pytest.raises(JudgeUnavailable):
        handler([item()], Context(900))
    assert rewards(handler([item()], Context(900))) == [1]


def test_denied_access_fails_at_once(name: str, printed: Printed) -> None:
    model = Model(lambda *_: JudgeDenied("the model judge.model may not be asked: AccessDeniedException"))
    with pytest.raises(JudgeDenied):
        handler_of(model, name, workers=1)([item(f"number {n}") for n in range(50)], Context(60))
    assert len(model.asked) == 1


def test_a_judge_that_does_not_come_to_an_end_is_left_at_the_deadline(name: str, printed: Printed) -> None:
    released = threading.Event()

    def behaviour(answer: str, _: int) -> str:
        if answer == "endless":
            released.wait(30)
        return YES

    handler = judge_grader(
        rubric_score(RUBRIC), name=name, calls=lambda _: calls(Model(behaviour), Clock())
    )  # on the real clock
    try:
        with pytest.raises(JudgeUnavailable, match="1 of 3 samples had no verdict"):
            handler([item("quick"), item("endless"), item("fast")], Context(0.3))
    finally:
        released.set()


@pytest.mark.parametrize(("seconds", "tries"), [(3.0, 3), (30.0, 6), (900.0, 10)])
def test_retries_end_with_the_time_of_the_invocation(seconds: float, tries: int, name: str, printed: Printed) -> None:
    model = Model(lambda *_: BUSY)
    with pytest.raises(JudgeUnavailable, match=rf"tries: {tries}\)"):
        handler_of(model, name)([item()], Context(seconds))
    assert len(model.asked) == tries


def test_without_a_context_there_are_five_minutes(name: str, printed: Printed) -> None:
    clock = Clock()
    with pytest.raises(JudgeUnavailable):
        handler_of(lambda *_: BUSY, name, clock=clock)([item()], None)
    assert sum(clock.slept) == pytest.approx(91.5)


def test_garbage_twice_is_an_error_of_its_sample(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str:
        return "I give it 0.9." if answer == "odd" else YES

    batch = [item("odd"), *(item(f"good {n}") for n in range(9))]
    results = handler_of(behaviour, name)(batch, None)
    assert rewards(results) == [0] + [1] * 9
    assert [metric["name"] for metric in results[0]["metrics_list"]] == ["error", "model_grader_parse_error"]
    [record], lines = printed()
    assert (record["Errors"], record["JudgeCalls"], record["JudgeParseFailures"]) == ([1.0], [11.0], [2.0])
    assert lines[1]["kinds"] == {"VerdictUnreadable": 1}


def test_garbage_once_is_repaired(name: str, printed: Printed) -> None:
    results = handler_of(lambda _, before: YES if before else '{"score": NaN}', name)([item()], None)
    assert rewards(results) == [1]
    [record], _ = printed()
    assert (record["Errors"], record["JudgeCalls"], record["JudgeParseFailures"]) == ([0.0], [2.0], [1.0])


def test_a_refusal_has_a_flag_and_is_not_asked_again(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str | Reply:
        return Reply("", "content_filtered", 5, 0) if answer == "odd" else YES

    model = Model(behaviour)
    results = handler_of(model, name)([item("odd"), item("good")], None)
    assert [metric["name"] for metric in results[0]["metrics_list"]] == ["error", "model_grader_refusal_error"]
    assert len(model.asked) == 2
    [record], _ = printed()
    assert record["JudgeParseFailures"] == [0.0]


def test_too_many_without_a_verdict_fail_the_batch(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str:
        return "garbage" if answer.startswith("odd") else YES

    handler = handler_of(behaviour, name)
    with pytest.raises(JudgeUnreliable, match="2 of 10"):
        handler([*(item(f"odd {n}") for n in range(2)), *(item(f"good {n}") for n in range(8))], None)
    records, lines = printed()
    assert records == []
    assert lines[-1]["kinds"] == {"VerdictUnreadable": 2}


def test_only_samples_that_were_put_to_the_judge_count_for_its_reliability(name: str, printed: Printed) -> None:
    def behaviour(answer: str, _: int) -> str:
        return "garbage" if answer.startswith("odd") else YES

    bad = [None, {"id": "x"}, *(item("") for _ in range(20))]
    with pytest.raises(JudgeUnreliable, match="2 of 3"):
        handler_of(behaviour, name)([item("odd 1"), item("odd 2"), item("good"), *bad], None)


def test_a_reply_that_was_no_verdict_is_asked_for_anew_when_the_batch_comes_again(name: str, printed: Printed) -> None:
    model = Model(lambda _, before: "garbage" if before < 2 else YES)
    handler = handler_of(model, name)
    with pytest.raises(JudgeUnreliable):
        handler([item("one"), item("two")], None)
    assert rewards(handler([item("one"), item("two")], None)) == [1, 1]
