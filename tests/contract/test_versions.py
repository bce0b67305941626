"""How promoted versions serve (on demand or by model units), and how long the old ones stay."""

from __future__ import annotations

from typing import Any

import pytest

from rft.run.status import Status
from rft.steps.serving.deploy_model import deploy_model
from rft.steps.serving.discard_candidate import discard_candidate
from tests.contract.application import Application
from tests.contract.candidates import Candidates, deployments, live, promoted, serves

UNITS = "provisioned"


def units(app: Application, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = app.bedrock.control.get_provisioned_model_throughput(provisionedModelId=arn)
    return found


def test_a_provisioned_candidate_has_the_units_asked_for_and_no_commitment(candidates: Candidates) -> None:
    app = candidates.app
    deploy = {"kind": UNITS, "model_units": 2, "commitment": "SixMonths"}
    run_id = candidates.trained("asked", Status.TRAINING, deploy=deploy)
    arn = deploy_model(app.pipeline, run_id)["deployment_arn"]
    assert (units(app, arn)["modelUnits"], "commitmentDuration" in units(app, arn)) == (2, False)
    assert app.pipeline.store.get(run_id).deployment_kind == UNITS
    listed = app.pipeline.models.models(10, None).items
    assert [(model["name"], model["live"]) for model in listed] == [("asked", None)], "there is a version to list"


def test_a_provisioned_candidate_becomes_the_live_one_and_the_old_one_goes(candidates: Candidates) -> None:
    app, before = candidates.app, candidates.live("units", UNITS)
    run_id = candidates.compared("units", deploy={"kind": UNITS, "model_units": 2})
    own = app.pipeline.store.get(run_id).deployment_arn
    assert promoted(app, run_id) == {"run_id": run_id, "deployment_arn": own}
    after = serves(app, "units", run_id)
    assert (after.deployment_arn, after.kind) == (own, UNITS)
    assert app.named("CreateProvisionedModelThroughput") == app.named("UpdateProvisionedModelThroughput") == []
    run = app.pipeline.store.get(run_id)
    (warning,) = run.warnings
    assert f"{after.deployment_arn} in place of {before.deployment_arn}" in warning
    assert "/rft/models/units/live" in warning


def test_a_commitment_is_made_for_the_promoted_model_and_outlives_it(candidates: Candidates) -> None:
    app = candidates.app
    term = {"kind": UNITS, "model_units": 3, "commitment": "OneMonth"}
    first = candidates.compared("term", deploy=term)
    own = app.pipeline.store.get(first).deployment_arn
    promoted(app, first)
    before = serves(app, "term", first)
    assert before.deployment_arn != own
    made = units(app, before.deployment_arn)
    assert (made["modelUnits"], made["commitmentDuration"]) == (3, "OneMonth")
    second = candidates.compared("term", deploy=term)
    promoted(app, second)
    after = live(app, "term")
    assert deployments(app, "term").keys() == {before.deployment_arn, after.deployment_arn}, "paid to its term's end"
    kept, another = app.pipeline.store.get(second).warnings
    assert kept.startswith(f"COULD NOT remove the old live deployment {before.deployment_arn} (ConflictException)")
    assert "a commitment ends with its term only" in kept
    assert "another ARN" in another


@pytest.mark.parametrize(("before", "after"), [("on-demand", UNITS), (UNITS, "on-demand")])
def test_the_way_of_serving_changes(candidates: Candidates, before: str, after: str) -> None:
    app, old = candidates.app, candidates.live("kinds", before)
    run_id = candidates.compared("kinds", deploy=after)
    promoted(app, run_id)
    assert serves(app, "kinds", run_id).kind == after
    (warning,) = app.pipeline.store.get(run_id).warnings
    assert old.deployment_arn in warning


def test_so_many_old_versions_stay_beside_the_live_one(candidates: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    app, store = candidates.app, candidates.app.pipeline.store
    monkeypatch.setenv("KEPT_VERSIONS", "2")
    statuses = [Status.KEPT, Status.FAILED, Status.DEPLOYING, Status.KEPT]
    oldest, failed, at_work, newest = [candidates.trained("many", status) for status in statuses]
    before = candidates.live("many")
    run_id = candidates.compared("many")
    promoted(app, run_id)

    def deleted() -> set[str]:
        runs = (oldest, failed, at_work, newest, before.run_id, run_id)
        return {run for run in runs if store.get(run).custom_model_deleted_at is not None}

    assert deleted() == {oldest, failed}
    models = app.bedrock.control.list_custom_models(maxResults=1000)["modelSummaries"]
    left = {model["modelName"] for model in models if model["modelName"].startswith("many-")}
    assert left == {at_work, newest, before.run_id, run_id}
    assert store.get(oldest).custom_model_arn is not None, "its numbers and names stay on record"
    following = candidates.compared("many", recommended="keep")
    discard_candidate(app.pipeline, following)
    assert deleted() == {oldest, failed, newest}
    assert store.get(following).warnings == []
    serves(app, "many", run_id)


@pytest.mark.parametrize(
    ("error", "told"), [("ConflictException", True), ("AccessDeniedException", True), ("ThrottlingException", False)]
)
def test_an_old_version_that_can_not_be_deleted_is_named_unless_it_passes(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, error: str, told: bool
) -> None:
    app = candidates.app
    monkeypatch.setenv("KEPT_VERSIONS", "0")
    old = candidates.trained("held", Status.KEPT)
    run_id = candidates.compared("held")
    app.bedrock.faults([{"operation": "DeleteCustomModel", "error": error, "times": 9}])
    promoted(app, run_id)
    run = app.pipeline.store.get(run_id)
    assert run.status is Status.PROMOTED
    assert [old in warning and error in warning for warning in run.warnings] == ([True] if told else [])
    assert app.pipeline.store.get(old).custom_model_deleted_at is None
    app.bedrock.faults([])
    following = candidates.compared("held", recommended="keep")
    discard_candidate(app.pipeline, following)
    assert app.pipeline.store.get(old).custom_model_deleted_at is not None, "the next run tries again"


def test_a_deployed_version_is_never_deleted_by_bedrock_itself(candidates: Candidates) -> None:
    before = candidates.live("deployed")
    control = candidates.app.bedrock.control
    with pytest.raises(control.exceptions.ConflictException):
        control.delete_custom_model(modelIdentifier=before.custom_model_arn)
    run_id = candidates.compared("deployed")
    promoted(candidates.app, run_id)
    control.delete_custom_model(modelIdentifier=before.custom_model_arn)
