"""A run that is being closed promotes nothing any more, though its promotion was under way to a function already."""

from __future__ import annotations

import pytest

from rft.errors import RunStopped
from rft.run.status import Status
from rft.steps.ending import close_run as closing
from rft.steps.ending.close_run import close_ended_execution
from rft.steps.serving.promote_model import promote_model
from tests.contract.candidates import Candidates, serves


def test_a_promotion_that_comes_after_the_bar_makes_nothing_live(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console's abort: CloseRun has barred the run, which had no claim yet; then PromoteModel's function begins."""
    app, before = candidates.app, candidates.live("late")
    run_id = candidates.compared("late")
    clean_up = closing._end

    def promoting_meanwhile(*args: object) -> object:
        with pytest.raises(RunStopped):
            promote_model(app.pipeline, run_id)
        return clean_up(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "_end", promoting_meanwhile)
    close_ended_execution(app.pipeline, {"detail": {"name": run_id, "status": "ABORTED"}})
    run = app.pipeline.store.get(run_id)
    assert (run.status, run.reason and run.reason["error"]) == (Status.FAILED, "ExecutionAborted")
    assert serves(app, "late", before.run_id) == before
    assert (app.pipeline.models.get("late") or before).promoting is None  # type: ignore[union-attr]
