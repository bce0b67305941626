"""CheckGrader: the gate. What must hold before money is spent: the grader, the signal to learn from, the budget."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.aws.graders import GraderFunction, described
from rft.cost import Prices, Records, check_budget, estimate, parse_overrides, plan_of
from rft.dataset.lines import valid_records
from rft.errors import GateClosed
from rft.gate.choosing import choose
from rft.gate.report import GateReport, may_go_on, with_cost
from rft.gate.settings import Settings
from rft.run.log_source import MAX_PROMPTS, MIN_PROMPTS
from rft.run.record import Run
from rft.run.reward_curve import samples_per_step
from rft.run.status import Status
from rft.steps import pipeline_metrics
from rft.steps.dataset.dataset_limits import grader_name
from rft.steps.gate.grader_trial import Patience, Tried, grader_facts, try_grader
from rft.steps.pipeline import Pipeline

CALLS_SECONDS, BASE_SECONDS = 360.0, 120.0
"""The former with the reading of the data before it. With one more call of the longest kind (300 s) and one more answer
(60 s) there is time left of the function's 900 s to write down what was seen."""
_GATE = "gate: "
_VERSION = re.compile(r":[0-9]+$")
UNPUBLISHED = "the grader's ARN names no version: a deployment during the job would change what it is trained by"
NOT_SEEN = "Bedrock reads the logs itself, so there are no records to try the grader on"


def check_grader(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``GateClosed`` with the reasons; ``gate.json`` has all that was seen."""
    run = pipeline.begin(run_id, Status.CHECKING)
    uri = (run.dataset or {}).get("train_uri") or (run.dataset or {}).get("validation_uri")
    if uri is None:
        _warn(pipeline, run, [NOT_SEEN])
        return {"run_id": run_id}
    settings = _settings(run)
    s3, began = client("s3"), time.monotonic()
    records = choose(valid_records(objects.chunks(s3, objects.pin(s3, uri, None))), settings.records, settings.seed)
    tried = try_grader(
        pipeline,
        records,
        arn=run.grader_arn or "",
        name=grader_name(run),
        declared=(run.request.get("grader") or {}).get("openai"),
        base_model=run.base_model or "",
        settings=settings,
        patience=Patience(
            pipeline.environment.grader_call_seconds, CALLS_SECONDS - (time.monotonic() - began), BASE_SECONDS
        ),
    )
    report = _with_the_cost(pipeline, run, tried)
    _record(pipeline, run, report, tried.function)
    if not may_go_on(report, run.request.get("gate") or "close"):
        raise GateClosed(report.sentence)
    return {"run_id": run_id}


def _settings(run: Run) -> Settings:
    longest = (run.request.get("hyperparameters") or {}).get("inference_max_tokens")
    return Settings(samples_per_step=samples_per_step(run.request), max_answer_tokens=longest)


def _with_the_cost(pipeline: Pipeline, run: Run, tried: Tried) -> GateReport:
    training, validation = _counted(pipeline, run)
    plan = plan_of(
        run.request,
        base_model=run.base_model or "",
        training=training,
        validation=validation,
        grader=grader_facts(tried, pipeline.environment.judge_model),
    )
    prices = Prices.of_file().with_overrides(parse_overrides(pipeline.environment.price_overrides))
    told = estimate(plan, prices)
    budget = run.request.get("budget") or {}
    check = check_budget(told, max_usd=budget.get("max_usd"), max_rollouts=budget.get("max_rollouts"))
    return with_cost(tried.report, told.to_json(), over=check.reasons, unknown=check.warnings)


def _counted(pipeline: Pipeline, run: Run) -> tuple[Records, Records | None]:
    """The records of training and validation; where Bedrock reads logs itself, the bounds of what it trains on."""
    dataset = run.dataset or {}
    report = json.loads(objects.read(client("s3"), pipeline.environment.bucket, f"{run.folder}dataset/report.json"))
    held_out = None
    if dataset.get("validation_records"):
        stats = (report.get("validation") or report["training"])["stats"]
        held_out = Records.counted(dataset["validation_records"], stats)
    if "train_records" in dataset:
        return Records.counted(dataset["train_records"], report["training"]["stats"]), held_out
    longest = (run.request.get("hyperparameters") or {}).get("max_prompt_length")
    return Records.within(MIN_PROMPTS, MAX_PROMPTS, max_prompt_length=longest), held_out


def _record(pipeline: Pipeline, run: Run, report: GateReport, function: GraderFunction) -> None:
    functions: dict[str, Any] = {"function": function.to_json(), "held_out_function": None}
    if run.held_out_grader_arn is not None:
        functions["held_out_function"] = described(client("lambda"), run.held_out_grader_arn).to_json()
    body = json.dumps({"run_id": run.run_id} | report.to_json() | functions, indent=2).encode()
    uri = objects.put(client("s3"), pipeline.environment.bucket, f"{run.folder}gate.json", body, "application/json")
    gate = {"verdict": report.verdict, "codes": [finding.code for finding in report.findings], "report_uri": uri}
    pipeline.store.record(run.run_id, "gate", gate, gate=gate)
    if run.gate is None and report.cost is not None:  # once, however often the state is tried
        pipeline_metrics.gate_said(pipeline.environment.stack_name, report.verdict, report.cost)
    told = [finding.message for finding in report.findings]
    if not _VERSION.search(run.grader_arn or ""):
        told.append(UNPUBLISHED)
    _warn(pipeline, run, told)


def _warn(pipeline: Pipeline, run: Run, told: list[str]) -> None:
    """A state that is tried again says the same again: once is enough."""
    others = [warning for warning in run.warnings if not warning.startswith(_GATE)]
    pipeline.store.record(run.run_id, warnings=[*others, *(f"{_GATE}{sentence}" for sentence in told)])
