"""What a terminal of 80 columns shows: whatever a reader may copy stays whole."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cli.faults import ApiProblem, CliFault
from cli.view import Screen, excerpt, fault_words, gate_words, run_record, runs_table
from rft.errors import RequestProblem

ARN = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/" + "a" * 60
LONG_ID = "a-model-with-a-very-long-name-for-a-table-0123456789ab"


@pytest.fixture
def on_terminal() -> Callable[[Any], str]:
    def printed(words: Any) -> str:
        out = io.StringIO()
        screen = Screen(as_json=False)
        screen.console = Console(file=out, width=80, force_terminal=True, color_system=None)
        screen.print(words)
        return out.getvalue()

    return printed


def test_a_record_keeps_its_arns_whole(on_terminal: Callable[[Any], str], make_run: Callable[..., Any]) -> None:
    assert f"\ndeployment  {ARN}\n" in on_terminal(run_record(make_run(deployment_arn=ARN), []))


def test_a_list_keeps_its_run_ids_and_the_next_command_whole(
    on_terminal: Callable[[Any], str], make_run: Callable[..., Any]
) -> None:
    more = f"rft runs --next-token {'x' * 100}"
    reason = {"error": "DatasetInvalid", "message": "", "details_uri": None}
    lines = on_terminal(runs_table({"runs": [make_run(run_id=LONG_ID, reason=reason)], "next_token": "x"}, more))
    assert f"more: {more}\n" in lines
    assert any(line.startswith(LONG_ID) for line in lines.splitlines())


def test_a_fault_keeps_the_command_of_its_hint_whole(on_terminal: Callable[[Any], str]) -> None:
    hint = f"Run: {'rft show ' * 12}"
    assert hint in on_terminal(fault_words(CliFault("no", hint=hint)))


def test_a_pipe_wraps_nothing(capsys: pytest.CaptureFixture[str], make_run: Callable[..., Any]) -> None:
    reason = {"error": "JobFailed", "message": "word " * 60 + "end", "details_uri": f"s3://b/{'k' * 100}"}
    Screen(as_json=False).print(run_record(make_run("failed", reason=reason), []))
    lines = capsys.readouterr().out.splitlines()
    assert f"JobFailed: {reason['message']}" in lines
    assert f"details: {reason['details_uri']}" in lines


def test_in_a_pipe_no_line_ends_in_blanks(capsys: pytest.CaptureFixture[str], make_run: Callable[..., Any]) -> None:
    events = [
        {"at": "2026-01-31T12:00:00Z", "type": "status", "detail": {"status": "received", "previous": None}},
        {"at": "2026-01-31T12:00:01Z", "type": "gate", "detail": {"codes": [], "report_uri": f"s3://b/{'k' * 200}"}},
    ]
    Screen(as_json=False).print(run_record(make_run(), events))  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("status=received") for line in lines)
    assert any(line.endswith(f"gate    report_uri=s3://b/{'k' * 200}") for line in lines)
    assert not any(line.endswith(" ") for line in lines)


def test_the_grader_has_the_name_that_the_request_gives_it(
    on_terminal: Callable[[Any], str], make_run: Callable[..., Any]
) -> None:
    arn = make_run()["grader_arn"]
    shown = [
        on_terminal(run_record(make_run(request={"model": "m"} | grader), []))
        for grader in ({}, {"grader": {"name": "mine"}}, {"grader": {"openai": {"type": "string_check"}}})
    ]
    assert [text.partition("grader      ")[2].partition("\n")[0] for text in shown] == [
        arn,
        f"mine  {arn}",
        f"openai  {arn}",
    ]


@pytest.mark.parametrize(
    ("verdict", "codes", "changes", "words"),
    [
        ("open", [], {"job_arn": "arn:job"}, "open"),
        ("warnings", ["gold-low", "too-hard"], {"job_arn": "arn:job"}, "open with warnings: gold-low, too-hard"),
        ("closed", ["over-budget"], {}, "closed: over-budget"),
        ("closed", ["no-signal"], {"job_arn": "arn:job"}, 'closed: no-signal, but "gate": "warn" let the run go on'),
    ],
)
def test_the_verdict_of_the_gate(
    make_run: Callable[..., Any], verdict: str, codes: list[str], changes: dict[str, str], words: str
) -> None:
    gate = {"verdict": verdict, "codes": codes, "report_uri": "s3://b/gate.json"}
    assert gate_words(make_run(gate=gate, **changes)) == words


def test_each_problem_of_a_request_has_its_line(
    on_terminal: Callable[[Any], str], make_run: Callable[..., Any]
) -> None:
    message = 'grader.openai.input: is not there; use another; budget.max_usd: must be above 0; gate: it is "maybe"'
    reason = {"error": "RequestInvalid", "message": message, "details_uri": None}
    shown = on_terminal(run_record(make_run("rejected", reason=reason), []))
    assert (
        "RequestInvalid:\n"
        "  grader.openai.input: is not there; use another\n"
        "  budget.max_usd: must be above 0\n"
        '  gate: it is "maybe"\n'
    ) in shown


def test_what_is_the_reason_is_no_warning_besides(
    on_terminal: Callable[[Any], str], make_run: Callable[..., Any]
) -> None:
    reason = {"error": "GateClosed", "message": "The gate is closed: all earn 0.", "details_uri": None}
    run = make_run("rejected", reason=reason, warnings=["gate: all earn 0.", "gate: few answers"])
    shown = on_terminal(run_record(run, []))
    assert shown.count("all earn 0.") == 1
    assert "warning: gate: few answers" in shown


@pytest.mark.parametrize(
    ("text", "shown"), [("ab", '"ab"'), ("a\nb", '"a\\nb"'), ("x" * 50, '"' + "x" * 8 + "…"), ("\x9b", '"\ufffd"')]
)
def test_an_excerpt_is_one_short_harmless_line(text: str, shown: str) -> None:
    assert excerpt(text, 10) == shown


def test_a_fault_in_a_pipe_is_not_padded_to_its_width(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False).fault(ApiProblem(422, "refused", problems=[RequestProblem("model", "is required")]))
    lines = capsys.readouterr().err.splitlines()
    assert all(len(line) < 120 and not line.endswith(" ") for line in lines)
