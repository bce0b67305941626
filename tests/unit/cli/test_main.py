"""The commands: exit codes, one JSON document on stdout, faults without a traceback, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object) -> Callable[..., Any]:
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    file = tmp_path / "ticket-triage.jsonl"
    file.write_text('{"messages": []}\n')
    return file


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["show"],
        ["show", "not a run id"],
        ["show", "../runs"],
        ["runs", "--limit", "0"],
        ["runs", "--status", "happy"],
        ["runs", "--profile", "x"],
        ["submit", "no-such-file.jsonl"],
        ["runs", "--target", "moon"],
        ["demo", "--example", "none"],
        ["demo", "--grader", "none.py"],
    ],
)
def test_wrong_usage_is_2(rft: Callable[..., Any], arguments: list[str]) -> None:
    result = rft(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs", "--limit", "0"], "Invalid value for '--limit'"),
        (["runs", "--status", "happy"], "Invalid value for '--status': 'happy' is not one of"),
        (["nonsense"], "No such command 'nonsense'"),
        (["show", "--bogus"], "No such option: --bogus"),
        (["demo", "--grader", "none"], "No grader 'none' comes with the application"),
    ],
)
def test_wrong_usage_is_a_document_too(rft: Callable[..., Any], arguments: list[str], words: str) -> None:
    result = rft(*arguments, "--json")
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)["error"]["message"]
    assert rft(*arguments).stdout == ""


def test_the_version(rft: Callable[..., Any]) -> None:
    assert re.fullmatch(r"rft \d+\.\d+\.\d+\n", rft("--version").stdout)


def test_no_local_cloud(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path))
    result = runner.invoke(app, ["runs", "--json"])
    assert result.exit_code == 1
    assert "rft up" in json.loads(result.stdout)["error"]["hint"]


def test_a_local_cloud_that_died(runner: CliRunner, local_cloud: object, tmp_path: Path) -> None:
    info = json.loads((tmp_path / "cloud.json").read_text())
    (tmp_path / "cloud.json").write_text(json.dumps(info | {"api_url": "http://127.0.0.1:1/_aws/execute-api/x/y"}))
    result = runner.invoke(app, ["runs"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: The local cloud does not answer at http://127.0.0.1:")
    assert f"rft up --detach   (the old one's logs: {tmp_path / 'logs'})" in result.stderr


def test_an_upload_to_a_local_cloud_that_died(
    runner: CliRunner, local_cloud: object, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    info = json.loads((tmp_path / "cloud.json").read_text())
    (tmp_path / "cloud.json").write_text(json.dumps(info | {"endpoint": "http://127.0.0.1:1"}))
    result = runner.invoke(app, ["submit", str(dataset), "--json"])
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["message"] == "The local cloud does not answer at http://127.0.0.1:1: it has probably died."
    assert "rft up" in error["hint"]


def test_another_stack_than_the_local_one(rft: Callable[..., Any]) -> None:
    result = rft("runs", "--stack", "other")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'rft', not 'other'" in result.stderr


def test_submit_names_the_run_and_the_next_command(rft: Callable[..., Any], dataset: Path) -> None:
    result = rft("submit", dataset)
    assert result.exit_code == 0
    assert f"rft watch {RUN_ID}" in result.stdout


def test_submitting_twice_is_said_and_asks_for_one_run(rft: Callable[..., Any], api: FakeApi, dataset: Path) -> None:
    results = [rft("submit", dataset, "--json") for _ in range(2)]
    assert [json.loads(result.stdout)["run_id"] for result in results] == [RUN_ID, RUN_ID]
    assert "--again starts a new run" in results[1].stderr
    assert len(api.keys) == 1


def test_waiting_ends_with_the_status_the_deployment_and_the_way_on(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any], dataset: Path
) -> None:
    arn = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abc123def456"
    api.looks = [make_run("training"), make_run("promoted", deployment_arn=arn, ended_at="2026-01-31T12:00:40Z")]
    *_, heading, deployment, more = rft("submit", dataset, "--wait").stdout.splitlines()
    assert heading == f"{RUN_ID}  promoted  40 s"
    assert deployment.split() == ["deployment", arn]
    assert more.endswith(f"rft show {RUN_ID}")


@pytest.mark.parametrize(
    ("status", "code"), [("promoted", 0), ("kept", 0), ("rejected", 1), ("stopped", 1), ("failed", 1)]
)
def test_waiting_prints_the_final_record_and_exits_by_its_status(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any], dataset: Path, status: str, code: int
) -> None:
    api.looks = [make_run("training", job_arn="arn:job"), make_run(status, job_arn="arn:job")]
    result = rft("submit", dataset, "--wait", "--json")
    assert json.loads(result.stdout) == api.looks[1]
    assert result.exit_code == code


def test_every_problem_of_a_refused_request_is_listed(rft: Callable[..., Any], api: FakeApi, dataset: Path) -> None:
    errors = [{"path": "deploy", "message": "must be one of [a]"}, {"path": "budget.max_usd", "message": "is required"}]
    api.failures = [
        (422, {"title": "The request is invalid", "detail": "model: is required; ...", "errors": errors})
    ] * 2
    words, document = rft("submit", dataset), rft("submit", dataset, "--json")
    assert (words.exit_code, document.exit_code) == (1, 1)
    for error in errors:
        assert f"{error['path']}  " in words.stderr
        assert error["message"] in words.stderr
    assert json.loads(document.stdout)["error"]["problems"] == errors


def test_runs_is_a_table_with_the_way_to_its_next_page(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any]
) -> None:
    reason = {"error": "DatasetInvalid", "message": "12 lines", "details_uri": None}
    api.looks = [make_run("rejected", ended_at="2026-01-31T12:01:05Z", reason=reason)]
    result = rft("runs", "--limit", "1", "--status", "rejected", "--model", "ticket-triage")
    assert result.exit_code == 0
    assert all(words in result.stdout for words in (RUN_ID, "rejected", "1:05", "DatasetInvalid"))
    more = "more: rft runs --model ticket-triage --status rejected --limit 1 --next-token page-2"
    assert result.stdout.splitlines()[-1] == more
    assert api.requests[-1]["query"] == {"limit": "1", "status": "rejected", "model": "ticket-triage"}


def test_show_is_the_record_with_its_events(rft: Callable[..., Any], api: FakeApi) -> None:
    api.events = [{"at": "2026-01-31T12:00:00Z", "type": "job", "detail": {"job_status": "InProgress", "phases": None}}]
    assert json.loads(rft("show", RUN_ID, "--json").stdout) == {**api.looks[0], "events": api.events}
    assert "job_status=InProgress" in rft("show", RUN_ID).stdout


def test_a_run_that_is_not_there(rft: Callable[..., Any]) -> None:
    result = rft("show", "other-model-0123456789ab", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["status"] == 404
    assert "There is no such run" in result.stderr


def test_watch_tells_the_way_and_exits_by_the_end(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any]
) -> None:
    api.looks = [make_run("training"), make_run("failed", reason={"error": "JobFailed", "message": "no model"})]
    result = rft("watch", RUN_ID)
    assert result.exit_code == 1
    assert "JobFailed: no model" in result.stdout


def ctrl_c_at_the_second_look(count: int) -> None:
    if count == 2:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("command", ["watch", "submit"])
def test_ctrl_c_detaches_and_stops_nothing(rft: Callable[..., Any], api: FakeApi, dataset: Path, command: str) -> None:
    api.on_look = ctrl_c_at_the_second_look
    result = rft("watch", RUN_ID) if command == "watch" else rft("submit", dataset, "--wait")
    assert result.exit_code == 0
    assert f"detached; the run goes on: rft watch {RUN_ID}" in result.stdout
    assert api.sent("POST", f"/runs/{RUN_ID}/stop") == []


def test_ctrl_c_with_json_still_gives_one_document(rft: Callable[..., Any], api: FakeApi) -> None:
    api.on_look = ctrl_c_at_the_second_look
    result = rft("watch", RUN_ID, "--json")
    assert json.loads(result.stdout)["status"] == "received"
    assert result.exit_code == 1


def test_stop_asks_and_returns(rft: Callable[..., Any], api: FakeApi) -> None:
    result = rft("stop", RUN_ID, "--json")
    assert (result.exit_code, json.loads(result.stdout)["stop_requested"]) == (0, True)
    assert len(api.sent("POST", f"/runs/{RUN_ID}/stop")) == 1


@pytest.mark.parametrize(("end", "code"), [("stopped", 0), ("promoted", 1)])
def test_stop_can_wait_for_the_end(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any], end: str, code: int
) -> None:
    api.looks = [make_run("training"), make_run(end)]
    result = rft("stop", RUN_ID, "--wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (code, end)


def test_a_run_that_has_ended_can_not_be_stopped(rft: Callable[..., Any], api: FakeApi) -> None:
    api.stop_answer = (409, {"title": "Conflict", "detail": "The run has ended: promoted"})
    result = rft("stop", RUN_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The run has ended: promoted" in result.stderr


@pytest.mark.parametrize("command", [["runs"], ["show", RUN_ID], ["watch", RUN_ID], ["stop", RUN_ID]])
def test_json_is_alone_on_stdout(
    rft: Callable[..., Any], api: FakeApi, make_run: Callable[..., Any], command: list[str]
) -> None:
    api.looks = [make_run("promoted")]
    result = rft(*command, "--json")
    assert isinstance(json.loads(result.stdout), dict)
