"""The text in a reference answer, for graders that compare texts."""

from __future__ import annotations

from rft.grading.errors import BadSample

_NO_TEXT = " .\t\r\n"


def expected_text(reference: object) -> str:
    """The text that a reference answer is, or the only one in it where it's an object with a single field.

    Raises BadSample for anything else, and for a text of nothing but white space and points.
    """
    if isinstance(reference, dict) and len(reference) == 1:
        (reference,) = reference.values()
    if isinstance(reference, str) and reference.strip(_NO_TEXT):
        return reference
    raise BadSample("reference_answer must be a text that isn't blank, or an object with one such text")
