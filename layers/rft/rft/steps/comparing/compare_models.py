"""CompareModels: is the new model better?

Base, live version and candidate answer the same prompts of the validation set, the training's grader scores what they
say, and the paired gains decide.
"""

from __future__ import annotations

from typing import Any

from rft.errors import ComparisonPending
from rft.run.record import Run
from rft.run.status import Status
from rft.steps import batch_faults
from rft.steps.batch_faults import noted
from rft.steps.comparing.comparison_answers import SecondsLeft, ask_models, no_hurry
from rft.steps.comparing.comparison_batch import Batch, BatchIncomplete
from rft.steps.comparing.comparison_grades import grade_answers
from rft.steps.comparing.comparison_plan import Plan, live_model, plan_of, planned, put_manifest
from rft.steps.comparing.inference_settings import unlike_training
from rft.steps.pipeline import Pipeline

BATCHES, PROMOTE, DISCARD, APPROVE = "batches", "promote", "discard", "approve"
"""What the state machine does next."""
RETRIED = batch_faults.RETRIED | {
    *("ComparisonPending", "BedrockBusy", "TooManyRequestsException", "ServiceException", "EC2ThrottledException"),
    *("ResourceConflictException", "ResourceNotReadyException"),
}
"""For which the state machine tries a batch again; all other errors end the run."""
_WARNING = "comparison: "


def compare_models(pipeline: Pipeline, run_id: str, seconds_left: SecondsLeft = no_hurry) -> dict[str, Any]:
    """Called again it goes on where it was, and where all is there it answers the same.

    Raises ``ComparisonPending`` where the time doesn't suffice, and ``ComparisonFailed``.
    """
    run = pipeline.begin(run_id, Status.COMPARING)
    if run.deploy == "none":
        return {"run_id": run_id, "next": DISCARD}
    if not (run.dataset or {}).get("validation_records"):
        return {"run_id": run_id, "next": _next(run, _not_compared(pipeline, run))}
    plan = planned(pipeline, run)
    if run.comparison is not None and run.comparison["live_run_id"] == plan.live_run_id:
        return {"run_id": run_id, "next": _next(run, run.comparison)}
    if len(plan.batches) == 1:
        _answer(pipeline, run, plan, 0, seconds_left)
    from rft.steps.comparing.comparison_end import put_comparison  # noqa: PLC0415 - a batch's function does without

    try:
        comparison = put_comparison(pipeline, run, plan)
    except BatchIncomplete:
        put_manifest(pipeline, run, plan)
        return {"run_id": run_id, "next": BATCHES}
    _must_be_live_still(pipeline, run, plan)
    _record(pipeline, run, plan, comparison)
    return {"run_id": run_id, "next": _next(run, comparison)}


def compare_batch(pipeline: Pipeline, run_id: str, batch: int, seconds_left: SecondsLeft = no_hurry) -> dict[str, Any]:
    """One batch of the manifest; errors as in ``compare_models``."""
    run = pipeline.store.get(run_id)
    pipeline.must_go_on(run)
    with noted(pipeline, run_id, batch, of="comparison", retried=RETRIED, unsaid=(ComparisonPending,)):
        _answer(pipeline, run, plan_of(pipeline, run), batch, seconds_left)
    return {"run_id": run_id, "batch": batch}


def _answer(pipeline: Pipeline, run: Run, plan: Plan, number: int, seconds_left: SecondsLeft) -> None:
    batch = Batch(pipeline, run, plan, number)
    ask_models(batch, workers=pipeline.environment.comparison_workers, seconds_left=seconds_left)
    grade_answers(pipeline, run, batch, seconds_left=seconds_left)


def _must_be_live_still(pipeline: Pipeline, run: Run, plan: Plan) -> None:
    if live_model(pipeline, run) != plan.models.get("live"):
        raise ComparisonPending("another version went live meanwhile: it is the one to compare with")


def _not_compared(pipeline: Pipeline, run: Run) -> dict[str, Any]:
    """Without prompts that were held out nothing shows that the new model is better, so the old one stays."""
    live = live_model(pipeline, run)
    stays = "the base model" if live is None else "the live version"
    sentence = f"There are no validation records to compare on, so nothing shows a gain: {stays} stays."
    comparison: dict[str, Any] = {
        "against": "base" if live is None else "live",
        "live_run_id": live.run_id if live else None,
        "recommended": "keep",
        "sentence": sentence,
        "records": 0,
        "gain": None,
        "means": {},
        **dict.fromkeys(("win", "tie", "loss", "missing"), 0),
        "document_uri": None,
        "rows_uri": None,
    }
    if comparison != run.comparison:
        _keep(pipeline, run, comparison, ["nothing was compared: name validation_data in the request"])
    return comparison


def _record(pipeline: Pipeline, run: Run, plan: Plan, comparison: dict[str, Any]) -> None:
    hyperparameters = run.request.get("hyperparameters") or {}
    temperature = (run.request.get("compare") or {}).get("temperature")
    _keep(pipeline, run, comparison, unlike_training(plan.settings, hyperparameters, temperature))


def _keep(pipeline: Pipeline, run: Run, comparison: dict[str, Any], told: list[str]) -> None:
    """A comparison that is made anew says nothing twice."""
    others = [warning for warning in run.warnings if not warning.startswith(_WARNING)]
    warnings = [*others, *(f"{_WARNING}{sentence}" for sentence in told)]
    pipeline.store.record(run.run_id, "comparison", comparison, comparison=comparison, warnings=warnings)


def _next(run: Run, comparison: dict[str, Any]) -> str:
    if (run.request.get("promote") or {}).get("approval") == "manual":
        return APPROVE
    return PROMOTE if comparison["recommended"] == "promote" else DISCARD
