"""docs/architecture.md and README.md against the state machine, the template and the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from rft.run.identity import live_deployment_name, live_parameter
from rft.run.status import Status
from rft.steps.comparing import comparison_plan

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
README = (ROOT / "README.md").read_text()
WORDS = " ".join(PAGE.split())


@pytest.fixture(scope="module")
def states() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse((ROOT / "statemachines" / "rft_run.asl.yaml").read_text())["States"]
    return found


def test_every_state_is_told_of_and_no_other(states: dict[str, Any]) -> None:
    section = PAGE.partition("## The way of a run")[2].partition("\n### ")[0]
    told = re.findall(r"^\| ([A-Z]\w+) \|", section, re.MULTILINE)
    assert len(told) == len(set(told))
    ends = {name for name, state in states.items() if state["Type"] == "Fail" or state.get("End")}
    assert set(told) == set(states) - ends
    assert all(name in section for name in ends)
    statuses = section.partition("Statuses only move forward")[2]
    assert {status for status in Status if re.search(rf"[`\s]{status}[`,]", statuses)} == set(Status)


def test_every_state_that_does_something_is_in_the_picture(states: dict[str, Any]) -> None:
    (picture,) = re.findall(r"```mermaid\n(.+?)```", README, re.DOTALL)
    tasks = {name for name, state in states.items() if state["Type"] in ("Task", "Map")}
    missing = {name for name in tasks if not re.search(rf"\b{name}\b", picture)}
    assert missing == set()
    drawn = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", picture)) - {"StateMachine"}
    assert drawn <= set(states) | {"Lambda"}


def test_parameters_have_the_values_that_are_told() -> None:
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    told = re.findall(r"`([A-Z]\w+)` \((\d+)\)", PAGE)
    assert {"ConvertConcurrency", "ComparisonConcurrency", "ApprovalHours", "KeptVersions"} <= {
        name for name, _ in told
    }
    assert [(name, str(parameters[name]["Default"])) for name, _ in told] == told


def test_names_and_numbers_are_those_of_the_code() -> None:
    assert f"more than {comparison_plan.BATCH} prompts" in WORDS
    assert f"batches of {comparison_plan.BATCH}," in WORDS
    assert live_parameter("<stack>", "<model>") in PAGE
    assert live_deployment_name("rft", "<model>").startswith("<model>-live-")
    assert "`<model>-live-" in PAGE


def test_the_floors_are_those_that_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    floors = PAGE.partition("## Three floors")[2].partition("```")[2].partition("```")[0]
    for name in (name.strip() for layer in layers for name in layer.split("|")):
        path = name.replace(".", "/")
        assert path in floors or path == "rft/errors", name
