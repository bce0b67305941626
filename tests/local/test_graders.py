"""Every ready grader trains a run, bad graders are stopped before a job, and an outage of a judge is no reward."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rft.grading.catalog import OPENAI, READY
from tests.local.data import JUDGE, colours
from tests.local.pipeline import Pipeline

GRADERS = Path(__file__).parent / "graders"
OPENAIS = {
    "type": "multi",
    "graders": {
        "same": {
            "type": "string_check",
            "name": "same",
            "operation": "ilike",
            "input": "{{ sample.output_text }}",
            "reference": "{{ item.reference_answer }}",
        },
        "near": {
            "type": "text_similarity",
            "name": "near",
            "evaluation_metric": "fuzzy_match",
            "input": "{{ sample.output_text }}",
            "reference": "{{ item.reference_answer }}",
        },
        "read": {
            "type": "score_model",
            "name": "read",
            "model": JUDGE,
            "input": [
                {"role": "user", "content": "Is {{ sample.output_text }} the same as {{ item.reference_answer }}?"}
            ],
            "range": [0, 1],
        },
    },
    "calculate_output": "0.5 * same + 0.3 * near + 0.2 * read",
}


def sums(count: int = 120) -> list[dict[str, Any]]:
    """Sums with two results, each as frequent: a base that draws from the results it knows is often right by chance, so
    that there is a signal whatever the dice say."""
    return [
        {
            "messages": [{"role": "user", "content": f"Case {n}: what is 1 + {1 + n % 2}? End with ####."}],
            "reference_answer": f"#### {2 + n % 2}",
        }
        for n in range(count)
    ]


def post(pipeline: Pipeline, path: str, body: dict[str, Any]) -> Any:
    return pipeline.api._call("POST", path, body=body).document()


def gate_of(pipeline: Pipeline, run: dict[str, Any]) -> Any:
    return json.loads(pipeline.get(run["gate"]["report_uri"]))


def test_each_ready_grader_trains_a_run(pipeline: Pipeline, start: Callable[..., str]) -> None:
    data = dict.fromkeys(READY, colours()) | {"math-reasoning": sums()}
    wanted = {name: {"openai": OPENAIS} if name == OPENAI else {"name": name} for name in READY}
    # All at once, and Bedrock takes two deployments at a time: one of them goes the whole way.
    ends = {name: "promoted" if name == OPENAI else "kept" for name in wanted}
    runs = {
        name: start(f"by-{name}", data[name], grader=grader, deploy="on-demand" if name == OPENAI else "none")
        for name, grader in wanted.items()
    }
    for name, run_id in runs.items():
        run = pipeline.ended(run_id, seconds=240)
        assert run["status"] == ends[name], (name, run["reason"])
        gate = gate_of(pipeline, run)
        assert gate["verdict"] != "closed"
        assert gate["signal"]["differing"] > 0, name
        assert gate["ladder"]["gold"]["mean"] > gate["ladder"]["empty"]["mean"] + 0.3, name
        assert pipeline.jobs(run_id), name
        rewards = [step["reward_mean"] for step in pipeline.api.metrics(run_id)["training"]]
        assert rewards, name
        assert all(0 < reward <= 1 for reward in rewards), name


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("constant", "constant-reward", "earns 0.5"),
        ("crashing", "grader-raised", "EverySampleFailed"),
        ("slow", "grader-timed-out", "time"),
        ("drops_a_row", "rows-missing", "results"),
        ("nan", "nan-reward", "NaN"),
    ],
)
def test_a_bad_grader_is_stopped_at_the_gate_with_its_own_message(
    pipeline: Pipeline, start: Callable[..., str], name: str, code: str, says: str
) -> None:
    arn = pipeline.cloud.deploy_grader(GRADERS / name / "app.py")
    run_id = start(f"bad-{name.replace('_', '-')}", colours(), grader={"lambda_arn": arn})
    run = pipeline.ended(run_id)
    assert (run["status"], run["reason"]["error"]) == ("rejected", "GateClosed")
    assert code in run["gate"]["codes"]
    assert says in run["reason"]["message"]
    assert pipeline.jobs(run_id) == []
    (message,) = pipeline.messages(run_id)
    assert says in message["Message"]
    assert run["gate"]["report_uri"] in message["Message"]
    assert not any(colour in json.dumps(run["reason"]) + message["Message"] for colour in ("It is", "Thing 1"))


def test_a_run_may_go_past_a_grader_that_teaches_nothing_but_not_past_a_broken_one(
    pipeline: Pipeline, start: Callable[..., str]
) -> None:
    arns = {name: pipeline.cloud.deploy_grader(GRADERS / name / "app.py") for name in ("constant", "nan")}
    warned = start("warned", colours(), grader={"lambda_arn": arns["constant"]}, gate="warn")
    broken = start("broken", colours(), grader={"lambda_arn": arns["nan"]}, gate="warn")
    run = pipeline.ended(warned)
    assert run["status"] == "promoted"
    assert any("earns 0.5" in warning for warning in run["warnings"])
    assert pipeline.ended(broken)["reason"]["error"] == "GateClosed"
    assert pipeline.jobs(broken) == []


def test_a_budget_stops_a_run_before_its_job(pipeline: Pipeline, start: Callable[..., str]) -> None:
    run_id = start("too-dear", colours(), grader={"name": "generic"}, budget={"max_rollouts": 50}, gate="warn")
    run = pipeline.ended(run_id)
    assert (run["status"], run["gate"]["codes"]) == ("rejected", run["gate"]["codes"])
    assert "over-budget" in run["gate"]["codes"]
    assert "rollouts" in run["reason"]["message"]
    assert pipeline.jobs(run_id) == []


def test_an_outage_of_the_judge_is_an_error_and_another_try_and_never_a_reward(
    pipeline: Pipeline, start: Callable[..., str], faults: Callable[[list[dict[str, Any]]], None]
) -> None:
    faults([{"job": "outage-*", "do": "stall"}])
    run_id = start("outage", colours(1000), grader={"name": "summarization"})
    pipeline.reached(run_id, "training")
    denied = {"operation": "Converse", "name": JUDGE, "error": "AccessDeniedException", "times": 8}
    faults([denied])
    run = pipeline.ended(run_id, seconds=120)
    assert run["status"] == "promoted", run["reason"]
    folder = f"runs/{run_id}/output/"
    listed = pipeline.s3.list_objects_v2(Bucket=pipeline.cloud.info.bucket, Prefix=folder)["Contents"]
    (summary,) = [entry["Key"] for entry in listed if entry["Key"].endswith("training_summary.json")]
    facts = json.loads(pipeline.get(f"s3://{pipeline.cloud.info.bucket}/{summary}"))
    assert facts["grader_retries"] > 0
    assert all(step["reward_mean"] > 0 for step in pipeline.api.metrics(run_id)["training"])


def test_a_judge_that_stays_away_fails_the_job_and_trains_on_nothing(
    pipeline: Pipeline, start: Callable[..., str], faults: Callable[[list[dict[str, Any]]], None]
) -> None:
    faults([{"job": "gone-*", "do": "stall"}])
    run_id = start("gone", colours(2000), grader={"name": "reasoning"})
    pipeline.reached(run_id, "training")
    faults([{"operation": "Converse", "name": JUDGE, "error": "AccessDeniedException", "times": 100_000}])
    run = pipeline.ended(run_id, seconds=120)
    assert (run["status"], run["reason"]["error"]) == ("failed", "JobFailed")
    assert "JudgeDenied" in run["reason"]["message"]
    assert pipeline.api.metrics(run_id)["training"] == []


def test_a_judge_that_is_away_before_the_job_closes_the_gate(
    pipeline: Pipeline, start: Callable[..., str], faults: Callable[[list[dict[str, Any]]], None]
) -> None:
    faults([{"operation": "Converse", "name": JUDGE, "error": "AccessDeniedException", "times": 100_000}])
    run_id = start("no-judge", colours(3000), grader={"name": "rag-faithfulness"})
    run = pipeline.ended(run_id)
    assert (run["status"], run["reason"]["error"]) == ("rejected", "GateClosed")
    assert "judge-unavailable" in run["gate"]["codes"]
    assert pipeline.jobs(run_id) == []


def test_graders_are_listed_and_tested_through_the_api(pipeline: Pipeline) -> None:
    told = pipeline.api.graders()
    assert {grader["name"] for grader in told} == set(READY)
    body = "".join(json.dumps(record) + "\n" for record in colours())
    uri = pipeline.put("datasets/tested.jsonl", body.encode())
    for name, more in (("generic", {}), ("summarization", {}), (OPENAI, {"openai": OPENAIS})):
        report = post(pipeline, f"/graders/{name}/test", {"s3_uri": uri, "records": 4, **more})
        assert report["ladder"]["gold"]["mean"] > report["ladder"]["empty"]["mean"], name
        assert report["signal"]["known"] is True, name


def test_what_a_request_costs_is_estimated_through_the_api(pipeline: Pipeline) -> None:
    body = "".join(json.dumps(record) + "\n" for record in colours())
    uri = pipeline.put("datasets/estimated.jsonl", body.encode())
    request = {"model": "m", "training_data": {"s3_uri": uri}, "grader": {"name": "summarization"}}
    told = post(pipeline, "/estimates", request)
    assert told["records"]["training"]
    assert told["estimate"]["unknown"], "AWS publishes no price of training"
    assert told["budget"]["over"] is False
