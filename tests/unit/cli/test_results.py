"""``rft report`` and ``approve``, and what ``show`` and ``watch`` say of a comparison and of what serves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"
OTHER = "ticket-triage-ba9876543210"
ARN = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abc123def456"
SENTENCE = "Promoted: the mean reward rose by +0.64, with +0.57 to +0.71 at 95 % confidence."
COMPARED = {
    "against": "base",
    "live_run_id": None,
    "recommended": "promote",
    "sentence": SENTENCE,
    "records": 100,
    "gain": {"mean": 0.64, "low": 0.57, "high": 0.71, "confidence": 0.95},
    "means": {"base": 0.2, "candidate": 0.84},
    "document_uri": "s3://data-bucket/c.json",
    "rows_uri": "s3://data-bucket/c.jsonl",
}
WAITING = {
    "state": "waiting",
    "since": "2026-01-31T12:00:00Z",
    "until": "2026-02-07T12:00:00Z",
    "decided_at": None,
    "decided_by": None,
}
NAMES = {"report": "report.html", "markdown": "report.md", "manifest": "manifest.json"}
Rft = Callable[..., Any]


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rft:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


def served(api: FakeApi, run_id: str | None) -> None:
    live = None if run_id is None else {"run_id": run_id, "deployment_arn": ARN, "since": "2026-01-31T12:01:00Z"}
    api.answers["GET", "/models/ticket-triage"] = (200, {"name": "ticket-triage", "live": live})


# -- report -------------------------------------------------------------------------------------------------------


@pytest.fixture
def left(api: FakeApi) -> FakeApi:
    """A run that has left its three files, each behind a link."""
    links = {f"{kind}_url": f"{api.url}/data-bucket/{name}?X-Amz-Signature=secret" for kind, name in NAMES.items()}
    api.answers["GET", f"/runs/{RUN_ID}/report"] = (200, {**links, "expires_at": "2026-01-31T12:15:00Z"})
    api.files = {f"/data-bucket/{name}": f"the {kind}".encode() for kind, name in NAMES.items()}
    return api


@pytest.mark.parametrize(
    ("options", "kind"), [((), "report"), (("--markdown",), "markdown"), (("--manifest",), "manifest")]
)
def test_a_report_is_saved_by_the_runs_name_and_its_path_printed(
    rft: Rft, left: FakeApi, options: tuple[str, ...], kind: str
) -> None:
    result = rft("report", RUN_ID, *options)
    file = Path.cwd() / f"{RUN_ID}-{NAMES[kind]}"
    assert (result.exit_code, result.stdout) == (0, f"{file}\n")
    assert file.read_text() == f"the {kind}"
    again = rft("report", RUN_ID, *options, "--json")
    assert json.loads(again.stdout) == {"run_id": RUN_ID, "kind": kind, "path": str(file)}
    assert "secret" not in result.output + again.output


def test_another_file_is_overwritten_only_by_force(rft: Rft, left: FakeApi) -> None:
    file = Path("mine.html")
    file.write_text("mine")
    refused = rft("report", RUN_ID, "-o", file)
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert left.requests == [], "it is known before anything is asked"
    assert rft("report", RUN_ID, "-o", file, "--force").exit_code == 0
    assert file.read_text() == "the report"


def test_a_run_without_a_report_is_1_with_its_reason(rft: Rft, api: FakeApi) -> None:
    reason = "the run is still training: its report is written when it has ended"
    api.answers["GET", f"/runs/{RUN_ID}/report"] = (404, {"title": "There is no report", "detail": reason})
    result = rft("report", RUN_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr
    assert list(Path.cwd().iterdir()) == []


def test_a_link_that_leads_nowhere_is_not_quoted(rft: Rft, left: FakeApi) -> None:
    left.files = {}
    result = rft("report", RUN_ID)
    assert result.exit_code == 1
    assert "refuses to hand the file over (HTTP 404)" in result.stderr
    assert "secret" not in result.output
    assert list(Path.cwd().iterdir()) == []


def test_one_form_at_a_time(rft: Rft, left: FakeApi) -> None:
    assert rft("report", RUN_ID, "--markdown", "--manifest").exit_code == 2


@pytest.mark.parametrize(("found", "words"), [(True, ""), (False, "no browser was found to open it")])
def test_a_browser_can_show_it(
    rft: Rft, left: FakeApi, monkeypatch: pytest.MonkeyPatch, found: bool, words: str
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or found)
    result = rft("report", RUN_ID, "--open")
    assert opened == [(Path.cwd() / f"{RUN_ID}-report.html").as_uri()]
    assert (result.exit_code, result.stdout.splitlines()[1:]) == (0, [words] if words else [])


# -- approve ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "decision"), [((), "promote"), (("--keep",), "keep")])
def test_a_persons_word(
    rft: Rft, api: FakeApi, make_run: Callable[..., Any], options: tuple[str, ...], decision: str
) -> None:
    decided = WAITING | {
        "state": decision,
        "decided_at": "2026-01-31T13:00:00Z",
        "decided_by": "arn:aws:iam::1:user/me",
    }
    api.answers["POST", f"/runs/{RUN_ID}/approve"] = (202, make_run("comparing", comparison=COMPARED, approval=decided))
    result = rft("approve", RUN_ID, *options)
    assert result.exit_code == 0
    assert SENTENCE in result.stdout
    assert f"approval: {decision}, said arn:aws:iam::1:user/me" in result.stdout
    assert f"rft watch {RUN_ID}" in result.stdout
    (sent,) = api.sent("POST", f"/runs/{RUN_ID}/approve")
    assert json.loads(sent["body"]) == {"decision": decision}


def test_a_word_is_said_once(rft: Rft, api: FakeApi) -> None:
    """A second try of what may have got through would be told that nothing waits."""
    api.answers["POST", f"/runs/{RUN_ID}/approve"] = (503, {"message": "Service Unavailable"})
    assert rft("approve", RUN_ID).exit_code == 1
    assert len(api.requests) == 1


def test_where_nothing_waits_it_is_1(rft: Rft, api: FakeApi) -> None:
    detail = "it was decided already: keep, by arn:aws:iam::1:user/you at 2026-01-31T13:00:00Z"
    api.answers["POST", f"/runs/{RUN_ID}/approve"] = (409, {"title": "Nothing waits", "detail": detail})
    result = rft("approve", RUN_ID)
    assert result.exit_code == 1
    assert detail in result.stderr


@pytest.mark.parametrize(
    ("options", "end", "code"), [((), "promoted", 0), ((), "failed", 1), (("--keep",), "kept", 0), ((), "kept", 1)]
)
def test_an_approval_can_wait_for_the_end(
    rft: Rft, api: FakeApi, make_run: Callable[..., Any], options: tuple[str, ...], end: str, code: int
) -> None:
    api.answers["POST", f"/runs/{RUN_ID}/approve"] = (202, make_run("comparing"))
    api.looks = [make_run("comparing"), make_run(end)]
    assert rft("approve", RUN_ID, "--wait", *options).exit_code == code


# -- show and watch -----------------------------------------------------------------------------------------------


def test_show_says_what_was_found_and_what_serves(rft: Rft, api: FakeApi, make_run: Callable[..., Any]) -> None:
    left = {f"{kind}_uri": f"s3://data-bucket/{name}" for kind, name in NAMES.items()}
    api.looks = [make_run("promoted", comparison=COMPARED, deployment_arn=ARN, report=left)]
    served(api, RUN_ID)
    lines = rft("show", RUN_ID).stdout.splitlines()
    assert "comparison  +0.64 (+0.57 to +0.71 at 95 %) over the base model, 100 prompts" in lines
    assert "report      s3://data-bucket/report.html" in lines
    assert any(line.startswith("serves now  this run's model, since 2026-01-31 ") for line in lines)
    assert sum(ARN in line for line in lines) == 1
    assert SENTENCE in lines


def test_what_serves_may_be_anothers_or_nothing(rft: Rft, api: FakeApi, make_run: Callable[..., Any]) -> None:
    api.looks = [make_run("kept", comparison=COMPARED | {"against": "live", "recommended": "keep"})]
    served(api, OTHER)
    lines = rft("show", RUN_ID).stdout.splitlines()
    assert any(line.startswith(f"serves now  the model of {OTHER}, since ") for line in lines)
    assert f"live        {ARN}" in lines
    assert "over the live version" in "\n".join(lines)
    served(api, None)
    assert "serves now  no version of this model" in rft("show", RUN_ID).stdout


def test_show_says_whose_word_is_waited_for(rft: Rft, api: FakeApi, make_run: Callable[..., Any]) -> None:
    api.looks = [make_run("comparing", comparison=COMPARED, approval=WAITING)]
    shown = rft("show", RUN_ID).stdout
    assert "approval: waits for a person until 2026-02-07 " in shown
    assert f"rft approve {RUN_ID}, or with --keep" in shown
    api.looks = [make_run("kept", approval=WAITING | {"state": "expired"})]
    assert "approval: nobody decided in time" in rft("show", RUN_ID).stdout
    api.looks = [make_run("stopped", approval=WAITING)]
    assert "waits" not in rft("show", RUN_ID).stdout


def test_watch_ends_with_the_verdict_and_what_serves(rft: Rft, api: FakeApi, make_run: Callable[..., Any]) -> None:
    api.looks = [make_run("comparing"), make_run("promoted", comparison=COMPARED, deployment_arn=ARN)]
    served(api, RUN_ID)
    lines = rft("watch", RUN_ID).stdout.splitlines()
    assert SENTENCE in lines
    *_, serves, deployment, _more = lines
    assert serves.startswith("serves now  this run's model")
    assert deployment.split() == ["deployment", ARN]


def test_a_comparison_without_numbers_is_shown_by_its_words(
    rft: Rft, api: FakeApi, make_run: Callable[..., Any]
) -> None:
    api.looks = [make_run("failed", comparison=COMPARED | {"gain": None, "sentence": "Too many answers are missing."})]
    shown = rft("show", RUN_ID).stdout
    assert "Too many answers are missing." in shown
    assert "comparison  " not in shown
