"""Runs under way: stopped first, so that nothing is made while the rest goes."""

from __future__ import annotations

import time
from typing import Any

from cli.leaving.account import Account
from cli.leaving.resources import Resources
from cli.leaving.things import Plain, Thing, passing_over
from rft.aws.run_store import RunStore

_CLOSING_SECONDS = 150.0  # CloseRun's function has 115


class Runs(Plain):
    """Executions of the state machine. Each run closes itself: its job is stopped, its candidate goes, it is told."""

    title = "runs under way"
    patience = 600.0
    stops_all = True

    def __init__(self, account: Account, resources: Resources) -> None:
        self._states = account.client("stepfunctions")
        self._account = account
        self._machines = resources.of("AWS::StepFunctions::StateMachine")
        dynamodb = account.client("dynamodb")
        self._stores = [RunStore(dynamodb, table) for table in resources.of("AWS::DynamoDB::Table")]
        self._asked: dict[str, float] = {}

    def find(self) -> list[Thing]:
        running: list[dict[str, Any]] = []
        for machine in self._machines:
            with passing_over("StateMachineDoesNotExist"):
                running += self._account.pages(
                    "stepfunctions", "list_executions", "executions", stateMachineArn=machine, statusFilter="RUNNING"
                )
        return [
            Thing("run", run["executionArn"], run["name"], f"since {run['startDate']:%Y-%m-%d %H:%M}")
            for run in running
        ]

    def remove(self, thing: Thing) -> None:
        if thing.id in self._asked:
            return
        for store in self._stores:
            with passing_over("ResourceNotFoundException"):
                store.record(thing.name, "stop_requested", {}, stop_requested=True)
        with passing_over("ExecutionDoesNotExist"):
            self._states.stop_execution(
                executionArn=thing.id, error="RunStopped", cause="the stack of this run is being removed"
            )
        self._asked[thing.id] = time.monotonic()

    def is_gone(self, thing: Thing) -> bool:
        with passing_over("ExecutionDoesNotExist", "StateMachineDoesNotExist"):
            if self._states.describe_execution(executionArn=thing.id)["status"] == "RUNNING":
                return False
        return self._is_closed(thing) or time.monotonic() - self._asked.get(thing.id, 0.0) > _CLOSING_SECONDS

    def _is_closed(self, thing: Thing) -> bool:
        """Whether the run has ended on record. What its clean-up leaves is found by its tags afterwards."""
        for store in self._stores:
            with passing_over("ResourceNotFoundException"):
                run = store.find(thing.name)
                if run is not None and not run.status.is_terminal:
                    return False
        return True
