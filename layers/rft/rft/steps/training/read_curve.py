"""ReadCurve: the rewards of a run as its grader saw them, minute by minute, from CloudWatch.

CloudWatch knows no resource for the two actions that this takes: who may read one metric may read every metric of the
account. So they are the only rights of a function that has no other, reads one namespace by the id of one run, and
gives numbers back. The grader's log, which is a resource, would be read line by line for a curve of days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rft.aws.clients import client
from rft.grading.score import OUR_METRICS
from rft.grading.telemetry import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricTypeDef

MAX_POINTS = 360
MAX_COMPONENTS = 40
_FIELDS = {
    "reward_mean": ("Reward", "Average"),
    "reward_min": ("Reward", "Minimum"),
    "reward_max": ("Reward", "Maximum"),
    "samples": ("Reward", "SampleCount"),
    "errors": ("Errors", "Sum"),
    "milliseconds": ("Duration", "Average"),
}
_COUNTS = frozenset({"samples", "errors"})
# How long CloudWatch keeps minutes, and what is left of them after that.
_MINUTES_KEPT, _FIVE_MINUTES_KEPT = timedelta(days=15), timedelta(days=63)

type Dimensions = dict[str, str]
type Point = dict[str, Any]


def read_curve(wanted: Mapping[str, str]) -> dict[str, list[Point]]:
    """``wanted`` has ``run_id``, ``model``, ``grader`` (as the name of its function tells), ``since`` and ``until``.

    ``{"points": [{"at", "reward_mean", "reward_min", "reward_max", "samples", "errors", "milliseconds", "components":
    {name: mean}}…]}``, oldest first. CloudWatch lists a new metric within 15 minutes, and forgets it two weeks after
    its last value: without that list there are no components, and nothing of a grader that calls itself otherwise.
    """
    metrics = client("cloudwatch")
    listed = list(_listed(metrics, wanted["run_id"]))
    dimensions = {name: wanted[name] for name in ("grader", "model", "run_id")}
    if listed and dimensions not in [found for _, found in listed]:
        dimensions = listed[0][1]
    names = sorted(name for name, found in listed if found == dimensions and name not in OUR_METRICS)
    since, until = (datetime.fromisoformat(wanted[name]) for name in ("since", "until"))
    fields = [(field, name, statistic) for field, (name, statistic) in _FIELDS.items()]
    fields += [(f"components.{name}", name, "Average") for name in names[:MAX_COMPONENTS]]
    period = period_of(since, until, datetime.now(UTC))
    margin = timedelta(seconds=period)  # a point has the time at which it begins
    queries = [_query(place, name, stat, dimensions, period) for place, (_, name, stat) in enumerate(fields)]
    points: dict[datetime, Point] = {}
    for place, at, value in _values(metrics, queries, since - margin, until + margin):
        _put(points.setdefault(at, {"at": _as_text(at), "components": {}}), fields[place][0], value)
    return {"points": [point for _, point in sorted(points.items()) if "reward_mean" in point]}


def period_of(since: datetime, until: datetime, now: datetime) -> int:
    """Seconds of one point: as fine as CloudWatch still has it, and as coarse as ``MAX_POINTS`` takes."""
    age = now - since
    unit = 60 if age < _MINUTES_KEPT else 300 if age < _FIVE_MINUTES_KEPT else 3_600
    return unit * max(1, math.ceil((until - since).total_seconds() / MAX_POINTS / unit))


def _listed(metrics: CloudWatchClient, run_id: str) -> Iterator[tuple[str, Dimensions]]:
    pages = metrics.get_paginator("list_metrics").paginate(
        Namespace=NAMESPACE, Dimensions=[{"Name": "run_id", "Value": run_id}]
    )
    for page in pages:
        for metric in page["Metrics"]:
            dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
            if dimensions.keys() == {"grader", "model", "run_id"}:
                yield metric["MetricName"], dimensions


def _query(place: int, name: str, statistic: str, dimensions: Dimensions, period: int) -> MetricDataQueryTypeDef:
    metric: MetricTypeDef = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": f"q{place}", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


def _values(
    metrics: CloudWatchClient, queries: Sequence[MetricDataQueryTypeDef], since: datetime, until: datetime
) -> Iterator[tuple[int, datetime, float]]:
    """The query's place, the time, the value."""
    reader = metrics.get_paginator("get_metric_data")
    for page in reader.paginate(MetricDataQueries=queries, StartTime=since, EndTime=until, ScanBy="TimestampAscending"):
        for result in page["MetricDataResults"]:
            place = int(result["Id"].removeprefix("q"))
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                yield place, at, value


def _put(point: Point, field: str, value: float) -> None:
    component = field.partition("components.")[2]
    if component:
        point["components"][component] = value
    else:
        point[field] = round(value) if field in _COUNTS else value


def _as_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
