"""Models, clocks and contexts for the tests of the judges' runtime."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rft.aws.converse import Reply
from rft.grading.handler import Handler
from rft.grading.judging.criteria import Criterion, Rubric, Verdict
from rft.grading.judging.question import Question
from rft.grading.judging.rubric import rubric_score
from rft.judges.calls import Calls
from rft.judges.handler import judge_grader
from tests.unit.grading.judging.judges import fenced, reply

RUBRIC = Rubric(
    "You judge.",
    (
        Criterion(
            "good", "Is it?", (Verdict("yes", 1.0, "Yes."), Verdict("half", 0.5, "."), Verdict("no", 0.0, "No.")), 1
        ),
    ),
)
YES, HALF, NO = (reply(RUBRIC, good=word) for word in ("yes", "half", "no"))

CANARY = "canary-in-the-text"

type Printed = Callable[[], tuple[list[dict[str, Any]], list[dict[str, Any]]]]
type Behaviour = Callable[[str, int], str | Reply | Exception]
"""From the answer and how often it was asked about before to what the model does."""


class Model:
    """Behaves by the answer that it is shown, and keeps count of what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._lock = threading.Lock()
        self.asked: list[tuple[str, Question]] = []

    def ask(self, question: Question) -> Reply:
        answer = fenced(question)[0]["answer"]
        with self._lock:
            times = sum(known == answer for known, _ in self.asked)
            self.asked.append((answer, question))
        given = self._behaviour(answer, times)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, Reply) else Reply(given, "end_turn", 100, 10)


class Clock:
    """Moves only when somebody sleeps, by as long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


class Context:
    """A Lambda context with so many seconds left, less 7 ms each time that one looks."""

    def __init__(self, seconds: float) -> None:
        self._left = int(seconds * 1000)

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 7
        return self._left


def calls(model: Any, clock: Clock, *, jitter: float = 1.0) -> Calls:
    return Calls(model, sleep=clock.sleep, jitter=lambda: jitter)


def item(answer: Any = "An answer.", **more: Any) -> dict[str, Any]:
    return {
        "id": f"id of {answer}",
        "messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": answer}],
        "metadata": {"rft": {"run_id": "m-0123456789ab", "model": "m"}},
        **more,
    }


def handler_of(
    behaviour: Behaviour | Model, name: str, *, score: Any = None, clock: Clock | None = None, workers: int = 16
) -> Handler:
    model, clock = behaviour if isinstance(behaviour, Model) else Model(behaviour), clock or Clock()
    return judge_grader(
        score or rubric_score(RUBRIC),
        name=name,
        workers=workers,
        calls=lambda _: calls(model, clock),
        monotonic=clock.monotonic,
    )


def by_words(answer: str, _: int) -> str:
    return {"good": YES, "fair": HALF}.get(answer.split(maxsplit=1)[0], NO)


def rewards(results: list[dict[str, Any]]) -> list[float]:
    return [result["aggregate_reward_score"] for result in results]
