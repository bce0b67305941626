"""What a training file may be at most and at least."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rft.dataset.problems import Flaw

MAX_LINE_BYTES = 1 << 20
"""Longest line that is read. AWS publishes no limit; a grader call of 6 MB has to carry several answers to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``min_records`` and ``max_records`` are Bedrock's for a training file (user guide, RFT for Nova models).

    A validation file of its own has no published minimum: give ``min_records=1``. ``require_reference`` makes a
    missing ``reference_answer`` an error, for graders that compare with one; ``reference_flaw`` says what such a grader
    can't use about one that is there, and ``without_reference`` says what it lacks in a record that has none, where
    something else may do instead. ``record_flaw`` says what else a grader can't use about a record; with it no line is
    cleared at the quick look. ``max_prompt_tokens`` is the job's ``maxPromptLength``: Bedrock drops longer
    prompts in silence. ``max_line_bytes`` is what the lines were cut with.
    """

    min_records: int = 100
    max_records: int = 20_000
    max_line_bytes: int = MAX_LINE_BYTES
    require_reference: bool = False
    reference_flaw: Callable[[str | dict[str, Any]], Flaw | None] | None = None
    without_reference: Callable[[dict[str, Any]], Flaw | None] | None = None
    record_flaw: Callable[[dict[str, Any]], Flaw | None] | None = None
    max_prompt_tokens: int | None = None
