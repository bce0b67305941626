"""DELETE /models/{model}: what is removed, in which order, what is left and why, and what is nobody else's business."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from rft.aws import bedrock
from rft.aws.clock import now
from rft.errors import DeploymentPending, ModelBusy, ModelMissing
from rft.run.identity import live_deployment_name, live_parameter
from rft.run.status import Status
from rft.steps.doors.api_models import model_of, models_of
from rft.steps.serving import delete_model as deletion
from rft.steps.serving.delete_model import delete_model
from rft.steps.serving.promote_model import promote_model
from tests.contract.application import Application
from tests.contract.candidates import Candidates, deployments, live, promoted, serves
from tests.contract.standin import until
from tests.contract.test_handlers import event, invoke

UNITS = "provisioned"


def tag(app: Application, arn: str, model: str, stack: str = "rft") -> None:
    tags = [{"key": "rft:stack", "value": stack}, {"key": "rft:model", "value": model}]
    app.bedrock.control.tag_resource(resourceARN=arn, tags=tags)


def tag_all(app: Application, model: str) -> None:
    """As the pipeline's own steps do it: each thing of the model has its tags."""
    for arn in (*deployments(app, model), *custom_models(app, model)):
        tag(app, arn, model)


def custom_models(app: Application, model: str) -> set[str]:
    """The ARNs of all that the runs of a model have on record, and that are there."""
    found = {m["modelArn"] for m in app.bedrock.control.list_custom_models(maxResults=1000)["modelSummaries"]}
    runs = app.pipeline.store.runs(model=model, status=None, limit=100, token=None).items
    return found & {run["custom_model_arn"] for run in runs}


def parameters(model: str) -> list[str]:
    found = boto3.client("ssm").get_parameters(Names=[live_parameter("rft", model)])
    return [parameter["Value"] for parameter in found["Parameters"]]


def deleted(app: Application, model: str) -> list[dict[str, str]]:
    """As its users do it: again, until nothing is left. What was removed, in that order."""
    removed: list[dict[str, str]] = []

    def again() -> bool:
        answer = delete_model(app.pipeline, model)
        removed.extend(answer["removed"])
        return not answer["left"]

    until(again)
    return removed


def test_all_that_a_model_has_is_removed_and_its_runs_stay(candidates: Candidates) -> None:
    app = candidates.app
    serving = candidates.live("gone")
    kept = candidates.trained("gone", Status.KEPT)
    left_over = candidates.compared("gone", recommended="keep")  # whose candidate nobody removed
    app.pipeline.store.move(left_over, Status.FAILED)
    tag_all(app, "gone")
    removed = deleted(app, "gone")
    kinds = [thing["kind"] for thing in removed]
    assert kinds[:2] == ["parameter", "deployment"]
    assert sorted(kinds) == ["custom model"] * 3 + ["deployment"] * 2 + ["parameter"]
    assert (deployments(app, "gone"), custom_models(app, "gone"), parameters("gone")) == ({}, set(), [])
    runs = [app.pipeline.store.get(run) for run in (serving.run_id, kept, left_over)]
    assert all(run.custom_model_deleted_at is not None and run.custom_model_arn is not None for run in runs)
    events = app.pipeline.store.events(kept, limit=100, token=None).items
    assert [e["detail"]["because_of"] for e in events if e["type"] == "custom_model_deleted"] == [
        "the model was deleted"
    ]
    assert "gone" not in [model["name"] for model in models_of(app.pipeline, limit=100, token=None)["models"]]
    told = model_of(app.pipeline, "gone")
    assert (told["live"], told["deleted_at"] is not None) == (None, True)
    assert all(version["deleted_at"] for version in told["versions"])


def test_a_second_deletion_finds_nothing_and_asks_bedrock_for_nothing(candidates: Candidates) -> None:
    app = candidates.app
    candidates.live("twice")
    tag_all(app, "twice")
    deleted(app, "twice")
    app.calls.clear()
    assert delete_model(app.pipeline, "twice") == {"model": "twice", "removed": [], "left": []}
    assert [name for name, _ in app.calls if "Model" in name or "Parameter" in name] == []


@pytest.mark.parametrize("name", ["never", "x" * 3000])
def test_a_model_that_never_was_is_missing(candidates: Candidates, name: str) -> None:
    with pytest.raises(ModelMissing):
        delete_model(candidates.app.pipeline, name)
    assert candidates.app.pipeline.models.get("never") is None


def test_a_model_that_was_trained_and_no_more_is_deleted_too(candidates: Candidates) -> None:
    app = candidates.app
    run = candidates.trained("stopped", Status.STOPPED)
    assert app.pipeline.models.get("stopped") is None
    tag_all(app, "stopped")
    deleted(app, "stopped")
    assert custom_models(app, "stopped") == set()
    assert app.pipeline.store.get(run).custom_model_deleted_at is not None


def test_the_model_of_a_job_that_no_run_has_on_record_is_found_by_its_name(candidates: Candidates) -> None:
    app = candidates.app
    run = candidates.trained("unnoted", Status.STOPPED, custom_model_arn=None, job_submitted_at=now())
    arn = app.bedrock.control.get_custom_model(modelIdentifier=run)["modelArn"]
    tag(app, arn, "unnoted")
    deleted(app, "unnoted")
    with pytest.raises(app.bedrock.control.exceptions.ResourceNotFoundException):
        app.bedrock.control.get_custom_model(modelIdentifier=arn)


def test_a_run_under_way_keeps_the_model(candidates: Candidates) -> None:
    app = candidates.app
    serving = candidates.live("busy")
    run = candidates.trained("busy", Status.TRAINING)
    tag_all(app, "busy")
    with pytest.raises(ModelBusy, match=run):
        delete_model(app.pipeline, "busy")
    assert live(app, "busy") == serving
    assert parameters("busy") == [serving.deployment_arn]


def test_a_run_that_promotes_keeps_the_model_though_no_list_shows_it_yet(candidates: Candidates) -> None:
    """An index lags behind; the claim does not."""
    app = candidates.app
    serving = candidates.live("claimed")
    run = candidates.trained("another", Status.COMPARING)  # so that the index of "claimed" does not show it
    app.pipeline.models.claim("claimed", run, serving.run_id)
    with pytest.raises(ModelBusy, match=run):
        delete_model(app.pipeline, "claimed")
    assert live(app, "claimed") == serving


def test_a_run_that_starts_after_the_deletion_began_makes_the_model_anew(candidates: Candidates) -> None:
    app = candidates.app
    before = candidates.live("anew")
    tag_all(app, "anew")
    app.bedrock.faults([{"operation": "DeleteCustomModelDeployment", "error": "ConflictException"}])
    answer = delete_model(app.pipeline, "anew")
    assert {left["state"] for left in answer["left"]} == {"going"}
    assert app.pipeline.models.get("anew").live is None, "nobody is promised what goes"  # type: ignore[union-attr]
    run = candidates.compared("anew")
    app.bedrock.faults([{"operation": "DeleteCustomModelDeployment", "error": "ConflictException", "times": 2}])
    promoted(app, run)
    after = serves(app, "anew", run)
    assert after.deployment_arn != before.deployment_arn, "the old deployment went, it was not taken over"
    tag_all(app, "anew")
    listed = [model["name"] for model in models_of(app.pipeline, limit=100, token=None)["models"]]
    assert "anew" in listed


def test_no_run_promotes_while_a_deletion_is_at_work(candidates: Candidates) -> None:
    app = candidates.app
    candidates.live("held")
    run = candidates.compared("held")
    app.pipeline.store.move(run, Status.FAILED)
    held = app.pipeline.models.begin_deletion("held", 60)
    assert held is not None
    another = candidates.compared("held")
    with pytest.raises(DeploymentPending, match="is being deleted"):
        promote_model(app.pipeline, another)
    assert app.pipeline.models.begin_deletion("held", 60) is None, "one deletion at a time"
    app.pipeline.models.end_deletion(held, held.leaving, is_done=False)
    promoted(app, another)


def test_a_deletion_that_died_holds_the_model_no_longer_than_its_function_could_run(candidates: Candidates) -> None:
    app = candidates.app
    candidates.live("died")
    tag_all(app, "died")
    assert app.pipeline.models.begin_deletion("died", -1) is not None
    deleted(app, "died")
    assert deployments(app, "died") == {}


def test_what_is_not_this_models_is_left_and_named(candidates: Candidates) -> None:
    app = candidates.app
    serving = candidates.live("mine")
    tag(app, serving.deployment_arn, "mine", stack="another")
    tag(app, serving.custom_model_arn, "theirs")
    answer = delete_model(app.pipeline, "mine")
    assert {(left["kind"], left["state"]) for left in answer["left"]} == {
        ("deployment", "refused"),
        ("custom model", "refused"),
    }
    assert list(deployments(app, "mine")) == [serving.deployment_arn]
    assert app.named("DeleteCustomModel") == app.named("DeleteCustomModelDeployment") == []


def test_another_stacks_deployment_of_the_live_ones_name_is_not_touched(candidates: Candidates) -> None:
    app = candidates.app
    run = candidates.trained("shared", Status.KEPT)
    name = live_deployment_name("rft", "shared")
    arn = candidates.deployed(name, candidates.model_arn(candidates.next_id("shared")), "on-demand")
    tag(app, arn, "shared", stack="another")
    answer = delete_model(app.pipeline, "shared")
    assert arn in [left["id"] for left in answer["left"]]
    assert arn in deployments(app, "shared")
    assert app.pipeline.store.get(run).custom_model_arn is not None


def test_a_commitment_is_said_with_its_end(candidates: Candidates) -> None:
    app = candidates.app
    run = candidates.compared("term", deploy={"kind": UNITS, "commitment": "OneMonth"})
    promoted(app, run)
    tag_all(app, "term")
    answer = delete_model(app.pipeline, "term")
    throughput, model = answer["left"]
    assert (throughput["kind"], throughput["state"]) == ("provisioned throughput", "committed")
    assert throughput["until"] > now()[:10]
    assert (model["kind"], model["state"], model["until"]) == ("custom model", "committed", throughput["until"])
    assert parameters("term") == [], "apps are not led there any more"
    assert delete_model(app.pipeline, "term")["left"] == answer["left"]


@pytest.mark.parametrize(
    ("operation", "error", "state"),
    [
        ("DeleteCustomModel", "ThrottlingException", "going"),
        ("DeleteCustomModel", "ConflictException", "going"),
        ("DeleteCustomModel", "AccessDeniedException", "refused"),
        ("DeleteCustomModelDeployment", "ThrottlingException", "going"),
        ("DeleteCustomModelDeployment", "AccessDeniedException", "refused"),
        ("GetCustomModelDeployment", "ThrottlingException", "going"),
        ("GetCustomModel", "ThrottlingException", "going"),
        ("ListTagsForResource", "AccessDeniedException", "refused"),
    ],
)
def test_what_bedrock_refuses_is_named_and_comes_again(
    candidates: Candidates, operation: str, error: str, state: str
) -> None:
    app = candidates.app
    candidates.live("refused")
    tag_all(app, "refused")
    app.bedrock.faults([{"operation": operation, "error": error, "times": 50}])
    left = delete_model(app.pipeline, "refused")["left"]
    assert state in {thing["state"] for thing in left}, left
    assert app.pipeline.models.get("refused").deleted_at is None  # type: ignore[union-attr]
    app.bedrock.faults([])
    deleted(app, "refused")
    assert (deployments(app, "refused"), custom_models(app, "refused")) == ({}, set())


def test_a_job_that_is_still_stopping_is_waited_for(candidates: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    app = candidates.app
    job = bedrock.Job(arn="arn:job", name="j", status="Stopping", model_arn=None, failure_message=None, phases=None)
    monkeypatch.setattr(bedrock, "find_job", lambda *_: job)
    candidates.trained("stopping", Status.STOPPED, custom_model_arn=None, job_arn="arn:job")
    (left,) = delete_model(app.pipeline, "stopping")["left"]
    assert (left["kind"], left["id"], left["state"]) == ("training job", "arn:job", "going")


def test_a_model_with_many_versions_is_deleted_in_several_calls(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = candidates.app
    for _ in range(3):
        candidates.trained("many", Status.KEPT)
    tag_all(app, "many")
    monkeypatch.setattr(deletion, "_BEGIN_SECONDS", -1.0)
    answers = [delete_model(app.pipeline, "many") for _ in range(3)]
    assert [len(answer["removed"]) for answer in answers] == [1, 1, 1]
    assert [len(answer["left"]) for answer in answers] == [1, 1, 0]


def test_the_api_hands_over_and_answers_by_what_is_left(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELETE_MODEL_FUNCTION", "delete-model")
    answers: list[Any] = []
    monkeypatch.setattr("rft.steps.doors.api_model_deletion.functions.ask", lambda *_, **__: answers.pop(0))
    given = event("api_delete_model")
    left = {"kind": "deployment", "id": "arn", "state": "going", "reason": "r", "until": None}
    for answer, status in (
        ({"model": "ticket-triage", "removed": [], "left": [left]}, 202),
        ({"model": "ticket-triage", "removed": [], "left": []}, 200),
    ):
        answers.append(answer)
        told = invoke("api", given)
        assert (told["statusCode"], json.loads(told["body"])) == (status, answer)


@pytest.mark.parametrize(("error", "status"), [("ModelBusy", 409), ("ModelMissing", 404), ("KeyError", 500)])
def test_the_api_tells_what_the_function_refuses(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, error: str, status: int
) -> None:
    from rft.aws.functions import FunctionFailed

    monkeypatch.setenv("DELETE_MODEL_FUNCTION", "delete-model")

    def ask(*_: Any, **__: Any) -> Any:
        raise FunctionFailed(error, "run ticket-triage-0123456789ab is under way")

    monkeypatch.setattr("rft.steps.doors.api_model_deletion.functions.ask", ask)
    told = invoke("api", event("api_delete_model"))
    assert told["statusCode"] == status
    assert ("0123456789ab" in told["body"]) == (status != 500)


def test_the_handler_answers_its_event(candidates: Candidates) -> None:
    candidates.live("ticket-triage")
    tag_all(candidates.app, "ticket-triage")
    answer = invoke("delete_model", event("delete_model"))
    assert (answer["model"], answer["left"]) == ("ticket-triage", [])
