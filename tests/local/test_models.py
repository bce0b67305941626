"""One model over several runs: what serves, under which ARN, and what is left when something goes wrong."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rft.run.identity import live_deployment_name, live_parameter
from tests.local.conftest import EXAMPLES
from tests.local.data import ANY_GAIN, SHORT, colours
from tests.local.pipeline import Pipeline, until

Faults = Callable[[list[dict[str, Any]]], None]
FEW_STEPS = {"epoch_count": 1, "batch_size": 24, "training_sample_per_prompt": 8, "inference_max_tokens": 64}
MANY_STEPS = FEW_STEPS | {"epoch_count": 4, "training_sample_per_prompt": 16}


def deployments(pipeline: Pipeline, model: str) -> list[str]:
    """The names of all deployments of a model, candidates included."""
    found = pipeline.bedrock.list_custom_model_deployments(maxResults=100)["modelDeploymentSummaries"]
    return [d["customModelDeploymentName"] for d in found if d["customModelDeploymentName"].startswith(f"{model}-")]


def serving(pipeline: Pipeline, model: str) -> dict[str, Any]:
    """What the API says of a model, once it is the truth of Bedrock and of the parameter that apps read."""
    info = pipeline.cloud.info
    live: dict[str, Any] = pipeline.api._call("GET", f"/models/{model}").document()["live"]
    assert deployments(pipeline, model) == [live_deployment_name(info.stack, model)]
    deployed = pipeline.bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=live["deployment_arn"])
    assert (deployed["status"], deployed["modelArn"]) == ("Active", live["custom_model_arn"])
    parameter = pipeline.cloud.client("ssm").get_parameter(Name=live_parameter(info.stack, model))["Parameter"]
    assert parameter["Value"] == live["deployment_arn"]
    return live


@contextmanager
def conversing(pipeline: Pipeline, arn: str) -> Iterator[list[str]]:
    """A client that asks all the time; the names of the errors that it met."""
    runtime = pipeline.cloud.client("bedrock-runtime")
    over, errors, asked = threading.Event(), [], 0

    def ask() -> None:
        nonlocal asked
        while not over.wait(0.05):
            try:
                runtime.converse(modelId=arn, messages=[{"role": "user", "content": [{"text": "The app crashes."}]}])
                asked += 1
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield errors
    finally:
        over.set()
        client.join(timeout=30)
    assert asked > 20


def test_three_runs_of_one_model_and_a_client_that_never_sees_a_failed_call(pipeline: Pipeline, tickets: bytes) -> None:
    lines = tickets.splitlines(keepends=True)
    held_out = pipeline.put("datasets/three-held-out.jsonl", (EXAMPLES / "ticket-triage/validation.jsonl").read_bytes())

    def run(name: str, data: bytes, settings: dict[str, Any]) -> dict[str, Any]:
        request = {
            "model": "three",
            "training_data": {"s3_uri": pipeline.put(f"datasets/three-{name}.jsonl", data)},
            "validation_data": {"s3_uri": held_out},
            "hyperparameters": settings,
        }
        return pipeline.ended(pipeline.api.create_run(request, key=f"three-{name}")[0]["run_id"], seconds=180)

    first = run("first", b"".join(lines[:240]), FEW_STEPS)
    assert (first["status"], first["comparison"]["against"]) == ("promoted", "base"), first["comparison"]
    assert first["comparison"]["gain"]["low"] > 0
    live = serving(pipeline, "three")
    assert live["custom_model_arn"] == first["custom_model_arn"]

    with conversing(pipeline, live["deployment_arn"]) as errors:
        second = run("second", tickets, MANY_STEPS)
    assert errors == []
    assert (second["status"], second["comparison"]["against"]) == ("promoted", "live"), second["comparison"]
    assert second["comparison"]["live_run_id"] == first["run_id"]
    swapped = serving(pipeline, "three")
    assert swapped["deployment_arn"] == live["deployment_arn"] == second["deployment_arn"]
    assert swapped["custom_model_arn"] == second["custom_model_arn"]

    records = [json.loads(line) for line in lines]
    answers = [record["reference_answer"] for record in records]
    random.Random(0).shuffle(answers)
    mixed_up = [record | {"reference_answer": answer} for record, answer in zip(records, answers, strict=True)]
    third = run("third", "".join(json.dumps(record) + "\n" for record in mixed_up).encode(), FEW_STEPS)
    assert (third["status"], third["deployment_arn"]) == ("kept", None), third["comparison"]
    assert third["comparison"]["recommended"] == "keep"
    assert serving(pipeline, "three") == swapped

    versions = pipeline.api._call("GET", "/models/three").document()["versions"]
    assert [(v["run_id"], v["status"], v["live"]) for v in versions] == [
        (third["run_id"], "kept", False),
        (second["run_id"], "promoted", True),
        (first["run_id"], "promoted", False),
    ]
    (message,) = pipeline.messages(second["run_id"])
    assert "promoted" in message["Subject"]
    assert second["report"]["report_uri"] in message["Message"]
    for run_ in (first, second, third):
        assert pipeline.transitions(run_["run_id"]) <= 20


def begin(pipeline: Pipeline, model: str, key: str, promote: Any) -> str:
    """The id of a run with a training that takes a second."""
    uri = pipeline.put("datasets/colours.jsonl", "".join(json.dumps(record) + "\n" for record in colours()).encode())
    request = {"model": model, "training_data": {"s3_uri": uri}, "hyperparameters": SHORT, "promote": promote}
    request["validation_data"] = {"fraction": 0.2}
    return str(pipeline.api.create_run(request, key=key)[0]["run_id"])


@pytest.fixture(scope="module")
def steady(pipeline: Pipeline) -> dict[str, Any]:
    """A model that serves, for what must not change it."""
    run = pipeline.ended(begin(pipeline, "steady", "steady", ANY_GAIN))
    assert run["status"] == "promoted", run["reason"]
    return serving(pipeline, "steady")


@pytest.mark.parametrize(
    ("rule", "error", "says"),
    [
        (
            {"operation": "Converse", "error": "AccessDeniedException", "times": 1000, "name": "steady-*"},
            "ComparisonFailed",
            "AccessDenied",
        ),
        ({"deployment": "steady-live-*", "do": "fail", "message": "no hardware"}, "PromotionFailed", "no hardware"),
        ({"deployment": "steady-live-*", "do": "stay"}, "PromotionTimedOut", "DeploymentDeadlineMinutes"),
        ({"deployment": "steady-[!l]*", "do": "stay"}, "DeploymentTimedOut", "DeploymentDeadlineMinutes"),
    ],
    ids=["comparison-dies", "swap-fails", "swap-is-stuck", "candidate-is-stuck"],
)
def test_whatever_fails_the_old_model_serves_on_and_no_candidate_is_left(
    pipeline: Pipeline,
    faults: Faults,
    steady: dict[str, Any],
    rule: dict[str, Any],
    error: str,
    says: str,
) -> None:
    faults([rule])
    run_id = begin(pipeline, "steady", error, ANY_GAIN)
    until(lambda: pipeline.api.run(run_id)["reason"], seconds=120)
    faults([])
    run = pipeline.ended(run_id)
    assert (run["status"], run["reason"]["error"]) == ("failed", error), run["reason"]
    assert says in run["reason"]["message"]
    until(lambda: serving(pipeline, "steady") == steady)
    (message,) = pipeline.messages(run_id)
    assert says in message["Message"]
    assert run["report"]["report_uri"] in message["Message"]


def test_a_person_decides_where_the_request_says_so(pipeline: Pipeline) -> None:
    runs: dict[str, str] = {}
    for word in ("silence", "promote", "keep"):
        runs[word] = run_id = begin(pipeline, f"manual-{word}", word, "manual")
        run = until(lambda run_id=run_id: (r := pipeline.api.run(run_id))["approval"] and r, seconds=120)
        assert (run["status"], run["approval"]["state"]) == ("comparing", "waiting")
        if word != "silence":
            pipeline.api._call("POST", f"/runs/{run_id}/approve", body={"decision": word})
    ended = {word: pipeline.ended(run_id) for word, run_id in runs.items()}
    assert {word: (run["status"], run["approval"]["state"]) for word, run in ended.items()} == {
        "promote": ("promoted", "promote"),
        "keep": ("kept", "keep"),
        "silence": ("kept", "expired"),
    }
    assert serving(pipeline, "manual-promote")["run_id"] == runs["promote"]
    assert deployments(pipeline, "manual-keep") == deployments(pipeline, "manual-silence") == []
    asked, told = pipeline.messages(runs["promote"])
    assert "rft approve" in asked["Message"]
    assert "promoted" in told["Subject"]
