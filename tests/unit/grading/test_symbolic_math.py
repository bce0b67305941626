"""Symbolic maths: equal expressions count, guesses and half-answers don't, and nothing takes for ever."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions.graders.symbolic_math import app
from rft.grading.errors import BadSample
from rft.grading.symbolic_math import scoring
from rft.grading.symbolic_math.comparison import SECONDS, compare
from rft.grading.symbolic_math.expressions import comparable, final_expression, plain, reference_expression
from rft.grading.symbolic_math.scoring import score_expression

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]

RIGHT = [
    ("x^2 + 2x + 1", "(x+1)^2", "expanded"),
    (r"\sqrt{8}", r"2\sqrt{2}", "a root"),
    ("2√2", r"2\sqrt{2}", "the sign of a root"),
    (r"2\sqrt2", r"\sqrt{8}", "a root without braces"),
    (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", "a root in a denominator"),
    (r"\dfrac{\pi}{2}", r"\frac{\pi}{2}", "another fraction"),
    ("pi/2", r"\frac{\pi}{2}", "pi as a word"),
    ("1 + x", "x + 1", "another order"),
    ("y = 2x + 1", "2x+1", "with a name"),
    ("2x + 1", "f(x) = 2x+1", "without the reference's name"),
    ("y^2 + x^2 = 1", "x^2 + y^2 = 1", "an equation"),
    ("3 < x", "x > 3", "an inequality turned round"),
    (r"\{2, 1\}", r"\{1, 2\}", "a set"),
    (r"\log_2 8", "3", "a logarithm for a number"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}", "a matrix"),
    ("2.828427124746190", r"2\sqrt{2}", "a decimal of sixteen digits"),
    ("1,000", "1000", "thousands"),
    ("0.5", r"\frac{1}{2}", "numbers alone"),
    (r"\frac{1}{2}", 0.5, "a number of JSON"),
]
WRONG = [
    ("x^2 + 2x + 2", "(x+1)^2", "another polynomial"),
    ("y", "x", "another variable"),
    (r"-\sqrt{2}", r"\sqrt{2}", "another sign"),
    ("2.83", r"2\sqrt{2}", "rounded"),
    ("2.828427", r"2\sqrt{2}", "rounded to six decimals"),
    ("0.333333333333", r"\frac{1}{3}", "a third, rounded"),
    (r"\sqrt{2} \text{ or } \sqrt{3}", r"\sqrt{2}", "either of two"),
    (r"\sqrt{3}, \sqrt{2}", r"\sqrt{2}", "a list for one"),
    (r"\sqrt{3} = \sqrt{2}", r"\sqrt{2}", "an equation that ends in it"),
    (r"x = \sqrt{3} = \sqrt{2}", r"\sqrt{2}", "a chain that ends in it"),
    (r"\pm\sqrt{2}", r"\sqrt{2}", "plus or minus"),
    (r"\neq \sqrt{2}", r"\sqrt{2}", "a negation"),
    (r"\text{not } \sqrt{2}", r"\sqrt{2}", "a negation in words"),
    (r"x \ge 3", "x > 3", "another inequality"),
    ("[0,1]", "[0,1)", "another interval"),
    ("(2,1)", r"(1,2)", "a pair turned round"),
    ("150", "1.5", "a percentage that was guessed"),
    ("50", r"50\%", "per cent left out"),
    (r"50x\%", "50x", "per cent of an expression"),
    ("0.95", "2.85", "a near miss"),
    ("2.85", "2.0", "another near miss"),
    ("", "x", "nothing"),
    (r"\text{nan}", r"\sqrt{2}", "not a number"),
    (r"\infty", r"\sqrt{2}", "infinity"),
    (r"\frac{x", "x", "a brace that isn't closed"),
    ("3+4", "7", "a sum that isn't worked out"),
]


MARKS = ("\\boxed{{{}}}", "#### {}", "#### ${}$", "So the answer is {}.")
MARKED_RIGHT = [
    pytest.param(given, reference, mark, id=f"{kind}-{mark}")
    for given, reference, kind in RIGHT
    for mark in MARKS
    if not (mark == "#### ${}$" and "1,000" in given)  # dollars around a sum of money are no marks of mathematics
]


@pytest.mark.parametrize(("given", "reference", "mark"), MARKED_RIGHT)
def test_equal_expressions(given: str, reference: Any, mark: str) -> None:
    assert score_expression(f"We see that\n{mark.format(given)}", reference).value == 1


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(("given", "reference", "_kind"), WRONG, ids=[kind for *_, kind in WRONG])
def test_other_expressions(given: str, reference: Any, _kind: str, mark: str) -> None:
    assert score_expression(f"We see that\n{mark.format(given)}", reference).value == 0


@pytest.mark.parametrize(
    ("answer", "value"),
    [(r"2\sqrt{2}", 1), (" $2√2$.\n", 1), (r"\sqrt{8}", 0), (r"2\sqrt{2} or 3", 0), (r"2\sqrt{3}", 0), ("2", 0)],
)
def test_without_a_mark_the_answer_is_the_reference_itself_or_wrong(answer: str, value: float) -> None:
    score = score_expression(answer, r"2\sqrt{2}")
    assert (score.value, score.metrics) == (value, {"answer_format": 0, "symbolic": 0, "in_time": 1})


@pytest.mark.parametrize(
    ("answer", "metrics"),
    [
        ("#### 2x", {"answer_format": 1, "symbolic": 1, "in_time": 1}),
        ("#### 7", {"answer_format": 1, "symbolic": 1, "in_time": 1}),
        ("it is x + x", {"answer_format": 0, "symbolic": 0, "in_time": 1}),
        ("", {"answer_format": 0, "symbolic": 0, "in_time": 1}),
    ],
)
def test_metrics(answer: str, metrics: dict[str, float]) -> None:
    score = score_expression(answer, "x+x")
    assert score.metrics == metrics
    assert score.rewards == {"correct": score.value}


@pytest.mark.parametrize(("answer", "reference"), [("#### 7", "8"), ("#### 9^9^9", "8"), ("#### 3+4", "7"), ("7", "x")])
def test_what_needs_no_symbols_starts_no_process(answer: str, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "compare", lambda *_: pytest.fail("it was compared"))
    score_expression(answer, reference)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "given",
    [
        "9^{9^9}x",
        "(x+y+z)^{60}",
        "10000000! x",
        "(" * 140 + "x" + ")" * 140,
        "(" * 300 + "x" + ")" * 300,
        "{" * 140 + "x" + "}" * 140,
        r"\int_0^1 \frac{\sin(x^3)}{x^7+1}dx",
        r"\sum_{i=1}^{10^{12}} \sqrt{i}",
        r"\sqrt{" * 45 + "x" + "}" * 45,
        r"\frac{1}{x+" * 20 + "1" + "}" * 20,
        "x^" * 100 + "x",
        r"\begin{pmatrix}" + "x&" * 140 + "x",
        "x!" + "!" * 200,
        r"2^{x^{x^{x^{9999999}}}}",
    ],
    ids=lambda given: given[:20],
)
def test_a_hostile_expression_is_wrong_and_ends_in_time(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1.0  # most of them take all that there is; the limit of every day is for the next test
    monkeypatch.setattr(scoring, "compare", partial(compare, seconds=seconds))
    begin = time.monotonic()
    assert score_expression(f"#### {given}", r"\sqrt{2}x").value == 0
    assert time.monotonic() - begin < 2 * seconds + 5  # the machine may be busy


def test_an_answer_that_takes_too_long_is_told() -> None:
    begin = time.monotonic()
    score = score_expression("#### 10000000!", r"\sqrt{2}")
    assert time.monotonic() - begin < 2 * SECONDS + 5
    assert score.metrics == {"answer_format": 1, "symbolic": 1, "in_time": 0}


def test_a_hostile_reference_is_bad_data() -> None:
    with pytest.raises(BadSample):
        compare(r"\begin{pmatrix}" * 10, "x", seconds=1)
    with pytest.raises(BadSample):
        compare("(" * 140 + "x" + ")" * 140, "x", seconds=0.5)


def test_the_comparison_leaves_no_process_and_no_output(capfd: pytest.CaptureFixture[str]) -> None:
    compare("x", r"\frac{canary", seconds=1)
    out, err = capfd.readouterr()
    assert "canary" not in out + err


@pytest.mark.parametrize(
    "reference",
    [None, "", " ", "$$", True, [1], {}, {"result": "x"}, {"answer": None}, {"final_answer": ["x"]}, "x" * 301, "####"],
    ids=repr,
)
def test_a_reference_without_an_expression_is_bad_data(reference: Any) -> None:
    with pytest.raises(BadSample):
        score_expression("#### x", reference)


@pytest.mark.parametrize(
    "reference",
    ["x+1", "$x+1$", "#### x+1", r"so \boxed{x+1}.", {"answer": "x+1"}, {"final_answer": r"\(x+1\)"}, "y=x+1"],
)
def test_where_a_reference_is_read_from(reference: Any) -> None:
    assert reference_expression(reference) == "x+1"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (r"\boxed{x} and \boxed{y}", "y"),
        ("\\boxed{x}\n#### y", "y"),
        ("#### x\n\\boxed{y}", "y"),
        (r"\boxed{\frac{x}{y}}", r"\frac{x}{y}"),
        (r"the answer is $\frac{1}{x}$.", r"\frac{1}{x}"),
        ("The answer is x. No, the answer is y", "y"),
        ("it is x", None),
        ("", None),
        (r"\boxed", None),
        (r"\boxed{", None),
        (r"\boxed{}", None),
        ("####", None),
        ("#### " + "x" * 301, None),
        ("\\boxed{" * 100_000, None),
        ("answer is " * 100_000, None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_final_expression(text: str, expression: str | None) -> None:
    assert final_expression(text) == expression


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (" $x$. ", "x"),
        (r"\[x\]", "x"),
        ("$$x$$", "x"),
        ("x_1 = 5y", "5y"),
        ("f(x) = x", "x"),
        ("x == y", "x == y"),
        ("2π", r"2\pi"),
        ("pivot", "pivot"),
        (r"\left(x\right)", "(x)"),
        ("x**2", "x^2"),
    ],
)
def test_plain(text: str, seen: str) -> None:
    assert plain(text) == seen


@pytest.mark.parametrize(
    ("expected", "given", "can"),
    [
        ("x", "1", True),
        ("1", "x", True),
        ("1", "2", False),
        ("x", "50%", False),
        ("x", "y=x", False),
        ("y=x", "x=y", True),
    ],
)
def test_comparable(expected: str, given: str, can: bool) -> None:
    assert comparable(expected, given) == can


def test_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    items = json.loads((ROOT / "events" / "grader_symbolic_math.json").read_text())
    results = app.handler(items, None)
    assert [result["aggregate_reward_score"] for result in results] == [1, 0, 1, 1, 0]
    assert [result["metrics_list"][0]["name"] for result in results] == [*["correct"] * 4, "error"]
    assert "sqrt" not in capsys.readouterr().out
