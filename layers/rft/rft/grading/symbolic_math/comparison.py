"""Whether two expressions are equal, by math-verify and sympy.

Some short expressions take them for ever (``9^9^9``, ``(x+y+z)^60``), and no signal interrupts a long multiplication.
So each comparison is made in a child process, which is killed when its time is over. A child is a fork of this process,
where the libraries are loaded and their tables are filled: it costs some milliseconds rather than a second.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
from pathlib import Path
from typing import NamedTuple, NoReturn

from latex2sympy2_extended.latex2sympy2 import NormalizationConfig
from math_verify import LatexExtractionConfig, parse, verify

from rft.grading.errors import BadSample

SECONDS = 2.0
"""For each of the two: reading the reference, and then the answer and the comparison."""
MEMORY = 512 * 1024 * 1024  # bytes beyond what this process has
DIGITS = 12
"""Of a decimal that stands for a number without an end: fewer aren't the number."""

# Expressions in LaTeX only: what math-verify reads as plain text goes through sympy's parser, which evaluates it.
_READING = [
    LatexExtractionConfig(
        boxed_match_priority=0,
        normalization_config=NormalizationConfig(
            basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="all", equations=False
        ),
    )
]
_READABLE, _UNREADABLE, _EQUAL, _DIFFERENT = b"r", b"u", b"e", b"d"


class Comparison(NamedTuple):
    """``in_time`` is False where the answer's expression took too long, or too much memory."""

    equal: bool
    in_time: bool


def compare(expected: str, given: str, *, seconds: float = SECONDS) -> Comparison:
    """Compare an answer's expression with the reference's. Raises BadSample if the reference can't be read in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(writing, expected, given, seconds)
    os.close(writing)
    try:
        if _next(reading, seconds) != _READABLE:
            raise BadSample("reference_answer is no expression that can be read, or not in time")
        verdict = _next(reading, seconds)
        return Comparison(verdict == _EQUAL, verdict in (_EQUAL, _DIFFERENT))
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _next(reading: int, seconds: float) -> bytes:
    """What the child says next, b"" if it ends or its time is over."""
    ready, _, _ = select.select([reading], [], [], seconds)
    return os.read(reading, 1) if ready else b""


def _in_child(writing: int, expected: str, given: str, seconds: float) -> NoReturn:
    try:
        gc.disable()  # a collection would copy the memory that the two processes share
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # the parser quotes what it can't read
            os.dup2(null, stream)
        _limit(seconds)
        reference = _parsed(expected)
        os.write(writing, _READABLE if reference is not None else _UNREADABLE)
        if reference is not None:
            os.write(writing, _EQUAL if _equal(reference, _parsed(given)) else _DIFFERENT)
    except BaseException:  # noqa: S110 - it says nothing, and so the parent knows
        pass
    finally:
        os._exit(0)


def _limit(seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (int(2 * seconds) + 1, int(2 * seconds) + 1))
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        most = int(sizes.read_text().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _parsed(expression: str) -> object | None:
    """The expression as sympy has it, None where it can't be read."""
    found = parse(f"\\boxed{{{expression}}}", extraction_config=_READING, parsing_timeout=None)
    return next((one for one in found if not isinstance(one, str)), None)


def _equal(reference: object, given: object | None) -> bool:
    if given is None:
        return False
    return bool(verify(reference, given, float_rounding=DIGITS, timeout_seconds=None))


def _prepare() -> None:
    """Fill the parser's tables here, or each child would fill them anew for a tenth of a second."""
    for logger in ("math_verify", "latex2sympy2_extended"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    for one, other in (
        (r"(x+1)^2", "x^2+2x+1"),
        (r"\frac{x+1}{2}\sqrt{3}", r"(x+1)\cdot\frac{\sqrt{12}}{5}"),
        (r"\sin^2 x + e^{2}", "0.25"),
    ):
        _equal(_parsed(one), _parsed(other))


_prepare()
