"""What a terminal of 80 columns shows: whatever a reader may copy stays whole."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cli.faults import ApiProblem, CliFault
from cli.view import Screen, excerpt, fault_words, run_record, runs_table
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


@pytest.mark.parametrize(
    ("text", "shown"), [("ab", '"ab"'), ("a\nb", '"a\\nb"'), ("x" * 50, '"' + "x" * 8 + "…"), ("\x9b", '"\ufffd"')]
)
def test_an_excerpt_is_one_short_harmless_line(text: str, shown: str) -> None:
    assert excerpt(text, 10) == shown


def test_a_fault_in_a_pipe_is_not_padded_to_its_width(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False).fault(ApiProblem(422, "refused", problems=[RequestProblem("model", "is required")]))
    assert all(len(line) < 120 for line in capsys.readouterr().err.splitlines())
