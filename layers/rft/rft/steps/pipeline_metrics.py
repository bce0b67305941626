"""What the pipeline counts: its metrics by name, which the dashboard shows and the alarms watch (docs/operations.md).

An alarm's metric has one dimension, the stack, and a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft.aws.clock import seconds_between
from rft.aws.metrics import Value, publish
from rft.run.record import Run
from rft.run.status import Status


def run_moved(stack: str, run: Run) -> None:
    """A run has taken a status: once for each."""
    publish({"RunStatus": Value(1)}, {"stack": stack, "status": run.status})
    if run.ended_at is not None:
        values = {"RunSeconds": Value(seconds_between(run.created_at, run.ended_at), "Seconds")}
        if run.status is Status.FAILED:
            values["RunFailures"] = Value(1)
        publish(values, {"stack": stack})


def gate_said(stack: str, verdict: str, cost: Mapping[str, Any]) -> None:
    """The gate's verdict, and the high end of what the run is estimated to cost, as far as prices are known."""
    publish({"GateOutcome": Value(1)}, {"stack": stack, "verdict": verdict})
    publish({"SpendEstimateUsd": Value(cost["usd"]["run"]["high"], "None")}, {"stack": stack})


def training_waited_for(stack: str, hours: float, *, is_stuck: bool) -> None:
    """A look at a job that goes on: how long it has been waited for. The highest of an hour is the oldest wait."""
    publish({"WaitAgeMinutes": Value(hours * 60, "None"), "StuckWaits": Value(float(is_stuck))}, {"stack": stack})


def rewards_compared(stack: str, model: str, constant_steps: int) -> None:
    """For how many steps the rewards of a training have not differed."""
    value = {"ConstantRewardSteps": Value(constant_steps)}
    publish(value, {"stack": stack, "model": model}, {"stack": stack})
