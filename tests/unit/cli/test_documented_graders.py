"""docs/graders.md: the grader that is written there in ten minutes, its commands and what they print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from rft.grading.catalog import OPENAI, READY

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "graders.md").read_text()
TEN_MINUTES = DOCUMENT.partition("## Write and test one")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.+?)```", TEN_MINUTES, re.DOTALL)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path / "no-cloud"))
    (tmp_path / "event.json").write_text(blocks("json")[0])
    return tmp_path / "app.py"


@pytest.fixture
def grade(mine: Path) -> Callable[[], Result]:
    return lambda: CliRunner().invoke(app, ["grade", str(mine), "--event", str(mine.parent / "event.json")])


@pytest.fixture
def check(mine: Path) -> Callable[[], Result]:
    data = ROOT / "examples" / "ticket-triage" / "train.jsonl"
    return lambda: CliRunner().invoke(app, ["check-grader", str(mine), "--dataset", str(data)])


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if re.match(r"\d   ", line)]


def test_the_first_try_is_graded_and_refused_as_the_page_shows(
    mine: Path, grade: Callable[[], Result], check: Callable[[], Result]
) -> None:
    mine.write_text(blocks("python")[0])
    shown = next(block for block in blocks("console") if "rft grade" in block)
    result = grade()
    assert rows(result.stdout) == rows(shown)
    refused = check()
    assert refused.exit_code == 1
    assert "breaks the contract  grader-raised" in refused.stdout
    assert "EverySampleFailed: ScoreInvalid at app.py:12 / JSONDecodeError at" in " ".join(refused.stdout.split())


def test_the_mended_one_is_open(mine: Path, check: Callable[[], Result]) -> None:
    first, mended = blocks("python")
    before, _, after = first.partition("def score(")
    mine.write_text(before + mended + after.partition("\n\n\n")[2].join(["\n\n", ""]))
    result = check()
    assert result.exit_code == 0
    shown = next(block for block in blocks("console") if "graded" in block)
    for kind, mean in re.findall(r"^(\w+) +(?:\S+ )+.*?(\d\.\d\d) ", shown, re.MULTILINE):
        if kind != "base":  # without a model nobody answers for it
            assert re.search(rf"^{kind} .*{re.escape(mean)}", result.stdout, re.MULTILINE), kind


def test_the_one_to_copy_is_there_and_every_ready_grader_is_told_of() -> None:
    assert "cp -r functions/graders/generic functions/graders/mine" in TEN_MINUTES
    assert (ROOT / "functions" / "graders" / "generic" / "app.py").is_file()
    chooser = DOCUMENT.partition("## Which one")[2].partition("\n## ")[0]
    for name in READY:
        assert f'{{"{name}":' in chooser if name == OPENAI else f"`{name}`" in chooser, name
