"""One bad sample costs one sample; what costs all of them fails the invocation."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading import BadSample, Sample, Score, SystemicFault
from rft.grading.batch import Graded, SampleError, grade_batch, refuse_systemic_failure
from rft.grading.errors import EventNotAList, EverySampleFailed
from rft.grading.sample import RunContext
from rft.grading.time_limit import TimeLimit

GARBAGE: list[Any] = [None, 5, "text", [], {}, {"id": "x"}, {"id": "x", "messages": []}]


def sample(answer: str = "right", sample_id: str = "a") -> dict[str, Any]:
    return {"id": sample_id, "messages": [{"role": "assistant", "content": answer}], "metadata": {}}


def score(sample: Sample) -> Any:
    outcomes: dict[str, Callable[[], Any]] = {
        "right": lambda: Score(1, rewards={"exact": 1}, metrics={"length": 5}),
        "wrong": lambda: Score(0),
        "key": lambda: {"a": 1}["secret"],
        "nan": lambda: Score(float("nan")),
        "two": lambda: Score(2),
        "float": lambda: 0.5,
        "bad": bad,
        "endless": endless,
    }
    return outcomes[sample.answer]()


def bad() -> Score:
    raise BadSample("no reference")


def endless() -> Score:
    for _ in range(200_000):  # seconds, should the limit not hold
        try:
            sum(range(1000))
        except Exception:  # an author's guard against everything doesn't hold up the time limit
            continue
    return Score(1)


def grade(*items: Any, seconds: float = 5) -> list[Graded]:
    return grade_batch(score, list(items), TimeLimit(seconds))


def test_a_score_as_bedrock_takes_it() -> None:
    assert [graded.to_json() for graded in grade(sample())] == [
        {
            "id": "a",
            "aggregate_reward_score": 1.0,
            "metrics_list": [
                {"name": "exact", "value": 1.0, "type": "Reward"},
                {"name": "length", "value": 5.0, "type": "Metric"},
            ],
        }
    ]


def test_an_error_as_bedrock_takes_it() -> None:
    assert [graded.to_json() for graded in grade(None)] == [
        {
            "id": "position-0",
            "aggregate_reward_score": 0.0,
            "metrics_list": [{"name": "error", "value": 1.0, "type": "Metric"}],
        }
    ]


def test_repeated_ids_are_told_apart_by_position() -> None:
    batch = grade(sample("right"), sample("wrong"), sample("right"))
    assert [graded.id for graded in batch] == ["a", "a", "a"]
    assert [graded.reward for graded in batch] == [1, 0, 1]


@pytest.mark.parametrize(
    ("answer", "kind", "in_code"),
    [
        ("key", "KeyError", True),
        ("nan", "ScoreInvalid", True),
        ("two", "ScoreInvalid", True),
        ("float", "ScoreInvalid", True),
        ("endless", "TimeLimitExceeded", True),
        ("bad", "BadSample", False),
    ],
)
def test_one_bad_sample_among_good_ones(answer: str, kind: str, in_code: bool) -> None:
    batch = grade(sample("right"), sample(answer, "b"), sample("right"), seconds=0.05)
    assert [graded.reward for graded in batch] == [1, 0, 1]
    error = batch[1].error
    assert error is not None
    assert (error.kind, error.in_code) == (kind, in_code)
    assert batch[1].id == "b"


def test_an_error_names_the_authors_line_and_quotes_nothing() -> None:
    for answer, function in (("key", score), ("nan", score), ("endless", endless)):
        error = grade(sample(answer), seconds=0.05)[0].error
        assert error is not None
        file, _, line = error.at.partition(":")
        assert file == "test_batch.py"
        assert int(line) >= function.__code__.co_firstlineno
        assert "secret" not in repr(error)


@pytest.mark.parametrize("item", GARBAGE, ids=repr)
def test_garbage_in_a_batch_is_an_error_of_its_own(item: Any) -> None:
    batch = grade(item, sample("right"))
    assert [graded.reward for graded in batch] == [0, 1]
    assert batch[0].error is not None
    assert batch[0].error.kind == "BadSample"


def test_an_empty_batch_has_no_results() -> None:
    assert grade() == []


def test_no_batch_at_all() -> None:
    with pytest.raises(EventNotAList):
        grade_batch(score, {"id": "a"}, TimeLimit(1))


def test_a_systemic_fault_passes_through() -> None:
    class JudgeDenied(SystemicFault):
        pass

    def denied(_: Sample) -> Score:
        raise JudgeDenied("the judge model denies access")

    with pytest.raises(JudgeDenied):
        grade_batch(denied, [sample(), sample()], TimeLimit(1))


def outcome(kind: str) -> Graded:
    if kind == "scored":
        return Graded("a", 0, RunContext(), score=Score(1))
    return Graded("a", 0, RunContext(), error=SampleError("KeyError", "app.py:1", in_code=kind == "failed"))


@pytest.mark.parametrize(
    ("kinds", "has_worked"),
    [
        (["failed", "failed"], False),
        (["failed", "failed"], True),
        (["failed", "bad", "failed"], True),
        (["failed"], False),
        (["failed", "bad"], False),
    ],
)
def test_a_grader_that_fails_on_all_it_was_given_fails_the_invocation(kinds: list[str], has_worked: bool) -> None:
    with pytest.raises(EverySampleFailed, match=r"KeyError at app.py:1 \(\d\)"):
        refuse_systemic_failure([outcome(kind) for kind in kinds], has_worked=has_worked)


@pytest.mark.parametrize(
    ("kinds", "has_worked"),
    [
        ([], False),
        (["scored"], False),
        (["scored", "failed", "failed"], False),
        (["bad", "bad"], False),
        (["bad"], False),
        (["failed"], True),
        (["failed", "bad"], True),
    ],
)
def test_other_errors_do_not(kinds: list[str], has_worked: bool) -> None:
    refuse_systemic_failure([outcome(kind) for kind in kinds], has_worked=has_worked)


def test_the_time_limit_puts_back_the_handler_and_the_timer_that_were_there() -> None:
    def mine(_number: int, _frame: Any) -> None:
        pytest.fail("the alarm is an hour away")

    before = signal.signal(signal.SIGALRM, mine)
    signal.setitimer(signal.ITIMER_REAL, 3600)
    try:
        grade(sample("right"), sample("endless"), seconds=0.05)
        assert signal.getsignal(signal.SIGALRM) is mine
        assert 3000 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3600
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_no_alarm_is_left_when_an_invocation_fails() -> None:
    def fault(_: Sample) -> Score:
        raise SystemicFault

    with pytest.raises(SystemicFault):
        grade_batch(fault, [sample()], TimeLimit(60))
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_another_thread_grades_without_a_limit_and_says_so() -> None:
    limit, batches = TimeLimit(5), list[list[Graded]]()
    thread = threading.Thread(target=lambda: batches.append(grade_batch(score, [sample()], limit)))
    thread.start()
    thread.join()
    assert not limit.enforced
    assert batches[0][0].reward == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "task_id", "messages", "metadata", "role", "content", "reference_answer", "rft"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_no_garbage_sinks_a_batch(items: list[Any]) -> None:
    batch = grade_batch(lambda _: Score(0.5), [*items, sample()], TimeLimit(5))
    refuse_systemic_failure(batch, has_worked=False)
    assert [graded.position for graded in batch] == list(range(len(items) + 1))
    assert batch[-1].reward == 0.5
