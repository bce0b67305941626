"""A comparison that is broken off, runs out of time, or has many prompts: nothing is asked twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from functions.compare_models.app import handler
from rft.errors import ComparisonFailed, ComparisonPending
from rft.grading.errors import JudgeDenied
from rft.steps.comparing import compare_models as comparing
from rft.steps.comparing import comparison_batch, comparison_plan
from rft.steps.comparing.compare_models import compare_batch, compare_models
from rft.steps.ending.close_run import close_run
from tests.contract.application import GRADER, Application
from tests.contract.comparing import (
    BASE,
    CANDIDATE,
    Models,
    Said,
    deployed,
    failing,
    graded,
    keys,
    read,
    rows,
    scored,
)


@pytest.fixture
def app(emptied_app: Application) -> Application:
    return emptied_app


# -- what is asked twice, and what isn't ------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False], ids=["by an error", "by a kill"])
def test_what_was_answered_before_a_death_is_not_asked_again(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    save = comparison_batch.Batch.save
    if not at_once:  # a process that is killed writes nothing more
        monkeypatch.setattr(comparison_batch.Batch, "save", lambda self, at_once=False: None if at_once else save(self))
    monkeypatch.setattr(comparison_batch, "SAVE_ANSWERS", 1)
    monkeypatch.setenv("COMPARISON_WORKERS", "1")
    run_id = deployed(app)
    whole = models.script

    def script(model: str, prompt: str) -> Said:
        if model == CANDIDATE and models.counts[model] > 5:
            raise KeyboardInterrupt
        return whole(model, prompt)

    models.script = script
    with pytest.raises(KeyboardInterrupt):
        compare_models(app.pipeline, run_id)
    kept = [json.loads(line) for line in read(run_id, "comparison/answers/00000.jsonl").splitlines()]
    answered = Counter({"base": BASE, "candidate": CANDIDATE}[role] for line in kept for role in line["answers"])
    assert answered[CANDIDATE] == 5 if at_once else answered
    models.script = whole
    models.asked.clear()
    monkeypatch.setattr(comparison_batch.Batch, "save", save)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert models.counts + answered == {BASE: 12, CANDIDATE: 12}


def test_answers_are_written_down_while_others_are_still_asked(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_batch, "SAVE_ANSWERS", 10)
    before, seen = models.script, []

    def script(model: str, prompt: str) -> Said:
        time.sleep(0.002)
        seen.append(len([put for put in app.named("PutObject") if "comparison/answers" in put["Key"]]))
        return before(model, prompt)

    models.script = script
    run_id = deployed(app, 40)
    compare_models(app.pipeline, run_id)
    assert 2 < seen[-1] < 9


def test_grades_are_kept_as_well(app: Application, models: Models) -> None:
    calls = 0

    def second_call_dies(samples: list[dict[str, Any]]) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise MemoryError
        return scored(samples)

    app.bedrock.aws.graders[GRADER] = second_call_dies
    run_id = deployed(app, 40)
    with pytest.raises(ComparisonFailed, match="raised: MemoryError"):
        compare_models(app.pipeline, run_id)
    app.bedrock.aws.graders[GRADER] = scored
    app.bedrock.aws.grader_events.clear()
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert len(graded(app)) == 80 - 64
    assert models.counts == {BASE: 40, CANDIDATE: 40}


def test_where_the_time_does_not_suffice_it_comes_back_and_goes_on(app: Application, models: Models) -> None:
    left = 1_000.0

    def seconds_left() -> float:
        nonlocal left
        left -= 30.0
        return left

    run_id = deployed(app, 30)
    tries = 0
    for _ in range(9):
        left = 1_000.0
        try:
            assert compare_models(app.pipeline, run_id, seconds_left)["next"] == "promote"
            break
        except ComparisonPending as pending:
            assert "still to be" in str(pending)
            tries += 1
    assert tries >= 2
    assert models.counts == {BASE: 30, CANDIDATE: 30}


def test_no_question_is_begun_that_may_outlive_the_function(app: Application, models: Models) -> None:
    run_id = deployed(app, hyperparameters={"inference_max_tokens": 32_768})
    with pytest.raises(ComparisonPending):
        compare_models(app.pipeline, run_id, lambda: 640.0)
    assert models.asked == []


# -- many prompts -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_plan, "BATCH", 10)


@pytest.mark.usefixtures("small_batches")
def test_many_prompts_are_answered_in_batches(app: Application, models: Models) -> None:
    run_id = deployed(app, 25)
    assert compare_models(app.pipeline, run_id) == {"run_id": run_id, "next": "batches"}
    assert models.asked == []
    manifest = json.loads(read(run_id, "comparison/manifest.json"))
    assert manifest == [{"run_id": run_id, "batch": batch} for batch in range(3)]
    assert "comparison.jsonl" not in keys(run_id)
    for item in reversed(manifest):
        assert compare_batch(app.pipeline, item["run_id"], item["batch"]) == item
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert [row["id"] for row in rows(run_id)] == [f"r{number}" for number in range(25)]
    assert models.counts == {BASE: 25, CANDIDATE: 25}
    compare_batch(app.pipeline, run_id, 1)
    assert models.counts == {BASE: 25, CANDIDATE: 25}


@pytest.mark.usefixtures("small_batches")
def test_the_function_passes_on_what_time_it_has_left(app: Application, models: Models) -> None:
    context = SimpleNamespace(
        function_name="compare-models",
        memory_limit_in_mb=1769,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:compare-models",
        aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    run_id = deployed(app, 15)
    assert handler({"run_id": run_id}, context) == {"run_id": run_id, "next": "batches"}
    for batch in (0, 1):
        assert handler({"run_id": run_id, "batch": batch}, context) == {"run_id": run_id, "batch": batch}
    assert handler({"run_id": run_id}, context) == {"run_id": run_id, "next": "promote"}
    late = deployed(app, 15, "n")
    context.get_remaining_time_in_millis = lambda: 9_000
    handler({"run_id": late}, context)
    with pytest.raises(ComparisonPending):
        handler({"run_id": late, "batch": 0}, context)


@pytest.mark.usefixtures("small_batches")
def test_batches_that_are_not_done_come_again(app: Application, models: Models) -> None:
    run_id = deployed(app, 25)
    compare_models(app.pipeline, run_id)
    for batch in (0, 1):
        compare_batch(app.pipeline, run_id, batch)
    assert compare_models(app.pipeline, run_id)["next"] == "batches"
    assert "comparison.jsonl" not in keys(run_id)


@pytest.mark.usefixtures("small_batches")
def test_a_batch_that_failed_is_the_reason_of_the_run(app: Application, models: Models) -> None:
    run_id = deployed(app, 25)
    compare_models(app.pipeline, run_id)
    denied = JudgeDenied("the model x may not be asked: AccessDeniedException", code="AccessDeniedException")
    failing(models, denied, set(range(25)))
    with pytest.raises(ComparisonFailed):
        compare_batch(app.pipeline, run_id, 2)
    with pytest.raises(ComparisonPending):
        compare_batch(app.pipeline, run_id, 1, lambda: 1.0)
    close_run(app.pipeline, run_id, "States.ExceedToleratedFailureThreshold", "")
    reason = app.pipeline.store.get(run_id).reason
    assert reason is not None
    assert reason["error"] == "ComparisonFailed"
    assert reason["message"].startswith("batch 2 of the comparison: the candidate can't be compared")


def test_what_counts_as_cured_by_a_retry_is_what_the_state_machine_retries() -> None:
    machine = (Path(__file__).resolve().parents[2] / "statemachines" / "rft_run.asl.yaml").read_text()
    batch = yaml.safe_load(machine)["States"]["CompareBatches"]["ItemProcessor"]["States"]["CompareBatch"]
    names = {name for retry in batch["Retry"] for name in retry["ErrorEquals"]}
    of_the_platform = ("Lambda.", "States.", "Sandbox.", "Runtime.")
    assert {name for name in names if not name.startswith(of_the_platform)} == comparing.RETRIED
