"""The state machine: it calls this stack's functions and nothing else, and tells no data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.template.invariants.deployed import Deployed, Finding

# Lambda functions by their substituted ARN (a wait names its function beside it), and the map's reading of its batches.
RESOURCES = re.compile(r"\$\{\w+Arn\}|arn:\$\{Partition\}:states:::(s3:getObject|lambda:invoke\.waitForTaskToken)")
OURS = re.compile(r"\$\{\w+Arn\}")


def machine_logged(deployed: Deployed) -> Iterator[Finding]:
    for machine in deployed.of_type("AWS::StepFunctions::StateMachine"):
        logging = machine.properties.get("LoggingConfiguration", {})
        if logging.get("Level") != "ALL" or not logging.get("Destinations"):
            yield Finding("machine-logged", machine.name, "not every step is logged")
        if logging.get("IncludeExecutionData") is not False:
            yield Finding("machine-logged", machine.name, "what goes between steps, task tokens too, is logged")
        if machine.properties.get("TracingConfiguration") != {"Enabled": True}:
            yield Finding("machine-logged", machine.name, "its steps leave no trace")
        if machine.properties.get("StateMachineType", "STANDARD") != "STANDARD":
            yield Finding("machine-logged", machine.name, "it can't wait for days")


def machine_calls_ours(deployed: Deployed) -> Iterator[Finding]:
    if deployed.machine is None:
        return
    for name, state in _states(deployed.machine):
        resources = [state.get("Resource"), state.get("ItemReader", {}).get("Resource")]
        resources.append(state.get("ResultWriter", {}).get("Resource"))
        for resource in filter(None, resources):
            if not RESOURCES.fullmatch(resource):
                yield Finding("machine-calls-ours", name, f"{resource} is no function of the stack")
            elif ":lambda:" in resource and not OURS.fullmatch(str(state.get("Arguments", {}).get("FunctionName"))):
                yield Finding("machine-calls-ours", name, "the function that it waits for is not the stack's")


def machine_ends_well(deployed: Deployed) -> Iterator[Finding]:
    """Every step has a time limit: one that hangs would wait, and could cost, for ever."""
    if deployed.machine is None:
        return
    if not deployed.machine.get("TimeoutSeconds"):
        yield Finding("machine-ends-well", "StateMachine", "it has no time limit")
    for name, state in _states(deployed.machine):
        if state["Type"] == "Task" and not state.get("TimeoutSeconds"):
            yield Finding("machine-ends-well", name, "it has no time limit")


def _states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition.get("States", {}).items():
        yield name, state
        for inner in [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]:
            if inner:
                yield from _states(inner)


RULES = (machine_logged, machine_calls_ours, machine_ends_well)
