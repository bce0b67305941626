"""docs/cost.md: each command runs as it stands and prints what the page shows; the tables are those of the code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from rft.cost import DEFAULT_MAX_ROLLOUTS, Prices, assumed
from rft.run.request_candidate import DEFAULT_PROMPTS, MOST_PROMPTS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "cost.md").read_text()
EXAMPLES = re.findall(r"```sh\n(rft estimate [^\n]+)\n```\n\n```text\n(.+?)```", PAGE, re.DOTALL)
(MAKING,) = re.findall(r"```sh\n(mkdir .+?)```", PAGE, re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    subprocess.run(["sh", "-ec", MAKING], check=True, capture_output=True)
    return tmp_path


def printed(command: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, shlex.split(command, comments=True)[1:])
    assert not result.stderr
    return result.exit_code, "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def test_the_page_has_its_four_worked_examples() -> None:
    files = [shlex.split(command)[2] for command, _ in EXAMPLES]
    assert files == [
        "examples/ticket-triage/run.json",
        *(f"six-thousand/{name}.json" for name in ("rule", "judge", "provisioned")),
    ]


def test_each_worked_example_is_what_the_tool_prints(here: Path) -> None:
    codes = []
    for command, shown in EXAMPLES:
        code, output = printed(command)
        assert output.startswith(shown), command
        codes.append(code)
    assert codes == [0, 0, 0, 1]


def test_the_first_commands_run_as_they_stand(here: Path) -> None:
    (block,) = re.findall(r"\A.*?```sh\n(.+?)```", PAGE, re.DOTALL)
    commands = block.splitlines()
    assert [printed(command)[0] for command in commands] == [0] * len(commands)
    assert len(commands) == 2


def test_the_table_of_prices_is_the_price_file() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (\S+) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (
            price.name,
            f"`{price.holds_for}`" if price.holds_for else "everything",
            price.words if price.usd is not None else f"**unknown**, per {price.unit}",
            price.as_of,
        )
        for price in Prices.of_file().entries
    ]


def test_own_prices_of_the_page_are_taken() -> None:
    (text,) = re.findall(r'```json\n(\{ "training".+?)\n```', PAGE)
    Prices.of_file().with_overrides(json.loads(text))


def test_the_estimate_compares_as_many_prompts_as_a_request_without_a_word_gets() -> None:
    assert assumed.COMPARED_PROMPTS == DEFAULT_PROMPTS


def test_the_page_says_what_the_code_assumes() -> None:
    words = " ".join(PAGE.split())
    graded = assumed.GATE_RECORDS * (assumed.GATE_LADDER + assumed.GATE_BASE_ANSWERS)
    for text in (
        f"{assumed.EPOCHS.low} to {assumed.EPOCHS.high} epochs",
        f"batches of {assumed.BATCH_SIZE.low} to {assumed.BATCH_SIZE.high}",
        f"{assumed.SAMPLES_PER_PROMPT.low} to {assumed.SAMPLES_PER_PROMPT.high} answers to a prompt",
        f"answers of {assumed.MAX_ANSWER.low} to {assumed.MAX_ANSWER.high:,} tokens",
        f"steps times {assumed.MINUTES_A_STEP.low} to {assumed.MINUTES_A_STEP.high} minutes",
        f"the gate's {assumed.GATE_RECORDS} records with {assumed.GATE_BASE_ANSWERS} answers each",
        f"the gate's {graded} to {graded * 2}",
        f"{assumed.COMPARED_MODELS.low} to {assumed.COMPARED_MODELS.high} models",
        f"at most {assumed.COMPARED_PROMPTS} prompts of the validation set",
        f"`compare.max_prompts` of the request says (10 to {MOST_PROMPTS:,})",
        f"{assumed.SAMPLES_PER_CALL.low} to {assumed.SAMPLES_PER_CALL.high} answers in a call",
        f"{assumed.TRANSITIONS_A_RUN} transitions a run, {assumed.TRANSITIONS_AN_HOUR} in each hour",
        f"{assumed.HOURS_A_MONTH} hours a month",
        f"or {DEFAULT_MAX_ROLLOUTS:,} where the request names no number",
    ):
        assert text in words, text
