"""What a cold start loads: a step that checks no request pays for no pydantic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STEPS = [
    "list_logs",
    "convert_logs",
    "assemble_logs",
    "prepare_dataset",
    "submit_job",
    "await_job",
    "deploy_model",
    "close_run",
    "notify",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_loads_neither_pydantic_nor_what_only_the_stand_in_needs(step: str) -> None:
    code = f"import sys; sys.path.insert(0, 'functions/{step}'); import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not {"pydantic", "numpy", "local", "cli", "aws_xray_sdk"} & set(loaded.split())
