"""Dashboard and alarms as deployed; an alarm that goes off and is heard; a training that is stopped by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.local.data import colours
from tests.local.pipeline import Pipeline, until
from tests.observability import alarms, dashboard

CONSTANT = Path(__file__).parent / "graders" / "constant" / "app.py"


def test_the_dashboard_and_every_alarm_are_deployed(pipeline: Pipeline) -> None:
    cloudwatch, info = pipeline.cloud.client("cloudwatch"), pipeline.cloud.info
    deployed = {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert set(deployed) == {a["AlarmName"]["Fn::Sub"].replace("${Stack}", info.stack) for a in alarms().values()}
    for name, alarm in deployed.items():
        assert alarm["AlarmActions"] == [info.topic_arn], name
        assert f"docs/operations.md#{name.removeprefix(f'{info.stack}-')}" in alarm["AlarmDescription"]
        assert all(dimension["Value"] for dimension in alarm["Dimensions"])
    body = json.loads(cloudwatch.get_dashboard(DashboardName=f"{info.stack}-runs")["DashboardBody"])
    assert [w["properties"]["title"] for w in body["widgets"]] == [
        w["properties"]["title"] for w in dashboard()["widgets"]
    ]
    assert {arn.rpartition(":")[2] for arn in body["widgets"][0]["properties"]["alarms"]} == set(deployed)


def test_a_run_that_fails_sets_off_its_alarm_which_the_topic_hears(
    pipeline: Pipeline, start: Callable[..., str]
) -> None:
    run_id = start("alarming", colours())
    run = until(lambda: (run := pipeline.api.run(run_id))["execution_arn"] and run)
    pipeline.states.stop_execution(executionArn=run["execution_arn"], cause="pressed in the console")
    assert pipeline.ended(run_id)["status"] == "failed"
    cloudwatch, name = pipeline.cloud.client("cloudwatch"), f"{pipeline.cloud.info.stack}-run-failed"

    def state() -> str:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    until(lambda: state() == "ALARM")
    told = [json.loads(message["Message"]) for message in pipeline.messages("alarms")]
    (alarm,) = [message for message in told if message["AlarmName"] == name]
    assert alarm["NewStateValue"] == "ALARM"
    assert "What to do: docs/operations.md#run-failed" in alarm["AlarmDescription"]


def test_a_training_without_a_difference_is_stopped_as_asked_and_its_graders_curve_shows_it(
    pipeline: Pipeline, start: Callable[..., str], faults: Callable[[list[dict[str, Any]]], None]
) -> None:
    faults([{"job": "flat-*", "do": "slow", "seconds_per_step": 0.7}])
    run_id = start(
        "flat",
        colours(),
        grader={"lambda_arn": pipeline.cloud.deploy_grader(CONSTANT)},
        gate="warn",
        hyperparameters={"epoch_count": 20, "batch_size": 64, "training_sample_per_prompt": 2},
        stop_when={"constant_reward_steps": 3},
    )
    run = pipeline.ended(run_id)
    assert (run["status"], run["reason"]["error"]) == ("stopped", "RewardConstant")
    assert run["training"]["constant_steps"] >= 3
    assert run["training"]["reward_mean"] == 0.5
    job = run["job_arn"]
    until(lambda: pipeline.bedrock.get_model_customization_job(jobIdentifier=job)["status"] == "Stopped")

    # The metrics come minute by minute, some seconds after the grades.
    def all_of_them() -> list[Any]:
        found: list[Any] = list(pipeline.api.metrics(run_id)["grader"])
        return found if sum(minute["samples"] for minute in found) >= 3 * 64 else []

    minutes = until(all_of_them)
    assert {(m["reward_min"], m["reward_mean"], m["reward_max"]) for m in minutes} == {(0.5, 0.5, 0.5)}
    assert sum(m["samples"] for m in minutes) >= 3 * 64
