"""``rft compare``: prompts of one's own, answered by several versions side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"
VERSIONS = {
    "base": {"model_id": "amazon.nova-2-lite-v1:0:256k", "run_id": None},
    "live": {
        "model_id": "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abc123def456",
        "run_id": RUN_ID,
    },
}
ROUTE = ("POST", "/models/ticket-triage/compare")
ON_TERMINAL = {"COLUMNS": "100", "FORCE_COLOR": "1", "NO_COLOR": "1"}
Rft = Callable[..., Any]


def answer(text: str, **changes: Any) -> dict[str, Any]:
    usual = {"reward": 1.0, "components": {"format": 1.0}, "milliseconds": 840.4, "input_tokens": 212}
    return usual | {"text": text, "output_tokens": 34} | changes


def answered(*prompts: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, {"model": "ticket-triage", "versions": VERSIONS, "prompts": [{"answers": each} for each in prompts]}


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object, api: FakeApi) -> Rft:
    low = answer('{"priority": "low"}', reward=0.2, components={"format": 1.0, "priority": 0.0})
    api.answers[ROUTE] = answered({"base": low, "live": answer('{"priority": "high"}')})
    return lambda *arguments, **how: runner.invoke(app, ["compare", "ticket-triage", *map(str, arguments)], **how)


def sent(api: FakeApi) -> list[dict[str, Any]]:
    return [json.loads(request["body"]) for request in api.sent(*ROUTE)]


def test_a_pipe_gets_the_answers_below_each_other(rft: Rft, api: FakeApi) -> None:
    result = rft("-p", "The till\nis dead.", "--reference", "high")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        'prompt  "The till\\nis dead."',
        'reference  "high"',
        "",
        "base",
        "reward 0.20 (format 1.00, priority 0.00)  0.8 s, 212 + 34 tokens",
        '  {"priority": "low"}',
        "",
        "live",
        "reward 1.00 (format 1.00)  0.8 s, 212 + 34 tokens",
        '  {"priority": "high"}',
        "",
        "",
        "base  amazon.nova-2-lite-v1:0:256k",
        f"live  {VERSIONS['live']['model_id']}  by {RUN_ID}",
    ]
    assert sent(api) == [{"prompts": ["The till\nis dead."], "reference_answers": ["high"]}]


def test_a_terminal_gets_them_side_by_side_with_the_differences_marked(rft: Rft) -> None:
    lines = rft("-p", "x", env=ON_TERMINAL).stdout.splitlines()
    plain = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    (names,) = [line for line in plain if line.split() == ["base", "live"]]
    (shown,) = [line for line in lines if "priority" in line and "reward" not in line]
    assert re.sub(r"\x1b\[\d*m", "", shown).split() == ['{"priority":', '"low"}', '{"priority":', '"high"}']
    assert names.index("live") == re.sub(r"\x1b\[\d*m", "", shown).index('{"priority": "high"}')
    # Underlined, as colours are off.
    assert re.findall(r"\x1b\[4m(.*?)\x1b\[0m", shown) == ["low", "high"]


def test_a_narrow_terminal_gets_them_below_each_other(rft: Rft) -> None:
    lines = rft("-p", "x", env=ON_TERMINAL | {"COLUMNS": "60"}).stdout.splitlines()
    plain = [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in lines]
    assert plain.index('  {"priority": "low"}') < plain.index("live") < plain.index('  {"priority": "high"}')


def test_json_is_the_answers_with_what_was_asked(rft: Rft, api: FakeApi) -> None:
    result = rft("-p", "x", "--json")
    document = json.loads(result.stdout)
    (prompt,) = document["prompts"]
    assert (document["model"], document["versions"]) == ("ticket-triage", VERSIONS)
    assert (prompt["prompt"], prompt["reference_answer"]) == ("x", None)
    assert prompt["answers"]["live"]["text"] == '{"priority": "high"}'


def test_all_that_can_be_asked_for(rft: Rft, api: FakeApi) -> None:
    options = (
        "--version",
        "base",
        "--version",
        RUN_ID,
        "--max-tokens",
        50,
        "--temperature",
        0,
        "--system",
        "Be brief.",
    )
    assert rft("-p", "x", *options).exit_code == 0
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "x"}]
    assert sent(api) == [
        {"prompts": [{"messages": messages}], "versions": ["base", RUN_ID], "max_tokens": 50, "temperature": 0.0}
    ]


def test_a_file_has_a_prompt_a_line(rft: Rft, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("first\n\n  second\n")
    both = {"base": answer("a"), "live": answer("b")}
    api.answers[ROUTE] = answered(both, both, both)
    assert rft("-p", "before", "--file", file).exit_code == 0
    assert sent(api)[0]["prompts"] == ["before", "first", "  second"]


def test_a_dataset_is_asked_record_by_record_some_at_a_time(rft: Rft, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "validation.jsonl"
    records = [
        {"id": str(n), "messages": [{"role": "user", "content": f"q{n}"}], "reference_answer": {"n": n}}
        for n in range(8)
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    api.answers[ROUTE] = answered(*[{"base": answer("a"), "live": answer("b")}] * 4)
    result = rft("--file", file, "--json")
    assert result.exit_code == 0, result.output
    assert [len(asked["prompts"]) for asked in sent(api)] == [4, 4]
    assert sent(api)[1]["reference_answers"] == [{"n": n} for n in range(4, 8)]
    assert sent(api)[0]["prompts"][0] == {"messages": records[0]["messages"]}
    assert len(json.loads(result.stdout)["prompts"]) == 8
    assert 'prompt 8 of 8  "q7"' in rft("--file", file).stdout


def test_of_a_large_file_the_first_prompts_are_asked(rft: Rft, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"q{n}\n" for n in range(200)))
    refused = rft("--file", file)
    assert refused.exit_code == 2
    assert "--first 5" in refused.stderr
    assert api.requests == []
    api.answers[ROUTE] = answered(*[{"base": answer("a"), "live": answer("b")}] * 2)
    assert rft("--file", file, "--first", 2).exit_code == 0
    assert sent(api)[-1]["prompts"] == ["q0", "q1"]


def test_an_answer_that_is_missing_is_named_and_is_1(rft: Rft, api: FakeApi) -> None:
    missing = {"error": "ThrottlingException", "detail": "slow\x1b[2J down"}
    ungraded = answer("", reward=None, components={}, grader_error="ReferenceMissing")
    api.answers[ROUTE] = answered({"base": missing, "live": ungraded})
    result = rft("-p", "x")
    assert result.exit_code == 1
    assert "ThrottlingException: slow\N{REPLACEMENT CHARACTER}[2J down" in result.stdout
    assert "not graded (ReferenceMissing)" in result.stdout
    assert "an empty answer" in result.stdout
    assert "\x1b" not in result.stdout


def test_three_versions_are_each_held_against_the_first(rft: Rft, api: FakeApi) -> None:
    api.answers[ROUTE] = answered({"base": answer("one two"), "live": answer("one three"), RUN_ID: answer("one two")})
    api.answers[ROUTE][1]["versions"] = VERSIONS | {RUN_ID: {"model_id": "arn", "run_id": RUN_ID}}
    shown = rft("-p", "x", env=ON_TERMINAL | {"COLUMNS": "140"}).stdout
    assert re.findall(r"\x1b\[4m(.*?)\x1b\[0m", shown) == ["three"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Nothing is asked."),
        (("-p", "x", "--reference", "a", "--reference", "b"), "1 prompts (-p) and 2 references"),
        (("-p", "x", "--version", "base", "--version", "base"), "A --version stands twice."),
        (("-p", "x", "--temperature", "2"), "Invalid value for '--temperature'"),
        (("-p", "x", "--file", "nowhere.txt"), "'nowhere.txt'"),
        (tuple(["-p", "x"] * 65), "More than 64 prompts are too many"),
    ],
)
def test_wrong_usage_is_2_and_asks_nobody(rft: Rft, api: FakeApi, arguments: tuple[str, ...], words: str) -> None:
    result = rft(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(re.sub(r"[│╭╮╰╯─]", "", result.stderr).split())
    assert api.requests == []


def test_records_that_can_not_be_asked_are_named_by_their_place(rft: Rft, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"messages": [{"role": "user", "content": "x"}]}\n{"messages": []}\nno JSON\n')
    result = rft("--file", file)
    assert result.exit_code == 1
    assert "record 2" in result.stderr
    assert "record 3  is not JSON" in result.stderr
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in rft("--file", file).stderr
    assert api.requests == []


def test_a_refusal_of_the_api_is_1(rft: Rft, api: FakeApi) -> None:
    detail = f"the version {RUN_ID} answers nowhere"
    api.answers[ROUTE] = (409, {"title": "The version answers nowhere", "detail": detail})
    result = rft("-p", "x", "--version", RUN_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert detail in result.stderr


def test_what_costs_tokens_is_asked_once(rft: Rft, api: FakeApi) -> None:
    api.answers[ROUTE] = (504, {"message": "Endpoint request timed out"})
    assert rft("-p", "x").exit_code == 1
    assert len(api.requests) == 1
