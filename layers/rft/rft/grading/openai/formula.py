"""calculate_output: a formula over the values of graders, such as ``0.7 * quality + 0.3 * min(exact, short)``.

Numbers, names, ``+ - * /``, ``^`` or ``**`` for a power, parentheses, and min, max, abs, floor, ceil, exp, sqrt and log
(the natural one). A power binds as in Python: ``-2 ^ 2`` is -4 and ``2 ^ 3 ^ 2`` is 2 ^ 9. All is computed with floats,
so no number grows beyond 8 bytes and each step takes the same time. Nothing is ever evaluated as Python.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

MAX_LENGTH = 1000  # characters
MAX_DEPTH = 32  # parentheses, signs and powers in one another

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\*\*|[-+*/^(),]))",
    re.ASCII,
)
_SPACE = " \t\n\r\f\v"  # what \s is there
_OPERATORS: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
_SEVERAL = frozenset(("min", "max"))


class FormulaInvalid(ValueError):
    """A formula can't be read. The message says where and what is allowed."""


class FormulaUndefined(ArithmeticError):
    """With these values the formula has no finite value: it divides by zero, takes a root of a negative number..."""


class _Call(NamedTuple):
    function: Callable[..., float]
    arguments: int


class Formula(NamedTuple):
    """A compiled formula: ``steps`` in postfix order, so that its evaluation needs no recursion; ``names`` as used."""

    steps: tuple[float | str | _Call, ...]
    names: frozenset[str]

    def value(self, values: Mapping[str, float]) -> float:
        """Raises FormulaUndefined."""
        stack: list[float] = []
        for step in self.steps:
            if isinstance(step, float):
                stack.append(step)
            elif isinstance(step, str):
                stack.append(float(values[step]))
            else:
                arguments = stack[-step.arguments :]
                del stack[-step.arguments :]
                stack.append(_called(step.function, arguments))
        return stack[0]


def compile_formula(text: str) -> Formula:
    """Raises FormulaInvalid."""
    if len(text) > MAX_LENGTH:
        raise FormulaInvalid(f"is longer than {MAX_LENGTH:,} characters")
    return _Parser(text).parsed()


def _called(function: Callable[..., float], arguments: list[float]) -> float:
    try:
        value = float(function(*arguments))
    except (ArithmeticError, ValueError):
        raise FormulaUndefined from None
    if not math.isfinite(value):
        raise FormulaUndefined
    return value


class _Token(NamedTuple):
    kind: str  # number, name, sign, end
    text: str
    place: int  # from 1, for people


class _Parser:
    """By recursive descent: a sum of products of signed powers of atoms."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._steps: list[float | str | _Call] = []
        self._names: set[str] = set()

    def parsed(self) -> Formula:
        self._sum()
        if self._next.kind != "end":
            raise _unexpected(self._next, "an operator or the end")
        return Formula(tuple(self._steps), frozenset(self._names))

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _taken(self, *signs: str) -> str | None:
        token = self._next
        if token.kind != "sign" or token.text not in signs:
            return None
        self._at += 1
        return token.text

    def _sum(self) -> None:
        self._product()
        while sign := self._taken("+", "-"):
            self._product()
            self._steps.append(_Call(_OPERATORS[sign], 2))

    def _product(self) -> None:
        self._signed()
        while sign := self._taken("*", "/"):
            self._signed()
            self._steps.append(_Call(_OPERATORS[sign], 2))

    def _signed(self) -> None:
        self._depth += 1  # whatever recurses comes by here
        if self._depth > MAX_DEPTH:
            raise FormulaInvalid(f"has more than {MAX_DEPTH} parentheses, signs and powers in one another")
        if sign := self._taken("-", "+"):
            self._signed()
            if sign == "-":
                self._steps.append(_Call(operator.neg, 1))
        else:
            self._power()
        self._depth -= 1

    def _power(self) -> None:
        self._atom()
        if self._taken("^", "**"):
            self._signed()
            self._steps.append(_Call(math.pow, 2))  # a power of floats in Python may be complex

    def _atom(self) -> None:
        token = self._next
        if token.kind == "number":
            self._at += 1
            self._number(token)
        elif token.kind == "name":
            self._at += 1
            self._name(token)
        elif self._taken("("):
            self._sum()
            self._close()
        else:
            raise _unexpected(token, "a number, a grader's name, a function or (")

    def _number(self, token: _Token) -> None:
        value = float(token.text)
        if not math.isfinite(value):
            raise FormulaInvalid(f"the number at character {token.place} is too large")
        self._steps.append(value)

    def _name(self, token: _Token) -> None:
        function = FUNCTIONS.get(token.text)
        if function is None:
            self._names.add(token.text)
            self._steps.append(token.text)
            return
        if not self._taken("("):
            raise _unexpected(self._next, f"( after the function {token.text}")
        arguments = self._arguments()
        if arguments == 1 and token.text in _SEVERAL:
            return  # min and max of one float aren't callable, and it is the value itself
        if arguments > 1 and token.text not in _SEVERAL:
            raise FormulaInvalid(f"{token.text} at character {token.place} takes one value")
        self._steps.append(_Call(function, arguments))

    def _arguments(self) -> int:
        count = 1
        self._sum()
        while self._taken(","):
            self._sum()
            count += 1
        self._close()
        return count

    def _close(self) -> None:
        if not self._taken(")"):
            raise _unexpected(self._next, "an operator or )")


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    text = text.rstrip(_SPACE)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            place = len(text) - len(text[at:].lstrip(_SPACE)) + 1
            raise FormulaInvalid(
                f"the character at {place} can't stand in a formula: it has numbers, graders' names as they are (no "
                f".score), + - * / ^, parentheses and {', '.join(FUNCTIONS)}"
            )
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


def _unexpected(token: _Token, wanted: str) -> FormulaInvalid:
    found = "it ends" if token.kind == "end" else f"there is {token.text[:50]}"
    return FormulaInvalid(f"at character {token.place} {found}, where {wanted} is needed")
