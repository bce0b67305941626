"""Constraints on an answer's form, as an object: a grader's own, or a field of the record.

==========================================================  ============================================================
``min_words`` ``max_words``, and the same with               limits, both included; white space around the answer
``characters`` ``sentences`` ``lines`` ``paragraphs``        and blank lines don't count
``starts_with`` ``ends_with``                                the text that it begins or ends with, white space aside
``contains_all`` ``contains_any`` ``contains_none``          lists of words and phrases (see keywords)
``pattern`` ``search``                                       a regular expression that the whole answer, or a part of
                                                             it, matches (see patterns)
``json``                                                     ``any``, ``object`` or ``array`` (see json_check)
``schema``                                                   a JSON Schema (see json_schema)
``tags``                                                     names: each of ``<name>...</name>`` is there once, in this
                                                             order, with something in it
``case``                                                     ``lower`` or ``upper``
``bullets``                                                  the number of list items (``-``, ``*``, ``•``, ``1.``)
``citations``                                                the number of sources: one is cited at least, and no other
==========================================================  ============================================================

An empty answer keeps to none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rft.grading.rules.citations import citations_exist
from rft.grading.rules.json_check import json_keeps_schema, json_valid
from rft.grading.rules.json_schema import compile_schema
from rft.grading.rules.keywords import has_all, has_any, has_none
from rft.grading.rules.lengths import COUNTS, length_within
from rft.grading.rules.limits import RuleInvalid, check_count, check_text, fits
from rft.grading.rules.patterns import compile_pattern, regex_full_match, regex_search
from rft.grading.score import Score

MAX_TAGS = 16

_TAG = re.compile("[A-Za-z][A-Za-z0-9_-]{0,31}")
_BULLET = re.compile(r"^[ \t]*+(?:[-*•][ \t]|\d{1,3}[.)][ \t])[ \t]*+\S", re.MULTILINE)

type Constraint = Callable[[str], float]


def constraints_score(answer: str, constraints: Mapping[str, Any]) -> Score:
    """The share of the constraints that the answer keeps: the reward ``format``, with a metric for each by its name.

    Raises RuleInvalid for constraints that aren't known or make no sense.
    """
    checks = read_constraints(constraints)
    readable = fits(answer) and bool(answer.strip())
    kept = {name: check(answer) if readable else 0.0 for name, check in checks.items()}
    share = sum(kept.values()) / len(kept)
    return Score(share, rewards={"format": share}, metrics=kept)


def read_constraints(constraints: object) -> dict[str, Constraint]:
    """A check for each constraint, by its name: 1 if an answer (not empty) keeps it, else 0. Raises RuleInvalid."""
    if not isinstance(constraints, dict) or not constraints:
        raise RuleInvalid("constraints must be an object with one constraint at least")
    checks: dict[str, Constraint] = {}
    for name, value in constraints.items():
        read = _READERS.get(name)
        if read is None:
            raise RuleInvalid(f"{str(name)[:50]} is no constraint; there are: {', '.join(_READERS)}")
        try:
            checks[name] = read(value)
            checks[name]("")  # what a rule refuses only when it's used is refused now
        except (RuleInvalid, TypeError) as exc:
            raise RuleInvalid(f"{name}: {exc}") from exc
    return checks


def _least(unit: str) -> Callable[[Any], Constraint]:
    def read(value: Any) -> Constraint:
        least = check_count("the limit", value)
        return lambda answer: length_within(answer, unit, least)

    return read


def _most(unit: str) -> Callable[[Any], Constraint]:
    def read(value: Any) -> Constraint:
        most = check_count("the limit", value)
        return lambda answer: length_within(answer, unit, 0, most)

    return read


def _starts_with(value: Any) -> Constraint:
    text = check_text("the value", value).lstrip()
    return lambda answer: float(answer.lstrip().startswith(text))


def _ends_with(value: Any) -> Constraint:
    text = check_text("the value", value).rstrip()
    return lambda answer: float(answer.rstrip().endswith(text))


def _pattern(value: Any) -> Constraint:
    compiled = compile_pattern(value)
    return lambda answer: regex_full_match(answer, compiled)


def _search(value: Any) -> Constraint:
    compiled = compile_pattern(value)
    return lambda answer: regex_search(answer, compiled)


def _json(value: Any) -> Constraint:
    if value not in ("any", "object", "array"):
        raise RuleInvalid("must be any, object or array")
    return lambda answer: json_valid(answer, value)


def _schema(value: Any) -> Constraint:
    schema = compile_schema(value)
    return lambda answer: json_keeps_schema(answer, schema)


def _tags(value: Any) -> Constraint:
    if not (isinstance(value, list | tuple) and 1 <= len(value) <= MAX_TAGS and len(set(value)) == len(value)):
        raise RuleInvalid(f"must be a list of 1 to {MAX_TAGS} different names")
    if not all(isinstance(name, str) and _TAG.fullmatch(name) for name in value):
        raise RuleInvalid("a tag's name has 1 to 32 letters, digits, _ and -, a letter first")
    names = tuple(value)
    return lambda answer: float(_has_tags(answer, names))


def _has_tags(answer: str, names: tuple[str, ...]) -> bool:
    end = 0
    for name in names:
        opening, closing = f"<{name}>", f"</{name}>"
        if answer.count(opening) != 1 or answer.count(closing) != 1:
            return False
        begin = answer.find(opening, end)
        end = answer.find(closing, begin)
        if begin < 0 or end < 0 or not answer[begin + len(opening) : end].strip():
            return False
    return True


def _case(value: Any) -> Constraint:
    if value not in ("lower", "upper"):
        raise RuleInvalid("must be lower or upper")
    return lambda answer: float(answer.islower() if value == "lower" else answer.isupper())


def _bullets(value: Any) -> Constraint:
    count = check_count("the number", value)
    return lambda answer: float(len(_BULLET.findall(answer)) == count)


def _citations(value: Any) -> Constraint:
    check_count("the number of sources", value)
    return lambda answer: float(citations_exist(answer, value) == 1)


_READERS: dict[str, Callable[[Any], Constraint]] = {
    **{f"min_{unit}": _least(unit) for unit in COUNTS},
    **{f"max_{unit}": _most(unit) for unit in COUNTS},
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "contains_all": lambda value: lambda answer: has_all(answer, value),
    "contains_any": lambda value: lambda answer: has_any(answer, value),
    "contains_none": lambda value: lambda answer: has_none(answer, value),
    "pattern": _pattern,
    "search": _search,
    "json": _json,
    "schema": _schema,
    "tags": _tags,
    "case": _case,
    "bullets": _bullets,
    "citations": _citations,
}
