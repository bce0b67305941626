"""``rft up`` and ``rft down`` around a local cloud that only pretends."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from local.cloud import CloudError, CloudInfo


class PretendCloud:
    """As ``local.cloud.Cloud``: one may run, and what was done to it is kept."""

    running: PretendCloud | None = None
    rest = False  # what a start left behind that was killed
    deeds: list[str] = []  # noqa: RUF012
    failure: BaseException | None = None
    info: CloudInfo

    @classmethod
    def start(cls, root: Path, *, on_progress: Callable[[str], None], **_: Any) -> PretendCloud:
        on_progress("starting the stand-in AWS")
        on_progress("deploying the application")
        if cls.failure is not None:
            raise cls.failure
        cls.deeds.append("start")
        cls.running = cls()
        return cls.running

    @classmethod
    def attach(cls, root: Path, *, revive: bool = False) -> PretendCloud | None:
        return cls.running

    @classmethod
    def clear(cls, root: Path) -> bool:
        cls.deeds.append("clear")
        was_there, cls.running, cls.rest = cls.running is not None or cls.rest, None, False
        return was_there

    def stop(self) -> None:
        type(self).deeds.append("stop")
        type(self).running = None


@pytest.fixture
def cloud(cloud_info: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[PretendCloud]]:
    class Fresh(PretendCloud):
        running = None
        deeds: list[str] = []  # noqa: RUF012
        info = CloudInfo(**cloud_info)

    monkeypatch.setattr("cli.hosting.Cloud", Fresh)
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path))
    return Fresh


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sends a signal soon after the command has begun to wait for one: on a busy machine that takes its time."""
    pause = signal.pause

    def arrange(number: int) -> None:
        def wait() -> None:
            timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
            timer.start()
            try:
                pause()
            finally:
                timer.join()

        monkeypatch.setattr(signal, "pause", wait)

    return arrange


def test_detached_json_is_exactly_the_clouds_addresses(
    runner: CliRunner, cloud: type[PretendCloud], cloud_info: dict[str, str]
) -> None:
    first = runner.invoke(app, ["up", "--detach", "--json"])
    assert (first.exit_code, json.loads(first.stdout)) == (0, cloud_info)
    assert "deploying the application" in first.stderr
    again = runner.invoke(app, ["up", "--detach", "--json"])
    assert (again.exit_code, json.loads(again.stdout)) == (0, cloud_info)
    assert cloud.deeds == ["start"]


def test_the_screen_has_the_addresses_and_the_next_commands(
    runner: CliRunner, cloud: type[PretendCloud], cloud_info: dict[str, str]
) -> None:
    result = runner.invoke(app, ["up", "--detach"], env={"COLUMNS": "120"})
    assert all(value in result.stdout for value in cloud_info.values())
    assert "had died" not in result.stdout
    assert "rft submit" in result.stdout
    assert "rft down" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_the_foreground_a_signal_stops_it(
    runner: CliRunner, cloud: type[PretendCloud], signalled: Callable[[int], None], number: int
) -> None:
    before = signal.getsignal(number)
    signalled(number)
    result = runner.invoke(app, ["up"])
    assert result.exit_code == 0
    assert cloud.deeds == ["start", "stop"]
    assert signal.getsignal(number) == before


def test_a_cloud_that_does_not_start_is_explained(runner: CliRunner, cloud: type[PretendCloud]) -> None:
    cloud.failure = CloudError("`sam build` failed: no python3.13")
    result = runner.invoke(app, ["up", "--detach", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["message"] == "`sam build` failed: no python3.13"


def test_down_stops_what_is_up_and_is_fine_with_nothing(runner: CliRunner, cloud: type[PretendCloud]) -> None:
    runner.invoke(app, ["up", "--detach"])
    results = [runner.invoke(app, ["down", "--json"]) for _ in range(2)]
    assert [result.exit_code for result in results] == [0, 0]
    assert [json.loads(result.stdout) for result in results] == [{"stopped": True}, {"stopped": False}]
    assert "nothing was up" in runner.invoke(app, ["down"]).stdout


def test_down_knows_of_servers_that_a_killed_start_left(runner: CliRunner, cloud: type[PretendCloud]) -> None:
    cloud.rest = True
    assert json.loads(runner.invoke(app, ["down", "--json"]).stdout) == {"stopped": True}


def test_a_new_start_in_the_place_of_one_that_died_is_told(
    runner: CliRunner, cloud: type[PretendCloud], tmp_path: Path
) -> None:
    (tmp_path / "cloud.json").write_text("{}")
    result = runner.invoke(app, ["up", "--detach"])
    assert result.exit_code == 0
    assert result.stdout.startswith("the stand-in AWS that ran here had died; starting anew, its runs are gone\n")


def test_an_interrupted_start_says_that_nothing_is_left(runner: CliRunner, cloud: type[PretendCloud]) -> None:
    cloud.failure = KeyboardInterrupt()
    result = runner.invoke(app, ["up"])
    assert (result.exit_code, cloud.deeds) == (130, ["clear"])
    assert result.stdout.endswith("interrupted, nothing left\n")
