"""What Bedrock does late: an exchange that completes after its run was closed, a deletion that is refused at first."""

from __future__ import annotations

from typing import Any

import pytest

from rft.aws.model_store import Live
from rft.errors import DeploymentPending, RunStopped
from rft.run.status import Status
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending import clean_up
from rft.steps.ending import close_run as closing
from rft.steps.ending.close_run import close_ended_execution, close_run
from rft.steps.serving import deploy_model as deploying
from rft.steps.serving import live_deployment, live_repair
from rft.steps.serving.deploy_model import deploy_model
from rft.steps.serving.discard_candidate import discard_candidate
from rft.steps.serving.promote_model import promote_model
from tests.contract.application import Application
from tests.contract.candidates import Candidates, Death, Died, breaking, deployments, promoted, serves
from tests.contract.standin import until

KINDS = [("on-demand", "DeleteCustomModelDeployment"), ("provisioned", "DeleteProvisionedModelThroughput")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live_deployment, live_repair, closing):
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(clean_up, "_PAUSES", (0.02, 0.02))


def deployed(app: Application, run_id: str) -> dict[str, Any]:
    """As the state machine has it: again, as long as Bedrock is at it."""

    def attempt() -> dict[str, Any] | None:
        try:
            return deploy_model(app.pipeline, run_id)
        except DeploymentPending:
            return None

    result = until(attempt)
    assert result is not None
    return result


def events(app: Application, run_id: str) -> list[str]:
    return [event["type"] for event in app.pipeline.store.events(run_id, limit=50, token=None).items]


def strayed(candidates: Candidates, model: str) -> tuple[Live, str]:
    """What was live, and the version of a run that was aborted in the middle of an exchange, which goes on."""
    app, before = candidates.app, candidates.live(model)
    run_id = candidates.compared(model)
    app.bedrock.faults([{"deployment": f"{model}-live-*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        promote_model(app.pipeline, run_id)
    close_ended_execution(app.pipeline, {"detail": {"name": run_id, "status": "ABORTED"}})
    known = app.pipeline.models.get(model)
    assert known is not None and (known.promoting, known.live) == (None, before)
    return before, str(app.pipeline.store.get(run_id).custom_model_arn)


@pytest.mark.parametrize("over", [True, False])
def test_an_exchange_that_completes_after_its_run_was_closed_is_undone_before_the_next_comparison(
    candidates: Candidates, over: bool
) -> None:
    app = candidates.app
    before, barred = strayed(candidates, "stray")
    following = candidates.trained("stray")
    if over:
        app.bedrock.faults([])
        until(lambda: deployments(app, "stray") == {before.deployment_arn: barred})
    else:
        with pytest.raises(DeploymentPending, match="still exchanging"):
            deploy_model(app.pipeline, following)
        assert list(deployments(app, "stray")) == [before.deployment_arn], "no candidate is made before"
        app.bedrock.faults([])
    own = deployed(app, following)["deployment_arn"]
    run = app.pipeline.store.get(following)
    assert deployments(app, "stray") == {
        before.deployment_arn: before.custom_model_arn,
        own: run.custom_model_arn,
    }
    (warning,) = run.warnings
    assert before.run_id in warning and before.deployment_arn in warning
    said = events(app, following)
    assert said.count("live_deployment_repaired") == 1
    assert len(app.named("UpdateCustomModelDeployment")) == 2, "the one that went astray, and its undoing"
    discard_candidate(app.pipeline, following)
    assert serves(app, "stray", before.run_id) == before


def test_the_exchange_of_a_promotion_under_way_is_nobody_elses_to_undo(candidates: Candidates) -> None:
    app = candidates.app
    before = candidates.live("turn")
    first, second = candidates.compared("turn"), candidates.trained("turn")
    with breaking(Death(4)), pytest.raises(Died):
        promoted(app, first)
    made = app.pipeline.store.get(first).custom_model_arn
    until(lambda: deployments(app, "turn")[before.deployment_arn] == made)
    known = app.pipeline.models.get("turn")
    assert known is not None and (known.promoting, known.live) == (first, before)
    exchanges = len(app.named("UpdateCustomModelDeployment"))
    deployed(app, second)
    assert len(app.named("UpdateCustomModelDeployment")) == exchanges == 1
    assert app.pipeline.store.get(second).warnings == []


def test_a_live_deployment_that_somebody_removed_is_only_warned_of(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("away")
    app.bedrock.control.delete_custom_model_deployment(customModelDeploymentIdentifier=before.deployment_arn)
    run_id = candidates.trained("away")
    for _ in range(2):
        deployed(app, run_id)
    (warning,) = app.pipeline.store.get(run_id).warnings
    assert before.deployment_arn in warning and "isn't there any more" in warning
    assert events(app, run_id).count("live_deployment_missing") == 1


@pytest.mark.parametrize(("kind", "operation"), KINDS)
def test_a_deletion_that_is_refused_for_the_moment_is_tried_again(
    candidates: Candidates, kind: str, operation: str
) -> None:
    app = candidates.app
    discarded, closed = (candidates.compared(f"refused-{end}", deploy=kind) for end in ("kept", "failed"))
    app.bedrock.faults([{"operation": operation, "error": "ConflictException", "times": 2}])
    with pytest.raises(DeploymentPending, match="doesn't delete"):
        discard_candidate(app.pipeline, discarded)
    with pytest.raises(DeploymentPending, match="doesn't delete"):
        close_run(app.pipeline, closed, "ComparisonFailed", "no")
    assert discard_candidate(app.pipeline, discarded) == {"run_id": discarded}
    assert close_run(app.pipeline, closed, "ComparisonFailed", "no")["status"] == "failed"
    assert deployments(app, "refused") == {}


@pytest.mark.parametrize(("kind", "operation"), KINDS)
@pytest.mark.parametrize("times", [1, 99])
def test_a_deployment_made_after_the_end_of_its_run_is_removed_or_named(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, kind: str, operation: str, times: int
) -> None:
    app, run_id = candidates.app, candidates.trained("ended", deploy=kind)
    record = app.pipeline.store.record

    def ended_meanwhile(run: str, event: str | None = None, *details: Any, **attributes: Any) -> bool:
        if event == "deployment":
            app.pipeline.end(run, Status.STOPPED)
        return record(run, event, *details, **attributes)

    monkeypatch.setattr(app.pipeline.store, "record", ended_meanwhile)
    app.bedrock.faults([{"operation": operation, "error": "ConflictException", "times": times}])
    with pytest.raises(RunStopped):
        deploy_model(app.pipeline, run_id)
    left = list(deployments(app, "ended"))
    warnings = app.pipeline.store.get(run_id).warnings
    if times == 1:
        assert (left, warnings) == ([], [])
    else:
        (warning,), (arn,) = warnings, left
        assert warning.startswith(f"COULD NOT remove the deployment {arn} (DeploymentPending)")
    assert "deployment" in events(app, run_id)


def test_a_stop_while_the_model_is_deployed_waits_for_the_next_look(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "_PATIENCE_SECONDS", 0.0)
    app, run_id = candidates.app, candidates.trained("stopped")
    app.bedrock.faults([{"deployment": "stopped-*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        deploy_model(app.pipeline, run_id)
    assert stop_run(app.pipeline, run_id).stop_requested
    assert app.named("StopExecution") == [], "the state machine has the time that a deletion may take"
    with pytest.raises(RunStopped):
        deploy_model(app.pipeline, run_id)
    assert close_run(app.pipeline, run_id, "RunStopped", "asked for")["status"] == "stopped"
    assert deployments(app, "stopped") == {}
