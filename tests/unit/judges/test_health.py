"""What alarms watch of a judge: the share of its replies that can't be read, and batches that it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from rft.aws.converse import ConverseBusy
from rft.grading.errors import JudgeUnavailable, JudgeUnreliable
from rft.grading.telemetry import STACK_NAMESPACE, STACK_VARIABLE
from tests.unit.judges.fakes import YES, Context, Printed, by_words, handler_of, item


@pytest.fixture(autouse=True)
def of_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_VARIABLE, "rft")


def health(printed: Printed) -> list[dict[str, Any]]:
    records, _ = printed()
    return [r for r in records if r["_aws"]["CloudWatchMetrics"][0]["Namespace"] == STACK_NAMESPACE]


def test_replies_that_can_not_be_read_are_a_share_of_all(name: str, printed: Printed) -> None:
    def behaviour(answer: str, times: int) -> str:
        return "I would say yes." if answer == "odd" and not times else YES

    handler_of(behaviour, name)([item("odd"), item("a"), item("b")], Context(60))
    (record,) = health(printed)
    assert record["JudgeParseFailurePercent"] == [25]  # of four replies, the second to the odd answer included
    assert record["GraderErrorPercent"] == [0]


def test_a_judge_that_was_not_asked_has_no_share(name: str, printed: Printed) -> None:
    handler = handler_of(by_words, name)
    handler([item("good")], None)
    handler([item("good")], None)  # the same reply again
    first, second = health(printed)
    assert first["JudgeParseFailurePercent"] == [0]
    assert "JudgeParseFailurePercent" not in second


def test_a_batch_that_a_judge_refuses_has_no_score_at_all(name: str, printed: Printed) -> None:
    with pytest.raises(JudgeUnreliable):
        handler_of(lambda *_: "no verdict", name)([item("a"), item("b")], None)
    with pytest.raises(JudgeUnavailable):
        handler_of(lambda *_: ConverseBusy("busy"), name)([item("c")], None)
    assert [record["GraderErrorPercent"] for record in health(printed)] == [[100], [100]]
