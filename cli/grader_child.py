"""The limited process that a grader runs in. Run as a file by ``cli.grader_pipes``, never imported.

It becomes a supervisor and, below that, the process that limits itself, loads ``app.py`` and calls its handler as
Lambda does: in the main thread, one event after the other, in one process that stays. The supervisor tells how that
process ended, and ends all that it started when the caller hangs up. Only the standard library is used here, and what
a call needs is bound before the grader is loaded: a grader may replace any of it.

A message has a kind of one byte, a length of eight and its content::

    to the grader    C  an event
    back             R  ready: the limits that hold        A  an answer        F  {"kind": ..., "detail": ...}
"""

from __future__ import annotations

import decimal
import importlib.util
import json
import os
import resource
import select
import signal
import struct
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Never

MAX_BYTES = 6 * 1024 * 1024  # of an event and of an answer (Lambda quotas, synchronous invocation)
HEADER = struct.Struct(">cQ")
READY, CALL, ANSWER, FAULT = b"R", b"C", b"A", b"F"

_CPU_SECONDS = 1800  # the last resort, should caller and supervisor both be gone
_FILE_BYTES = 16 * 1024 * 1024
_OPEN_FILES = 256
_PROCESSES = 128
_DETAIL = 500
_TOO_LARGE = b'{"kind": "too-large", "detail": "its answer"}'
_EACH_FAILED = ("rft.grading.errors", "EverySampleFailed")

type _Handler = Callable[[Any, Any], Any]


class Settings(NamedTuple):
    app_py: str
    requests: int
    answers: int
    ended: int
    seconds: float
    memory_mb: int


class Context:
    """What Lambda hands to a handler beside the event."""

    function_version = "$LATEST"
    client_context = identity = None

    def __init__(self, settings: Settings) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"
        self.memory_limit_in_mb = str(settings.memory_mb)
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + settings.seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class _Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        return float(o) if isinstance(o, decimal.Decimal) else super().default(o)  # Lambda's runtime takes these too


def main(settings: Settings) -> None:
    alone = _leave_the_others()
    if alone and (first := os.fork()):  # the first process of the new numbers, with whose end all others end
        _close(settings)
        os.waitpid(first, 0)
        os._exit(0)
    if grader := os.fork():
        _supervise(grader, settings, alone=alone)
    os.close(settings.ended)
    held = _limit(settings, alone=alone)
    _serve(settings, held)


def _leave_the_others() -> bool:
    """A network that leads nowhere and process numbers of its own, where the system lets anybody have them."""
    if sys.platform != "linux":
        return False
    uid, gid = os.getuid(), os.getgid()
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET | os.CLONE_NEWPID | os.CLONE_NEWIPC)
    except OSError:
        return False
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with suppress(OSError):
            Path("/proc/self", name).write_text(content)
    return True


def _supervise(grader: int, settings: Settings, *, alone: bool) -> Never:
    os.close(settings.answers)
    threading.Thread(target=_end_with_the_caller, args=(grader, settings.requests), daemon=True).start()
    ended, status = os.waitpid(-1, 0)
    while ended != grader:
        ended, status = os.waitpid(-1, 0)
    with suppress(OSError):
        os.write(settings.ended, status.to_bytes(4))
    if not alone:
        os.killpg(0, signal.SIGKILL)  # the caller made this a session of its own
    os._exit(0)


def _end_with_the_caller(grader: int, requests: int) -> None:
    hang_up = select.poll()
    hang_up.register(requests, 0)
    hang_up.poll()
    with suppress(ProcessLookupError):
        os.kill(grader, signal.SIGKILL)


def _close(settings: Settings) -> None:
    for descriptor in (settings.requests, settings.answers, settings.ended):
        os.close(descriptor)


def _limit(settings: Settings, *, alone: bool) -> list[str]:
    """Limits this process, and names those of the limits that a system may not know and that hold here."""
    memory = settings.memory_mb * 1024 * 1024
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        _set_limit(what, most)
    held = ["network", "processes"] if alone else []
    if alone and _counts_its_own():
        _set_limit(resource.RLIMIT_NPROC, _PROCESSES)
    # macOS takes this limit and does not keep it.
    if _set_limit(resource.RLIMIT_AS, memory) and sys.platform == "linux":
        held.append("memory")
    return held


def _counts_its_own() -> bool:
    """Whether the limit of processes counts those in here alone, as Linux does from 5.14 on. Where all of the user's
    count, a grader would be refused its first thread."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor.partition("-")[0])) >= (5, 14)


def _set_limit(what: int, most: int) -> bool:
    hard = resource.getrlimit(what)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (least, least))
    except (ValueError, OSError):
        return False
    return True


class _Line:
    """To the caller and back. What it uses is bound before a grader is loaded."""

    def __init__(self, settings: Settings) -> None:
        self._requests, self._answers = settings.requests, settings.answers
        self._read, self._write, self.leave = os.read, os.write, os._exit
        self._pack, self._unpack = HEADER.pack, HEADER.unpack

    def send(self, kind: bytes, content: bytes) -> None:
        rest = memoryview(self._pack(kind, len(content)) + content)
        while rest:
            rest = rest[self._write(self._answers, rest) :]

    def receive(self) -> bytes:
        """The next event. Ends the process when the caller hangs up."""
        _, length = self._unpack(self._exactly(HEADER.size))
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            part = self._read(self._requests, length - len(content))
            if not part:
                self.leave(0)
            content += part
        return bytes(content)


class _Grader:
    def __init__(self, settings: Settings, line: _Line) -> None:
        self._settings, self._line = settings, line
        self._loads, self._encode = json.loads, _Encoder(ensure_ascii=False).encode
        self._handler: _Handler | None = None

    def load(self) -> None:
        self._handler = _load(self._settings.app_py)

    def call(self) -> bytes:
        assert self._handler is not None
        result = self._handler(self._loads(self._line.receive()), Context(self._settings))
        if isinstance(result, bytes):
            return result
        try:
            return self._encode(result).encode()
        except Exception as unfit:
            raise MarshalError from unfit

    def failed(self, error: BaseException, kind: str) -> None:
        """Tell what was raised; what ends the process in Lambda ends it here."""
        if isinstance(error, SystemExit):
            self._line.leave(error.code if isinstance(error.code, int) else int(error.code is not None))
        if isinstance(error, MemoryError):
            kind, detail = "out-of-memory", "MemoryError"
        else:
            detail = _told(error, self._settings.app_py, kind)
        self._line.send(FAULT, self._encode({"kind": kind, "detail": detail}).encode())


def _serve(settings: Settings, held: list[str]) -> Never:
    line = _Line(settings)
    grader = _Grader(settings, line)
    try:
        grader.load()
    except BaseException as error:
        grader.failed(error, "refused")
        line.leave(0)
    line.send(READY, json.JSONEncoder().encode(held).encode())
    while True:
        try:
            answer = grader.call()
        except BaseException as error:
            grader.failed(error, "raised")
        else:
            too_large = len(answer) > MAX_BYTES
            line.send(*((FAULT, _TOO_LARGE) if too_large else (ANSWER, answer)))


class MarshalError(Exception):
    """What the handler returned is no JSON."""


def _load(app_py: str) -> _Handler:
    spec = importlib.util.spec_from_file_location("app", app_py)
    if spec is None or spec.loader is None:
        raise ImportError(f"{app_py} is no Python file")
    app = importlib.util.module_from_spec(spec)
    sys.modules["app"] = app
    spec.loader.exec_module(app)
    handler = app.handler
    if not callable(handler):
        raise TypeError("handler is not a function")
    found: _Handler = handler
    return found


def _told(error: BaseException, app_py: str, kind: str) -> str:
    """An error without what it may quote: its class and the line of ``app.py``. When loading there is no data yet."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    with suppress(Exception):
        traceback.print_exception(error.with_traceback(trace))
    name = type(error).__name__
    if isinstance(error, MarshalError):
        return "Runtime.MarshalError"
    if kind == "refused":
        words = f"{name}: {error}"
    elif (type(error).__module__, name) == _EACH_FAILED:
        raised = str(error).rpartition(": ")[2].split(", ")  # "KeyError at app.py:7 (3)", of what score() raised
        words = f"{name}: {' / '.join(each.partition(' (')[0] for each in raised)}"
    else:
        words = name + _line_of(trace, app_py)
    return words[:_DETAIL]


def _line_of(trace: TracebackType | None, app_py: str) -> str:
    line = ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == app_py:
            line = f" at {Path(app_py).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line


if __name__ == "__main__":
    chosen = json.loads(sys.argv.pop())
    main(Settings(**chosen))
