"""Symbolic maths: numbers are compared as math reasoning does it, and expressions by their symbols."""

from __future__ import annotations

from rft.grading.final_answer import final_answer
from rft.grading.numbers import MAX_EXPRESSION, parse_quantity
from rft.grading.score import Score
from rft.grading.symbolic_math.comparison import compare
from rft.grading.symbolic_math.expressions import comparable, final_expression, plain, reference_expression


def score_expression(answer: str, reference: object) -> Score:
    """1 if the answer's final expression equals the reference's, else 0.

    Where both are numbers, they are compared as :func:`rft.grading.math_reasoning.score_final_number` does it. Else the
    answer's expression must be marked, and there must be letters or roots on one side; or the answer is nothing but the
    reference's expression, written as there.

    Components: the reward ``correct``; the metrics ``answer_format`` (a marker named the final answer), ``symbolic``
    (the symbols were compared) and ``in_time``. Raises BadSample for a reference without an expression.
    """
    expected = reference_expression(reference)
    number, found = parse_quantity(expected), final_answer(answer)
    given = final_expression(answer)
    if number is not None and found.quantity is not None:
        return _score(found.quantity.equals(number), marked=found.marked)
    if given is None:
        return _score(len(answer) <= MAX_EXPRESSION and plain(answer) == expected, marked=False)
    if not comparable(expected, given):
        return _score(False, marked=True)
    result = compare(expected, given)
    return _score(result.equal, marked=True, symbolic=True, in_time=result.in_time)


def _score(correct: bool, *, marked: bool, symbolic: bool = False, in_time: bool = True) -> Score:
    metrics = {"answer_format": float(marked), "symbolic": float(symbolic), "in_time": float(in_time)}
    return Score(float(correct), rewards={"correct": float(correct)}, metrics=metrics)
