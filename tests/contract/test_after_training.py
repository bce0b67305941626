"""The steps after a training, which one job does for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft.aws import bedrock as deployed
from rft.aws.clients import client
from rft.errors import (
    BedrockBusy,
    DeploymentFailed,
    DeploymentPending,
    DeploymentTimedOut,
)
from rft.steps.ending.close_run import close_run
from rft.steps.serving import deploy_model as deploying
from rft.steps.serving.deploy_model import deploy_model
from rft.steps.training.await_job import await_job, on_job_event
from tests.contract.application import Application, application
from tests.contract.standin import Bedrock, FakeAws, running, serving
from tests.contract.test_requests import submitted, trained


@pytest.fixture(scope="module")
def after_training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stand-in that has trained the model of a run as these tests ask for it."""
    folder, aws = tmp_path_factory.mktemp("trained"), FakeAws()
    with (
        serving(aws.app()) as endpoint,
        running(folder, aws, endpoint) as started,
        pytest.MonkeyPatch.context() as patch,
        application(started, endpoint, patch) as made,
    ):
        trained(made)
    return folder


@pytest.fixture
def bedrock(after_training: Path, tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> Iterator[Bedrock]:
    """A stand-in that knows the job when it is asked for it, by the token of its request."""
    with running(shutil.copytree(after_training, tmp_path / "state"), *fake_aws) as started:
        yield started


def test_an_event_before_the_token_is_made_up_for_by_the_look(app: Application) -> None:
    run_id = submitted(app)
    job = app.bedrock.ended(run_id)
    event = {"detail": {"jobName": run_id, "jobArn": job["jobArn"], "jobStatus": "Completed"}}
    on_job_event(app.pipeline, event)
    assert app.named("SendTaskSuccess") == []
    await_job(app.pipeline, run_id, "token")
    (settled,) = app.named("SendTaskSuccess")
    assert settled["taskToken"] == "token"
    for _ in range(2):
        on_job_event(app.pipeline, event)
    assert len(app.named("SendTaskSuccess")) == 1, "doubled events settle nothing again"


def test_an_event_of_a_foreign_job_under_our_name_is_ignored(app: Application) -> None:
    run_id = submitted(app)
    job = app.bedrock.ended(run_id)
    app.pipeline.store.store_token(run_id, "token")
    foreign = job["jobArn"][:-12] + "z" * 12
    assert on_job_event(app.pipeline, {"detail": {"jobName": run_id, "jobArn": foreign}}) == {"ignored": True}
    assert app.named("SendTaskSuccess") == []
    assert on_job_event(app.pipeline, {"detail": {"jobName": run_id, "jobArn": job["jobArn"]}})["run_id"] == run_id
    assert len(app.named("SendTaskSuccess")) == 1


@pytest.mark.parametrize("kind", ["on-demand", "provisioned"])
def test_a_deployment_that_never_gets_ready_is_given_up_and_removed(
    app: Application, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(deploying, "_PATIENCE_SECONDS", 0.0)
    run_id = trained(app, deploy=kind)
    app.bedrock.faults([{"deployment": "*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        deploy_model(app.pipeline, run_id)
    with pytest.raises(DeploymentPending):
        deploy_model(app.pipeline, run_id)
    created = "CreateCustomModelDeployment" if kind == "on-demand" else "CreateProvisionedModelThroughput"
    assert len(app.named(created)) == 1
    monkeypatch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "0.00001")
    with pytest.raises(DeploymentTimedOut, match="DeploymentDeadlineMinutes"):
        deploy_model(app.pipeline, run_id)
    closed = close_run(app.pipeline, run_id, "DeploymentTimedOut", "not active")
    assert closed["status"] == "failed"
    assert deployed.deployments(client("bedrock"), kind).find(run_id) is None


def test_a_deployment_whose_answer_was_lost_is_found_by_its_name(app: Application) -> None:
    run_id = trained(app)
    model = app.bedrock.control.get_custom_model(modelIdentifier=run_id)["modelArn"]
    made = deployed.deployments(client("bedrock"), "on-demand").create(run_id, model, [])
    assert deploy_model(app.pipeline, run_id)["deployment_arn"] == made


def test_a_model_that_is_gone_cannot_be_deployed(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = trained(app)
    run = app.pipeline.store.get(run_id)
    missing = "arn:aws:bedrock:us-east-1:000000000000:custom-model/amazon.nova-2-lite-v1:0:256k/zzzzzzzzzzzz"
    with pytest.raises(DeploymentFailed):
        deployed.deployments(client("bedrock"), "on-demand").create(run.run_id, missing, [])
    app.bedrock.control.delete_custom_model(modelIdentifier=run_id)
    with pytest.raises(DeploymentPending):
        deploy_model(app.pipeline, run_id)
    monkeypatch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "0.00001")
    with pytest.raises(DeploymentTimedOut):
        deploy_model(app.pipeline, run_id)


def test_a_full_quota_of_deployments_is_waited_out(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = trained(app)
    rule = {"operation": "CreateCustomModelDeployment", "error": "ServiceQuotaExceededException", "times": 2}
    app.bedrock.faults([rule])
    with pytest.raises(DeploymentPending, match="no place"):
        deploy_model(app.pipeline, run_id)
    with monkeypatch.context() as patch, pytest.raises(DeploymentTimedOut):
        patch.setenv("DEPLOYMENT_DEADLINE_MINUTES", "0.00001")
        deploy_model(app.pipeline, run_id)
    assert deploy_model(app.pipeline, run_id)["deployment_arn"]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("GetCustomModelDeployment", "ResourceNotFoundException"),
        ("GetCustomModelDeployment", "InternalServerException"),
        ("CreateCustomModelDeployment", "ThrottlingException"),
        ("GetCustomModel", "InternalServerException"),
    ],
)
def test_what_passes_is_waited_for_and_not_taken_for_the_end(
    app: Application, monkeypatch: pytest.MonkeyPatch, operation: str, error: str
) -> None:
    monkeypatch.setattr(deploying, "_PATIENCE_SECONDS", 0.0)
    run_id = trained(app)
    app.bedrock.faults([{"operation": operation, "error": error, "times": 3}])
    with pytest.raises((DeploymentPending, BedrockBusy)):
        deploy_model(app.pipeline, run_id)
    app.bedrock.faults([])
    monkeypatch.setattr(deploying, "_PATIENCE_SECONDS", 5.0)
    assert deploy_model(app.pipeline, run_id)["deployment_arn"]


def test_a_known_deployment_is_removed_without_being_looked_for(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "_PATIENCE_SECONDS", 0.0)
    run_id = trained(app)
    app.bedrock.faults([{"deployment": "*", "do": "stay"}])
    with pytest.raises(DeploymentPending):
        deploy_model(app.pipeline, run_id)
    blind = {"operation": "GetCustomModelDeployment", "error": "ValidationException", "times": 99}
    app.bedrock.faults([{"deployment": "*", "do": "stay"}, blind])
    close_run(app.pipeline, run_id, "DeploymentTimedOut", "not active")
    app.bedrock.faults([])
    assert deployed.deployments(client("bedrock"), "on-demand").find(run_id) is None
