"""Graders that are bad in one way each, and what the gate must find."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from rft.gate import AboutGrader, AskBase, BaseUnavailable, GateReport, InvocationFailed, Settings
from tests.unit.gate.bench import (
    JUDGE,
    OWN,
    RECORDS,
    RULE,
    WITHOUT_GOLD,
    Handler,
    Samples,
    always,
    always_right,
    answer_of,
    by,
    exact,
    gate,
    half_right,
    reference_of,
    result,
)

good = by(exact)


class Case(NamedTuple):
    handler: Handler
    finds: set[str]
    about: AboutGrader = RULE
    ask_base: AskBase | None = half_right
    records: Any = RECORDS
    seconds: float = 0.01
    per_sample: float = 0.0
    settings: Settings | None = None
    written: Callable[[bytes], bytes] = bytes

    def report(self) -> GateReport:
        case = self._asdict()
        del case["finds"]
        return gate(case.pop("handler"), **case)


def raising(kind: Any, detail: str = "") -> Handler:
    def handler(samples: Samples) -> Any:
        raise InvocationFailed(kind, detail)

    return handler


def edited(**changes: Any) -> Handler:
    """Every seventh result changed."""

    def handler(samples: Samples) -> Any:
        results = good(samples)
        return [each | changes if i % 7 == 3 else each for i, each in enumerate(results)]

    return handler


def crashing(samples: Samples) -> Any:
    raise ZeroDivisionError(json.dumps(samples))


def fragile(samples: Samples) -> Any:
    return [{"id": s["id"], "aggregate_reward_score": exact(s)} for s in samples]


def zero_for_the_batch(samples: Samples) -> Any:
    try:
        return fragile(samples)
    except (KeyError, TypeError):
        return [{"id": s["id"], "aggregate_reward_score": 0.0} for s in samples]


def last_by_id(samples: Samples) -> Any:
    scores = {s["id"]: result(s) for s in samples}
    return [scores[s["id"]] for s in samples]


def first_by_id(samples: Samples) -> Any:
    scores = {s["id"]: result(s) for s in reversed(samples)}
    return [scores[s["id"]] for s in samples]


def one_for_each_id(samples: Samples) -> Any:
    return list({s["id"]: result(s) for s in samples}.values())


def ranked(samples: Samples) -> Any:
    lengths = sorted(len(s.get("messages", "")) and len(answer_of(s)) for s in samples)
    return by(lambda s: lengths.index(len(answer_of(s))) / len(lengths))(samples)


def counting() -> Handler:
    ticks = itertools.count()
    return by(lambda s: exact(s) * 0.9 + next(ticks) % 97 / 1000)


def noisy(size: float) -> Handler:
    chance = random.Random(7)
    return by(lambda s: exact(s) * (1 - size) + chance.random() * size)


def long_only(then: Handler) -> Handler:
    return lambda samples: then(samples) if any(len(answer_of(s)) > 15_000 for s in samples[:1]) else good(samples)


def errs_on(wrong: Callable[[str, str], bool]) -> Handler:
    """Marks as an error what it can't cope with, sample by sample."""

    def score(sample: Any) -> float:
        if wrong(answer_of(sample), reference_of(sample)):
            raise KeyError
        return exact(sample)

    return by(score)


def keywords(sample: Any) -> float:
    wanted = {"access", "fault", "billing", "delivery", "how_to", "feature_request"} & set(
        reference_of(sample).split('"')
    )
    return float(all(word in answer_of(sample) for word in wanted))


def echoing(sample: Any) -> float:
    words = set(sample["messages"][-2]["content"].split())
    return len(words & set(answer_of(sample).split())) / len(words)


def unavailable(messages: Any, count: int) -> list[str]:
    raise BaseUnavailable("Bedrock denies access to the base model.")


def once_right(messages: Any, count: int) -> list[str]:
    first = messages == RECORDS[0]["messages"]
    return half_right(messages, count) if first else ["I can't say."] * count


CASES: dict[str, Case] = {
    "good": Case(good, set()),
    "good, own": Case(good, set(), OWN),
    "good, judge": Case(good, set(), JUDGE),
    "good, without reference answers": Case(
        by(lambda s: min(len(answer_of(s)), 10) / 10 * (len(answer_of(s)) < 100)),
        set(),
        records=WITHOUT_GOLD,
        ask_base=lambda messages, count: ["I can't say.", "yes"] * (count // 2),
    ),
    # calls
    "crashing": Case(crashing, {"grader-raised"}),
    "crashing on long answers": Case(long_only(crashing), {"grader-raised"}),
    "an error as an answer": Case(lambda s: {"errorMessage": "...", "errorType": "KeyError"}, {"grader-raised"}),
    "a judge without access": Case(raising("raised", "JudgeDenied"), {"judge-unavailable"}, JUDGE),
    "hanging": Case(raising("timed-out", "3 s"), {"grader-timed-out"}),
    "hanging on long answers": Case(long_only(raising("timed-out")), {"grader-timed-out"}),
    "out of memory": Case(raising("out-of-memory"), {"grader-out-of-memory"}),
    "exiting": Case(raising("exited", "exit code 3"), {"grader-exited"}),
    "not there": Case(raising("refused", "ResourceNotFoundException"), {"grader-refused"}),
    "7 MB of answer": Case(raising("too-large"), {"answer-too-large"}),
    # form
    "nothing": Case(good, {"not-json"}, written=lambda answer: b""),
    "Latin-1": Case(good, {"not-json"}, written=lambda answer: b'["caf\xe9"]'),
    "half of the JSON": Case(good, {"not-json"}, written=lambda answer: answer[:-5]),
    "None": Case(lambda s: None, {"not-a-list"}),
    "a number": Case(lambda s: 0.5, {"not-a-list"}),
    "a text": Case(lambda s: "done", {"not-a-list"}),
    "results by id": Case(lambda s: {each["id"]: 1.0 for each in s}, {"not-a-list"}),
    "for the web": Case(lambda s: {"statusCode": 200, "body": json.dumps(good(s))}, {"wrapped-for-http"}),
    "a JSON string": Case(lambda s: json.dumps(good(s)), {"json-in-a-string"}),
    "bare numbers": Case(lambda s: [1.0 for _ in s], {"not-an-object"}),
    "drops a row": Case(lambda s: good(s)[:-1], {"rows-missing"}),
    "one for each id": Case(one_for_each_id, {"rows-missing"}),
    "extra rows": Case(lambda s: [*good(s), result(s[0])], {"rows-extra"}),
    "reversed": Case(lambda s: good(s)[::-1], {"wrong-order"}),
    "ids as numbers": Case(lambda s: [e | {"id": i} for i, e in enumerate(good(s))], {"wrong-ids"}),
    "no ids": Case(lambda s: [{"aggregate_reward_score": 1.0} for _ in s], {"wrong-ids"}),
    "another name": Case(lambda s: [{"id": e["id"], "reward": 1.0} for e in s], {"reward-missing"}),
    "NaN": Case(edited(aggregate_reward_score=float("nan")), {"nan-reward"}),
    "Infinity": Case(edited(aggregate_reward_score=float("inf")), {"infinite-reward"}),
    "-Infinity": Case(edited(aggregate_reward_score=float("-inf")), {"infinite-reward"}),
    "10 ** 400": Case(edited(aggregate_reward_score=10**400), {"infinite-reward"}),
    "1e9": Case(edited(aggregate_reward_score=1e9), {"out-of-range"}),
    "percent": Case(by(lambda s: 100 * exact(s)), {"out-of-range"}),
    "-5": Case(edited(aggregate_reward_score=-5), {"out-of-range"}),
    "True": Case(by(lambda s: exact(s) == 1), {"reward-not-a-number"}),
    "a string": Case(edited(aggregate_reward_score="1.0"), {"reward-not-a-number"}),
    "null": Case(edited(aggregate_reward_score=None), {"reward-not-a-number"}),
    "metrics by name": Case(edited(metrics_list={"a": 1}), {"metrics-invalid"}),
    "a metric NaN": Case(
        edited(metrics_list=[{"name": "a", "value": float("nan"), "type": "Metric"}]), {"metrics-invalid"}
    ),
    "a metric of no type": Case(edited(metrics_list=[{"name": "a", "value": 1.0}]), {"metrics-invalid"}),
    # conduct
    "random": Case(noisy(0.1), {"not-deterministic"}),
    "counting": Case(counting(), {"not-deterministic"}),
    "random, own": Case(noisy(0.1), {"rewards-vary"}, OWN),
    "a judge that varies": Case(noisy(0.1), {"rewards-vary"}, JUDGE),
    "the last of an id": Case(last_by_id, {"depends-on-batch"}),
    "the first of an id": Case(first_by_id, {"depends-on-batch"}),
    "the last of an id, own": Case(last_by_id, {"depends-on-batch"}, OWN),
    "the first of an id, own": Case(first_by_id, {"depends-on-batch"}, OWN),
    "ranked in the batch": Case(ranked, {"depends-on-batch"}),
    "sunk by a bad sample": Case(fragile, {"bad-sample-sinks-batch"}),
    "zero beside a bad sample": Case(zero_for_the_batch, {"bad-sample-sinks-batch"}),
    "no answer to nothing": Case(lambda s: good(s) if s else None, {"empty-list-fails"}),
    "raises on nothing": Case(lambda s: good(s) if s[0] else [], {"empty-list-fails"}),
    "no records": Case(good, {"no-records"}, records=[]),
    # ladder
    "constant": Case(by(lambda s: 0.5), {"constant-reward"}),
    "always 0": Case(by(lambda s: 0), {"constant-reward"}),
    "constant without references": Case(by(lambda s: 0.5), {"constant-reward"}, records=WITHOUT_GOLD),
    "nothing but errors": Case(good, {"no-scores"}, records=WITHOUT_GOLD),
    "errors on right answers": Case(errs_on(str.__eq__), {"gold-errors", "no-signal", "too-hard"}),
    "errors on empty answers": Case(errs_on(lambda answer, _: not answer), {"some-errors"}),
    "worst for the right answer": Case(
        by(lambda s: 1 - exact(s)), {"gold-not-above", "truncated-above-gold", "echo-above-gold", "flood-above-gold"}
    ),
    "the shape is enough": Case(by(lambda s: float(answer_of(s).startswith('{"category"'))), {"gold-not-above"}),
    "never more than half": Case(by(lambda s: exact(s) / 2), {"gold-low"}),
    "length": Case(
        by(lambda s: min(1.0, len(answer_of(s)) / 20_000)), {"gold-not-above", "echo-above-gold", "flood-above-gold"}
    ),
    "brevity": Case(by(lambda s: 1 / (1 + len(answer_of(s)))), {"gold-not-above", "truncated-above-gold"}),
    "a flood is best": Case(by(lambda s: max(exact(s) / 2, float(len(answer_of(s)) > 9_999))), {"flood-above-gold"}),
    "words of the prompt": Case(by(echoing), {"gold-not-above", "echo-above-gold", "flood-above-gold"}),
    "keywords": Case(by(keywords), {"echo-rewarded", "flood-as-good"}),
    "half for silence": Case(by(lambda s: max(exact(s), 0.5 * (not answer_of(s)))), {"empty-rewarded"}),
    "negative": Case(by(lambda s: 2 * exact(s) - 1), {"negative-reward"}),
    # signal
    "base always wrong": Case(good, {"no-signal", "too-hard"}, ask_base=always("I can't say.")),
    "base always right": Case(good, {"no-signal", "nothing-to-gain"}, ask_base=always_right),
    "base rarely right": Case(good, {"weak-signal", "too-hard"}, ask_base=once_right),
    "base always wrong, 4 prompts": Case(
        good, {"weak-signal", "too-hard"}, ask_base=always("I can't say."), records=RECORDS[:4]
    ),
    "nobody asked": Case(good, {"signal-unknown"}, ask_base=None),
    "base unavailable": Case(good, {"signal-unknown"}, ask_base=unavailable),
    # time and size
    "slow": Case(good, {"too-slow"}, per_sample=0.3),
    "slowish": Case(good, {"near-timeout"}, per_sample=0.15),
    "long results": Case(
        lambda s: [e | {"metrics_list": [{"name": "n" * 50_000, "value": 0, "type": "Metric"}]} for e in good(s)],
        {"results-too-large"},
    ),
    "long answers to come": Case(good, {"batch-too-large"}, settings=Settings(max_answer_tokens=16_384)),
    "a small quota": Case(good, {"judge-quota"}, JUDGE._replace(judge_requests_per_minute=10), per_sample=0.1),
}
