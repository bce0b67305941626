"""docs/operations.md: its tables are those of the stack, and every alarm has its section."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rft.run.reward_curve import ASSUMED_BATCH, ASSUMED_SAMPLES
from tests.observability import alarms, dashboard, metrics_of_alarms, metrics_of_dashboard, observability
from tests.unit.docs.test_links import anchors

PAGE_PATH = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
PAGE = PAGE_PATH.read_text()
_COMPARISONS = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": "≥"}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Of the section's first table."""
    table = next(part for part in section(title).strip().split("\n\n") if part.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def condition(alarm: dict[str, Any]) -> str:
    """``average > `Parameter` (10) in 15 min``"""
    threshold = alarm["Threshold"]
    if isinstance(threshold, dict):
        name = threshold["Ref"]
        threshold = f"`{name}` ({observability()['Parameters'][name]['Default']})"
    how = f"{alarm['Statistic'].lower()} {_COMPARISONS[alarm['ComparisonOperator']]} {threshold}"
    return f"`{alarm['MetricName']}`: {how} in {alarm['Period'] // 60} min"


def test_the_table_of_alarms_is_that_of_the_stack() -> None:
    expected = {a["AlarmName"]["Fn::Sub"].replace("${Stack}", "<stack>"): condition(a) for a in alarms().values()}
    assert {name.strip("`"): told for name, told, _ in rows("The alarms")} == expected


def test_every_alarm_leads_to_a_section_of_its_own() -> None:
    known = anchors(PAGE_PATH)
    for name, _, link in rows("The alarms"):
        anchor = name.strip("`").removeprefix("<stack>-")
        assert link.endswith(f"(#{anchor})") and anchor in known
    assert all(a["EvaluationPeriods"] == 1 for a in alarms().values()), "else the table has to say so"


def test_the_table_of_metrics_has_each_that_an_alarm_or_a_widget_names_and_no_other() -> None:
    told = {
        (namespace.strip("`"), name, frozenset(re.findall(r"`([\w]+)`", dimensions)))
        for namespace, names, dimensions, _ in rows("Every metric")
        for name in re.findall(r"`(\w+)`", names)
    }
    assert told == metrics_of_dashboard() | set(metrics_of_alarms().values())


def test_the_dashboards_rows_are_those_of_the_page() -> None:
    assert len(rows("The dashboard")) == len({widget["y"] for widget in dashboard()["widgets"]})


def test_the_assumed_size_of_a_step_is_the_codes() -> None:
    assert f"({ASSUMED_BATCH} × {ASSUMED_SAMPLES} where" in PAGE


def test_the_number_of_alarms_that_are_paid_for_is_right() -> None:
    (count, usd) = re.findall(r"\| (\d+) alarms \| ([\d.]+) USD \|", PAGE)[0]
    assert int(count) == len(alarms())
    assert float(usd) == round(0.1 * len(alarms()), 2)
