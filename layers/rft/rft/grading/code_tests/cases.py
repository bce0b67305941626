"""What a record asks of an answer's code, and which code that is.

The cases are the record's field ``tests``, or ``tests`` in an object that is its reference answer: a list of up to 100,
each in one of two forms that mean the same ::

    {"call": "add(2, 3)", "equals": 5}
    "assert add(2, 3) == 5"

``call`` is any Python expression; it sees what the code defines. An ``assert`` has a literal on the right of its
``==``, or no ``==`` at all: ``assert is_even(4)`` asks for True and ``assert not is_even(3)`` for False. Other
assertions are refused, as the code would have to be trusted with them.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from rft.grading.code_tests.child import MAX_VALUE, portable
from rft.grading.errors import BadSample

MAX_CASES = 100
MAX_CALL = 4_096  # characters
MAX_CODE = 32_768  # characters
TOLERANCE = 1e-9  # of two floating-point numbers, relative

_FENCE = "```"
_PYTHON = ("python", "python3", "py", "")


class Case(NamedTuple):
    """A call, and the value that it must return, in the form that child.portable gives values."""

    call: str
    equals: Any


def read_cases(reference: object, metadata: Mapping[str, Any]) -> list[Case]:
    """The cases of a record. Raises BadSample, which names the case by its place and doesn't quote it."""
    tests = metadata.get("tests")
    if tests is None and isinstance(reference, dict):
        tests = reference.get("tests")
    if not (isinstance(tests, list) and 1 <= len(tests) <= MAX_CASES):
        raise BadSample(f"the record must have a field tests with a list of 1 to {MAX_CASES} cases")
    return [_case(test, at) for at, test in enumerate(tests)]


def code_of(answer: str) -> str | None:
    """The last block of an answer that is fenced as Python, or without a language; all of an answer without any fence.

    A block that the end of the answer cuts off counts. None where there is no such block, or it's too long.
    """
    if _FENCE not in answer:
        return answer if answer.strip() and len(answer) <= MAX_CODE else None
    code: list[str] | None = None
    found = None
    for line in answer.splitlines(keepends=True):
        marker = line.strip()
        if not marker.startswith(_FENCE):
            if code is not None:
                code.append(line)
        elif code is None:
            code = []
            is_python = marker.strip("`").strip().lower() in _PYTHON
        else:
            found = code if is_python else found
            code = None
    if code is not None and is_python:
        found = code
    text = "".join(found or ())
    return text if text.strip() and len(text) <= MAX_CODE else None


def same_result(given: Any, expected: Any) -> bool:
    """Whether two values in portable form are equal: 1 is 1.0 but not True, and decimals may differ by rounding."""
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(map(same_result, given, expected))
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(same_result(given[key], expected[key]) for key in expected)
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, float) or isinstance(expected, float):
        return _close(given, expected)
    return bool(given == expected)


def _close(one: Any, other: Any) -> bool:
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return False
    try:
        return math.isclose(one, other, rel_tol=TOLERANCE)
    except OverflowError:  # an integer beyond the range of a double
        return False


def _case(test: object, at: int) -> Case:
    if isinstance(test, str):
        return _of_assertion(test, at)
    if not (isinstance(test, dict) and test.keys() == {"call", "equals"} and isinstance(test["call"], str)):
        raise BadSample(f'tests[{at}] must be {{"call": "f(2)", "equals": 4}}, or the text of an assertion')
    call = test["call"]
    try:
        _check_length(call, at)
        ast.parse(call, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise BadSample(f"tests[{at}].call must be one Python expression") from exc
    return Case(call, _expected(test["equals"], at))


def _of_assertion(text: str, at: int) -> Case:
    try:
        _check_length(text, at)
        match ast.parse(text.strip()).body:
            case [ast.Assert(test=ast.Compare(left=call, ops=[ast.Eq()], comparators=[right]))]:
                return Case(ast.unparse(call), _expected(ast.literal_eval(right), at))
            case [ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call))]:
                return Case(ast.unparse(call), equals=False)
            case [ast.Assert(test=ast.Call() as call)]:
                return Case(ast.unparse(call), equals=True)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as exc:
        raise BadSample(f"tests[{at}] must be an assertion with a literal: assert f(2) == 4") from exc
    raise BadSample(f"tests[{at}] must be an assertion with a literal: assert f(2) == 4")


def _check_length(text: str, at: int) -> None:
    if len(text) > MAX_CALL:
        raise BadSample(f"tests[{at}] is longer than {MAX_CALL:,} characters")


def _expected(value: Any, at: int) -> Any:
    try:
        expected = portable(value)
        too_long = len(str(expected)) > MAX_VALUE
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadSample(f"what tests[{at}] expects can't be compared") from exc
    if too_long:
        raise BadSample(f"what tests[{at}] expects is longer than {MAX_VALUE:,} characters")
    return expected
