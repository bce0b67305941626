"""What every rule refuses, and how it says so."""

from __future__ import annotations

from rft.grading.errors import BadSample

MAX_TEXT = 32_768
"""Characters of a text in ASCII, about what 8,192 tokens hold: more than a model in training is allowed to write."""

MAX_OTHER_TEXT = 10_240
"""The same for any other text, of which a token holds half as much or less, and a character costs twice the time."""


class RuleInvalid(ValueError):
    """A rule is set up in a way that makes no sense. The message names the setting, and quotes no answer."""


def fits(text: str) -> bool:
    """Whether a text is short enough to be read."""
    return len(text) <= (MAX_TEXT if text.isascii() else MAX_OTHER_TEXT)


def comparable(answer: str, reference: str) -> bool:
    """False if the answer is too long to be compared. Raises BadSample if the reference is."""
    if not fits(reference):
        raise too_long(MAX_OTHER_TEXT, "characters")
    return fits(answer)


def too_long(most: int, unit: str) -> BadSample:
    return BadSample(f"the reference answer is too long for this rule: give one of at most {most:,} {unit}")


def check_text(name: str, value: object) -> str:
    """``value`` if it is a text with something in it, of at most 32,768 characters. Raises RuleInvalid."""
    if not (isinstance(value, str) and value.strip() and fits(value)):
        raise RuleInvalid(f"{name} must be a text, not blank, of at most {MAX_OTHER_TEXT:,} characters")
    return value


def check_count(name: str, value: object) -> int:
    """``value`` if it is a whole number from 0. Raises RuleInvalid."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RuleInvalid(f"{name} must be a whole number from 0")
    return value
