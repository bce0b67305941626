"""The store, the pages of lists, the check of a grader's answer, the rules for faults."""

from __future__ import annotations

import io
import json
import threading
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from local.bedrock.faults import RULES, Faults
from local.bedrock.listing import page
from local.bedrock.protocol.errors import InvalidError, ServiceError
from local.bedrock.protocol.service import service_model
from local.bedrock.records import Tags
from local.bedrock.store import Store
from local.bedrock.training.dataset import read
from local.bedrock.training.failure import JobFailed
from local.bedrock.training.grading import Grader, GraderFault, _batches, rewards_of

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    ages=st.lists(st.integers(0, 5), max_size=30),
    size=st.integers(1, 7),
    order=st.sampled_from(["Ascending", "Descending"]),
)
def test_pages_hold_every_record_once_and_in_order(ages: list[int], size: int, order: str) -> None:
    records = [
        Tags(arn=f"arn-{number}", name="x", values={}, created=EPOCH + timedelta(seconds=age))
        for number, age in enumerate(ages)
    ]
    seen: list[Tags] = []
    asked: dict[str, Any] = {"maxResults": size, "sortOrder": order}
    while True:
        found, token = page(records, asked)
        seen += found
        if token is None:
            break
        assert len(found) == size
        asked["nextToken"] = token
    assert sorted(record.arn for record in seen) == sorted(record.arn for record in records)
    created = [record.created for record in seen]
    assert created == sorted(created, reverse=order == "Descending")


@pytest.mark.parametrize("token", ["x", "bm90IGpzb24=", "WzEsIDJd"])
def test_a_page_token_from_elsewhere_is_refused(token: str) -> None:
    with pytest.raises(InvalidError):
        page([], {"nextToken": token})


def test_a_transaction_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.save(Tags(arn="a", name="a", values={}))
        raise ZeroDivisionError
    assert store.get(Tags, "a") is None
    store.close()


def test_the_newest_base_with_a_prompt_is_found_else_the_newest(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    assert store.base_of_prompt("one") is None
    store.remember_prompts("first", ["one", "two"])
    store.remember_prompts("second", ["two"])
    found = [store.base_of_prompt(digest) for digest in ("one", "two", "three")]
    assert found == ["first", "second", "second"]
    store.forget_prompts("second")
    found = [store.base_of_prompt(digest) for digest in ("one", "two", "three")]
    assert found == ["first", "first", "first"]
    assert (store.knows_base("first"), store.knows_base("second")) == (True, False)
    store.close()


def test_a_base_that_is_noted_late_is_as_old_as_its_data(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    before = datetime.now(UTC) - timedelta(seconds=1)
    store.remember_prompts("job", ["one"])
    store.remember_prompts("older", ["one", "two"], since=before)
    assert [store.base_of_prompt(digest) for digest in ("one", "two", "three")] == ["job", "older", "job"]
    store.remember_prompts("newer", ["one"], since=datetime.now(UTC) + timedelta(hours=1))
    assert store.base_of_prompt("one") == "newer"
    store.remember_prompts("next job", ["one"])
    assert store.base_of_prompt("one") == "next job"
    store.close()


BATCH = [{"id": "a"}, {"id": "a"}, {"id": "b"}]


def _results(*rewards: Any) -> list[dict[str, Any]]:
    return [{"id": s["id"], "aggregate_reward_score": r} for s, r in zip(BATCH, rewards, strict=False)]


def test_rewards_come_by_place_even_where_ids_repeat() -> None:
    assert rewards_of(BATCH, json.dumps(_results(0, 0.5, -1)).encode()) == [0.0, 0.5, -1.0]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"", "not JSON"),
        (json.dumps({"statusCode": 200, "body": "[]"}).encode(), "not a list but dict"),
        (json.dumps({"errorMessage": "no", "errorType": "KeyError"}).encode(), "KeyError"),
        (json.dumps(_results(1, 1)).encode(), "given 3 samples and answered with 2"),
        (json.dumps(_results(1, 1, 1)[::-1]).encode(), "result 0 does not have the id"),
        (json.dumps(_results(1, 1, None)).encode(), "of result 2 is not a finite number"),
        (json.dumps(_results(1, 1, True)).encode(), "of result 2 is not a finite number"),
        (json.dumps(_results(1, float("nan"), 1)).encode(), "of result 1 is not a finite number"),
        (json.dumps(_results(1, float("inf"), 1)).encode(), "of result 1 is not a finite number"),
        (json.dumps(_results(1, "1", 1)).encode(), "of result 1 is not a finite number"),
        (json.dumps([1, 2, 3]).encode(), "result 0 is not an object"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_a_fault(answer: bytes, fault: str) -> None:
    with pytest.raises(GraderFault, match=fault):
        rewards_of(BATCH, answer)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3_000_000), max_size=6), st.integers(0, 200))
def test_batches_keep_order_and_both_limits(sizes: list[int], small: int) -> None:
    samples = [{"id": str(number), "text": "x" * size} for number, size in enumerate([*sizes, *([1] * small)])]
    batches = list(_batches(samples))
    assert [sample for batch in batches for sample in batch] == samples
    assert all(1 <= len(batch) <= 128 and len(json.dumps(batch)) < 6 * 1024 * 1024 for batch in batches)


class _SideBySide:
    """A reward function that answers only once three calls of it are under way, the last one first."""

    def __init__(self) -> None:
        self.together = threading.Barrier(3, timeout=20)

    def client(self, *_: Any, **__: Any) -> Any:
        return self

    def invoke(self, **asked: Any) -> dict[str, Any]:
        batch = json.loads(asked["Payload"])
        place = self.together.wait()
        time.sleep(0.02 * place)
        results = [{"id": s["id"], "aggregate_reward_score": len(s["messages"][-1]["content"]) / 1000} for s in batch]
        return {"Payload": io.BytesIO(json.dumps(results).encode())}


def test_a_reward_function_is_called_side_by_side_and_the_rewards_keep_their_order() -> None:
    records: Any = [{"id": f"r{place}", "messages": []} for place in range(384)]
    role: Any = _SideBySide()
    grade = Grader(role, "arn", records, name="training", backoff=0, pause=lambda _: None)
    assert grade([(place, "x" * place) for place in range(384)]) == [place / 1000 for place in range(384)]
    assert grade.calls == 3


@pytest.fixture
def faults(tmp_path: Path) -> Any:
    store = Store(tmp_path / "s.sqlite")
    yield Faults(store, [service_model("bedrock")])
    store.close()


def test_an_error_comes_as_often_as_asked_and_only_for_the_name(faults: Faults) -> None:
    rule = {"operation": "StopModelCustomizationJob", "error": "ThrottlingException", "times": 2, "name": "x-*"}
    faults.replace(RULES.validate_python([rule]))
    faults.raise_for("StopModelCustomizationJob", "other")
    faults.raise_for("GetModelCustomizationJob", "x-1")
    for _ in range(2):
        with pytest.raises(ServiceError) as error:
            faults.raise_for("StopModelCustomizationJob", "x-1")
        assert error.value.code == "ThrottlingException"
    faults.raise_for("StopModelCustomizationJob", "x-1")


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"job": "x", "do": "explode"},
        {"job": "x", "do": "stall", "stepp": 1},
        {"job": "x", "do": "stall", "step": -1},
        {"events": "x", "do": "repeat", "copies": 1},
        {"deployment": "x"},
        {"judge": "x"},
        {"judge": "x", "do": "garble", "share": 0},
        {"judge": "x", "do": "garble", "share": 1.1},
        {"judge": "x", "do": "refuse", "times": -1},
        "stall",
    ],
)
def test_a_rule_with_a_mistake_is_refused(rule: Any) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([rule])


def test_a_rule_names_only_operations_and_errors_that_exist(faults: Faults) -> None:
    rules = [
        {"operation": "Nothing", "error": "ThrottlingException"},
        {"operation": "CreateCustomModelDeployment", "error": "ConflictException"},
    ]
    with pytest.raises(ValueError, match=r"0\.operation: Nothing .*; 1\.error: CreateCustomModelDeployment has only"):
        faults.replace(RULES.validate_python(rules))
    assert faults.rules() == []


def test_a_judge_misbehaves_as_often_as_asked_and_only_the_named_one(faults: Faults) -> None:
    faults.replace(RULES.validate_python([{"judge": "openai.*", "do": "garble", "times": 2}]))
    assert faults.judge("amazon.nova-pro-v1:0", "x") is None
    found = [faults.judge("openai.gpt-oss-120b-1:0", "x") for _ in range(3)]
    assert [rule.do if rule else None for rule in found] == ["garble", "garble", None]


def test_a_share_is_of_conversations_and_always_the_same(faults: Faults) -> None:
    faults.replace(RULES.validate_python([{"judge": "*", "do": "refuse", "share": 0.3}]))
    hit = [faults.judge("any", f"question {number}") is not None for number in range(400)]
    assert 0.2 < sum(hit) / len(hit) < 0.4
    assert hit == [faults.judge("any", f"question {number}") is not None for number in range(400)]


class FakeRole:
    """A role that may do everything, and an S3 of one object."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def client(self, *_: Any, **__: Any) -> Any:
        return self

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": StreamingBody(io.BytesIO(self._body), len(self._body))}

    def doing(self, *_: Any) -> Any:
        return nullcontext()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "messages must be a list"),
        (b'{"messages": []}', "messages must be a list"),
        (b'{"messages": [{"content": "x"}]}', "every message needs a role"),
        (b'{"messages": [{"role": "user", "content": ""}]}', "every message needs content"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "a message of the user"),
    ],
)
def test_a_bad_line_fails_the_job_with_its_number(line: bytes, problem: str) -> None:
    good = b'{"messages": [{"role": "user", "content": "x"}]}'
    role: Any = FakeRole(b"\n".join([good, b"", line, good]))
    with pytest.raises(JobFailed, match=rf"s3://b/k line 3: .*{problem}"):
        read(role, ["s3://b/k"], name="training", fewest=1)


def test_good_lines_are_records() -> None:
    record = {"messages": [{"role": "user", "content": "Grüße"}], "reference_answer": {"a": 1}}
    role: Any = FakeRole(f"{json.dumps(record)}\r\n\n{json.dumps(record, ensure_ascii=False)}".encode())
    assert read(role, ["s3://b/k"], name="training", fewest=2) == [record, record]
