"""Regular expressions whose time grows in step with the answer: RE2's syntax, so no lookaround and no back-references.

``^`` and ``$`` are the ends of the text, ``.`` stops at a line's end, ``\\d``, ``\\w`` and ``\\s`` are ASCII's;
``(?i)``, ``(?s)`` and ``(?m)`` at the start change that as usual.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rft.grading.rules.limits import RuleInvalid, fits

MAX_PATTERN = 1000  # characters
MAX_PROGRAM = 1000
"""Instructions that a pattern compiles to. RE2's time is at worst their number times the answer's length: repetition
counts are what makes them many, ``(.{1,100} ){9}`` has 3,600."""


class Pattern:
    """A compiled pattern; see :func:`compile_pattern`."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def is_in(self, text: str) -> bool:
        """Whether it matches somewhere in a text."""
        return self._compiled.search(text.encode("utf-8", "replace")) is not None  # bytes: nothing to convert back

    def is_all_of(self, text: str) -> bool:
        """Whether it matches the whole text."""
        return self._compiled.fullmatch(text.encode("utf-8", "replace")) is not None


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """A pattern, compiled once. Raises RuleInvalid for what RE2 doesn't read, and for what is too big."""
    import re2  # noqa: PLC0415 - a grader without patterns does without

    if not isinstance(pattern, str) or not 1 <= len(pattern) <= MAX_PATTERN:
        raise RuleInvalid(f"a pattern has 1 to {MAX_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        raise RuleInvalid(
            "the pattern is no regular expression in RE2's syntax (which has no lookaround and no references)"
        ) from None
    if compiled.programsize > MAX_PROGRAM:
        raise RuleInvalid("the pattern is too big once its repetitions are written out: use smaller counts, or * and +")
    return Pattern(compiled)


def regex_search(answer: str, pattern: str | Pattern) -> float:
    """1 if the pattern matches somewhere in the answer, else 0. Raises RuleInvalid."""
    compiled = pattern if isinstance(pattern, Pattern) else compile_pattern(pattern)
    return float(fits(answer) and compiled.is_in(answer))


def regex_full_match(answer: str, pattern: str | Pattern) -> float:
    """1 if the pattern matches the whole answer but for white space around it, else 0. Raises RuleInvalid."""
    compiled = pattern if isinstance(pattern, Pattern) else compile_pattern(pattern)
    return float(fits(answer) and compiled.is_all_of(answer.strip()))
