"""comparison.json from rows: by hand, and what must hold of any."""

from __future__ import annotations

import json
import random
import statistics
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.comparison.document import About, Settings, compared, summary
from rft.comparison.interval import bca
from rft.comparison.rows import Role, Row, row_of
from rft.comparison.spend import CostOf
from tests.unit.comparison.making import (
    BASE,
    CANDIDATE,
    LIVE,
    about,
    answer,
    document,
    document_of,
    missing,
    rewards,
    rows_of,
    ungraded,
)

ARN = "arn:aws:lambda:us-east-1:1:function:held-out:1"


def per_token(role: Role, input_tokens: int, output_tokens: int) -> float | None:
    return None if role == "live" else input_tokens / 1_000 + output_tokens / 100


COST: CostOf = per_token


def test_a_comparison_by_hand() -> None:
    """Ten prompts: one of the base is missing, one of the candidate has no grade. 8 pairs: 5 won, 2 tied, 1 lost."""
    base = [answer(0.2, "four", components={"form": 0.0, "fit": 0.4}, milliseconds=100 * n) for n in range(1, 10)]
    candidate = [
        *[answer(0.7, "six ch", components={"fit": 0.9, "form": 1.0, "new": 1.0}, milliseconds=1_000)] * 5,
        *[answer(0.2, "six ch", components={"fit": 0.4, "form": 1.0}, milliseconds=2_000)] * 2,
        answer(0.1, "", components={"fit": 0.2, "form": 0.0}, milliseconds=None),
        ungraded("a much longer answer"),
        answer(1.0, "six ch", components={"fit": 1.0, "form": 1.0}, milliseconds=1_000),
    ]
    found = compared(
        rows_of(base=[*base, missing()], candidate=candidate), about(), min_gain=0.0, confidence=0.9, cost_of=COST
    )
    differences = [0.5] * 5 + [0.0] * 2 + [-0.1]
    assert found["gain"] == bca(differences, confidence=0.9, seed=7).to_json()
    assert found["gain"]["mean"] == pytest.approx(2.4 / 8)
    assert (found["before"], found["after"]) == (0.2, 0.5)
    assert (found["pairs"], found["win"], found["tie"], found["loss"]) == (8, 5, 2, 1)
    assert found["gain_over_base"] is None
    assert found["held_out"] is None
    assert found["roles"]["base"] == {
        "answers": 9,
        "missing": 1,
        "grader_errors": 0,
        "reward": {"mean": 0.2, "deviation": 0.0},
        "length": {"mean": 4.0, "median": 4.0},
        "milliseconds": {"median": 500.0, "p95": 860.0},
        "tokens": {"input": 900, "output": 90},
        "cost_usd": 1.8,
        "held_out": None,
    }
    assert found["roles"]["candidate"] == {
        "answers": 9,
        "missing": 1,
        "grader_errors": 1,
        # (5 * 0.7 + 2 * 0.2 + 0.1 + 1) / 9 = 5 / 9
        "reward": {"mean": 0.555556, "deviation": round(statistics.stdev([0.7] * 5 + [0.2] * 2 + [0.1, 1.0]), 6)},
        "length": {"mean": 6.8, "median": 6.0},  # (8 * 6 + 0 + 20) / 10
        "milliseconds": {"median": 1000.0, "p95": 2000.0},  # of 500, 1000 six times, 2000 twice
        "tokens": {"input": 1_000, "output": 100},
        "cost_usd": 2.0,
        "held_out": None,
    }
    form, fit = found["components"]["form"], found["components"]["fit"]
    assert list(found["components"]) == ["form", "fit"]
    assert (form["before"], form["after"], form["gain"]["mean"]) == (0.0, 0.875, 0.875)
    assert (fit["before"], fit["after"], fit["gain"]["mean"]) == (0.4, pytest.approx(5.5 / 8), pytest.approx(2.3 / 8))
    assert fit["gain"]["confidence"] == 0.9
    assert found["verdict"]["reason"] == "too-few-pairs"


def test_the_head_says_what_was_compared_and_how() -> None:
    found = document(rewards([0.1] * 12, [0.5] * 12), against="live", held_out=ARN)
    assert found["version"] == 1
    assert (found["run_id"], found["model"], found["against"]) == ("triage-2", "triage", "live")
    assert found["models"] == {
        "base": {"model_id": BASE, "run_id": None},
        "live": {"model_id": LIVE, "run_id": "triage-1"},
        "candidate": {"model_id": CANDIDATE, "run_id": "triage-2"},
    }
    assert found["settings"] == {
        "temperature": 0.0,
        "max_tokens": None,
        "reasoning_effort": None,
        "prompts": 12,
        "of": 1_000,
        "seed": 7,
    }
    assert found["grader"] == {"arn": "arn:aws:lambda:us-east-1:1:function:grader:3"}
    assert found["held_out_grader"] == {"arn": ARN}
    assert found["verdict"]["min_gain"] == 0.0


def test_against_the_live_version_the_gain_over_the_base_is_told_too() -> None:
    rows = rows_of(
        base=[answer(0.1)] * 10 + [missing()] * 2,
        live=[answer(0.5)] * 12,
        candidate=[answer(0.7)] * 10 + [answer(0.9)] * 2,
    )
    found = document(rows, against="live")
    assert found["gain_over_base"]["mean"] == pytest.approx(0.6)  # over the ten prompts that the base answered
    assert found["gain"]["mean"] == pytest.approx((10 * 0.2 + 2 * 0.4) / 12, abs=1e-6)
    assert found["pairs"] == found["win"] == 12
    assert found["roles"]["live"]["reward"]["mean"] == 0.5
    assert found["verdict"]["sentence"].startswith("Better than the live version:")


def test_what_the_base_misses_is_nothing_to_a_comparison_with_the_live_version() -> None:
    rows = rows_of(base=[missing()] * 12, live=[answer(0.5)] * 12, candidate=[answer(0.7)] * 12)
    found = document(rows, against="live")
    assert found["verdict"]["recommended"] == "promote"
    assert found["gain_over_base"] is None
    assert found["roles"]["base"]["reward"] == {"mean": None, "deviation": None}


def test_the_held_out_grader_is_compared_over_what_it_graded() -> None:
    base = [answer(0.2, held_out_reward=0.8)] * 11 + [answer(0.2)]
    candidate = [answer(0.9, held_out_reward=0.3)] * 12
    found = document(rows_of(base=base, candidate=candidate), held_out=ARN)
    assert found["held_out"]["pairs"] == 11
    assert (found["held_out"]["before"], found["held_out"]["after"]) == (0.8, 0.3)
    assert found["held_out"]["gain"]["high"] == -0.5
    assert found["roles"]["base"]["held_out"] == {"mean": 0.8}
    assert found["verdict"]["reason"] == "held-out-fell"
    assert document(rows_of(base=base, candidate=candidate))["verdict"]["reason"] == "gain"  # nobody named the grader


def test_a_held_out_grader_that_gave_nothing_confirms_nothing() -> None:
    found = document(rewards([0.2] * 12, [0.9] * 12), held_out=ARN)
    assert found["held_out"] is None
    assert found["roles"]["candidate"]["held_out"] == {"mean": None}
    assert found["verdict"]["reason"] == "held-out-unknown"


def test_a_component_that_one_answer_lacks_is_none() -> None:
    base = [answer(0.1, components={"form": 0.0, "extra": 0.0})] * 11 + [answer(0.1, components={"form": 0.0})]
    candidate = [answer(0.5, components={"form": 1.0, "extra": 1.0})] * 12
    assert set(document(rows_of(base=base, candidate=candidate))["components"]) == {"form"}


def test_a_crowd_of_components_is_cut() -> None:
    crowd = {f"c{number}": 0.5 for number in range(200)}
    rows = rows_of(base=[answer(0.1, components=crowd)] * 3, candidate=[answer(0.5, components=crowd)] * 3)
    assert list(document(rows)["components"]) == [f"c{number}" for number in range(64)]


def test_equal_rewards_everywhere_are_named() -> None:
    assert document(rewards([0.5] * 20, [0.5] * 20))["verdict"]["reason"] == "constant-rewards"
    assert document(rewards([0.5, 0.1] * 10, [0.5, 0.1] * 10))["verdict"]["reason"] == "no-gain"


def test_unknown_tokens_have_no_cost() -> None:
    rows = rows_of(base=[answer(0.1), answer(0.1, output_tokens=None)], candidate=[answer(0.1)] * 2)
    roles = compared(rows, about(), min_gain=0.0, confidence=0.95, cost_of=COST)["roles"]
    assert roles["base"]["tokens"] == {"input": 200, "output": 10}
    assert roles["base"]["cost_usd"] is None
    assert roles["candidate"]["cost_usd"] == pytest.approx(0.4)
    assert document(rows)["roles"]["candidate"]["cost_usd"] is None  # nobody gave prices


def test_nothing_at_all() -> None:
    found = document([])
    assert (found["gain"], found["before"], found["after"], found["components"]) == (None, None, None, {})
    assert (found["pairs"], found["win"], found["tie"], found["loss"]) == (0, 0, 0, 0)
    assert found["roles"]["base"]["length"] == {"mean": None, "median": None}
    assert found["verdict"]["reason"] == "too-few-pairs"
    assert summary(found, document_uri="s3://b/d", rows_uri="s3://b/r")["means"] == {"base": None, "candidate": None}


def test_a_model_that_never_answers_is_not_compared() -> None:
    rows = rows_of(base=[answer(0.1)] * 20, candidate=[missing()] * 15 + [answer(1.0)] * 5)
    found = document(rows)
    assert found["verdict"]["reason"] == "missing-answers"
    assert found["verdict"]["recommended"] == "keep"


def test_what_the_record_keeps() -> None:
    rows = rows_of(
        base=[answer(0.1)] * 12, live=[answer(0.2)] * 12, candidate=[answer(0.6)] * 10 + [answer(0.1), missing()]
    )
    found = document(rows, against="live")
    assert summary(found, document_uri="s3://b/comparison.json", rows_uri="s3://b/comparison.jsonl") == {
        "against": "live",
        "live_run_id": "triage-1",
        "recommended": "promote",
        "sentence": found["verdict"]["sentence"],
        "records": 12,
        "gain": found["gain"],
        "means": {"base": 0.1, "live": 0.2, "candidate": round(6.1 / 11, 6)},
        "win": 10,
        "tie": 0,
        "loss": 1,
        "missing": 1,
        "document_uri": "s3://b/comparison.json",
        "rows_uri": "s3://b/comparison.jsonl",
    }
    first = document(rewards([0.1] * 12, [0.5] * 12))
    assert summary(first, document_uri="", rows_uri="")["live_run_id"] is None


def test_a_comparison_needs_its_models() -> None:
    with pytest.raises(ValueError, match="compared against"):
        about("live", live=False)
    with pytest.raises(ValueError, match="needs the base"):
        About("r", "m", "base", {}, Settings(None, None, None, 1, 0), "arn")


REWARDS = st.sampled_from([0.0, 0.3, 0.5, 1.0])
ANSWERS = st.one_of(
    REWARDS.map(lambda reward: answer(reward, components={"form": reward}, held_out_reward=1 - reward)),
    st.just(missing()),
    st.just(ungraded()),
)
ROWS = st.lists(st.tuples(ANSWERS, ANSWERS, ANSWERS), max_size=25)


def of(rows: list[tuple[dict[str, Any], ...]], **more: Any) -> dict[str, Any]:
    documents = [
        document_of(number, **dict(zip(("base", "live", "candidate"), answers, strict=True)))
        for number, answers in enumerate(rows)
    ]
    return document([row_of(each) for each in documents], against="live", held_out=ARN, **more)


@settings(max_examples=40)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_says_nothing(rows: list[Any], chance: random.Random) -> None:
    assert of(chance.sample(rows, len(rows))) == of(rows)


@settings(max_examples=40)
@given(ROWS, st.integers(1, 5))
def test_what_is_missing_is_never_a_zero(rows: list[Any], more: int) -> None:
    """More prompts that a model has no grade for change the counts of what is missing, and no measure."""
    absent = (missing(), missing(), missing())
    found, longer = of(rows), of([*rows, *[absent] * more])
    for measure in (
        "pairs",
        "before",
        "after",
        "gain",
        "gain_over_base",
        "win",
        "tie",
        "loss",
        "components",
        "held_out",
    ):
        assert longer[measure] == found[measure]
    for role, of_role in longer["roles"].items():
        assert of_role == {**found["roles"][role], "missing": found["roles"][role]["missing"] + more}
        assert of_role["answers"] + of_role["missing"] == longer["settings"]["prompts"]


@settings(max_examples=40)
@given(ROWS)
def test_the_numbers_are_numpys(rows: list[Any]) -> None:
    found = of(rows)
    for role, place in (("base", 0), ("live", 1), ("candidate", 2)):
        graded = [answers[place]["reward"] for answers in rows if "missing" not in answers[place]]
        statistic = found["roles"][role]["reward"]
        assert statistic["mean"] == (pytest.approx(np.mean(graded), abs=1e-6) if graded else None)
        assert statistic["deviation"] == (pytest.approx(np.std(graded, ddof=1), abs=1e-6) if len(graded) > 1 else None)
    both = [(b["reward"], c["reward"]) for _, b, c in rows if "missing" not in b and "missing" not in c]
    assert found["pairs"] == len(both) == found["win"] + found["tie"] + found["loss"]
    if both:
        assert found["gain"]["mean"] == pytest.approx(np.mean([late - early for early, late in both]), abs=1e-6)


def test_hostile_answers_are_numbers_like_others() -> None:
    texts = [
        "<script>alert(1)</script>",
        "\ud800",
        "\u202e",
        "\x1b[2J",
        "🫠",
        "x" * 1_000_000,
        "",
        "{{ 7*7 }}",
        "\x00",
        "%s",
    ]
    odd = {"</script>": 1, "\x1b[31m": 0.5, "": 1, "x" * 500: 1e12, "-0": -0.0, "nan": float("nan")}
    rows = rows_of(
        base=[answer(0.0, text, components=odd) for text in texts],
        candidate=[answer(1.0, text[::-1], components=odd) for text in texts],
    )
    found = document(rows)
    body = json.dumps(found, allow_nan=False)
    assert json.loads(body)["win"] == 10
    assert "alert" not in body
    assert found["verdict"]["sentence"].isascii()
    assert found["roles"]["base"]["length"]["mean"] == pytest.approx(sum(map(len, texts)) / 10)


def test_no_text_is_held() -> None:
    """Rows may come one at a time: each is done with before the next is read."""

    def one_by_one() -> Iterator[Row]:
        for number in range(200):
            yield row_of(document_of(number, base=answer(0.1, "x" * 100_000), candidate=answer(0.5, "y" * 100_000)))

    tracemalloc.start()
    found = compared(one_by_one(), about(), min_gain=0.0, confidence=0.95)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["pairs"] == 200
    assert peak < 4_000_000  # of 40 MB
