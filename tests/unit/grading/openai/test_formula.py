"""calculate_output: the same arithmetic as Python's, and nothing else than arithmetic."""

from __future__ import annotations

import contextlib
import math
import operator
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.grading.openai.formula import (
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    FormulaInvalid,
    FormulaUndefined,
    compile_formula,
)

VALUES = {"a": 0.25, "b": 1.0, "zero": 0.0, "quality_2": 0.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 0.25),
        ("  a  ", 0.25),
        ("0.7 * a + 0.3 * b", 0.475),
        ("(a + b) / 2", 0.625),
        ("a+b-quality_2", 0.75),
        ("1 - a - b", -0.25),  # from the left
        ("8 / 4 / 2", 1),
        ("2 ^ 3 ^ 2", 512),  # from the right
        ("2 ** 3 ** 2", 512),
        ("2 ^ -1", 0.5),
        ("-2 ^ 2", -4),
        ("(-2) ^ 2", 4),
        ("2 * -a", -0.5),
        ("--a", 0.25),
        ("+a", 0.25),
        ("-(a + b)", -1.25),
        ("0 ^ 0", 1),
        (".5 + 1. + 1e-1 + 2E+0", 3.6),
        ("min(a, b, quality_2)", 0.25),
        ("max(a, zero)", 0.25),
        ("min(a)", 0.25),
        ("max(0, min(1, a * 8))", 1),
        ("abs(zero - a)", 0.25),
        ("floor(a) + ceil(a)", 1),
        ("floor(-a)", -1),
        ("exp(zero)", 1),
        ("sqrt(a)", 0.5),
        ("log(exp(2))", 2),
        ("exp(-3 * (1 - a))", math.exp(-2.25)),
        ("1\t*\n1", 1),
        ("(" * 31 + "a" + ")" * 31, 0.25),
        ("+".join(["a"] * 500), 125),  # long, and not deep
    ],
)
def test_values(text: str, value: float) -> None:
    assert compile_formula(text).value(VALUES) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at character 1 it ends"),
        ("   ", "at character 1 it ends"),
        ("a +", "at character 4 it ends"),
        ("a b", "at character 3 there is b"),
        ("(a", "at character 3 it ends"),
        ("a)", "at character 2 there is )"),
        ("* a", "at character 1 there is *"),
        ("a // b", "at character 4 there is /"),
        ("a,b", "at character 2 there is ,"),
        ("min()", "at character 5 there is )"),
        ("min(a,)", "at character 7 there is )"),
        ("min", "at character 4 it ends, where ( after the function min"),
        ("min + 1", "( after the function min"),
        ("sqrt(a, b)", "sqrt at character 1 takes one value"),
        ("log(8, 2)", "log at character 1 takes one value"),
        ("pow(a, 2)", "at character 4 there is ("),
        ("a(b)", "at character 2 there is ("),
        ("2a", "at character 2 there is a"),
        ("a % 2", "character at 3"),
        ("a > b", "character at 3"),
        ("a if b else 0", "at character 3 there is if"),
        ("a and b", "at character 3 there is and"),
        ("a.score", "no .score"),
        ("a.__class__", "character at 2"),
        ("__import__('os')", "character at 12"),
        ("__import__(os)", "at character 11 there is ("),
        ("(lambda: 1)()", "character at 8"),
        ("[a][0]", "character at 1"),
        ('"a"', "character at 1"),
        ("a = 1", "character at 3"),
        ("a; b", "character at 2"),
        ("٣ + a", "character at 1"),
        ("１", "character at 1"),
        ("a × b", "character at 3"),
        ("é", "character at 1"),
        ("a\u00a0+ b", "character at 2"),
        ("a\u00a0", "character at 2"),
        ("1e999", "too large"),
        ("9" * 400, "too large"),
        ("1_000", "there is _000"),
        ("0x10", "there is x10"),
        ("1j", "there is j"),
        ("a\0", "character at 2"),
        ("#a", "character at 1"),
    ],
)
def test_what_is_no_formula(text: str, told: str) -> None:
    with pytest.raises(FormulaInvalid) as refused:
        compile_formula(text)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "a" + ")" * 10_000,
        "(" * 400 + "a" + ")" * 400,
        "-" * 999 + "a",
        "2^" * 499 + "2",
        "abs(" * 200 + "a" + ")" * 200,
        "-(" * (MAX_DEPTH // 2 + 1) + "a" + ")" * (MAX_DEPTH // 2 + 1),
        "a" * (MAX_LENGTH + 1),
        "9" * 100_000,
    ],
)
def test_what_is_too_long_or_too_deep(text: str) -> None:
    with pytest.raises(FormulaInvalid, match=r"longer than|more than 32"):
        compile_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 / zero",
        "a / (b - 1)",
        "zero / zero",
        "9**9**9",
        "9^9^9^9^9",
        "1e308 * 1e308",
        "1e308 + 1e308",
        "-1e308 - 1e308",
        "1e308 * 1e308 - 1e308 * 1e308",  # would be NaN
        "min(0, 1e308 * 10)",  # not even where it would not matter
        "0 * exp(1000)",
        "exp(1000)",
        "sqrt(zero - 1)",
        "log(zero)",
        "log(-1)",
        "(-8) ^ 0.5",  # complex in Python
        "(-8) ^ (1 / 3)",
        "zero ^ -1",
        "0 ^ (zero - 1)",
        "10 ^ 309",
    ],
)
def test_what_has_no_finite_value(text: str) -> None:
    formula = compile_formula(text)
    with pytest.raises(FormulaUndefined):
        formula.value(VALUES)


def test_the_names_are_told() -> None:
    assert compile_formula("max(a, b) * a + _c - min(d, 1)").names == {"a", "b", "_c", "d"}


NUMBERS = st.floats(-100, 100, allow_nan=False).filter(lambda number: "inf" not in repr(number))


def texts(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner).map(" ".join)
    signed = inner.map(lambda text: f"- {text}")
    grouped = inner.map(lambda text: f"({text})")
    one = st.tuples(st.sampled_from(["abs", "floor", "ceil", "exp", "sqrt", "log"]), inner).map(
        lambda t: f"{t[0]}({t[1]})"
    )
    many = st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})")
    return binary | signed | grouped | one | many


FORMULAS = st.recursive(NUMBERS.map(lambda n: repr(abs(n))) | st.sampled_from(["a", "b", "zero"]), texts, max_leaves=12)


@settings(max_examples=300)
@given(FORMULAS)
def test_it_is_pythons_own_arithmetic(text: str) -> None:
    """Precedence included: the text isn't built with more parentheses than it needs."""
    try:
        formula = compile_formula(text)
    except FormulaInvalid as invalid:
        assert "in one another" in str(invalid)
        return
    expected = in_python(text)
    try:
        value: Any = formula.value(VALUES)
    except FormulaUndefined:
        value = None
    assert value == expected or (value is not None and value == pytest.approx(expected))


def in_python(text: str) -> float | None:
    """None where a step has no finite real value."""
    source = re.sub(r"(?<![\w.])\d+\.?\d*(e[+-]?\d+)?", r"Real(\g<0>)", text)
    names = {name: Real(value) for name, value in VALUES.items()}
    names |= {name: real(function) for name, function in FUNCTIONS.items()}
    try:
        return float(eval(source, {"Real": Real, "__builtins__": {}}, names))
    except (ArithmeticError, ValueError):
        return None


def real(function: Any) -> Any:
    """``function`` on floats, with a finite real number as its value."""

    def checked(*values: Any) -> Any:
        value = function(*map(float, values))
        if isinstance(value, complex) or not math.isfinite(value):
            raise ValueError
        return Real(value)

    return checked


class Real(float):
    __add__ = real(operator.add)
    __sub__ = real(operator.sub)
    __mul__ = real(operator.mul)
    __truediv__ = real(operator.truediv)
    __pow__ = real(operator.pow)
    __neg__ = real(operator.neg)


@given(st.text(alphabet="ab01.9e+-*/^(), \n_%[]{}'\"λ٣", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        formula = compile_formula(text)
    except FormulaInvalid:
        return
    with contextlib.suppress(FormulaUndefined):
        assert math.isfinite(formula.value(dict.fromkeys(formula.names, 0.5)))
