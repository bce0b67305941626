"""A multi grader: others by name, and a formula over their values.

Its result must be from 0 to 1, and is never clamped: a formula that leaves the range says something else than its
author means, and cutting it off would hide that in the very place where answers differ most. So a formula that leaves
it where its graders give 0 or 1, which all of them can, is refused when it is read; an author who wants it cut off
writes ``max(0, min(1, ...))``. What leaves it between those is an error of the sample.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from rft.grading.errors import BadSample, ScoreInvalid
from rft.grading.openai.fields import Fields, joined
from rft.grading.openai.formula import FUNCTIONS, Formula, FormulaInvalid, FormulaUndefined, compile_formula
from rft.grading.openai.parts import Part
from rft.grading.openai.problems import FORMULA, OTHER
from rft.grading.score import Score

MAX_GRADERS = 16
MAX_GRADER_NAME = 48

_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_GRADER_NAME - 1}}}")
_ROUNDING = 1e-9  # weights that add up to 1 may give 1.0000000000000002
_TRIED_IN_FULL = 8

type ReadPart = Callable[[Fields], Part | None]


def multi(fields: Fields, read: ReadPart) -> tuple[dict[str, Part], Formula | None]:
    """The graders by name, and the formula; None where it can't be read."""
    fields.only("type", "name", "graders", "calculate_output")
    fields.name()
    given = fields.get("graders")
    if not (isinstance(given, dict) and 1 <= len(given) <= MAX_GRADERS):
        fields.wrong("graders", f"must be an object of 1 to {MAX_GRADERS} graders, each under its name")
        given = {}
    parts: dict[str, Part] = {}
    for name, grader in given.items():
        path = joined(fields.at("graders"), name)
        _check_name(name, path, fields)
        if not isinstance(grader, dict):
            fields.problems.add(path, "must be an object, a grader with a type")
        elif (part := read(Fields(grader, path, fields.problems))) is not None:
            parts[name] = part
    return parts, _formula(fields, list(given))


def combined(formula: Formula, values: Mapping[str, float]) -> float:
    """The reward.

    Raises BadSample with formula_parse_error where the formula has no value (it divides by zero, say), and with
    other_error where it isn't from 0 to 1.
    """
    try:
        value = formula.value(values)
    except FormulaUndefined:
        raise BadSample("calculate_output has no finite value for this sample", flags=(FORMULA,)) from None
    if not -_ROUNDING <= value <= 1 + _ROUNDING:
        raise BadSample("calculate_output is not from 0 to 1 for this sample", flags=(OTHER,))
    return min(max(value, 0.0), 1.0)


def _check_name(name: str, path: str, fields: Fields) -> None:
    if not _NAME.fullmatch(name):
        rule = (
            f"a grader's name is 1 to {MAX_GRADER_NAME} of A-Z a-z 0-9 _, a letter first, as calculate_output needs it"
        )
        fields.problems.add(path, rule)
    elif name in FUNCTIONS:
        fields.problems.add(path, f"{name} is a function of calculate_output: give the grader another name")
    else:
        try:
            Score(0.0, rewards={name: 0.0})
        except ScoreInvalid as invalid:
            fields.problems.add(path, f"{invalid}: give the grader another name")


def _formula(fields: Fields, names: list[str]) -> Formula | None:
    text = fields.get("calculate_output")
    if not isinstance(text, str):
        fields.wrong("calculate_output", "must be a text, a formula such as 0.5 * first + 0.5 * second")
        return None
    try:
        formula = compile_formula(text)
    except FormulaInvalid as invalid:
        fields.wrong("calculate_output", str(invalid))
        return None
    unknown = sorted(formula.names.difference(names))
    if unknown:
        shown = ", ".join(name[:MAX_GRADER_NAME] for name in unknown[:5])
        fields.wrong(
            "calculate_output", f"there is no grader {shown}: there are {', '.join(map(str, names)) or 'none'}"
        )
    elif not formula.names:
        fields.wrong("calculate_output", "names no grader, so every answer would earn the same")
    elif fault := _out_of_range(formula):
        fields.wrong("calculate_output", fault)
    return formula


def _out_of_range(formula: Formula) -> str | None:
    """What is wrong with the formula where its graders give 0 or 1."""
    defined = False
    for values in _corners(sorted(formula.names)):
        try:
            value = formula.value(values)
        except FormulaUndefined:
            continue
        defined = True
        if not -_ROUNDING <= value <= 1 + _ROUNDING:
            case = ", ".join(f"{name} = {given:g}" for name, given in values.items())
            return (
                f"with {case} it gives {value:g}, and a reward is from 0 to 1: change the weights, or write "
                "max(0, min(1, ...)) around it"
            )
    return None if defined else "has no finite value, whichever graders give 0 and which 1"


def _corners(names: list[str]) -> Iterator[dict[str, float]]:
    """All combinations of 0 and 1; of more than 8 names, those with all the same or all but one."""
    if len(names) <= _TRIED_IN_FULL:
        for values in product((1.0, 0.0), repeat=len(names)):
            yield dict(zip(names, values, strict=True))
        return
    for most in (1.0, 0.0):
        yield dict.fromkeys(names, most)
        for name in names:
            yield {**dict.fromkeys(names, most), name: 1 - most}
