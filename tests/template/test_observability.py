"""The dashboard and the alarms: whom they tell, what they say, and that nothing in them is left open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.observability import alarms, dashboard, metrics_of_dashboard, observability


def test_each_alarm_acts_on_the_topic_and_takes_silence_for_health() -> None:
    assert len(alarms()) >= 8
    for name, alarm in alarms().items():
        assert alarm["AlarmActions"] == [{"Ref": "TopicArn"}], name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm.get("ActionsEnabled", True) is True, name
        assert alarm["AlarmName"]["Fn::Sub"].startswith("${Stack}-"), name


def test_each_alarm_is_of_this_stack_only() -> None:
    parameters = observability()["Parameters"]
    for name, alarm in alarms().items():
        (dimension,) = alarm["Dimensions"]
        assert dimension["Value"]["Ref"] in {"Stack", "StateMachineArn", "UndeliveredQueue", "FailedQueue"}, name
        assert dimension["Value"]["Ref"] in parameters
        # A defect of the stand-in AWS: it takes every metric of that name, whatever its dimensions.
    own = [a["MetricName"] for a in alarms().values() if a["Namespace"].startswith("RFT/")]
    assert len(own) == len(set(own))


def test_each_alarm_says_what_to_do_within_what_cloudwatch_takes() -> None:
    for name, alarm in alarms().items():
        text = alarm["AlarmDescription"]["Fn::Sub"]
        section = alarm["AlarmName"]["Fn::Sub"].removeprefix("${Stack}-")
        assert f"${{OperationsPage}}#{section}" in text, name
        assert len(text) < 900, "1,024 with the address of the page"


def test_an_alarm_of_a_look_waits_longer_than_the_looks_are_apart(source: dict[str, Any]) -> None:
    """A metric that comes every JobCheckMinutes would go to OK between two looks, and alarm anew with each."""
    minutes = source["Parameters"]["JobCheckMinutes"]["Default"]
    for name in ("WaitStuck", "ConstantReward"):
        assert alarms()[name]["Period"] >= 2 * minutes * 60


def test_of_services_only_alarms_of_this_stack_may_publish(source: dict[str, Any]) -> None:
    policy = source["Resources"]["TopicPolicy"]["Properties"]
    assert policy["Topics"] == [{"Ref": "Topic"}]
    (statement,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")


def test_the_dashboard_is_what_cloudwatch_takes() -> None:
    document = dashboard(Stack="rft")
    places: set[tuple[int, int]] = set()
    for widget in document["widgets"]:
        covered = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not covered & places, "two widgets in one place"
        assert max(x for x, _ in covered) < 24
        places |= covered
        if widget["type"] == "metric":
            assert widget["properties"]["title"] and widget["properties"]["region"] == "us-east-1"
    listed = next(w for w in document["widgets"] if w["type"] == "alarm")["properties"]["alarms"]
    assert {arn.rpartition(":")[2] for arn in listed} == set(alarms())


@pytest.mark.parametrize(
    "metric",
    [
        ("RFT/Pipeline", "RunStatus"),
        ("RFT/Grader", "Reward"),
        ("RFT/Pipeline", "GateOutcome"),
        ("RFT/Pipeline", "GraderMilliseconds"),
        ("RFT/Pipeline", "JudgeParseFailurePercent"),
        ("RFT/Pipeline", "WaitAgeMinutes"),
        ("RFT/Pipeline", "SpendEstimateUsd"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/ApiGateway", "5XXError"),
    ],
)
def test_the_dashboard_has_a_widget_for_it(metric: tuple[str, str]) -> None:
    assert metric in {(namespace, name) for namespace, name, _ in metrics_of_dashboard()}


def test_the_graders_time_out_on_the_dashboard_is_theirs(source: dict[str, Any]) -> None:
    seconds = {r["Properties"]["Timeout"] for r in source["Resources"].values() if "graders/" in str(r)[:400]}
    (widget,) = [w for w in dashboard()["widgets"] if "time-out" in json.dumps(w)]
    assert {a["value"] / 1000 for a in widget["properties"]["annotations"]["horizontal"]} == seconds


def test_the_stack_is_nested_with_all_that_it_asks_for(source: dict[str, Any]) -> None:
    nested = source["Resources"]["ObservabilityStack"]
    assert nested["Properties"]["TemplateURL"] == "stacks/observability.yaml"
    assert set(nested["Properties"]["Parameters"]) == set(observability()["Parameters"])
    assert nested["Condition"] == "HasObservability"
    assert source["Parameters"]["Observability"]["Default"] == "true"
    for name in ("GraderErrorPercent", "JudgeParseFailurePercent", "ConstantRewardSteps", "OperationsPage"):
        assert source["Parameters"][name]["Default"] == observability()["Parameters"][name]["Default"]
