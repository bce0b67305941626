"""What the demo shows: a gain where there is one, and none where there is none."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from pathlib import Path

import pytest

from cli.demo import Demo, perform
from cli.steps import Steps
from cli.view import Screen
from tests import chromium
from tests.local.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
CONSTANT = Path(__file__).parent / "graders" / "constant" / "app.py"


def demo(pipeline: Pipeline, folder: Path, name: str, *, grader: Path | None = None) -> Demo:
    """The demo of an example under a model name of its own, so that many fit into one stand-in."""
    example = folder / name
    shutil.copytree(ROOT / "examples" / name, example)
    request = json.loads((example / "run.json").read_text())
    # Of its own for each test: else the first one's model is what the next is held against.
    request["model"] = f"{name}-{zlib.crc32(str(folder).encode()):08x}"
    (example / "run.json").write_text(json.dumps(request))
    screen = Screen(as_json=True)
    steps = Steps(screen.console)
    return perform(
        pipeline.cloud,
        example,
        grader=grader,
        reports=folder / "reports",
        screen=screen,
        steps=steps,
        started=time.monotonic(),
    )


def opens_on_a_phone(report: Path) -> None:
    with chromium.chromium(chromium.program()) as browser:
        page = browser.page()
        page.look(width=360)
        page.open(report.as_uri())
        page.settle()
        assert page.said == []
        assert page.asked == [report.as_uri()], "the file itself, and nothing else"
        assert page.value("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_every_seed_the_tuned_model_beats_the_base_on_held_out_records(
    pipeline: Pipeline, tmp_path: Path, seed: int
) -> None:
    pipeline.cloud.restart_bedrock(seed=seed)
    shown = demo(pipeline, tmp_path, "ticket-triage")
    assert shown.run["status"] == "promoted"
    assert shown.comparison is not None
    assert shown.comparison.is_better
    assert shown.comparison.reward.after > shown.comparison.reward.before + 0.2
    assert shown.report is not None
    if seed == 1:
        opens_on_a_phone(shown.report)
    report = shown.report.read_text()
    assert shown.run["run_id"] in report
    assert "could not be read" not in report, "the function's role may read all that the report is made of"
    training = pipeline.api.metrics(shown.run["run_id"])["training"]
    assert len(training) > 50
    assert training[-1]["reward_mean"] > training[0]["reward_mean"] + 0.2
    assert shown.run["deployment_arn"] in json.dumps(shown.notification.to_json())


def test_a_constant_grader_is_stopped_before_a_job_and_the_demo_says_so(pipeline: Pipeline, tmp_path: Path) -> None:
    shown = demo(pipeline, tmp_path, "ticket-triage", grader=CONSTANT)
    assert ":function:grader-" in (shown.run["grader_arn"] or "")
    assert (shown.run["status"], shown.comparison) == ("rejected", None)
    assert "earns 0.5" in json.dumps(shown.notification.to_json())
    assert pipeline.jobs(shown.run["run_id"]) == []


def test_no_gain_in_correct_answers_is_claimed_for_sums(pipeline: Pipeline, tmp_path: Path) -> None:
    shown = demo(pipeline, tmp_path, "word-sums")
    assert any("gate: " in warning for warning in shown.run["warnings"]), "the gate saw it before"
    assert (shown.run["status"], shown.run["deployment_arn"]) == ("kept", None)
    assert shown.went_through
    assert shown.comparison is not None
    assert not shown.comparison.is_better
    assert shown.comparison.components["correct"].after < 0.1
