"""An answer's bytes against Bedrock's contract."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rft.gate.codes import CODES
from rft.gate.reading import Grade, Reading, error_class, read_answer

IDS = ["a", "a", "b"]


def row(id_: Any, reward: Any = 1.0, **more: Any) -> dict[str, Any]:
    return {"id": id_, "aggregate_reward_score": reward, **more}


def read(answer: Any, ids: list[str] = IDS) -> Reading:
    return read_answer(json.dumps(answer).encode(), ids)


def found(reading: Reading) -> list[str]:
    return [breach.code for breach in reading.breaches]


def test_a_good_answer() -> None:
    metrics = [{"name": "format", "value": 1, "type": "Reward"}, {"name": "error", "value": 0.0, "type": "Metric"}]
    reading = read([row("a", 0), row("a", 0.25, metrics_list=metrics, why="ignored"), row("b", 1, metrics_list=None)])
    assert reading == Reading([Grade(0.0), Grade(0.25, components={"format": 1.0}), Grade(1.0)], [])


def test_components_are_kept_within_what_our_own_graders_may_have() -> None:
    metrics = [{"name": f"c{number}", "value": number, "type": "Metric"} for number in range(70)]
    metrics.append({"name": "x" * 65, "value": 1, "type": "Metric"})
    (grade,) = read([row("a", 0.5, metrics_list=metrics)], ["a"]).grades
    assert grade is not None
    assert grade.components == {f"c{number}": float(number) for number in range(64)}
    broken = [{"name": "c", "value": 1, "type": "Metric"}, {"name": "d", "value": None, "type": "Metric"}]
    (bare,) = read([row("a", 0.5, metrics_list=broken)], ["a"]).grades
    assert bare == Grade(0.5)


def test_an_error_is_no_judgement() -> None:
    error = [{"name": "error", "value": 1.0, "type": "Metric"}]
    assert read([row("a", 0, metrics_list=error)], ["a"]).grades == [Grade(0.0, error=True)]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "not-json"),
        (b"\xff\xfe[\x00]\x00", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[1, 2", "not-json"),
        (b"9" * 5_000, "not-a-list"),
        (b"NaN", "not-a-list"),
        (b"true", "not-a-list"),
        (b'"[]"', "json-in-a-string"),
        (b'{"body": "[]"}', "wrapped-for-http"),
        (b'{"errorMessage": "", "errorType": "E"}', "grader-raised"),
        (b'{"errorMessage": "", "errorType": {}}', "grader-raised"),
        (b"[]", "rows-missing"),
        (b"[{}, {}]", "rows-missing"),
        (b"[{}, {}, {}, {}]", "rows-extra"),
        (b"[[], [], []]", "not-an-object"),
        (b"[{}, {}, {}]", "wrong-ids"),
    ],
)
def test_answers_that_fit_no_sample(payload: bytes, code: str) -> None:
    reading = read_answer(payload, IDS)
    assert (reading.grades, found(reading)) == ([], [code])


@pytest.mark.parametrize(
    ("given_ids", "code"),
    [
        (["a", "b", "a"], "wrong-order"),
        (["a", "a", "c"], "wrong-ids"),
        (["a", "a", None], "wrong-ids"),
        (["a", "a", ["b"]], "wrong-ids"),
        (["a", "a", "b "], "wrong-ids"),
        ([1, 1, 2], "wrong-ids"),
    ],
)
def test_ids(given_ids: list[Any], code: str) -> None:
    assert found(read([row(each) for each in given_ids])) == [code]


@pytest.mark.parametrize(
    ("reward", "code"),
    [
        ("NaN", "nan-reward"),
        ("Infinity", "infinite-reward"),
        ("-Infinity", "infinite-reward"),
        ("1e999", "infinite-reward"),
        ("1" + "0" * 309, "infinite-reward"),
        ("-1" + "0" * 5_000, "infinite-reward"),
        ("1" + "0" * 298, "out-of-range"),
        ("1.0001", "out-of-range"),
        ("-1.5", "out-of-range"),
        ("-1", "negative-reward"),
        ("true", "reward-not-a-number"),
        ("null", "reward-not-a-number"),
        ('"0.5"', "reward-not-a-number"),
        ("[0.5]", "reward-not-a-number"),
    ],
)
def test_rewards(reward: str, code: str) -> None:
    reading = read_answer(f'[{{"id": "a", "aggregate_reward_score": {reward}}}]'.encode(), ["a"])
    assert found(reading) == [code]
    assert reading.grades == ([Grade(-1.0)] if code == "negative-reward" else [None])


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        "accuracy",
        [1],
        [None],
        [{"value": 1, "type": "Metric"}],
        [{"name": "", "value": 1, "type": "Metric"}],
        [{"name": 7, "value": 1, "type": "Metric"}],
        [{"name": "a", "value": "1", "type": "Metric"}],
        [{"name": "a", "value": True, "type": "Metric"}],
        [{"name": "a", "value": math.nan, "type": "Metric"}],
        [{"name": "a", "value": math.inf, "type": "Metric"}],
        [{"name": "a", "value": 1, "type": "metric"}],
        [{"name": "a", "value": 1, "type": ["Metric"]}],
        [{"name": "error", "value": 1, "type": "Metric"}, {}],
    ],
)
def test_metrics(metrics: Any) -> None:
    assert found(read([row("a", metrics_list=metrics)], ["a"])) == ["metrics-invalid"]


def test_each_result_is_looked_at() -> None:
    reading = read([row("a", math.nan), row("a", 0.5), row("b", True)])
    assert found(reading) == ["nan-reward", "reward-not-a-number"]
    assert reading.grades == [None, Grade(0.5), None]


@pytest.mark.parametrize("name", ["a secret: 12", "x" * 81, "", None, 7, "Ärger", "two\nlines"])
def test_only_a_name_is_an_error_class(name: Any) -> None:
    assert error_class(name) == "an error"
    assert error_class("my.module.Bad_Answer2") == "my.module.Bad_Answer2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
METRICS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["error", "a"]) | JSON, "value": st.floats() | JSON},
        optional={"type": st.sampled_from(["Metric", "Reward"]) | JSON},
    ),
    max_size=2,
)
FIELDS = {"id": JSON, "aggregate_reward_score": st.floats(-2, 2) | JSON, "metrics_list": METRICS | JSON}
SPOILT = st.tuples(*(st.fixed_dictionaries({}, optional=FIELDS) for _ in IDS)).map(
    lambda changes: [row(id_) | change for id_, change in zip(IDS, changes, strict=True)]
)


def keeps_contract(answer: Any, ids: list[str]) -> bool:
    """The contract once more, in other words."""
    if type(answer) is not list or [type(r) is dict and r.get("id") for r in answer] != ids:
        return False
    rewards = [r.get("aggregate_reward_score") for r in answer]
    lists = [r.get("metrics_list") for r in answer]
    metrics = [m for each in lists if type(each) is list for m in each]
    return (
        all(type(x) in (int, float) and -1 <= x <= 1 for x in rewards)
        and all(each is None or type(each) is list for each in lists)
        and all(type(m) is dict and type(m.get("name")) is str and m["name"] for m in metrics)
        and all(type(m.get("value")) in (int, float) and abs(m["value"]) < math.inf for m in metrics)
        and all(m.get("type") in ("Metric", "Reward") for m in metrics)
    )


@given(SPOILT | JSON)
@example([row("a"), row("a"), row("b", metrics_list=[{"name": "x", "value": 10**300, "type": "Metric"}])])
@example([row("a"), row("a"), row("b", metrics_list=0)])
@example([row("a"), row("a"), row("b", metrics_list=False)])
def test_what_breaks_the_contract_is_told_and_nothing_else(answer: Any) -> None:
    reading = read(answer)
    told = any(CODES[code].severity == "contract" for code in found(reading))
    assert told != (keeps_contract(json.loads(json.dumps(answer)), IDS))


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    assert found(read_answer(payload, IDS))
