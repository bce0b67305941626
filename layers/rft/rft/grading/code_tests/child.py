"""The process in which an answer's code runs: a script, started by :mod:`rft.grading.code_tests.running`.

It reads a job from standard input, gives up what it may give up, runs the code and writes to standard output, one JSON
value a line: whether the filter of system calls is in force; whether the code ran to its end; and for each call the
value that it returned in a list, or null where it raised, took too long or returned what can't be compared.

It imports nothing of the library, whose import would cost ten times what the rest of it does.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

MAX_VALUE = 65_536
"""Characters of one returned value, as JSON."""
MAX_RESULTS = 1_000_000
"""Bytes of all results of an answer, and of any file that its code writes."""
MAX_OPEN_FILES = 32

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522


def portable(value: Any) -> Any:
    """A value as JSON, alike for values that count as equal. Tuples are lists; sets and dictionaries are objects that
    say so, with their items in one order. Raises TypeError for anything else, and RecursionError."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    if isinstance(value, set | frozenset):
        return {"set": sorted((portable(item) for item in value), key=json.dumps)}
    if isinstance(value, dict):
        return {"dict": sorted(([portable(key), portable(item)] for key, item in value.items()), key=json.dumps)}
    raise TypeError("a value that can't be compared")


def main() -> None:
    job = json.load(sys.stdin.buffer)
    with os.fdopen(os.dup(1), "w", encoding="ascii") as results:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        _limit(job["seconds"], job["memory"])
        _write(results, _filter_system_calls(bytes.fromhex(job["filter"])))
        signal.signal(signal.SIGALRM, _expire)
        module = ModuleType("answer")
        sys.modules["answer"] = module
        namespace = vars(module)
        loaded, _ = _attempt(_load, job["code"], namespace, seconds=job["seconds_a_case"])
        _write(results, loaded)
        for call in job["calls"] if loaded else ():
            returned, value = _attempt(_value, call, namespace, seconds=job["seconds_a_case"])
            _write(results, [value] if returned else None)
    os._exit(0)  # no exit handlers, no threads that are waited for


def _attempt(
    action: Callable[[str, dict[str, Any]], Any], text: str, namespace: dict[str, Any], *, seconds: float
) -> tuple[bool, Any]:
    """Whether the action came to its end in time, and its value. Nothing that it raises gets any further."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return True, action(text, namespace)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException:  # SystemExit and KeyboardInterrupt are the code's, too
        return False, None


def _load(code: str, namespace: dict[str, Any]) -> None:
    program = compile(code, "<answer>", "exec")
    exec(program, namespace)  # noqa: S102 - what this process is for # nosec B102


def _value(call: str, namespace: dict[str, Any]) -> Any:
    value = portable(eval(compile(call, "<call>", "eval"), namespace))  # noqa: S307 - as above # nosec B307
    if len(json.dumps(value)) > MAX_VALUE:
        raise ValueError("too long")
    return value


def _write(results: Any, value: object) -> None:
    results.write(json.dumps(value) + "\n")
    results.flush()


def _limit(seconds: int, memory: int) -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, MAX_RESULTS),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _filter_system_calls(program: bytes) -> bool:
    """Install the filter, and give up the capabilities that root would have. False where there is no
    filter, or the kernel takes none."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "prctl"):
        return False
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    libc.capset(ctypes.byref(header), ctypes.byref(none))
    code = ctypes.create_string_buffer(program, len(program))
    whole = _FilterProgram(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if not program or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0)


class _FilterProgram(ctypes.Structure):  # struct sock_fprog
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _expire(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError


if __name__ == "__main__":
    main()
