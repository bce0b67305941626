"""The stand-in's servers: started in sessions of their own, healthy or reported, stopped with all their children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_HEALTH_SECONDS = 30.0
_GRACE_SECONDS = 3.0
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


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
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _CHILDREN[process.pid] = process
    return process


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _HEALTH_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"{process.args!s} ended with {process.returncode}; its log: {log}")
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 # nosec B310
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise ServerFailed(f"nothing healthy at {url} within {_HEALTH_SECONDS:g} s; its log: {log}")


def is_alive(pid: int) -> bool:
    """Whether the process runs; it may be a child of an earlier command."""
    if pid in _CHILDREN:
        return _CHILDREN[pid].poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and that nobody has asked after (a container's init may not) still has its number.
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def stop(pids: Iterable[int]) -> None:
    """End the sessions led by ``pids``, all at once: first asked, then made to."""
    leaders = list(pids)
    _signal(leaders, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(is_alive(pid) for pid in leaders) and time.monotonic() < deadline:
        time.sleep(0.02)
    # Also where the leader went in order: what it left in its group goes as well.
    kill(leaders)


def kill(pids: Iterable[int]) -> None:
    """End the sessions led by ``pids`` as a crash would."""
    leaders = list(pids)
    _signal(leaders, signal.SIGKILL)
    while any(is_alive(pid) for pid in leaders):
        time.sleep(0.01)
    # The others of a session die a moment after its leader. Who has no /proc has to believe that they do.
    deadline = time.monotonic() + _GRACE_SECONDS
    while _in_sessions(frozenset(leaders)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _in_sessions(leaders: frozenset[int]) -> bool:
    """Whether any process of these sessions still runs."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) in leaders and state not in "ZX":
                return True
    return False


def _signal(leaders: Iterable[int], sign: signal.Signals) -> None:
    for pid in leaders:
        with suppress(ProcessLookupError):
            os.killpg(pid, sign)
