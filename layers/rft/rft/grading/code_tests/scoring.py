"""Code tests: does the code in the answer return what it should?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft.grading.code_tests.cases import code_of, read_cases, same_result
from rft.grading.code_tests.running import run_calls
from rft.grading.score import Score


def score_code(answer: str, reference: object, metadata: Mapping[str, Any]) -> Score:
    """The share of the record's cases (see :mod:`rft.grading.code_tests.cases`) that the answer's code passes.

    Components: the reward ``passed``, and the metrics ``has_code`` (there is a block of code), ``loads`` (it runs to
    its end), ``in_time`` and ``filtered`` (the kernel held to the filter of system calls; watch it, it should be 1).
    Raises BadSample for a record without cases, and CodeNotRun.
    """
    cases = read_cases(reference, metadata)
    code = code_of(answer)
    if code is None:
        return Score(0.0, rewards={"passed": 0.0}, metrics={"has_code": 0.0})
    results = run_calls(code, [case.call for case in cases])
    passed = [_is(value, case.equals) for value, case in zip(results.values, cases, strict=True)]
    share = sum(passed) / len(cases)
    metrics = {
        "has_code": 1.0,
        "loads": float(results.loaded),
        "in_time": float(results.in_time),
        "filtered": float(results.filtered),
    }
    return Score(share, rewards={"passed": share}, metrics=metrics)


def _is(value: object, expected: object) -> bool:
    try:
        return isinstance(value, list) and len(value) == 1 and same_result(value[0], expected)
    except RecursionError:
        return False
