"""What may be claimed, and what a person is told of it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.comparison.interval import Change, Interval, change_of
from rft.comparison.verdict import HeldOut, Measured, Reason, Verdict, credited, decide
from tests.unit.comparison.making import document, rewards

REWARDS = st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])
PAIRS = st.lists(st.tuples(REWARDS, REWARDS), min_size=1, max_size=25)
LIMITS = st.sampled_from([-0.5, -0.1, -0.01, 0.0, 0.01, 0.1, 0.5])


def change(before: float, low: float, mean: float, high: float) -> Change:
    return Change(before, before + mean, Interval(mean, low, high))


def verdict(reward: Change | None, min_gain: float = 0.0, **more: Any) -> Verdict:
    known: dict[str, Any] = {
        "against": "base",
        "prompts": 200,
        "pairs": 200,
        "differing": 150,
        "missing": {"base": 0, "candidate": 0},
    }
    return decide(Measured(reward=reward, **{**known, **more}), min_gain=min_gain)


BETTER = change(0.2, 0.57, 0.64, 0.71)
HOPEFUL = change(0.5, -0.03, 0.02, 0.07)
WORSE = change(0.8, -0.2, -0.1, -0.04)
SAID: list[tuple[Verdict, str, Reason, str]] = [
    (
        verdict(BETTER),
        "promote",
        "gain",
        "Better than the base model: the mean reward rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % confidence) "
        "on 200 prompts.",
    ),
    (
        verdict(BETTER, against="live", pairs=193, missing={"live": 4, "candidate": 3}),
        "promote",
        "gain",
        "Better than the live version: the mean reward rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % "
        "confidence) on 193 of 200 prompts.",
    ),
    (
        verdict(change(0.5, 0.0004, 0.0041, 0.0078)),
        "promote",
        "gain",
        "Better than the base model: the mean reward rose from 0.5000 to 0.5041 (+0.0041, +0.0004 to +0.0078 at 95 % "
        "confidence) on 200 prompts.",
    ),
    (
        verdict(BETTER, differing=6),
        "promote",
        "gain",
        "Better than the base model: the mean reward rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % confidence) "
        "on 200 prompts.",
    ),
    (
        verdict(BETTER, differing=5),
        "keep",
        "too-few-differ",
        "No gain over the base model could be shown: the mean reward rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at "
        "95 % confidence) on 200 prompts, but only 5 prompts earned another reward than before, which may be chance.",
    ),
    (
        verdict(BETTER, pairs=160, missing={"base": 0, "candidate": 40}),
        "promote",
        "gain",
        "Better than the base model: the mean reward rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % confidence) "
        "on 160 of 200 prompts.",
    ),
    (
        verdict(change(0.70, 0.05, 0.10, 0.15), pairs=180, missing={"base": 0, "candidate": 20}),
        "keep",
        "answers-fewer",
        "Not shown to be better than the base model: the mean reward rose from 0.70 to 0.80 (+0.10, +0.05 to +0.15 at "
        "95 % confidence) on 180 of 200 prompts, but the candidate has no graded answer to 20 prompts, the base model "
        "to 0.",
    ),
    (
        verdict(change(0.70, 0.05, 0.10, 0.15), pairs=180, missing={"base": 20, "candidate": 20}),
        "promote",
        "gain",
        "Better than the base model: the mean reward rose from 0.70 to 0.80 (+0.10, +0.05 to +0.15 at 95 % confidence) "
        "on 180 of 200 prompts.",
    ),
    (
        verdict(HOPEFUL),
        "keep",
        "no-gain",
        "No gain over the base model could be shown: the mean reward rose from 0.50 to 0.52 (+0.02, -0.03 to +0.07 at "
        "95 % confidence) on 200 prompts, so the difference may be chance.",
    ),
    (
        verdict(change(0.5, 0.0, 0.0, 0.0)),
        "keep",
        "no-gain",
        "No gain over the base model could be shown: the mean reward stayed at 0.50 (0.00, 0.00 to 0.00 at 95 % "
        "confidence) on 200 prompts.",
    ),
    (
        verdict(change(0.5, 0.01, 0.03, 0.05), min_gain=0.02),
        "keep",
        "gain-too-small",
        "Better than the base model, but not by enough: the mean reward rose from 0.50 to 0.53 (+0.03, +0.01 to +0.05 "
        "at 95 % confidence) on 200 prompts; this run asks for +0.02 at least at the lower end.",
    ),
    (
        verdict(WORSE),
        "keep",
        "worse",
        "Worse than the base model: the mean reward fell from 0.80 to 0.70 (-0.10, -0.20 to -0.04 at 95 % confidence) "
        "on 200 prompts.",
    ),
    (
        verdict(HOPEFUL, min_gain=-0.05),
        "promote",
        "within-limit",
        "Not shown to be better than the base model, but within the fall of 0.05 that this run allows: the mean reward "
        "rose from 0.50 to 0.52 (+0.02, -0.03 to +0.07 at 95 % confidence) on 200 prompts.",
    ),
    (
        verdict(HOPEFUL, min_gain=-0.01),
        "keep",
        "no-gain",
        "No gain over the base model could be shown: the mean reward rose from 0.50 to 0.52 (+0.02, -0.03 to +0.07 at "
        "95 % confidence) on 200 prompts, so the difference may be chance; this run asks for -0.01 at least at the "
        "lower end.",
    ),
    (
        verdict(change(0.5, 0.0, 0.0, 0.0), constant=0.5),
        "keep",
        "constant-rewards",
        "No gain could be measured over the base model: every answer of both models earned the same reward, 0.50, on "
        "200 prompts.",
    ),
    (
        verdict(BETTER, pairs=9, prompts=9),
        "keep",
        "too-few-pairs",
        "Too little to decide on: 9 prompts have a graded answer of both models, and it takes 10 at least.",
    ),
    (
        verdict(None, pairs=0, prompts=0),
        "keep",
        "too-few-pairs",
        "Too little to decide on: 0 prompts have a graded answer of both models, and it takes 10 at least.",
    ),
    (
        verdict(BETTER, pairs=1, prompts=1),
        "keep",
        "too-few-pairs",
        "Too little to decide on: 1 prompt has a graded answer of both models, and it takes 10 at least.",
    ),
    (
        verdict(BETTER, pairs=150, missing={"base": 3, "candidate": 47}),
        "keep",
        "missing-answers",
        "The models can't be compared: there is no graded answer of the candidate for 47 of 200 prompts, and at most "
        "20 % may be missing.",
    ),
    (
        verdict(None, pairs=0, against="live", missing={"live": 150, "candidate": 50}),
        "keep",
        "missing-answers",
        "The models can't be compared: there is no graded answer of the live version for 150 of 200 prompts and of the "
        "candidate for 50 of 200 prompts, and at most 20 % may be missing.",
    ),
    (
        verdict(BETTER, held_out=HeldOut(WORSE, 200)),
        "keep",
        "held-out-fell",
        "Not confirmed by the held-out grader: by the training grader the mean reward rose from 0.20 to 0.84 (+0.64, "
        "+0.57 to +0.71 at 95 % confidence), but by the held-out one it fell from 0.80 to 0.70 (-0.10, -0.20 to -0.04 "
        "at 95 % confidence) on 200 prompts.",
    ),
    (
        verdict(BETTER, held_out=HeldOut(None, 0)),
        "keep",
        "held-out-unknown",
        "Not confirmed by the held-out grader: by the training grader the mean reward rose from 0.20 to 0.84 (+0.64, "
        "+0.57 to +0.71 at 95 % confidence), but the held-out one graded both answers for only 0 of 200 prompts.",
    ),
]


@pytest.mark.parametrize(("found", "recommended", "reason", "sentence"), SAID)
def test_what_is_decided_and_said(found: Verdict, recommended: str, reason: str, sentence: str) -> None:
    assert (found.recommended, found.reason) == (recommended, reason)
    assert found.sentence == sentence
    assert found.sentence.isascii()


def test_every_reason_is_met() -> None:
    assert {reason for _, _, reason, _ in SAID} == set(get_args(Reason.__value__))


@pytest.mark.parametrize(
    ("low", "min_gain", "recommended"),
    [
        (0.02, 0.02, "promote"),
        (0.02 - 1e-12, 0.02, "promote"),
        (0.0199, 0.02, "keep"),
        (0.0001, 0.0, "promote"),
        (0.0, 0.0, "keep"),
        (1e-12, 0.0, "keep"),
        (0.0, -0.01, "promote"),
        (-0.01, -0.01, "promote"),
        (-0.011, -0.01, "keep"),
    ],
)
def test_where_the_line_is(low: float, min_gain: float, recommended: str) -> None:
    assert verdict(change(0.4, low, 0.1, 0.2), min_gain).recommended == recommended


def test_ten_pairs_are_enough_and_a_fifth_may_be_missing() -> None:
    assert verdict(BETTER, pairs=10, prompts=10).recommended == "promote"
    assert verdict(BETTER, pairs=160, missing={"base": 0, "candidate": 40}).recommended == "promote"
    assert verdict(BETTER, pairs=159, missing={"base": 0, "candidate": 41}).reason == "missing-answers"


@pytest.mark.parametrize(("high", "recommended"), [(-0.001, "keep"), (0.0, "promote"), (0.05, "promote")])
def test_a_held_out_fall_counts_where_it_is_certain(high: float, recommended: str) -> None:
    held_out = HeldOut(change(0.8, -0.2, -0.05, high), 200)
    assert verdict(BETTER, held_out=held_out).recommended == recommended


@pytest.mark.parametrize(("pairs", "recommended"), [(160, "promote"), (159, "keep"), (9, "keep")])
def test_a_held_out_grader_must_have_graded_most(pairs: int, recommended: str) -> None:
    assert verdict(BETTER, held_out=HeldOut(BETTER, pairs)).recommended == recommended


def test_no_gain_is_the_reason_before_what_a_held_out_grader_says() -> None:
    assert verdict(HOPEFUL, held_out=HeldOut(WORSE, 200)).reason == "no-gain"
    assert verdict(WORSE, held_out=HeldOut(BETTER, 200)).reason == "worse"


@settings(max_examples=40)
@given(PAIRS, LIMITS, LIMITS)
def test_who_asks_for_less_is_refused_no_more(pairs: list[tuple[float, float]], one: float, other: float) -> None:
    before, after = zip(*pairs, strict=True)
    reward = change_of(before, after, seed=0)
    more, less = (
        verdict(reward, limit, pairs=len(pairs), prompts=len(pairs)).recommended
        for limit in (max(one, other), min(one, other))
    )
    assert (more, less) != ("promote", "keep")


@settings(max_examples=40)
@given(PAIRS)
def test_two_models_are_never_both_better_than_the_other(pairs: list[tuple[float, float]]) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    there, back = document(rewards(before, after)), document(rewards(after, before))
    assert {there["verdict"]["recommended"], back["verdict"]["recommended"]} != {"promote"}
    assert (there["win"], there["tie"], there["loss"]) == (back["loss"], back["tie"], back["win"])
    assert (there["before"], there["after"]) == (back["after"], back["before"])
    for end, other in (("mean", "mean"), ("low", "high"), ("high", "low")):
        assert there["gain"][end] == -back["gain"][other]


def test_a_gain_in_the_form_alone_claims_no_correct_answer() -> None:
    parts = {"format": BETTER, "correct": change(0.0, 0.0, 0.0, 0.0), "size": HOPEFUL}
    assert credited(parts) == "The gain is in format; none is claimed for correct, size."
    assert credited({"size": WORSE}) == "The gain is in no single component; none is claimed for size."
    assert credited({"format": BETTER}) == credited({}) == ""
