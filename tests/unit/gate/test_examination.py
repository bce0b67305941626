"""What holds for every examination, however the grader behaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.gate import BaseUnavailable, Invocation, InvocationFailed, Settings, examine, may_go_on
from tests.unit.gate.bench import (
    JUDGE,
    OWN,
    RECORDS,
    RULE,
    Handler,
    Samples,
    answer_of,
    by,
    calling,
    codes,
    exact,
    gate,
    half_right,
    result,
)

pytestmark = pytest.mark.thorough

good = by(exact)


class Recorder:
    """A good grader that keeps what it was sent."""

    def __init__(self, handler: Handler = good) -> None:
        self.calls: list[Samples] = []
        self.sizes: list[int] = []
        self._invoke = calling(handler)

    def __call__(self, payload: bytes) -> Invocation:
        self.calls.append(json.loads(payload))
        self.sizes.append(len(payload))
        return self._invoke(payload)


OBJECTS = [
    record | {"reference_answer": {"why": [place], "note": "so it is", "compliant": ("Yes", "No")[place % 2]}}
    for place, record in enumerate(RECORDS)
]


def test_the_right_answer_may_be_a_field_of_the_reference_answer() -> None:
    """As in the example of Bedrock's user guide, whose grader can't be expected to take JSON."""

    def compliant(sample: Mapping[str, Any]) -> float:
        return float(answer_of(sample) == sample["metadata"]["reference_answer"]["compliant"])

    report = gate(by(compliant), about=OWN, records=OBJECTS, ask_base=None)
    assert codes(report) == ["signal-unknown"]
    assert (report.ladder["gold"].n, report.ladder["gold"].mean, report.ladder["other"].mean) == (16, 1, 0)


def test_a_grader_that_pays_for_no_field_is_told_after_few_calls() -> None:
    invoke = Recorder(by(lambda _: 0.0))
    report = examine(OBJECTS, invoke=invoke, ask_base=None, about=OWN)
    assert codes(report) == ["constant-reward"]
    assert report.ladder["gold"].n == 16
    assert [answer_of(batch[0]) for batch in invoke.calls[:4]] == [
        json.dumps(OBJECTS[0]["reference_answer"]),
        "so it is",
        "Yes",
        json.dumps(OBJECTS[0]["reference_answer"]),
    ]


def test_answers_that_a_judge_has_seen_before_say_nothing_about_its_speed() -> None:
    seen: set[str] = set()

    def invoke(payload: bytes) -> Invocation:
        samples = json.loads(payload)
        new = {json.dumps(sample) for sample in samples} - seen
        seen.update(new)
        return Invocation(json.dumps(good(samples)).encode(), 0.5 * len(new))

    report = examine(RECORDS, invoke=invoke, ask_base=None, about=JUDGE)
    assert report.timing
    assert report.timing.seconds_per_sample == pytest.approx(0.5)


def test_samples_have_the_form_that_bedrock_sends() -> None:
    invoke = Recorder()
    records = [record | {"rft": {"run_id": "run-1"}, "note": 7} for record in RECORDS]
    examine(records, invoke=invoke, ask_base=None, about=RULE)
    by_id = {record["id"]: record for record in records}
    for sample in (each for batch in invoke.calls for each in batch if each["id"] != "bad-sample"):
        record = by_id[sample["id"]]
        assert sample.keys() == {"id", "messages", "metadata"}
        assert sample["messages"][:-1] == record["messages"]
        assert sample["messages"][-1].keys() == {"role", "content"}
        assert sample["messages"][-1]["role"] == "assistant"
        assert sample["metadata"] == {k: v for k, v in record.items() if k not in ("id", "messages")}


def test_answers_to_one_prompt_share_its_id_in_a_batch() -> None:
    invoke = Recorder()
    examine([{k: v for k, v in r.items() if k != "id"} for r in RECORDS], invoke=invoke, ask_base=None, about=RULE)
    assert [sample["id"] for sample in invoke.calls[0]] == [f"record-{i // 2}" for i in range(32)]


def test_few_calls() -> None:
    invoke = Recorder()
    report = examine(RECORDS, invoke=invoke, ask_base=half_right, about=RULE)
    assert [len(batch) for batch in invoke.calls] == [32, 32, 16, 5, 5, 5, 0, 48, 16, 64]
    assert invoke.calls[0] == invoke.calls[1]
    assert report.timing
    assert report.timing.calls == 10


def long_record(number: int, length: int) -> dict[str, Any]:
    """Its answer is right if it is the record's number. A letter of two bytes, so that characters aren't bytes."""
    return {"messages": [{"role": "user", "content": "é" * length}], "reference_answer": f"right answer {number}"}


def is_right(sample: Any) -> float:
    return float(sample["messages"][-1]["content"] == sample["metadata"]["reference_answer"])


def test_long_records_stay_within_a_call_and_within_sixteen() -> None:
    invoke = Recorder(by(is_right))
    records = [long_record(i, 30_000 * (i + 1)) for i in range(16)]
    report = examine(records, invoke=invoke, ask_base=lambda messages, n: ["é" * 20_000] * n, about=RULE)
    assert report.ladder["base"].n == 4 * report.records
    assert sum(invoke.sizes) > 10_000_000
    assert max(invoke.sizes) <= 5_000_000
    assert len(invoke.calls) <= 16
    assert 3 <= report.records < 16


@pytest.mark.parametrize("batch", [1, 2, 7, 10])
def test_small_batches(batch: int) -> None:
    invoke = Recorder()
    report = examine(RECORDS, invoke=invoke, ask_base=half_right, about=RULE, settings=Settings(batch=batch))
    assert all(len(call) <= max(batch, 5) for call in invoke.calls)
    assert {kind: rung.n for kind, rung in report.ladder.items()} == {**dict.fromkeys(report.ladder, 16), "base": 64}
    assert codes(report) == []


def test_the_same_twice() -> None:
    assert gate(good).to_json() == gate(good).to_json()
    assert gate(good, settings=Settings(seed=1)).to_json()["sample"] == {"records": 16, "seed": 1}


def test_base_may_be_asked_in_threads() -> None:
    with ThreadPoolExecutor(8) as executor:
        threaded = examine(RECORDS, invoke=calling(good), ask_base=half_right, about=RULE, mapped=executor.map)
    assert threaded.to_json() == gate(good).to_json()


def test_a_base_model_that_fails_is_not_asked_for_every_prompt() -> None:
    asked = 0

    def ask_base(messages: Any, count: int) -> list[str]:
        nonlocal asked
        asked += 1
        raise BaseUnavailable("Bedrock denies access to the base model.")

    report = gate(good, ask_base=ask_base)
    assert asked == 1
    assert codes(report) == ["signal-unknown"]
    assert report.signal.unknown == "Bedrock denies access to the base model"


def test_a_base_model_that_fails_late_is_still_judged() -> None:
    asked = 0

    def ask_base(messages: Any, count: int) -> list[str]:
        nonlocal asked
        asked += 1
        if asked > 10:
            raise BaseUnavailable("throttled")
        return half_right(messages, count)

    report = gate(good, ask_base=ask_base)
    assert (codes(report), report.signal.prompts) == ([], 10)


def test_rewards_may_vary_for_a_judge_and_an_own_grader_only() -> None:
    ticks = iter(range(10_000))

    def varies(samples: Samples) -> Any:
        return [result(s, lambda s: exact(s) * 0.9 + next(ticks) % 7 / 100) for s in samples]

    assert [codes(gate(varies, about=about)) for about in (RULE, OWN, JUDGE)] == [
        ["not-deterministic"],
        ["rewards-vary"],
        ["rewards-vary"],
    ]
    declared = [OWN._replace(kind="declared", judge_calls=calls) for calls in (0, 2)]
    assert [codes(gate(varies, about=about)) for about in declared] == [["not-deterministic"], ["rewards-vary"]]


def test_an_error_the_second_time_is_a_change() -> None:
    calls = iter(range(100))
    error = [{"name": "error", "value": 1.0, "type": "Metric"}]

    def errs_later(samples: Samples) -> Any:
        more = {"metrics_list": error} if next(calls) else {}
        return [result(sample, lambda _: 0) | more for sample in samples]

    assert codes(gate(errs_later)) == ["not-deterministic"]


def test_a_judge_may_change_its_mind_about_one_answer() -> None:
    """About the last record's: right and empty answers to it earn the same, and the empty one alone another time."""
    last = RECORDS[-1]["id"]

    def wavers(samples: Samples) -> Any:
        results = [result(s, lambda s: 0.5 + exact(s) / 2 * (s["id"] != last)) for s in samples]
        if len(samples) == 16 and results[0]["id"] == last:
            results[0]["aggregate_reward_score"] = 0.4
        return results

    assert codes(gate(wavers, about=RULE)) == ["depends-on-batch"]
    assert "depends-on-batch" not in codes(gate(wavers, about=JUDGE))
    assert "depends-on-batch" not in codes(gate(wavers, about=OWN))


def test_what_a_flood_takes_is_not_what_a_job_will_take() -> None:
    def invoke(payload: bytes) -> Invocation:
        return calling(good)(payload)._replace(seconds=25.0 if len(payload) > 320_000 else 0.1)

    assert codes(examine(RECORDS, invoke=invoke, ask_base=half_right, about=RULE)) == []


def test_the_detail_of_a_failure_is_a_name_at_most() -> None:
    def invoke(payload: bytes) -> Invocation:
        raise InvocationFailed("exited", "exit code 3\n<script>" + "x" * 1_000)

    report = examine(RECORDS, invoke=invoke, ask_base=None, about=RULE)
    assert codes(report) == ["grader-exited"]
    assert report.findings[0].message.startswith("Its process ended (exit code 3scriptxxx")
    assert len(report.findings[0].message) < 200


def test_more_records_than_wished_for_are_left() -> None:
    assert gate(good, settings=Settings(records=5)).ladder["gold"].n == 5


BYTES = st.binary(max_size=60) | st.sampled_from([b"[]", b"null", b"{}", b'"x"', b"NaN", b"[" * 5_000, b"1e999"])
FAILURES = st.builds(
    InvocationFailed,
    st.sampled_from(["raised", "timed-out", "out-of-memory", "exited", "refused", "too-large"]),
    st.text(max_size=20),
)


@given(st.lists(st.none() | BYTES | FAILURES, max_size=12), BYTES | FAILURES)
def test_whatever_comes_back_nothing_is_raised_and_nothing_broken_is_open(
    answers: list[bytes | InvocationFailed | None], last: bytes | InvocationFailed
) -> None:
    """None stands for the right answer. What follows the script is never one, so some call has always gone wrong,
    unless the script was longer than the examination."""
    script: Iterable[bytes | InvocationFailed | None] = iter(answers)
    wrong = False

    def invoke(payload: bytes) -> Invocation:
        nonlocal wrong
        answer = next(iter(script), last)
        if answer is None:
            return calling(good)(payload)
        wrong = wrong or payload != b"[]"
        if isinstance(answer, InvocationFailed):
            raise answer
        return Invocation(answer, 0.01)

    report = examine(RECORDS, invoke=invoke, ask_base=half_right, about=RULE)
    assert report.verdict == "closed" if wrong else not report.broken_contract
    assert may_go_on(report, "warn") is not wrong
    assert json.loads(json.dumps(report.to_json(), allow_nan=False)) == report.to_json()


def spoil(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
    return lambda samples: [change(each) if i == len(samples) // 2 else each for i, each in enumerate(good(samples))]


@given(
    st.dictionaries(
        st.sampled_from(["id", "aggregate_reward_score", "metrics_list"]),
        st.booleans() | st.text(max_size=3) | st.floats(1.001) | st.floats(max_value=-1.001) | st.just([{}]),
        min_size=1,
    )
)
def test_one_wrong_result_is_enough(changes: dict[str, Any]) -> None:
    report = gate(spoil(lambda each: each | changes))
    assert report.broken_contract
    assert not may_go_on(report, "warn")


@pytest.mark.parametrize("record", [RECORDS[0], RECORDS[0] | {"reference_answer": "x"}, {"messages": []}])
def test_a_single_record_is_enough_to_run(record: dict[str, Any]) -> None:
    messages: Sequence[Any] = record["messages"]
    report = gate(good, records=[{"messages": messages, **record}], ask_base=None)
    assert report.records == 1
    assert "signal-unknown" in codes(report) or not report.ladder["gold"].n
