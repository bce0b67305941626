"""Runs the code of an answer in a child process, and brings back what its calls returned."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import IO, Any, NamedTuple

from rft.grading.code_tests import child, syscall_filter
from rft.grading.errors import CodeNotRun

SECONDS = 5
"""For all of an answer's code, its start included."""
SECONDS_A_CASE = 1.0
MEMORY = 512 * 1024 * 1024  # bytes of address space

_PR_SET_DUMPABLE = 4
# The library path is where Lambda's own Python finds its parts. A hash that is drawn anew would change the order of a
# set from one run to the next, and with it what a grader says of the same answer.
_KEPT = ("LD_LIBRARY_PATH",)
_OPTIONS = ("-P", "-s", "-S", "-B")  # no directory of scripts, no packages, no .pyc


class Results(NamedTuple):
    """``values`` has an item for each call: what it returned in a list (see child.portable), or None where it returned
    nothing that can be compared, or not in time. ``loaded``: the code ran to its end, and so could be called.
    ``filtered``: the kernel held to the filter of system calls."""

    values: list[Any]
    loaded: bool
    in_time: bool
    filtered: bool


def run_calls(code: str, calls: Sequence[str], *, seconds: int = SECONDS) -> Results:
    """What ``calls`` return, one after another, once ``code`` has run. Raises CodeNotRun: there is no child process."""
    _close_this_process()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        in_time = _run(_job(code, calls, seconds), output, empty, seconds)
        output.seek(0)
        lines = output.read(child.MAX_RESULTS).split(b"\n")
    expected = 2 + len(calls)
    told = [_parsed(line) for line in lines[:expected]]
    filtered, loaded, *values = told + [None] * (expected - len(told))
    if not isinstance(filtered, bool):
        raise CodeNotRun("the child process that runs the code of an answer ended before it began")
    return Results(values, loaded is True, in_time, filtered)


def _job(code: str, calls: Sequence[str], seconds: int) -> bytes:
    job = {
        "code": code,
        "calls": list(calls),
        "seconds": seconds,
        "seconds_a_case": SECONDS_A_CASE,
        "memory": MEMORY,
        "filter": _filter(),
    }
    return json.dumps(job).encode()


def _run(job: bytes, output: IO[bytes], directory: str, seconds: int) -> bool:
    """Whether the child ended by itself in time. Afterwards nothing of it is left."""
    environment = {"PYTHONHASHSEED": "0"} | {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        process = Popen(
            [sys.executable, *_OPTIONS, str(Path(child.__file__))],
            stdin=PIPE,
            stdout=output,
            stderr=DEVNULL,
            cwd=directory,
            env=environment,
            start_new_session=True,
        )
    except OSError as exc:
        raise CodeNotRun("no child process can be started for the code of an answer") from exc
    try:
        process.communicate(job, timeout=seconds)
    except TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return True


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


@cache
def _filter() -> str:
    return syscall_filter.program().hex()


@cache
def _close_this_process() -> None:
    """Keep the child, which has the same user, out of this process's memory and environment: what the calls should
    return is in the one, the function's credentials in the other."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
