"""What a cold start loads: a step that checks no request pays for no pydantic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[3]
STEPS = [
    "list_logs",
    "convert_logs",
    "assemble_logs",
    "prepare_dataset",
    "check_grader",
    "submit_job",
    "await_job",
    "read_curve",
    "deploy_model",
    "promote_model",
    "discard_candidate",
    "compare_models",
    "close_run",
    "publish_report",
    "notify",
]


def loaded_by(function: str) -> set[str]:
    code = f"import sys; sys.path.insert(0, 'functions/{function}'); import app; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


@pytest.mark.parametrize("door", ["api", "start_run"])
def test_a_door_loads_nothing_that_tries_a_grader_or_works_out_a_cost(door: str) -> None:
    assert not {"rft.gate", "rft.cost", "rft.grading.openai", "rft.steps.gate.check_grader"} & loaded_by(door)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_loads_neither_pydantic_nor_what_only_the_stand_in_needs(step: str) -> None:
    assert not {"pydantic", "numpy", "local", "cli", "aws_xray_sdk"} & loaded_by(step)
