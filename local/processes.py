"""The stand-in's servers: started in sessions of their own, healthy or reported, stopped with all their children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_HEALTH_SECONDS = 30.0
_GRACE_SECONDS = 5.0


class ServerFailed(Exception):
    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """A session of its own keeps the terminal's Ctrl-C away: whoever started the server stops it in order."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _HEALTH_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"{process.args!s} ended with {process.returncode}; its log: {log}")
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise ServerFailed(f"nothing healthy at {url} within {_HEALTH_SECONDS:g} s; its log: {log}")


def is_alive(pid: int) -> bool:
    """Whether the process runs. One of our own that has ended is reaped by the way."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop(pid: int) -> None:
    """End the session of ``pid``: first asked, then made to."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, sign)
        deadline = time.monotonic() + _GRACE_SECONDS
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    # The leader is gone; what it left in its group goes as well.
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def kill(pid: int) -> None:
    """End the session of ``pid`` as a crash would."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.01)
