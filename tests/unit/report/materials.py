"""Runs of every kind with the documents that their steps leave, made by the very code that makes them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from rft.comparison.document import About, Asked, Settings, compared, summary
from rft.comparison.rows import row_of
from rft.comparison.spend import by_tokens
from rft.cost import GraderFacts, Prices, Records, estimate, plan_of
from rft.dataset.limits import Limits
from rft.dataset.whole_file import check_file
from rft.gate.examination import examine
from rft.gate.ports import Invocation
from rft.gate.report import with_cost
from rft.gate.settings import AboutGrader
from rft.report.material import Material
from rft.report.samples import samples_of
from rft.run.record import Run

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "ticket-triage"
BUCKET = "rft-data-123456789012"
MODEL, RUN_ID = "ticket-triage", "ticket-triage-0f3a295f24b3"
BASE = "amazon.nova-2-lite-v1:0:256k"
GRADER = "arn:aws:lambda:us-east-1:123456789012:function:rft-grader-format-validation:7"
_BEGIN = datetime(2026, 11, 25, 20, 7, 7, tzinfo=UTC)
FOLDER = f"s3://{BUCKET}/runs/{RUN_ID}"

Json = dict[str, Any]


def at(seconds: float) -> str:
    return (_BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _records(name: str) -> tuple[Json, ...]:
    return tuple(json.loads(line) for line in (EXAMPLE / f"{name}.jsonl").read_text().splitlines())


def _wrong(right: Mapping[str, str], chance: random.Random) -> str:
    """An answer that has the form, one that has half of it, or one that has neither."""
    other = {**right, chance.choice([*right]): chance.choice(["billing", "high", "fault", "low"])}
    return chance.choice([json.dumps(other), f"Sure! I think this is {right['category']}.", "{}"])


def _graded(answer: str, right: Mapping[str, str], chance: random.Random, *, tokens: int) -> Json:
    try:
        told = json.loads(answer)
    except ValueError:
        told = {}
    form = float(bool(told))
    category, priority = (float(told.get(name) == right[name]) for name in ("category", "priority"))
    return {
        "text": answer,
        "reward": round(0.2 * form + 0.4 * category + 0.4 * priority, 6),
        "components": {"form": form, "category": category, "priority": priority},
        "held_out_reward": (category + priority) / 2,
        "input_tokens": tokens,
        "output_tokens": len(answer) // 4 + 1,
        "milliseconds": round(chance.gauss(420, 80), 1),
        "stop_reason": "end_turn",
    }


def rows(*, skill: float = 0.9, live: float | None = None, base: float = 0.3, seed: int = 7) -> list[Json]:
    """``comparison.jsonl`` of models that are right so often."""
    chance = random.Random(seed)
    found = []
    for record in _records("validation"):
        right = record["reference_answer"]
        skills = {"base": base, "live": live, "candidate": skill}
        answers = {
            role: _graded(
                json.dumps(right) if chance.random() < often else _wrong(right, chance), right, chance, tokens=240
            )
            for role, often in skills.items()
            if often is not None
        }
        row = {"id": record["id"], "messages": record["messages"], "reference_answer": right}
        found.append(row | {"answers": answers})
    return found


def lines(found: Iterable[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in found).encode()


def comparison(found: Sequence[Json], *, min_gain: float = 0.05) -> Json:
    document: Json = json.loads(_compared(lines(found), min_gain, is_live="live" in found[0]["answers"]))
    return document


@cache
def _compared(found: bytes, min_gain: float, *, is_live: bool) -> str:
    """Drawing its intervals takes long, and the same rows are many tests'."""
    models = {"base": Asked(f"us.{BASE.rpartition(':')[0]}"), "candidate": Asked("arn:candidate", RUN_ID)}
    if is_live:
        models["live"] = Asked("arn:live", "ticket-triage-aaaaaaaaaaaa")
    about = About(
        run_id=RUN_ID,
        model=MODEL,
        against="live" if is_live else "base",
        models=models,  # type: ignore[arg-type]
        settings=Settings(temperature=None, max_tokens=64, reasoning_effort=None, of=found.count(b"\n"), seed=0),
        grader_arn=GRADER,
        held_out_grader_arn=GRADER.replace("format-validation:7", "generic:2"),
    )
    cost_of = by_tokens(Prices.of_file(), BASE)
    read = [row_of(json.loads(line)) for line in found.splitlines()]
    return json.dumps(compared(read, about, min_gain=min_gain, confidence=0.95, cost_of=cost_of))


def dataset_report(*, broken: bool = False) -> Json:
    """Of the example; ``broken``: with lines that break rules."""
    body = (EXAMPLE / "train.jsonl").read_bytes()
    if broken:
        body = body.replace(b'"user"', b'"human"', 12).replace(b"}\n", b"\n", 3)
    report = check_file([body], Limits()).report.to_json()
    source = {"source": f"s3://{BUCKET}/inbox/{MODEL}/train.jsonl", "version_id": "3sL4kqtJlcpXroDTDmJ", "etag": '"e"'}
    return {"run_id": RUN_ID, "training": source | report}


def gate_report(grade: Callable[[Mapping[str, Any]], float]) -> Json:
    """What the gate sees of a grader that gives ``grade``."""

    def invoke(payload: bytes) -> Invocation:
        samples = json.loads(payload)
        results = [{"id": sample.get("id"), "aggregate_reward_score": grade(sample)} for sample in samples]
        return Invocation(json.dumps(results).encode(), 0.01)

    chance = random.Random(1)

    def base(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
        return [chance.choice(['{"category": "billing", "priority": "low"}', "no idea", "{}"]) for _ in range(count)]

    about = AboutGrader("format-validation", "rule", timeout_seconds=30)
    report = examine(_records("train")[:16], invoke=invoke, ask_base=base, about=about)
    counted = Records.counted(300, dataset_report()["training"]["stats"])
    plan = plan_of(REQUEST, base_model=BASE, training=counted, validation=counted, grader=GraderFacts("rule"))
    told = estimate(plan, Prices.of_file())
    unknown = ["Without a price for the training the budget holds on rollouts only."]
    function = {"version": "7", "code_sha256": "q1pZ0vTq8y0=", "memory_mb": 512, "timeout_seconds": 30.0}
    document = with_cost(report, told.to_json(), unknown=unknown).to_json()
    return {"run_id": RUN_ID, **document, "function": function}


def sensible(sample: Mapping[str, Any]) -> float:
    """A reward as the example's grader gives it."""
    try:
        right = sample["metadata"]["reference_answer"]
        told = json.loads(sample["messages"][-1]["content"])
        category, priority = (told.get(name) == right[name] for name in ("category", "priority"))
        return 0.2 + 0.4 * category + 0.4 * priority
    except (KeyError, TypeError, IndexError, ValueError, AttributeError):
        return 0.0


def curves(steps: int = 100, *, seed: int = 3) -> Json:
    chance = random.Random(seed)
    training = []
    for step in range(1, steps + 1):
        mean = min(0.97, 0.12 + 0.85 * (1 - 0.96**step) + chance.gauss(0, 0.02))
        training.append(
            {
                "step": step,
                "epoch": 1 + step // 20,
                "reward_mean": max(0.0, mean),
                "reward_min": max(0.0, mean - 0.35),
                "reward_max": min(1.0, mean + 0.3),
                "entropy": 1.1 * 0.975**step + 0.1,
                "answer_length": 22 - 8 * (1 - 0.95**step) + chance.gauss(0, 0.5),
            }
        )
    validation = [{"step": step, "reward_mean": 0.1 + 0.8 * (1 - 0.96**step)} for step in range(0, steps + 1, 20)]
    return {"run_id": RUN_ID, "training": training, "validation": validation}


REQUEST: Json = {
    "model": MODEL,
    "training_data": {"s3_uri": f"s3://{BUCKET}/inbox/{MODEL}/train.jsonl"},
    "validation_data": {"s3_uri": f"s3://{BUCKET}/inbox/{MODEL}/validation.jsonl"},
    "grader": {"name": "format-validation"},
    "hyperparameters": {"epoch_count": 5, "batch_size": 24, "training_sample_per_prompt": 16, "learning_rate": 1e-5},
    "promote": {"min_gain": 0.05},
    "tags": {"team": "support"},
}
DATASET: Json = {
    "train_uri": f"{FOLDER}/dataset/train.jsonl",
    "train_records": 300,
    "train_sha256": "9" * 64,
    "validation_uri": f"{FOLDER}/dataset/validation.jsonl",
    "validation_records": 100,
    "validation_sha256": "8" * 64,
    "source_uri": f"s3://{BUCKET}/inbox/{MODEL}/train.jsonl",
    "source_version_id": "3sL4kqtJlcpXroDTDmJ",
    "source_sha256": "7" * 64,
    "validation_source_uri": f"s3://{BUCKET}/inbox/{MODEL}/validation.jsonl",
    "validation_source_version_id": "null",
    "validation_source_sha256": "6" * 64,
    "report_uri": f"{FOLDER}/dataset/report.json",
}
JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-2-lite-v1:0:256k/1a2b3c4d5e6f"
CUSTOM_MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/0a1b2c3d4e5f"
LIVE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/ab12cd34ef56"


def run(status: str, **fields: Any) -> Run:
    document = {
        "run_id": RUN_ID,
        "model": MODEL,
        "status": status,
        "created_at": at(0),
        "updated_at": at(5_000),
        "ended_at": at(5_000),
        "request": REQUEST,
        "base_model": BASE,
        "grader_arn": GRADER,
        "deploy": "on-demand",
        "job_name": RUN_ID,
        "execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:rft-run:{RUN_ID}",
    }
    return Run.from_json(document | fields)


_TRAINED: Json = {
    "dataset": DATASET,
    "gate": {"verdict": "warnings", "codes": ["cost-unknown"], "report_uri": f"{FOLDER}/gate.json"},
    "job_arn": JOB,
    "job_status": "Completed",
    "job_submitted_at": at(40),
    "custom_model_arn": CUSTOM_MODEL,
    "warnings": ["gate: said there", "native: Bedrock converts the logs itself"],
}


def events(*statuses: str, end: str) -> list[Json]:
    """The events of a run that took these statuses before its ``end``."""
    told: list[Json] = [{"at": at(0), "type": "status", "detail": {"status": "received", "previous": None}}]
    seconds = 1.0
    for status in statuses:
        told.append({"at": at(seconds), "type": "status", "detail": {"status": status}})
        seconds *= 4
        if status == "training":
            requests = [{"operation": "CreateModelCustomizationJob", "request_id": "c6af9ac6-7b61-11e6-9a41"}]
            told.append({"at": at(40), "type": "job", "detail": {"job_arn": JOB, "requests": requests}})
            ended = {"job_status": "Completed", "job_phases": {"training": "Completed"}}
            told.append({"at": at(seconds), "type": "job", "detail": ended})
    told.append({"at": at(5_000), "type": "status", "detail": {"status": end}})
    return told


_WAY = ("preparing", "checking", "queued", "training", "deploying", "comparing")


def material(run_: Run, **parts: Any) -> Material:
    made = Material(
        run=run_,
        stack="rft",
        made_at=at(5_002),
        is_stand_in=False,
        events=events("preparing", end=run_.status),
        prices=Prices.of_file(),
        grader_name="format-validation",
        code={"version": "0.1.0", "commit": "2946138aa", "sha256": "5" * 64},
    )
    return replace(made, **parts)


def of_comparison(status: str, found: Sequence[Json], **fields: Any) -> Material:
    """A run that was compared, with ``found`` as the rows."""
    document = comparison(found)
    told = summary(document, document_uri=f"{FOLDER}/comparison.json", rows_uri=f"{FOLDER}/comparison.jsonl")
    return material(
        run(status, **_TRAINED, comparison=told, **fields),
        events=events(*_WAY, end=status),
        gate=gate_report(sensible),
        dataset=dataset_report(),
        comparison=document,
        samples=samples_of([lines(found)], against=document["against"]),
        curves=curves(),
    )


@cache
def promoted() -> Material:
    promotion = {"live_arn": LIVE, "previous": {"run_id": "ticket-triage-aaaaaaaaaaaa"}, "began_at": at(4_000)}
    return of_comparison("promoted", rows(live=0.5), deployment_arn=LIVE, promotion=promotion)


@cache
def kept() -> Material:
    return of_comparison("kept", rows(skill=0.33))


def kept_by_a_person() -> Material:
    approval = {"state": "keep", "decided_by": "arn:aws:sts::123456789012:assumed-role/admin/jane@example.com"}
    made = promoted()
    return replace(made, run=run("kept", **_TRAINED, comparison=made.run.comparison, approval=approval))


def never_deployed() -> Material:
    return material(
        run("kept", **_TRAINED | {"deploy": "none"}),
        events=events(*_WAY[:4], end="kept"),
        gate=gate_report(sensible),
        dataset=dataset_report(),
        curves=curves(),
    )


def rejected_at_the_gate() -> Material:
    gate = gate_report(lambda sample: 0.5)
    said = "The gate is closed for the grader format-validation: Each of 96 answers, good and bad, earns 0.5."
    reason = {"error": "GateClosed", "message": said}
    return material(
        run("rejected", dataset=DATASET, gate={"verdict": "closed", "codes": []}, reason=reason),
        events=events("preparing", "checking", end="rejected"),
        gate=gate,
        dataset=dataset_report(),
    )


def with_a_bad_dataset() -> Material:
    reason = {
        "error": "DatasetInvalid",
        "message": "the dataset breaks Bedrock's rules. s3://b/train.jsonl: 15 problems (unknown-role 12).",
        "details_uri": f"{FOLDER}/dataset/report.json",
    }
    return material(
        run("rejected", dataset={"report_uri": f"{FOLDER}/dataset/report.json"}, reason=reason),
        dataset=dataset_report(broken=True),
    )


def with_a_bad_request() -> Material:
    reason = {"error": "RequestInvalid", "message": "hyperparameters.batch_size: 16 to 512; it is 3"}
    return material(run("rejected", request={}, base_model=None, grader_arn=None, execution_arn=None, reason=reason))


def stopped() -> Material:
    reason = {"error": "RunStopped", "message": "stopped as asked. The trained model was not made."}
    return material(
        run("stopped", **_TRAINED | {"custom_model_arn": None, "job_status": "Stopped"}, reason=reason),
        events=events(*_WAY[:4], end="stopped"),
        gate=gate_report(sensible),
        dataset=dataset_report(),
        curves=curves(12),
    )


def failed_early() -> Material:
    reason = {"error": "Lambda.Unknown", "message": "no reason was given"}
    return material(run("failed", base_model=None, reason=reason), events=[])


def failed_while_comparing() -> Material:
    reason = {"error": "ComparisonFailed", "message": "40 of 100 answers of the candidate are missing"}
    return material(
        run("failed", **_TRAINED, reason=reason),
        events=events(*_WAY, end="failed"),
        gate=gate_report(sensible),
        dataset=dataset_report(),
        curves=curves(),
        missing={"comparison.json": "it was not written (NoSuchKey)"},
    )


KINDS: dict[str, Callable[[], Material]] = {
    "promoted": promoted,
    "kept": kept,
    "kept-by-a-person": kept_by_a_person,
    "never-deployed": never_deployed,
    "rejected-at-the-gate": rejected_at_the_gate,
    "bad-dataset": with_a_bad_dataset,
    "bad-request": with_a_bad_request,
    "stopped": stopped,
    "failed-early": failed_early,
    "failed-while-comparing": failed_while_comparing,
}
