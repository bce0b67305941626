"""The quick start of docs/datasets.md: each command runs as it stands, and the sample output is what it prints."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).resolve().parents[3]
QUICK_START = (ROOT / "docs" / "datasets.md").read_text().partition("## Quick start")[2].partition("\n## ")[0]
COMMANDS = "".join(re.findall(r"```sh\n(.+?)```", QUICK_START, re.DOTALL)).replace("\\\n", "")


def test_each_command_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: CliRunner) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    spoiling = COMMANDS[COMMANDS.index("head ") : COMMANDS.index("rft check-dataset draft")]
    subprocess.run(["sh", "-ec", spoiling], check=True, capture_output=True)
    (sample,) = re.findall(r"```text\n(invalid .+?)```", QUICK_START, re.DOTALL)
    codes = []
    for line in COMMANDS.replace(spoiling, "").splitlines():
        piped, _, command = line.rpartition(" | ")
        _, *arguments = shlex.split(command, comments=True)
        given = (tmp_path / shlex.split(piped)[1]).read_bytes() if piped else None
        result = runner.invoke(app, arguments, input=given)
        codes.append(result.exit_code)
        assert not result.stderr
        if arguments == ["check-dataset", "draft.jsonl"]:
            assert result.stdout == sample
    assert codes == [0, 0, 0, 1, 1, 1]
    assert (tmp_path / "clean.jsonl").exists()
