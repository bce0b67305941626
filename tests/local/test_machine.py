"""What the stand-in does to the machine it runs on: as little as possible, and nothing that stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from local import processes
from tests.local.pipeline import Pipeline

LISTEN = "0A"


def members(leaders: list[int]) -> list[int]:
    """Every process of the sessions that the stand-in's servers lead."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, ProcessLookupError, PermissionError):
            if os.getsid(pid := int(entry.name)) in leaders:
                found.append(pid)
    return found


def listening(pids: list[int]) -> set[str]:
    """The addresses on which one of these processes accepts connections, from the kernel's own tables."""
    inodes = set()
    for pid in pids:
        with suppress(FileNotFoundError, PermissionError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):
                    inodes.add(str(descriptor.readlink()))
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in inodes:
                words = bytes.fromhex(fields[1].partition(":")[0])
                network = b"".join(words[n : n + 4][::-1] for n in range(0, len(words), 4))
                addresses.add(socket.inet_ntop(family, network))
    return addresses


def test_nothing_listens_beyond_loopback(pipeline: Pipeline) -> None:
    pids = members(pipeline.cloud.server_pids)
    assert len(pids) >= 2
    assert listening(pids) == {"127.0.0.1"}


def test_the_look_at_listening_sockets_sees_an_open_one() -> None:
    with socket.create_server(("0.0.0.0", 0)):
        assert "0.0.0.0" in listening([os.getpid()])


def test_no_temporary_file_lies_outside_the_stand_ins_folder(pipeline: Pipeline) -> None:
    for pid in members(pipeline.cloud.server_pids):
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            temporary = [entry.partition(b"=")[2].decode() for entry in environment if entry.startswith(b"TMPDIR=")]
            assert all(Path(folder).is_relative_to(pipeline.cloud.root) for folder in temporary)


def test_a_server_that_is_stopped_takes_its_children_along(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    server = processes.start(
        [sys.executable, "-c", parent], environment=os.environ, cwd=tmp_path, log=tmp_path / "server.log"
    )

    def alive() -> int:
        listing = ["ps", "-o", "stat=", "-g", str(server.pid)]
        states = subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()
        return len([state for state in states if not state.startswith("Z")])  # the dead wait for init to reap them

    while alive() < 2:
        assert processes.is_alive(server.pid)
    processes.stop([server.pid])
    assert alive() == 0
