"""Promotions that fail, are stopped or aborted: the old model serves on, no candidate is left, and it is said so."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from rft.errors import DeploymentPending, PromotionFailed, PromotionTimedOut, RunStopped
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending import clean_up
from rft.steps.ending import close_run as closing
from rft.steps.ending.clean_up import PASSING
from rft.steps.ending.close_run import close_ended_execution, close_run
from rft.steps.serving import live_deployment
from rft.steps.serving.promote_model import promote_model
from tests.contract.application import Application
from tests.contract.candidates import (
    Candidates,
    Death,
    Died,
    Refusal,
    breaking,
    deployments,
    promoted,
    serves,
)
from tests.contract.standin import until

LIVE = 5  # after so many changes a version that gets a new deployment is live
UNITS, TERM = "provisioned", {"kind": "provisioned", "commitment": "OneMonth"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many looks as with patience, and none of the waiting."""
    monkeypatch.setattr(live_deployment, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(closing, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(clean_up, "_PAUSES", (0.02, 0.02))


def closed(app: Application, run_id: str, error: str = "PromotionFailed", cause: str = "no") -> Run:
    """As the state machine has it: again, as long as something passing is in the way."""

    def attempt() -> Run | None:
        with suppress(*PASSING):
            close_run(app.pipeline, run_id, error, cause)
            return app.pipeline.store.get(run_id)
        return None

    run = until(attempt)
    assert run is not None
    return run


def aborted(app: Application, run_id: str) -> Run:
    close_ended_execution(app.pipeline, {"detail": {"name": run_id, "status": "ABORTED"}})
    return app.pipeline.store.get(run_id)


def reason(run: Run) -> str:
    assert run.reason is not None
    return str(run.reason["message"])


def test_an_exchange_that_fails_leaves_the_old_model(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("fails")
    run_id = candidates.compared("fails")
    app.bedrock.faults([{"deployment": "fails-live-*", "do": "fail", "message": "no hardware", "times": 1}])
    with pytest.raises(PromotionFailed, match="no hardware"):
        promoted(app, run_id)
    run = closed(app, run_id, "PromotionFailed", "the exchange of the model failed: no hardware")
    assert (run.status, run.promotion and run.promotion["state"]) == (Status.FAILED, "rolled-back")
    assert "no hardware" in reason(run)
    assert f"The live version is {before.run_id} as before, at {before.deployment_arn}" in reason(run)
    assert serves(app, "fails", before.run_id) == before
    app.bedrock.control.delete_custom_model(modelIdentifier=run.custom_model_arn)  # no exchange needs it any more
    following = candidates.compared("fails")
    promoted(app, following)
    assert serves(app, "fails", following).deployment_arn == before.deployment_arn, "and the next one goes through"


def test_an_exchange_that_is_stuck_is_given_up_at_its_deadline_and_undone_when_it_ends(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, before = candidates.app, candidates.live("stuck")
    run_id = candidates.compared("stuck")
    app.bedrock.faults([{"deployment": "stuck-live-*", "do": "stay"}])
    for _ in range(2):
        with pytest.raises(DeploymentPending):
            promote_model(app.pipeline, run_id)
    assert len(app.named("UpdateCustomModelDeployment")) == 1
    monkeypatch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "0.00001")
    with pytest.raises(PromotionTimedOut, match="DeploymentDeadlineMinutes"):
        promote_model(app.pipeline, run_id)
    with pytest.raises(DeploymentPending):
        close_run(app.pipeline, run_id, "PromotionTimedOut", "late")
    assert list(deployments(app, "stuck")) == [before.deployment_arn], "the candidate doesn't wait for that"
    app.bedrock.faults([])
    run = closed(app, run_id)
    assert (run.status, (run.reason or {})["error"]) == (Status.FAILED, "PromotionTimedOut")
    assert serves(app, "stuck", before.run_id) == before


def test_an_exchange_that_never_ends_is_a_persons_to_undo(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("never")
    run_id = candidates.compared("never")
    app.bedrock.faults([{"deployment": "never-live-*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        promote_model(app.pipeline, run_id)
    run = aborted(app, run_id)
    assert run.status is Status.FAILED
    assert f"COULD NOT undo the promotion (put the old model back behind {before.deployment_arn})" in reason(run)
    assert f"--model-arn {before.custom_model_arn}" in reason(run)
    assert list(deployments(app, "never")) == [before.deployment_arn]
    app.bedrock.faults([])
    following = candidates.compared("never")
    promoted(app, following)
    serves(app, "never", following)


@pytest.mark.parametrize("do", ["fail", "stay"])
def test_a_first_deployment_that_never_gets_ready_is_removed(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    app, run_id = candidates.app, candidates.compared("none")
    app.bedrock.faults([{"deployment": "none-live-*", "do": do}])
    if do == "stay":
        with pytest.raises(DeploymentPending):
            promote_model(app.pipeline, run_id)
        monkeypatch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "0.00001")
    with pytest.raises(PromotionFailed if do == "fail" else PromotionTimedOut):
        promoted(app, run_id)
    run = closed(app, run_id)
    assert "No version of none is live" in reason(run)
    assert "was kept: its training is paid for" in reason(run)
    assert deployments(app, "none") == {}
    assert app.named("PutParameter") == []
    app.bedrock.faults([])
    monkeypatch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "60")
    following = candidates.compared("none")
    promoted(app, following)
    serves(app, "none", following)


@pytest.mark.parametrize(("before", "after"), [("on-demand", "on-demand"), ("on-demand", UNITS), (UNITS, "on-demand")])
def test_an_abort_after_any_change_leaves_one_model_or_the_other(
    candidates: Candidates, before: str, after: str
) -> None:
    app, ends = candidates.app, set()
    for number in count():
        candidates.forget()
        model = f"abort-{number}"
        old = candidates.live(model, before)
        run_id = candidates.compared(model, deploy=after)
        with breaking(Death(number)) as death, suppress(Died):
            promoted(app, run_id)
        if death.after is None:
            break
        for _ in range(2):
            run = aborted(app, run_id)
        ends.add(run.status)
        serves(app, model, run_id if run.status is Status.PROMOTED else old.run_id)
        known = app.pipeline.models.get(model)
        assert known is not None and known.promoting is None
    assert number >= 8
    assert ends == {Status.PROMOTED, Status.FAILED}


@pytest.mark.parametrize(("after", "changes"), [("on-demand", 3), (TERM, 3), (TERM, 4)])
def test_a_closing_that_dies_after_any_change_and_comes_again_undoes_it_all(
    candidates: Candidates, after: Any, changes: int
) -> None:
    """Of a promotion that Bedrock has carried out, and of which nothing says yet that the new version is live."""
    app = candidates.app
    for number in count():
        candidates.forget()
        model = f"closing-{number}"
        old = candidates.live(model)
        run_id = candidates.compared(model, deploy=after)
        with breaking(Death(changes)), pytest.raises(Died):
            promoted(app, run_id)
        with breaking(Death(number)) as death, suppress(Died):
            closed(app, run_id)
        run = closed(app, run_id)
        assert run.status is Status.FAILED
        if after == "on-demand":
            serves(app, model, old.run_id)
        else:
            left = deployments(app, model).keys() - {old.deployment_arn}
            assert f"{left.pop()} has a commitment (OneMonth)" in reason(run), "which nobody can take back"
            assert left == set(), "and the candidate's own is gone"
        if death.after is None:
            break
    assert number >= 5


def test_a_closing_whose_calls_are_refused_once_undoes_it_all(candidates: Candidates) -> None:
    app = candidates.app
    for number in count():
        candidates.forget()
        model = f"refused-{number}"
        old = candidates.live(model)
        run_id = candidates.compared(model)
        with breaking(Death(3)), pytest.raises(Died):
            promoted(app, run_id)
        with breaking(Refusal(number, "InternalServerException", "bedrock")) as refusal:
            assert closed(app, run_id).status is Status.FAILED
        serves(app, model, old.run_id)
        if refusal.of is None:
            break
    assert number >= 5


def test_an_abort_that_comes_too_late_finishes_the_promotion(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("late", UNITS)
    run_id = candidates.compared("late")
    with breaking(Death(LIVE)), pytest.raises(Died):
        promoted(app, run_id)
    run = aborted(app, run_id)
    assert (run.status, run.reason) == (Status.PROMOTED, None)
    assert run.warnings[0].startswith("ExecutionAborted came when the promotion was made already")
    assert before.deployment_arn in run.warnings[1], "and the ARN is another one"
    serves(app, "late", run_id)


def test_what_a_late_closing_can_not_do_is_named(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("named", UNITS)
    run_id = candidates.compared("named")
    with breaking(Death(LIVE)), pytest.raises(Died):
        promoted(app, run_id)
    denied = {"operation": "DeleteProvisionedModelThroughput", "error": "AccessDeniedException", "times": 99}
    app.bedrock.faults([denied])
    run = aborted(app, run_id)
    assert run.status is Status.PROMOTED
    assert (
        f"COULD NOT remove the old live deployment {before.deployment_arn} (AccessDeniedException)" in run.warnings[1]
    )


def test_a_stop_during_an_exchange_waits_for_its_end_and_puts_the_old_model_back(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("stop")
    run_id = candidates.compared("stop")
    app.bedrock.faults([{"deployment": "stop-live-*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        promote_model(app.pipeline, run_id)
    assert stop_run(app.pipeline, run_id).stop_requested
    assert app.named("StopExecution") == []
    with pytest.raises(RunStopped):
        promote_model(app.pipeline, run_id)
    app.bedrock.faults([])
    run = closed(app, run_id, "RunStopped", "the stop of this run was asked for")
    assert run.status is Status.STOPPED
    assert serves(app, "stop", before.run_id) == before


@pytest.mark.parametrize("kind", ["on-demand", UNITS])
def test_a_function_that_still_runs_when_its_run_is_closed_takes_its_change_back(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The closing has looked before Bedrock was asked for the change, and found nothing to undo."""
    app, before = candidates.app, candidates.live("fence", kind)
    run_id = candidates.compared("fence")
    holds = app.pipeline.models.holds

    def closed_meanwhile(name: str, run: str) -> bool:
        app.pipeline.models.bar(name, run)
        app.pipeline.models.release(name, run)
        app.pipeline.end(run, Status.FAILED)
        return holds(name, run)

    monkeypatch.setattr(app.pipeline.models, "holds", closed_meanwhile)
    monkeypatch.setattr(live_deployment, "_PATIENCE_SECONDS", 5.0)
    with pytest.raises(RunStopped):
        promoted(app, run_id)
    remaining = deployments(app, "fence")
    del remaining[app.pipeline.store.get(run_id).deployment_arn or ""]
    assert remaining == {before.deployment_arn: before.custom_model_arn}


def test_a_deployment_that_somebody_removed_is_made_anew_and_under_its_own_arn(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("gone")
    run_id = candidates.compared("gone")
    app.bedrock.control.delete_custom_model_deployment(customModelDeploymentIdentifier=before.deployment_arn)
    promoted(app, run_id)
    after = serves(app, "gone", run_id)
    assert after.deployment_arn != before.deployment_arn
    (warning,) = app.pipeline.store.get(run_id).warnings
    assert "another ARN" in warning and "/rft/models/gone/live" in warning


def test_a_candidate_that_somebody_removed_is_not_promoted(candidates: Candidates) -> None:
    app, run_id = candidates.app, candidates.compared("units-gone", deploy=UNITS)
    own = app.pipeline.store.get(run_id).deployment_arn
    app.bedrock.control.delete_provisioned_model_throughput(provisionedModelId=own)
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(live_deployment, "_VISIBLE_SECONDS", 0.0)
        with pytest.raises(PromotionFailed, match="removed by somebody else"):
            promoted(app, run_id)
    assert closed(app, run_id).status is Status.FAILED


def test_a_candidate_that_can_not_be_removed_is_named_and_promoted_all_the_same(candidates: Candidates) -> None:
    app = candidates.app
    candidates.live("denied")
    run_id = candidates.compared("denied")
    own = app.pipeline.store.get(run_id).deployment_arn
    denied = {"operation": "DeleteCustomModelDeployment", "error": "AccessDeniedException", "times": 99}
    app.bedrock.faults([denied])
    promoted(app, run_id)
    run = app.pipeline.store.get(run_id)
    assert run.status is Status.PROMOTED
    (warning,) = run.warnings
    assert warning.startswith(f"COULD NOT remove the candidate's deployment {own} (AccessDeniedException)")
