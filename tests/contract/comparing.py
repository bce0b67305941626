"""Runs that are being compared, with models whose answers a test writes, and graders that it writes as well."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3

from rft.aws.converse import Converse, ConverseBusy, Reply
from rft.aws.model_store import Live
from rft.errors import ComparisonPending
from rft.grading.judging.question import Question
from rft.steps.comparing.compare_models import compare_models
from rft.steps.dataset.prepare_dataset import prepare_dataset
from tests.contract.application import BUCKET, Application
from tests.contract.standin import records
from tests.contract.test_requests import start

BASE = "amazon.nova-2-lite-v1:0:256k"
CANDIDATE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/candidate000"
LIVE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/live00000000"

type Said = Reply | Exception
type Script = Callable[[str, str], Said]


def reply(text: str) -> Reply:
    return Reply(text, "end_turn", 20, 3, 7)


def right(prompt: str) -> Reply:
    """The colour that a prompt names."""
    return reply(prompt.rpartition(" ")[2])


class Models:
    """All models, in Converse's place. The base is wrong, the others are right, unless ``script`` says otherwise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Question, dict[str, Any]]] = []
        self.script: Script = lambda model, prompt: reply("no idea") if model == BASE else right(prompt)
        self._lock = threading.Lock()

    def ask(self, model: Converse, question: Question) -> Reply:
        with self._lock:
            self.asked.append((model.model_id, question, model._fields))
            said = self.script(model.model_id, question.turns[-1].text)
        if isinstance(said, Exception):
            raise said
        return said

    @property
    def counts(self) -> Counter[str]:
        return Counter(model for model, *_ in self.asked)


def same(sample: dict[str, Any]) -> float:
    return float(sample["messages"][-1]["content"] == sample["metadata"]["reference_answer"])


def deployed(app: Application, count: int = 12, model: str = "m", **changes: Any) -> str:
    """A run whose candidate answers, with ``count`` records to compare on."""
    body = "".join(json.dumps(record) + "\n" for record in held_out(count))
    boto3.client("s3").put_object(Bucket=BUCKET, Key="datasets/held-out.jsonl", Body=body.encode())
    request = {"validation_data": {"s3_uri": f"s3://{BUCKET}/datasets/held-out.jsonl"}} | changes
    run_id = start(app, model, **request)
    prepare_dataset(app.pipeline, run_id)
    app.pipeline.store.record(run_id, deployment_arn=CANDIDATE, custom_model_arn=f"arn:{run_id}")
    return run_id


def held_out(count: int) -> list[dict[str, Any]]:
    taken = [{name: value for name, value in record.items() if name != "rft"} for record in records(count)]
    for record in taken:
        record["messages"][1]["content"] = f"case {record['messages'][1]['content']}"
    return taken


def make_live(app: Application, run_id: str, model: str = "m") -> None:
    live = Live(run_id, f"arn:{run_id}", LIVE, "on-demand", BASE, "2026-01-01T00:00:00.000Z")
    found = app.pipeline.models.get(model)
    app.pipeline.models.claim(model, run_id, found.live.run_id if found and found.live else None)
    assert app.pipeline.models.set_live(model, run_id, live)
    app.pipeline.models.release(model, run_id)


def read(run_id: str, name: str) -> bytes:
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"runs/{run_id}/{name}")["Body"].read()
    return body


def document(run_id: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(read(run_id, "comparison.json"))
    return content


def rows(run_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(run_id, "comparison.jsonl").splitlines()]


def keys(run_id: str) -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"runs/{run_id}/comparison")
    return {entry["Key"].removeprefix(f"runs/{run_id}/") for entry in found.get("Contents", [])}


def graded(app: Application) -> list[dict[str, Any]]:
    return [sample for call in app.bedrock.aws.grader_events for sample in call]


def scored(samples: list[dict[str, Any]], **components: float) -> list[dict[str, Any]]:
    """A grader's answer: whether each sample is right, and the same components for all."""
    metrics = [{"name": name, "value": value, "type": "Reward"} for name, value in components.items()]
    return [
        {
            "id": sample["id"],
            "aggregate_reward_score": same(sample),
            "metrics_list": metrics,
        }
        for sample in samples
    ]


def failing(models: Models, error: Exception, prompts: set[int], model: str = CANDIDATE) -> None:
    """One model fails on the prompts of these numbers."""
    before = models.script
    numbers = {f"case thing {number} is" for number in prompts}
    models.script = lambda asked, prompt: (
        error if asked == model and prompt.rpartition(" ")[0] in numbers else before(asked, prompt)
    )


def compared(app: Application, run_id: str, rounds: int = 60) -> tuple[dict[str, Any], int]:
    """As the state machine goes on for a comparison that is pending: its end, and how often it was called before."""
    for waits in range(rounds):
        try:
            return compare_models(app.pipeline, run_id), waits
        except ComparisonPending:
            pass
    raise AssertionError(f"pending after {rounds} rounds")


def busy(code: str = "ThrottlingException") -> ConverseBusy:
    return ConverseBusy(f"the model is busy: {code}", code=code)
