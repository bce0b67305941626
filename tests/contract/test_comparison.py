"""CompareModels: what it leads to, how the models are asked, and where texts are kept."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest

from rft.errors import RunStopped
from rft.run.request_candidate import Comparing, Promotion
from rft.run.status import Status
from rft.steps.comparing import comparison_answers, comparison_end, comparison_grades, comparison_plan
from rft.steps.comparing.compare_models import compare_batch, compare_models
from rft.steps.doors.stop_run import stop_run
from rft.steps.serving.deploy_model import deploy_model
from tests.contract.application import BUCKET, GRADER, Application
from tests.contract.comparing import (
    BASE,
    CANDIDATE,
    Models,
    busy,
    compared,
    deployed,
    document,
    held_out,
    make_live,
    read,
    reply,
    right,
    rows,
    scored,
)
from tests.contract.standin import until
from tests.contract.test_requests import trained

MANUAL = {"promote": "manual"}
CANARY = "zq7canary"


@pytest.fixture
def app(emptied_app: Application) -> Application:
    return emptied_app


# -- the way it goes --------------------------------------------------------------------------------------------------


def test_a_better_model_is_promoted_and_everything_is_written_down(app: Application, models: Models) -> None:
    app.bedrock.aws.graders[GRADER] = lambda samples: scored(samples, form=0.5)
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id) == {"run_id": run_id, "next": "promote"}
    run = app.pipeline.store.get(run_id)
    assert run.status is Status.COMPARING
    assert run.comparison is not None
    assert run.comparison["document_uri"] == f"s3://{BUCKET}/runs/{run_id}/comparison.json"
    assert run.comparison["rows_uri"] == f"s3://{BUCKET}/runs/{run_id}/comparison.jsonl"
    assert run.comparison["means"] == {"base": 0, "candidate": 1}
    assert (run.comparison["against"], run.comparison["live_run_id"]) == ("base", None)
    assert (run.comparison["win"], run.comparison["missing"], run.comparison["records"]) == (12, 0, 12)
    found = document(run_id)
    assert found["models"] == {
        "base": {"model_id": BASE, "run_id": None},
        "candidate": {"model_id": CANDIDATE, "run_id": run_id},
    }
    assert found["grader"] == {"arn": GRADER}
    assert found["roles"]["candidate"]["milliseconds"]["median"] == 7
    assert found["roles"]["candidate"]["tokens"] == {"input": 240, "output": 36}
    first = rows(run_id)[0]
    assert first["messages"] == held_out(1)[0]["messages"]
    assert first["answers"]["candidate"] == {
        "text": "red",
        "reward": 1.0,
        "components": {"form": 0.5},
        "input_tokens": 20,
        "output_tokens": 3,
        "milliseconds": 7,
        "stop_reason": "end_turn",
    }
    (event,) = [e for e in app.pipeline.store.events(run_id, limit=50, token=None).items if e["type"] == "comparison"]
    assert event["detail"]["recommended"] == "promote"
    assert models.counts == {BASE: 12, CANDIDATE: 12}


def test_called_again_it_asks_and_grades_nothing_and_says_the_same(app: Application, models: Models) -> None:
    run_id = deployed(app)
    first = compare_models(app.pipeline, run_id)
    content, comparison = document(run_id), app.pipeline.store.get(run_id).comparison
    calls = len(app.bedrock.aws.grader_events)
    assert compare_models(app.pipeline, run_id) == first
    app.pipeline.store.record(run_id, comparison=None)  # as if it had died before this
    assert compare_models(app.pipeline, run_id) == first
    assert (document(run_id), app.pipeline.store.get(run_id).comparison) == (content, comparison)
    assert models.counts == {BASE: 12, CANDIDATE: 12}
    assert len(app.bedrock.aws.grader_events) == calls


def test_a_model_that_is_no_better_is_discarded(app: Application, models: Models) -> None:
    models.script = lambda _, prompt: right(prompt)
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "discard"


@pytest.mark.parametrize("better", [True, False])
def test_with_manual_approval_a_person_decides_whatever_the_numbers(
    app: Application, models: Models, better: bool
) -> None:
    if not better:
        models.script = lambda _, prompt: right(prompt)
    run_id = deployed(app, **MANUAL)
    assert compare_models(app.pipeline, run_id)["next"] == "approve"
    comparison = app.pipeline.store.get(run_id).comparison
    assert comparison is not None
    assert comparison["recommended"] == ("promote" if better else "keep")


def test_what_is_not_deployed_is_not_compared(app: Application, models: Models) -> None:
    run_id = deployed(app, deploy="none")
    assert compare_models(app.pipeline, run_id) == {"run_id": run_id, "next": "discard"}
    assert models.asked == []
    assert app.pipeline.store.get(run_id).comparison is None


@pytest.mark.parametrize(("changes", "following"), [({}, "discard"), (MANUAL, "approve")])
def test_without_held_out_records_nothing_shows_a_gain(
    app: Application, models: Models, changes: dict[str, Any], following: str
) -> None:
    run_id = deployed(app, **changes)
    app.pipeline.store.record(run_id, dataset={"validation_uri": None, "validation_records": 0})
    for _ in range(2):
        assert compare_models(app.pipeline, run_id) == {"run_id": run_id, "next": following}
    run = app.pipeline.store.get(run_id)
    assert run.comparison is not None
    assert (run.comparison["recommended"], run.comparison["records"], run.comparison["gain"]) == ("keep", 0, None)
    assert "no validation records" in run.comparison["sentence"]
    assert [warning for warning in run.warnings if warning.startswith("comparison: ")] == [
        "comparison: nothing was compared: name validation_data in the request"
    ]
    assert models.asked == []


def test_a_run_that_was_stopped_compares_nothing(app: Application, models: Models) -> None:
    run_id = deployed(app)
    stop_run(app.pipeline, run_id)
    for call in (lambda: compare_models(app.pipeline, run_id), lambda: compare_batch(app.pipeline, run_id, 0)):
        with pytest.raises(RunStopped):
            call()
    assert models.asked == []


# -- how they are asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "tokens", "temperature", "effort"),
    [
        ({"hyperparameters": {}}, 4_096, None, None),
        ({"hyperparameters": {"inference_max_tokens": 300}, "compare": {"temperature": 0.3}}, 300, 0.3, None),
        ({"hyperparameters": {"inference_max_tokens": 100_000}}, 32_768, None, None),
        ({"hyperparameters": {"reasoning_effort": "low", "inference_max_tokens": 9}}, 9, None, "low"),
        (
            {
                "hyperparameters": {"reasoning_effort": "high", "inference_max_tokens": 9},
                "compare": {"temperature": 0},
            },
            None,
            None,
            "high",
        ),
        (
            {"base_model": "openai.gpt-oss-20b", "hyperparameters": {"reasoning_effort": "low"}},
            4_096,
            None,
            None,
        ),
    ],
)
def test_all_are_asked_alike_as_the_training_samples(
    app: Application,
    models: Models,
    changes: dict[str, Any],
    tokens: int | None,
    temperature: float | None,
    effort: str | None,
) -> None:
    run_id = deployed(app, **changes)
    make_live(app, "m-0123456789ab")
    models.script = lambda model, prompt: right(prompt)
    compare_models(app.pipeline, run_id)
    fields = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}} if effort else {}
    assert {(q.max_tokens, q.temperature, json.dumps(given)) for _, q, given in models.asked} == {
        (tokens, temperature, json.dumps(fields))
    }
    by_model: dict[str, set[str]] = {}
    for model, question, _ in models.asked:
        by_model.setdefault(model, set()).add(question.turns[-1].text)
    assert len(by_model) == 3
    assert len({frozenset(prompts) for prompts in by_model.values()}) == 1
    settings = document(run_id)["settings"]
    assert settings == settings | {"max_tokens": tokens, "temperature": temperature, "reasoning_effort": effort}


def test_what_is_unlike_the_training_is_said(app: Application, models: Models) -> None:
    high = {"reasoning_effort": "high", "inference_max_tokens": 9}
    run_id = deployed(app, hyperparameters=high, compare={"temperature": 0.5})
    compare_models(app.pipeline, run_id)
    (said,) = [w for w in app.pipeline.store.get(run_id).warnings if w.startswith("comparison: ")]
    assert "without inference_max_tokens and compare.temperature" in said


def test_a_seeded_sample_is_asked_where_there_are_more(app: Application, models: Models) -> None:
    chosen = []
    for model in ("m", "n"):
        run_id = deployed(app, 40, model, compare={"max_prompts": 10})
        compare_models(app.pipeline, run_id)
        assert (document(run_id)["settings"]["prompts"], document(run_id)["settings"]["of"]) == (10, 40)
        chosen.append([row["id"] for row in rows(run_id)])
    assert chosen[0] == chosen[1]
    assert chosen[0] != [f"r{number}" for number in range(10)]
    assert models.counts == {BASE: 20, CANDIDATE: 20}


def test_the_base_is_asked_by_the_stacks_profile(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE_INFERENCE_ID", "us.amazon.nova-2-lite-v1:0")
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    assert set(models.counts) == {"us.amazon.nova-2-lite-v1:0", CANDIDATE}


# -- what is said, and where ------------------------------------------------------------------------------------------


def test_prompts_and_answers_stand_in_the_bucket_and_nowhere_else(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logged = io.StringIO()
    for module in (comparison_answers, comparison_grades):
        monkeypatch.setattr(module.logger.handlers[0], "stream", logged)
    models.script = lambda model, prompt: (
        busy() if model == CANDIDATE and "case thing 3 " in prompt else reply(f"{CANARY}-answer {prompt}")
    )
    lines = held_out(12)
    for line in lines:
        line["messages"][1]["content"] += f" {CANARY}-prompt"
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    run_id = deployed(app)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"runs/{run_id}/dataset/validation.jsonl", Body=body)

    def odd(samples: list[dict[str, Any]]) -> Any:
        answer = scored(samples)
        answer[5]["aggregate_reward_score"] = f"{CANARY}-reward"
        return answer

    app.bedrock.aws.graders[GRADER] = odd
    compared(app, run_id)
    assert CANARY.encode() in read(run_id, "comparison.jsonl")
    assert CANARY.encode() not in read(run_id, "comparison.json")
    items = boto3.client("dynamodb").scan(TableName="runs")["Items"]
    printed = capsys.readouterr()
    assert "reward-not-a-number" in logged.getvalue()
    assert "ThrottlingException" in logged.getvalue()
    for place in (json.dumps(items), logged.getvalue(), printed.out, printed.err):
        assert CANARY not in place


def test_against_the_stand_in_with_all_that_converse_takes(app: Application) -> None:
    run_id = trained(
        app,
        hyperparameters={
            "epoch_count": 1,
            "batch_size": 64,
            "training_sample_per_prompt": 2,
            "inference_max_tokens": 8,
            "reasoning_effort": "high",
        },
        validation_data={"fraction": 0.2},
    )
    until(lambda: deploy_model(app.pipeline, run_id))
    assert compare_models(app.pipeline, run_id)["next"] in ("promote", "discard")
    found = document(run_id)
    assert found["roles"]["candidate"]["answers"] == found["settings"]["prompts"] > 15
    assert found["roles"]["candidate"]["missing"] == 0
    assert found["settings"]["reasoning_effort"] == "high"


def test_what_a_request_leaves_out_is_what_it_is_documented_to_be() -> None:
    promote, compare = Promotion(), Comparing()
    assert (promote.min_gain, promote.confidence) == (comparison_end._MIN_GAIN, comparison_end._CONFIDENCE)
    assert compare.max_prompts == comparison_plan.COMPARED_PROMPTS
