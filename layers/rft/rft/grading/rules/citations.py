"""Citations of numbered sources: ``[1]``, ``[1][3]``, ``[1, 3]``, ``[2-4]``, ``[^1]``."""

from __future__ import annotations

import re
from collections.abc import Collection

from rft.grading.rules.limits import RuleInvalid, check_count, fits

MAX_SOURCES = 10_000
MAX_RANGE = 20  # sources between the ends of [2-4]; a longer one is no citation of each

_CITATION = re.compile(r"\[\^?+(\d{1,6}+(?:[ ]?+[-,;–][ ]?+\d{1,6}+){0,30}+)\](?!\()")  # [1](...) is a link
_ITEM = re.compile(r"(\d+)(?: ?[-–] ?(\d+))?")


def cited(answer: str) -> set[int]:
    """The numbers that an answer cites. A range of more than 20 counts as its two ends."""
    numbers: set[int] = set()
    for citation in set(_CITATION.findall(answer)):
        for first, last in _ITEM.findall(citation):
            begin, end = int(first), int(last or first)
            numbers |= set(range(begin, end + 1)) if begin <= end <= begin + MAX_RANGE else {begin, end}
    return numbers


def citations_exist(answer: str, sources: int | Collection[int], *, least: int = 1) -> float:
    """The share of the cited numbers that are among the sources; 0 if fewer than ``least`` of these are cited.

    ``sources`` are their numbers, or how many there are, counted from 1. A number that is cited twice counts once.
    Raises RuleInvalid.
    """
    known = range(1, sources + 1) if isinstance(sources, int) else sources
    if isinstance(sources, bool) or not 0 < len(known) <= MAX_SOURCES:
        raise RuleInvalid(f"sources must be the number of sources or their numbers, 1 to {MAX_SOURCES:,}")
    check_count("least", least)
    if not fits(answer):
        return 0.0
    numbers = cited(answer)
    existing = sum(number in known for number in numbers)
    if existing < least:
        return 0.0
    return existing / len(numbers) if numbers else 1.0
