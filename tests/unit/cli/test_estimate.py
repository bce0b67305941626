"""``rft estimate``: without a stack, exit codes, both outputs, own prices, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.cost_view import cost_report, dollars, span
from cli.costs import estimate_file
from cli.main import app
from rft.cost import Range

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
Json = dict[str, Any]
Rft = Callable[..., Any]


@pytest.fixture
def rft(runner: CliRunner) -> Rft:
    return lambda *arguments: runner.invoke(app, ["estimate", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example, to be changed."""
    for file in (EXAMPLES / "ticket-triage").glob("*.json*"):
        shutil.copy(file, tmp_path)
    return tmp_path


def change(folder: Path, **changes: Any) -> Path:
    file = folder / "run.json"
    kept = {name: value for name, value in (json.loads(file.read_text()) | changes).items() if value is not None}
    file.write_text(json.dumps(kept))
    return file


def write(folder: Path, text: str) -> Path:
    file = folder / "prices.json"
    file.write_text(text)
    return file


@pytest.mark.parametrize("example", ["ticket-triage", "word-sums", "triage-logs"])
def test_each_example_as_it_ships(rft: Rft, example: str) -> None:
    result = rft(EXAMPLES / example / "run.json")
    assert result.exit_code == 0, result.output
    assert not result.stderr
    assert result.stdout.startswith(f"no budget  {example}  ")


def test_both_outputs_tell_the_same(rft: Rft) -> None:
    document = json.loads(rft(EXAMPLES / "ticket-triage" / "run.json", "--json").stdout)
    assert document["records"]["training"] == {"low": 480, "high": 480}
    assert document["records"]["validation"] == {"low": 100, "high": 100}
    assert document["estimate"]["steps"] == {"low": 100, "high": 100}
    words = rft(EXAMPLES / "ticket-triage" / "run.json").stdout
    assert "480 for training, 100 for validation" in words
    for item in document["estimate"]["items"]:
        assert item["name"] in words
    for text in document["estimate"]["assumptions"]:
        assert text in words


def test_a_dataset_alone_is_split_as_the_pipeline_would(rft: Rft, folder: Path) -> None:
    document = json.loads(rft(folder / "train.jsonl", "--json").stdout)
    assert document["model"] == "train"
    records = document["records"]
    assert records["training"]["low"] + records["validation"]["low"] == 480
    assert 20 < records["validation"]["low"] < 80


def test_over_the_budget_the_answer_is_no(rft: Rft, folder: Path) -> None:
    file = change(folder, budget={"max_usd": 0.05})
    result = rft(file)
    assert result.exit_code == 1
    assert result.stdout.startswith("over budget  ")
    assert "is more than the budget of $0.05" in result.stdout
    document = json.loads(rft(file, "--json").stdout)
    assert document["budget"]["over"] and document["budget"]["max_usd"] == 0.05
    assert rft(change(folder, budget={"max_usd": 5})).exit_code == 0


def test_rollouts_are_bounded_where_dollars_are_not_known(rft: Rft, folder: Path) -> None:
    assert rft(change(folder, budget={"max_rollouts": 40_000})).exit_code == 1
    within = rft(change(folder, budget={"max_rollouts": 50_000}))
    assert (within.exit_code, within.stdout.split("  ")[0]) == (0, "within budget")
    told = rft(change(folder, budget={"max_usd": 5})).stdout
    assert "the budget holds on rollouts instead: at most 100,000" in told


def test_own_prices_fill_the_gaps(rft: Rft, folder: Path) -> None:
    prices = write(folder, '{"training": 10, "model-storage": 2}')
    result = rft(folder / "run.json", "--prices", prices)
    assert result.exit_code == 0
    assert "unknown" not in result.stdout
    assert result.stdout.count("your price") == 2
    document = json.loads(rft(folder / "run.json", "--prices", prices, "--json").stdout)
    assert document["prices"]["set_by_you"] == ["model-storage", "training"]
    assert document["estimate"]["usd"]["month"] == {"low": 2, "high": 2}


def test_what_is_unknown_is_told_with_the_command_that_sets_it(rft: Rft, folder: Path) -> None:
    words = rft(folder / "run.json").stdout
    assert "- training: AWS publishes no figure that we could confirm" in words
    assert f'rft estimate {folder}/run.json --prices FILE, with {{"training": USD, "model-storage": USD}}' in words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"hourly": 1, "training": "10"}', ["hourly", "training"]),
        ("{", ["$"]),
        ("[]", ["$"]),
        ('{"training": 1e999}', ["training"]),
    ],
)
def test_prices_that_cannot_be_used_are_wrong_usage(rft: Rft, folder: Path, text: str, told: list[str]) -> None:
    result = rft(folder / "run.json", "--prices", write(folder, text), "--json")
    assert result.exit_code == 2
    assert [problem["path"] for problem in json.loads(result.stdout)["error"]["problems"]] == told


def test_wrong_usage(rft: Rft, folder: Path) -> None:
    assert rft().exit_code == 2
    assert rft(folder / "none-such.json").exit_code == 2
    assert rft(folder / "run.json", "--prices", folder / "none-such.json").exit_code == 2
    (folder / "notes.txt").write_text("x")
    assert rft(folder / "notes.txt").exit_code == 2
    (folder / "latin.json").write_bytes(b'{"training": "\xe4"}')
    assert rft(folder / "run.json", "--prices", folder / "latin.json").exit_code == 2


def test_all_that_is_wrong_with_a_request_is_told_at_once(rft: Rft, folder: Path) -> None:
    result = rft(change(folder, deploy="now", tags={"rft:x": "y"}, hyperparameters={"epoch_count": 99}), "--json")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["error"]["problems"]
    assert {problem["path"] for problem in problems} == {"deploy", "tags.rft:x", "hyperparameters.epoch_count"}


@pytest.mark.parametrize(
    "uri", ["none-such.jsonl", "../train.jsonl", "/etc/hostname", "s3://elsewhere/train.jsonl", ".", "a\nb"]
)
def test_only_files_beside_the_request_are_read(rft: Rft, folder: Path, uri: str) -> None:
    sources = {name: {"s3_uri": uri} for name in ("training_data", "validation_data")}
    result = rft(change(folder, **sources), "--json")
    assert result.exit_code == 1, result.output
    paths = [problem["path"] for problem in json.loads(result.stdout)["error"]["problems"]]
    assert paths == ["training_data.s3_uri", "validation_data.s3_uri"]


def test_data_without_a_usable_record(rft: Rft, folder: Path) -> None:
    (folder / "train.jsonl").write_bytes(b'{"messages": []}\n')
    result = rft(folder / "run.json")
    assert result.exit_code == 1
    assert "has no usable record" in result.stderr


def test_broken_records_are_told(rft: Rft, folder: Path) -> None:
    with (folder / "train.jsonl").open("ab") as stream:
        stream.write(b"{}\n{}\n")
    words = rft(folder / "run.json").stdout
    assert "2 broken records aren't counted: rft check-dataset names them" in words


@pytest.mark.parametrize("uri", ["logs/", "s3://my-invocation-logs/AWSLogs/"])
def test_logs_are_bounded_wherever_they_lie(rft: Rft, folder: Path, uri: str) -> None:
    logs = {"invocation_logs": {"s3_uri": uri, "use_prompt_response": True, "max_prompts": 1_000}}
    result = rft(change(folder, training_data=logs, validation_data=None), "--json")
    assert json.loads(result.stdout)["records"]["training"] == {"low": 100, "high": 1_000}


@pytest.mark.parametrize(
    ("grader", "name", "judged"),
    [
        ({"name": "rag-faithfulness"}, "rag-faithfulness", True),
        ({"name": "math-reasoning"}, "math-reasoning", False),
        ({"lambda_arn": "arn:aws:lambda:us-east-1:123456789012:function:mine:3"}, "mine:3", False),
        (None, "format-validation", False),
    ],
)
def test_the_grader_decides_whether_a_judge_is_paid(
    rft: Rft, folder: Path, grader: Json | None, name: str, judged: bool
) -> None:
    document = json.loads(rft(change(folder, grader=grader), "--json").stdout)
    assert document["grader"] == name
    assert bool(document["estimate"]["judge_calls"]["high"]) is judged
    judges = [item for item in document["estimate"]["items"] if item["name"].startswith("judge")]
    assert all("openai.gpt-oss-120b-1:0" in item["why"] for item in judges if item["name"] == "judge, read")


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_of_that_width_holds_every_line(folder: Path, width: int) -> None:
    file = change(folder, grader={"name": "summarization"}, deploy="provisioned", hyperparameters=None)
    costed = estimate_file(file, write(folder, '{"training": 75, "provisioned-unit": 60.5}'))
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(cost_report(costed, Path("run.json")))
    written = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line for line in written.splitlines() if not line.startswith("to set them")]
    assert max(map(len, lines)) <= width
    bill = written[written.index("cost of") : written.index("each month")].splitlines()
    assert len(bill) == len(costed.estimate.items) + 2  # the heading, a line for each item, the run


def test_amounts_as_a_person_reads_them() -> None:
    assert dollars(Range(0, 0)) == "$0.00"
    assert dollars(Range(0.001, 0.004)) == "<$0.01"
    assert dollars(Range(0.001, 12.345)) == "<$0.01 to $12.35"
    assert dollars(Range(1_234.5, 1_234.5)) == "$1,234"
    assert span(Range(480, 480)) == "480"
    assert span(Range(1_234, 45_678_901)) == "1,230 to 45.7M"
    assert span(Range(0.0123, 26.666)) == "0.012 to 26.67"


def test_a_grader_that_a_stacks_owner_added_is_taken_for_one_of_which_nothing_is_known(rft: Rft, folder: Path) -> None:
    document = json.loads(rft(change(folder, grader={"name": "mine"}), "--json").stdout)
    assert document["grader"] == "mine"
    assert any("your own" in said or "grader" in said for said in document["estimate"]["assumptions"])
    assert rft(change(folder, grader={"name": "Not A Name"})).exit_code == 1
