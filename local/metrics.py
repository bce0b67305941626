"""What CloudWatch does with the embedded metric format, and the emulator doesn't: log lines become metrics.

Looks at the functions' log groups through the public Logs API, takes the lines that hold metrics, and puts their values
by PutMetricData, with the minute, the dimensions and the unit that the line says: a metric of the usual resolution is
kept by the minute, and of a grader's thousands of rewards few differ. Run as ``python -m local.metrics``; it
ends by itself when the emulator has been gone for a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

GROUPS = "/aws/lambda/"
DATA_AT_ONCE = 500  # CloudWatch takes 1,000 in a call
VALUES_AT_ONCE = 150  # different ones, in a datum
MINUTE = 60.0
LATE_SECONDS = 5
"""A line may be written so much later than its time says."""
LEAST_REST, LONGEST_REST, REST_FACTOR = 1.0, 10.0, 50
"""Seconds between two looks, and times a look's own: so a long log costs no more of the machine than a short one."""
GONE_SECONDS = 60.0

type Datum = dict[str, Any]
type _Place = tuple[str, int, int]
"""Of a line: its stream, its time in milliseconds, and which of that time it is."""


class Metric(NamedTuple):
    """One minute of a metric; ``minute`` is its first second since 1970."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", required=True)
    given = parser.parse_args()
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20)
    where: dict[str, Any] = {"endpoint_url": given.endpoint, "region_name": given.region, "config": config}
    extraction = Extraction(boto3.client("logs", **where), boto3.client("cloudwatch", **where))
    answered = time.monotonic()
    while time.monotonic() - answered < GONE_SECONDS:
        began = time.monotonic()
        try:
            extraction.look()
            answered = time.monotonic()
        except (BotoCoreError, ClientError) as error:
            print(f"{datetime.now(UTC):%H:%M:%S} {error}", flush=True)  # noqa: T201 - its log is this output
        time.sleep(max(LEAST_REST, min(LONGEST_REST, REST_FACTOR * (time.monotonic() - began))))


class Extraction:
    """Takes each line once, however often it looks."""

    def __init__(self, logs: Any, cloudwatch: Any) -> None:
        self._logs = logs
        self._cloudwatch = cloudwatch
        self._groups: dict[str, _Group] = {}

    def look(self) -> None:
        """One call, and a few more for each group that has grown since the last one."""
        for page in self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=GROUPS):
            for entry in page["logGroups"]:
                name, size = entry["logGroupName"], entry["storedBytes"]
                group = self._groups.setdefault(name, _Group())
                if size != group.size:
                    lines, seen = group.new_lines(self._logs, name)
                    self._put(lines)
                    group.took(seen, size)

    def _put(self, lines: list[str]) -> None:
        by_namespace: dict[str, dict[Metric, Counter[float]]] = {}
        for line in lines:
            for metric, values in values_of(line):
                metrics = by_namespace.setdefault(metric.namespace, {})
                metrics.setdefault(metric, Counter()).update(values)
        for namespace, metrics in by_namespace.items():
            data = (datum for metric, counted in metrics.items() for datum in _data(metric, counted))
            for some in batched(data, DATA_AT_ONCE, strict=False):
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=list(some))


class _Group:
    """What is known of a log group: its size at the last look, and its newest lines."""

    def __init__(self) -> None:
        self.size = 0
        self._newest = 0  # milliseconds
        self._taken: set[_Place] = set()

    def new_lines(self, logs: Any, name: str) -> tuple[list[str], set[_Place]]:
        """The lines, and the places of all that were seen."""
        late = self._newest - LATE_SECONDS * 1000
        events = [
            event
            for page in logs.get_paginator("filter_log_events").paginate(
                logGroupName=name, startTime=max(0, late), filterPattern="CloudWatchMetrics"
            )
            for event in page["events"]
        ]
        # The emulator gives no ids: a line is the n-th of its stream and its millisecond.
        numbers: Counter[tuple[str, int]] = Counter()
        lines: dict[_Place, str] = {}
        for event in events:
            stream, at = event["logStreamName"], event["timestamp"]
            lines[stream, at, numbers[stream, at]] = event["message"]
            numbers[stream, at] += 1
        return [line for place, line in lines.items() if place not in self._taken], set(lines)

    def took(self, seen: set[_Place], size: int) -> None:
        self.size, self._taken = size, seen
        self._newest = max([self._newest, *(at for _, at, _ in seen)])


def values_of(line: str) -> Iterator[tuple[Metric, list[float]]]:
    """The values of each metric that a line holds, under each of its sets of dimensions. Nothing of a line that isn't
    in the format, as CloudWatch takes nothing of it."""
    try:
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            minute = document["_aws"]["Timestamp"] / 1000 // MINUTE * MINUTE
            for names in directive["Dimensions"]:
                dimensions = tuple((name, document[name]) for name in names)
                for metric in directive["Metrics"]:
                    value = document[metric["Name"]]
                    values = [float(each) for each in (value if isinstance(value, list) else [value])]
                    unit = metric.get("Unit", "None")
                    yield Metric(directive["Namespace"], metric["Name"], dimensions, unit, minute), values
    except (ValueError, TypeError, KeyError):
        return


def _data(metric: Metric, counted: Mapping[float, int]) -> Iterator[Datum]:
    for some in batched(counted.items(), VALUES_AT_ONCE, strict=False):
        values, counts = zip(*some, strict=True)
        yield {
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            "Timestamp": datetime.fromtimestamp(metric.minute, UTC),
            "Values": list(values),
            "Counts": [float(count) for count in counts],
            "Unit": metric.unit,
        }


if __name__ == "__main__":
    main()
