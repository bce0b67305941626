"""What every step works with: the environment, the stores, and the one way to change a status."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rft.aws import messages
from rft.aws.clients import client
from rft.aws.model_store import ModelStore
from rft.aws.run_store import Move, RunStore
from rft.errors import RunEnded, RunStopped
from rft.run.record import Run
from rft.run.status import Status
from rft.run.tenants import Scope
from rft.steps import pipeline_metrics
from rft.steps.environment import Environment


class Pipeline:
    """The deployed application, as a step sees it."""

    def __init__(self, environment: Environment | None = None) -> None:
        self.environment = environment or Environment()

    @cached_property
    def store(self) -> RunStore:
        return RunStore(client("dynamodb"), self.environment.table, self.environment.scope)

    @cached_property
    def models(self) -> ModelStore:
        return ModelStore(client("dynamodb"), self.environment.table, self.environment.scope)

    def within(self, scope: Scope) -> Pipeline:
        """The same for one who sees only ``scope``: what is outside of it was never there."""
        return Pipeline(self.environment.within(scope))

    def begin(self, run_id: str, status: Status) -> Run:
        """A step starts: the run takes the step's status, unless it was stopped or has ended meanwhile."""
        run = self.store.get(run_id)
        self.must_go_on(run)
        move, run = self.store.move(run_id, status)
        if move is not Move.REFUSED:
            self.announce(run, is_new=move is Move.DONE)
        self.must_go_on(run)
        return run

    def must_go_on(self, run: Run) -> None:
        if run.status.is_terminal:
            raise RunEnded(f"the run has ended already, as {run.status}")
        if run.stop_requested:
            raise RunStopped("the stop of this run was asked for")

    def end(self, run_id: str, status: Status, **attributes: Any) -> Run:
        """The run ends as ``status``, unless it has ended already."""
        move, run = self.store.move(run_id, status, **attributes)
        if move is not Move.REFUSED:
            self.announce(run, is_new=move is Move.DONE)
        return run

    def announce(self, run: Run, *, is_new: bool = True) -> None:
        """The state-change event. A step that is retried may announce a status twice: at least once.

        It is counted once: where it ``is_new``.
        """
        if is_new:
            pipeline_metrics.run_moved(self.environment.stack_name, run)
        detail = {
            "run_id": run.run_id,
            "model": run.model,
            "status": run.status,
            "at": run.updated_at,
            "job_arn": run.job_arn,
            "custom_model_arn": run.custom_model_arn,
            "deployment_arn": run.deployment_arn,
            "approval": (run.approval or {}).get("state"),
            "error": (run.reason or {}).get("error"),
        }
        messages.put_state_change(client("events"), detail)
