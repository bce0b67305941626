"""What stacks/observability.yaml names and what code prints: metrics by namespace, name and names of dimensions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
OWN = ("RFT/Pipeline", "RFT/Grader")

type Metric = tuple[str, str, frozenset[str]]

# As AWS documents them: "Monitoring Step Functions metrics using Amazon CloudWatch", "Available CloudWatch metrics for
# Amazon SQS", "Amazon API Gateway dimensions and metrics", "Types of metrics for Lambda functions".
AWS_METRICS: frozenset[Metric] = frozenset(
    {
        *(
            ("AWS/States", f"Executions{what}", frozenset({"StateMachineArn"}))
            for what in ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
        ),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", frozenset({"QueueName"})),
        *(("AWS/ApiGateway", name, frozenset({"ApiName"})) for name in ("Count", "4XXError", "5XXError")),
        ("AWS/Lambda", "Errors", frozenset({"FunctionName"})),
    }
)
_SEARCH = re.compile(r"""SEARCH\('\{([\w/]+),([\w,]+)\} MetricName="(\w+)"[^']*', '(\w+)', \d+\)""")


def observability() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((ROOT / "stacks" / "observability.yaml").read_text())
    return template


def alarms() -> dict[str, dict[str, Any]]:
    resources = observability()["Resources"].items()
    return {name: r["Properties"] for name, r in resources if r["Type"] == "AWS::CloudWatch::Alarm"}


def dashboard(**values: Any) -> dict[str, Any]:
    """The dashboard as CloudFormation gives it to CloudWatch: ``values`` and defaults in place of the references."""
    template = observability()
    defaults = {name: p.get("Default", f"a-{name}") for name, p in template["Parameters"].items()}
    text: str = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]

    def value(reference: re.Match[str]) -> str:
        name = reference[1]
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        resource, _, attribute = name.partition(".")
        if attribute == "Arn":
            return f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{resource}"
        return str({"AWS::Region": "us-east-1", **defaults, **values}[name])

    document: dict[str, Any] = json.loads(re.sub(r"\$\{([^}]+)\}", value, text))
    return document


def metrics_of_alarms() -> dict[str, Metric]:
    return {
        name: (alarm["Namespace"], alarm["MetricName"], frozenset(d["Name"] for d in alarm["Dimensions"]))
        for name, alarm in alarms().items()
    }


def metrics_of_dashboard() -> set[Metric]:
    widgets = [w["properties"] for w in dashboard()["widgets"] if w["type"] == "metric"]
    return {_metric(row) for widget in widgets for row in widget["metrics"]}


def _metric(row: list[Any]) -> Metric:
    if isinstance(row[0], dict):
        found = _SEARCH.fullmatch(row[0]["expression"])
        assert found, row
        return found[1], found[3], frozenset(found[2].split(","))
    words = [word for word in row if isinstance(word, str)]
    return words[0], words[1], frozenset(words[2::2])


def printed_metrics(text: str) -> Iterator[dict[str, Any]]:
    """The records of embedded metrics among the lines, each held against the format's rules."""
    for line in text.splitlines():
        if '"_aws"' in line:
            document = json.loads(line)
            check_embedded(document)
            yield document


def check_embedded(document: dict[str, Any]) -> None:
    """CloudWatch User Guide, "Specification: Embedded metric format". What breaks it is dropped without a word."""
    head = document["_aws"]
    assert isinstance(head["Timestamp"], int) and head["Timestamp"] > 1_600_000_000_000, "milliseconds"
    assert head["CloudWatchMetrics"]
    for directive in head["CloudWatchMetrics"]:
        assert 1 <= len(directive["Namespace"]) <= 256
        assert directive["Dimensions"] and 1 <= len(directive["Metrics"]) <= 100
        for names in directive["Dimensions"]:
            assert 1 <= len(names) <= 30 and len(set(names)) == len(names)
            assert all(isinstance(document[name], str) and 1 <= len(document[name]) <= 1024 for name in names)
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            assert metric["Unit"] in {"Count", "Seconds", "Milliseconds", "Percent", "None"}
            values = document[metric["Name"]]
            assert isinstance(values, list) and 1 <= len(values) <= 100
            assert all(isinstance(value, int | float) and abs(value) < 1e300 for value in values)


def named_in(records: Iterable[dict[str, Any]]) -> set[Metric]:
    return {
        (directive["Namespace"], metric["Name"], frozenset(names))
        for record in records
        for directive in record["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for metric in directive["Metrics"]
    }
