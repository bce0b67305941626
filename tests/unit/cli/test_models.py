"""``rft models``: what serves, every version with its numbers, and how an app calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

FIRST, SECOND = "ticket-triage-0123456789ab", "ticket-triage-ba9876543210"
ARN = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abc123def456"
GAIN = {"mean": 0.64, "low": 0.57, "high": 0.71, "confidence": 0.95}
LIVE = {
    "run_id": FIRST,
    "custom_model_arn": "arn:model",
    "deployment_arn": ARN,
    "kind": "on-demand",
    "base_model": "amazon.nova-2-lite-v1:0:256k",
    "since": "2026-01-31T12:00:00Z",
}
Rft = Callable[..., Any]


def version(run_id: str, status: str, **changes: Any) -> dict[str, Any]:
    plain = {"run_id": run_id, "status": status, "created_at": "2026-01-31T11:00:00Z", "custom_model_arn": "arn:model"}
    return plain | {"deleted_at": None, "against": None, "gain": None, "means": None, "live": False} | changes


MODEL = {
    "name": "ticket-triage",
    "live": LIVE,
    "live_parameter": "/rft/models/ticket-triage/live",
    "versions": [
        version(SECOND, "kept", deleted_at="2026-02-01T12:00:00Z"),
        version(FIRST, "promoted", live=True, against="base", gain=GAIN, means={"base": 0.2, "candidate": 0.84}),
    ],
}


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object) -> Rft:
    return lambda *arguments, **how: runner.invoke(app, ["models", *arguments], **how)


def test_the_list_has_each_model_and_the_way_to_its_next_page(rft: Rft, api: FakeApi) -> None:
    models = [
        {"name": "ticket-triage", "live": LIVE, "versions": 12, "gain": GAIN},
        {"name": "word-sums", "live": None, "versions": 1, "gain": None},
    ]
    api.answers["GET", "/models"] = (200, {"models": models, "next_token": "p 2"})
    result = rft("--limit", "2")
    heading, first, second, more = result.stdout.splitlines()
    assert heading.split() == ["model", "live", "since", "versions", "last", "gain"]
    assert first.split()[0] == "ticket-triage"
    assert first.endswith("12  +0.64 (+0.57 to +0.71 at 95 %)")
    assert second.split() == ["word-sums", "not", "live", "1"]
    assert more == "more: rft models --limit 2 --next-token 'p 2'"
    assert api.requests[-1]["query"] == {"limit": "2"}
    assert json.loads(rft("--json").stdout)["models"] == models


def test_no_models(rft: Rft, api: FakeApi) -> None:
    api.answers["GET", "/models"] = (200, {"models": [], "next_token": None})
    assert rft().stdout == "no models yet\n"


def test_one_model_with_its_versions_and_how_to_call_it(rft: Rft, api: FakeApi) -> None:
    api.answers["GET", "/models/ticket-triage"] = (200, MODEL)
    lines = rft("ticket-triage").stdout.splitlines()
    assert lines[0] == "ticket-triage  live"
    assert f"deployment    {ARN} (on-demand)" in lines
    assert "parameter     /rft/models/ticket-triage/live" in lines
    (first,) = [line for line in lines if line.startswith(FIRST)]
    for words in ("promoted, live", "base 0.20, candidate 0.84", "+0.64 (+0.57 to +0.71 at 95 %) over base"):
        assert words in first
    (second,) = [line for line in lines if line.startswith(SECOND)]
    assert "kept, deleted" in second
    assert "not compared" in second
    for command in (
        "aws ssm get-parameter --name /rft/models/ticket-triage/live ",
        f"aws bedrock-runtime converse --model-id {ARN} ",
        'rft compare ticket-triage -p "..."',
    ):
        assert any(line.strip().startswith(command) for line in lines), command
    assert json.loads(rft("ticket-triage", "--json").stdout) == MODEL


def test_a_model_that_serves_nobody_is_shown_without_a_way_to_call_it(rft: Rft, api: FakeApi) -> None:
    api.answers["GET", "/models/word-sums"] = (200, MODEL | {"name": "word-sums", "live": None})
    result = rft("word-sums")
    assert result.exit_code == 0
    assert result.stdout.startswith("word-sums  not live\n")
    assert "converse" not in result.stdout


def test_a_narrow_terminal_keeps_ids_and_commands_whole(rft: Rft, api: FakeApi) -> None:
    api.answers["GET", "/models/ticket-triage"] = (200, MODEL)
    result = rft("ticket-triage", env={"COLUMNS": "60", "FORCE_COLOR": "1", "NO_COLOR": "1"})
    lines = [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in result.stdout.splitlines()]
    assert f"deployment    {ARN} (on-demand)" in lines
    assert any(line.startswith(SECOND) for line in lines)
    assert all(len(line) <= 60 for line in lines if line.startswith((FIRST, SECOND)))


def test_an_unknown_model_is_1_and_no_name_is_2(rft: Rft) -> None:
    assert rft("nobody").exit_code == 1
    for name in ("Ticket Triage", "../runs", "x" * 41):
        result = rft(name)
        assert result.exit_code == 2, name
        assert "Traceback" not in result.output
