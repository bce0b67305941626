"""What becomes of a candidate that is promoted: what serves afterwards, under which ARN, and what is left."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft.errors import DeploymentPending, LiveModelChanged, PromotionFailed, RunEnded
from rft.run.identity import live_deployment_name
from rft.run.status import Status
from rft.steps.serving.discard_candidate import discard_candidate
from rft.steps.serving.promote_model import promote_model
from tests.contract.application import Application
from tests.contract.candidates import (
    PROMPT,
    Candidates,
    Death,
    Died,
    Refusal,
    breaking,
    deployments,
    promoted,
    serves,
)


def conversing(app: Application, arn: str, over: threading.Event, errors: list[str]) -> threading.Thread:
    def ask() -> None:
        while not over.is_set():
            try:
                app.bedrock.runtime.converse(modelId=arn, messages=PROMPT)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_the_first_promotion_makes_the_live_deployment(candidates: Candidates) -> None:
    app = candidates.app
    run_id = candidates.compared("first-one", request={"tags": {"team": "support"}})
    own = app.pipeline.store.get(run_id).deployment_arn
    assert promoted(app, run_id)["deployment_arn"] != own
    now_live = serves(app, "first-one", run_id)
    run = app.pipeline.store.get(run_id)
    assert (run.status, run.deployment_arn, run.warnings) == (Status.PROMOTED, now_live.deployment_arn, [])
    assert run.promotion is not None
    assert (run.promotion["state"], run.promotion["previous"]) == ("done", None)
    deployed = app.bedrock.control.get_custom_model_deployment(customModelDeploymentIdentifier=now_live.deployment_arn)
    assert deployed["modelDeploymentName"] == live_deployment_name("rft", "first-one")
    tags = app.bedrock.control.list_tags_for_resource(resourceARN=now_live.deployment_arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {
        "team": "support",
        "rft:model": "first-one",
        "rft:stack": "rft",
    }
    assert promote_model(app.pipeline, run_id)["deployment_arn"] == now_live.deployment_arn, "said again"


def test_the_next_is_exchanged_behind_the_same_arn_while_a_client_asks(candidates: Candidates) -> None:
    app = candidates.app
    before = candidates.live("swap")
    run_id = candidates.compared("swap")
    over, errors = threading.Event(), list[str]()
    client = conversing(app, before.deployment_arn, over, errors)
    promoted(app, run_id)
    over.set()
    client.join()
    assert errors == []
    after = serves(app, "swap", run_id)
    assert after.deployment_arn == before.deployment_arn
    assert after.since > before.since
    run = app.pipeline.store.get(run_id)
    assert run.promotion is not None
    assert (run.promotion["previous"]["run_id"], run.warnings) == (before.run_id, [])
    events = app.pipeline.store.events(run_id, limit=50, token=None).items
    requests = [request for event in events for request in event["detail"].get("requests", [])]
    assert [request["operation"] for request in requests] == ["UpdateCustomModelDeployment"]


def test_a_candidate_that_is_not_better_goes_and_the_old_one_stays(candidates: Candidates) -> None:
    app = candidates.app
    before = candidates.live("keep")
    run_id = candidates.compared("keep", recommended="keep")
    for _ in range(2):
        assert discard_candidate(app.pipeline, run_id) == {"run_id": run_id}
    assert serves(app, "keep", before.run_id) == before
    run = app.pipeline.store.get(run_id)
    assert (run.status, run.deployment_arn, run.reason, run.promotion) == (Status.KEPT, None, None, None)


def test_a_run_that_deploys_nothing_keeps_its_model_and_removes_nothing(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = candidates.app
    monkeypatch.setenv("KEPT_VERSIONS", "0")
    run_id = candidates.trained("no-deploy", deploy="none")
    discard_candidate(app.pipeline, run_id)
    run = app.pipeline.store.get(run_id)
    assert (run.status, run.custom_model_deleted_at) == (Status.KEPT, None)
    assert app.named("DeleteCustomModel") == app.named("DeleteCustomModelDeployment") == []


def test_two_runs_that_promote_at_once_take_turns(candidates: Candidates) -> None:
    app = candidates.app
    first, second = candidates.compared("race"), candidates.compared("race")
    with breaking(Death(4)), pytest.raises(Died):
        promote_model(app.pipeline, first)
    known = app.pipeline.models.get("race")
    assert known is not None and known.promoting == first
    with pytest.raises(DeploymentPending, match=first):
        promote_model(app.pipeline, second)
    promoted(app, first)
    with pytest.raises(LiveModelChanged):
        promote_model(app.pipeline, second)
    run = app.pipeline.store.get(second)
    assert (run.status, run.promotion) == (Status.COMPARING, None), "it is compared anew"
    comparison = (run.comparison or {}) | {"against": "live", "live_run_id": first}
    app.pipeline.store.record(second, comparison=comparison)
    promoted(app, second)
    serves(app, "race", second)


def test_the_claim_of_a_run_that_has_ended_is_taken_over(candidates: Candidates) -> None:
    app = candidates.app
    dead, run_id = candidates.compared("claim"), candidates.compared("claim")
    app.pipeline.models.claim("claim", dead, None)
    app.pipeline.store.move(dead, Status.FAILED)
    assert app.pipeline.models.claim("claim", run_id, None).promoting == run_id
    with pytest.raises(RunEnded):
        promote_model(app.pipeline, dead)


def test_what_an_earlier_run_left_half_finished_becomes_the_live_deployment(candidates: Candidates) -> None:
    app = candidates.app
    name = live_deployment_name("rft", "left")
    tags = [{"key": "rft:stack", "value": "rft"}, {"key": "rft:model", "value": "left"}]
    create = app.bedrock.control.create_custom_model_deployment
    left = create(modelDeploymentName=name, modelArn=candidates.model_arn("left-over"), tags=tags)
    run_id = candidates.compared("left")
    promoted(app, run_id)
    assert serves(app, "left", run_id).deployment_arn == left["customModelDeploymentArn"]


def test_what_an_earlier_run_left_failed_is_made_anew(candidates: Candidates) -> None:
    app = candidates.app
    name = live_deployment_name("rft", "left-failed")
    tags = [{"key": "rft:stack", "value": "rft"}, {"key": "rft:model", "value": "left-failed"}]
    app.bedrock.faults([{"deployment": name, "do": "fail", "times": 1}])
    control = app.bedrock.control
    left = control.create_custom_model_deployment(
        modelDeploymentName=name, modelArn=candidates.model_arn("left-over-failed"), tags=tags
    )
    assert control.get_custom_model_deployment(customModelDeploymentIdentifier=name)["status"] == "Failed"
    run_id = candidates.compared("left-failed")
    promoted(app, run_id)
    assert serves(app, "left-failed", run_id).deployment_arn != left["customModelDeploymentArn"]


def test_a_strangers_deployment_under_our_name_is_left_alone(candidates: Candidates) -> None:
    app = candidates.app
    name = live_deployment_name("rft", "taken")
    theirs = candidates.model_arn("theirs")
    tags = [{"key": "rft:stack", "value": "another"}, {"key": "rft:model", "value": "taken"}]
    app.bedrock.control.create_custom_model_deployment(modelDeploymentName=name, modelArn=theirs, tags=tags)
    run_id = candidates.compared("taken")
    with pytest.raises(PromotionFailed, match="isn't ours"):
        promote_model(app.pipeline, run_id)
    from rft.steps.ending.close_run import close_run

    assert close_run(app.pipeline, run_id, "PromotionFailed", "no")["status"] == "failed"
    assert list(deployments(app, "taken").values()) == [theirs]


UNITS, TERM = "provisioned", {"kind": "provisioned", "commitment": "OneMonth"}


@pytest.mark.parametrize(("before", "after"), [("on-demand", "on-demand"), (UNITS, "on-demand"), ("on-demand", TERM)])
def test_a_promotion_that_dies_after_any_change_and_comes_again_finishes(
    candidates: Candidates, before: str, after: Any
) -> None:
    app = candidates.app
    for number in count():
        candidates.forget()
        model = f"dies-{number}"
        candidates.live(model, before)
        run_id = candidates.compared(model, deploy=after)
        with breaking(Death(number)) as death, suppress(Died):
            promoted(app, run_id)
        promoted(app, run_id)
        assert app.pipeline.store.get(run_id).status is Status.PROMOTED
        serves(app, model, run_id)
        known = app.pipeline.models.get(model)
        assert known is not None and known.promoting is None, "nobody holds the claim any more"
        if death.after is None:
            break
    assert number >= 9


@pytest.mark.parametrize(("service", "calls"), [("bedrock", 4), ("ssm", 1), ("eventbridge", 1)])
def test_a_promotion_any_call_of_which_is_refused_once_finishes(
    candidates: Candidates, service: str, calls: int
) -> None:
    app = candidates.app
    for number in count():
        candidates.forget()
        model = f"refused-{number}"
        candidates.live(model)
        run_id = candidates.compared(model)
        with breaking(Refusal(number, "InternalServerException", service)) as refusal:
            try:
                promoted(app, run_id)
            except ClientError as error:
                assert error.operation_name == refusal.of
        promoted(app, run_id)
        serves(app, model, run_id)
        assert app.pipeline.store.get(run_id).warnings == [], refusal.of
        if refusal.of is None:
            break
    assert number >= calls
