"""The stand-in's servers: what is started again where it died, and what the stand-in is without."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import cloud, processes
from local.cloud import Cloud, CloudInfo

INFO = CloudInfo("http://127.0.0.1:9", "http://127.0.0.1:9", "us-east-1", "rft", "u", "b", "l", "t", "m")


def server(root: Path) -> int:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    return processes.start(sleeper, environment=os.environ, cwd=root, log=root / "log").pid


@pytest.fixture
def running(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Three servers that only sleep, and the files that lead to them."""
    servers = {name: server(tmp_path) for name in ("emulator", "bedrock", "metrics")}
    (tmp_path / "cloud.json").write_text(json.dumps(INFO.to_json()))
    (tmp_path / "servers.json").write_text(json.dumps({"servers": servers, "seed": 3}))
    yield servers
    processes.stop(json.loads((tmp_path / "servers.json").read_text())["servers"].values())
    processes.stop(servers.values())


def test_without_its_metrics_a_stand_in_is_one_all_the_same(running: dict[str, int], tmp_path: Path) -> None:
    processes.kill([running["metrics"]])
    assert Cloud.attach(tmp_path) is not None


def test_reviving_starts_what_makes_the_metrics(
    running: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.kill([running["metrics"]])
    monkeypatch.setattr(cloud, "start_metrics", lambda root, endpoint: server(root))
    attached = Cloud.attach(tmp_path, revive=True)
    assert attached is not None
    servers = json.loads((tmp_path / "servers.json").read_text())["servers"]
    assert servers["metrics"] != running["metrics"] and processes.is_alive(servers["metrics"])
    assert {name: pid for name, pid in servers.items() if name != "metrics"} == {
        name: pid for name, pid in running.items() if name != "metrics"
    }
    assert servers["metrics"] in attached.server_pids


@pytest.mark.parametrize("dead", ["emulator", "bedrock"])
def test_without_one_of_the_others_there_is_none(running: dict[str, int], tmp_path: Path, dead: str) -> None:
    processes.kill([running[dead]])
    assert Cloud.attach(tmp_path) is None
