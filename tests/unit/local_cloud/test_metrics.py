"""The stand-in for what CloudWatch does with embedded metrics: each value once, as the line says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.metrics import Extraction, values_of

GROUP = "/aws/lambda/rft-grader-generic"
STREAM = "2026/01/31/[1]abc"


def line(at: datetime, **values: Any) -> str:
    names = [{"Name": name, "Unit": "Count"} for name in values if name != "size"]
    directive = {"Namespace": "Test", "Dimensions": [["grader", "run"], ["grader"]], "Metrics": names}
    directive["Metrics"] += [{"Name": "size"}] if "size" in values else []
    head = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": head, "grader": "generic", "run": "r-1"} | values)


class Aws:
    def __init__(self) -> None:
        self.logs = boto3.client("logs", region_name="us-east-1")
        self.cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
        self.logs.create_log_group(logGroupName=GROUP)
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        self.began = datetime.now(UTC)
        self.put: list[dict[str, Any]] = []
        self.cloudwatch.meta.events.register("provide-client-params.cloudwatch.PutMetricData", self._keep)

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        assert params["Namespace"] == "Test"
        self.put += params["MetricData"]

    def write(self, *messages: str, after: float = 0, group: str = GROUP) -> None:
        at = int((self.began + timedelta(seconds=after)).timestamp() * 1000)
        events = [{"timestamp": at, "message": message} for message in messages]
        self.logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)

    def values(self, name: str, *dimensions: str) -> list[float]:
        """All that were put, under exactly these dimensions: moto doesn't tell one set from another."""
        return [
            value
            for datum in self.put
            if datum["MetricName"] == name and [d["Name"] for d in datum["Dimensions"]] == [*dimensions]
            for value, count in zip(datum["Values"], datum["Counts"], strict=True)
            for _ in range(round(count))
        ]


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws()


def test_each_value_arrives_once_however_often_one_looks(aws: Aws) -> None:
    extraction = Extraction(aws.logs, aws.cloudwatch)
    aws.write("START", line(aws.began, reward=[0.25, 0.75], errors=[1.0]), '{"level": "INFO"}')
    extraction.look()
    extraction.look()
    # Two equal lines of the same millisecond are two; a line may also come late.
    same = line(aws.began, reward=[1.0])
    aws.write(same, same, after=2)
    aws.write(same, after=-2)
    extraction.look()
    aws.write(same, after=4)
    extraction.look()
    extraction.look()
    for dimensions in (("grader", "run"), ("grader",)):
        assert aws.values("reward", *dimensions) == [0.25, 0.75, 1, 1, 1, 1]
        assert aws.values("errors", *dimensions) == [1]
    assert {m["MetricName"] for m in aws.cloudwatch.list_metrics(Namespace="Test")["Metrics"]} == {"reward", "errors"}


def test_what_could_not_be_put_is_put_at_the_next_look(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    extraction = Extraction(aws.logs, aws.cloudwatch)
    aws.write(line(aws.began, reward=[0.5]))
    with monkeypatch.context() as patch:
        patch.setattr(aws.cloudwatch, "put_metric_data", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            extraction.look()
    extraction.look()
    assert aws.values("reward", "grader") == [0.5]


def test_only_logs_of_functions_are_read(aws: Aws) -> None:
    other = "/aws/vendedlogs/states/rft-run"
    aws.logs.create_log_group(logGroupName=other)
    aws.logs.create_log_stream(logGroupName=other, logStreamName=STREAM)
    aws.write(line(aws.began, reward=[0.5]), group=other)
    Extraction(aws.logs, aws.cloudwatch).look()
    assert aws.put == []


def test_a_line_is_read_as_the_format_says() -> None:
    at = datetime(2026, 1, 31, 12, 0, 1, 500_000, UTC)
    found = list(values_of(line(at, reward=[0.5, 1], size=3)))
    assert {metric.namespace for metric, _ in found} == {"Test"}
    assert [(metric.name, len(metric.dimensions), values, metric.unit) for metric, values in found] == [
        ("reward", 2, [0.5, 1.0], "Count"),
        ("size", 2, [3.0], "None"),
        ("reward", 1, [0.5, 1.0], "Count"),
        ("size", 1, [3.0], "None"),
    ]
    assert {metric.minute for metric, _ in found} == {datetime(2026, 1, 31, 12, 0, tzinfo=UTC).timestamp()}


def test_equal_values_of_a_minute_are_counted_and_many_different_ones_are_several_data(aws: Aws) -> None:
    at = datetime(2026, 1, 31, 12, 0, 1, tzinfo=UTC)
    different = [place / 400 for place in range(400)]
    aws.write(line(at, reward=[0.5, 1, 0.5]), line(at + timedelta(seconds=58), reward=[0.5]), line(at, size=different))
    aws.write(line(at + timedelta(seconds=59), reward=[0.5]))
    Extraction(aws.logs, aws.cloudwatch).look()
    rewards = [d for d in aws.put if d["MetricName"] == "reward" and len(d["Dimensions"]) == 1]
    assert [(d["Timestamp"].minute, d["Values"], d["Counts"]) for d in rewards] == [
        (0, [0.5, 1], [3, 1]),
        (1, [0.5], [1]),
    ]
    assert sorted(aws.values("size", "grader")) == different
    assert max(len(d["Values"]) for d in aws.put) == 150, "what CloudWatch takes"


@pytest.mark.parametrize(
    "text",
    [
        "CloudWatchMetrics",
        '{"message": "CloudWatchMetrics"}',
        '{"_aws": {"CloudWatchMetrics": 5}}',
        '{"_aws": {"CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [["gone"]], "Metrics": [{"Name": "m"}]}]}}',
        '["_aws", "CloudWatchMetrics"]',
    ],
)
def test_what_is_not_in_the_format_is_no_metric(text: str) -> None:
    assert list(values_of(text)) == []
