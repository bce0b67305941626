"""A grader's process as its caller has it: started with its environment, spoken to by pipes, ended as a whole."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.grader_child import ANSWER, FAULT, HEADER, MAX_BYTES, READY
from rft.gate.ports import InvocationFailed

_CHILD = Path(__file__).with_name("grader_child.py")
_WORDS_KEPT = 64 * 1024
_CHUNK = 256 * 1024
_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` for a call, ``start_seconds`` for the import. ``memory_mb`` is address space, which is more than what
    is used: twice the memory of this stack's graders."""

    seconds: float = 60.0
    start_seconds: float = 30.0
    memory_mb: int = 1024


class TimedOut(Exception):
    pass


class Ended(Exception):
    """The process is gone; ``failure`` says how it went."""

    def __init__(self, failure: InvocationFailed) -> None:
        self.failure = failure


class Running:
    """A started process, and this side's ends of its pipes."""

    def __init__(self, app_py: Path, limits: Limits, words: bytearray) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rft-grader-", ignore_cleanup_errors=True)
        self._kept = words
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._ended, ended = os.pipe()
        self._words, printed = os.pipe()
        settings = {
            "app_py": str(app_py),
            "requests": requests,
            "answers": answers,
            "ended": ended,
            "seconds": limits.seconds,
            "memory_mb": limits.memory_mb,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-u", str(_CHILD), json.dumps(settings)],
                env=_environment(app_py, self._folder.name, limits),
                cwd=self._folder.name,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=(requests, answers, ended),
                start_new_session=True,
            )
        finally:
            for descriptor in (requests, answers, ended, printed):
                os.close(descriptor)
        for descriptor in self._ends():
            os.set_blocking(descriptor, False)

    def exchange(self, message: bytes, seconds: float) -> tuple[bytes, bytes]:
        """Send ``message``, if there is one, and wait for one back: its kind and content."""
        deadline = time.monotonic() + seconds
        exchange = _Exchange(message)
        with selectors.DefaultSelector() as selector:
            for descriptor in (self._answers, self._ended, self._words):
                selector.register(descriptor, selectors.EVENT_READ)
            if message:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while True:
                ready = {key.fd for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
                if self._words in ready and not self._listen():
                    selector.unregister(self._words)
                if self._requests in ready and not exchange.send(self._requests):
                    selector.unregister(self._requests)
                # Looked at after all else, and once more when the process has ended: its last words count.
                if ready & {self._answers, self._ended} and not exchange.receive(self._answers):
                    with suppress(KeyError):
                        selector.unregister(self._answers)
                if exchange.complete:
                    self._listen()
                    return exchange.kind, exchange.content
                if self._ended in ready:
                    self._listen()
                    raise Ended(self._how_it_ended())
                if time.monotonic() >= deadline:
                    raise TimedOut

    def stop(self) -> None:
        """End it with all that it started. Its supervisor does that when the requests are hung up."""
        os.close(self._requests)
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for descriptor in (self._answers, self._ended, self._words):
            os.close(descriptor)
        self._folder.cleanup()

    def _ends(self) -> tuple[int, ...]:
        return self._requests, self._answers, self._ended, self._words

    def _listen(self) -> bool:
        """Take up what was printed, and keep the end of it; False when nothing more can come."""
        while (part := _read(self._words)) is not None:
            if not part:
                return False
            self._kept += part
            del self._kept[:-_WORDS_KEPT]
            if len(part) < _CHUNK:
                break
        return True

    def _how_it_ended(self) -> InvocationFailed:
        told = _read(self._ended) or b""
        if len(told) != 4:
            return InvocationFailed("exited", "without a status")
        status = int.from_bytes(told)
        if not os.WIFSIGNALED(status):
            return InvocationFailed("exited", f"exit status {os.waitstatus_to_exitcode(status)}")
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return InvocationFailed("out-of-memory" if number == signal.SIGKILL else "exited", name)


class _Exchange:
    """One message out and one back, in whatever pieces the pipes take."""

    def __init__(self, message: bytes) -> None:
        self._rest = memoryview(message)
        self._received = bytearray()
        self._expected: int | None = None
        self.kind = b""

    @property
    def complete(self) -> bool:
        return self._expected is not None and len(self._received) >= self._expected

    @property
    def content(self) -> bytes:
        return bytes(self._received[: self._expected])

    def send(self, descriptor: int) -> bool:
        """False when there is nothing more to send, or nobody to send to."""
        try:
            self._rest = self._rest[os.write(descriptor, self._rest[:_CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self._rest)

    def receive(self, descriptor: int) -> bool:
        """False when nothing more can come."""
        while not self.complete and (part := _read(descriptor)) is not None:
            if not part:
                return False
            self._received += part
            if self._expected is None and len(self._received) >= HEADER.size:
                self.kind, self._expected = HEADER.unpack(self._received[: HEADER.size])
                del self._received[: HEADER.size]
                if self._expected > MAX_BYTES or self.kind not in {READY, ANSWER, FAULT}:
                    raise Ended(InvocationFailed("exited", "what it sends is no answer"))
        return True


def _read(descriptor: int) -> bytes | None:
    """What is there; None where nothing is yet, nothing at all where nothing more can come."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def failure_of(kind: bytes, content: bytes) -> InvocationFailed:
    if kind != FAULT:
        return InvocationFailed("exited", "what it sends is no answer")
    told = json.loads(content)
    return InvocationFailed(told["kind"], told["detail"])


def _environment(app_py: Path, folder: str, limits: Limits) -> dict[str, str]:
    """What Lambda sets and a grader may ask for, and nothing of this process's own."""
    name = app_py.parent.name.replace("_", "-") or "grader"
    return {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(limits.memory_mb),
        "AWS_EC2_METADATA_DISABLED": "true",  # or an SDK asks the machine for a role
        "POWERTOOLS_SERVICE_NAME": name,
        "HOME": folder,
        "TMPDIR": folder,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "MALLOC_ARENA_MAX": "2",  # glibc else reserves 64 MB of address space for each thread
    }
