"""Runs and training jobs that are under way when all goes."""

from __future__ import annotations

from typing import Any

from rft.run.status import Status
from rft.steps.ending.close_run import close_ended_execution
from tests.contract.application import client
from tests.contract.leaving.scene import Scene


def test_a_run_under_way_is_stopped_closed_and_waited_for(scene: Scene) -> None:
    app, states = scene.app, client("stepfunctions")
    run = scene.candidates.compared("leaves")
    (machine,) = [m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"] if "leaving" in m["name"]]
    arn = states.start_execution(stateMachineArn=machine, name=run, input="{}")["executionArn"]

    def closes(**_: Any) -> None:
        scene.app.calls.append(("Stopped", {"stop_requested": app.pipeline.store.get(run).stop_requested}))
        close_ended_execution(app.pipeline, {"detail": {"name": run, "status": "ABORTED"}})

    scene.on("stepfunctions", "after-call.sfn.StopExecution", closes)
    listed = scene.leaving().listed()
    assert (listed.goes[0].kind, listed.goes[0].name) == ("run", run)
    leaving = scene.leaving()
    leaving._runs._stores = [app.pipeline.store]  # the steps of these tests have a table of their own
    outcome = leaving.carry_out()
    assert app.named("Stopped") == [{"stop_requested": True}], "said before it is stopped, so that it ends as stopped"
    assert app.pipeline.store.get(run).status is Status.STOPPED
    assert (outcome.left, outcome.removed[0].id) == ([], arn)
    assert scene.changes.index("StopExecution") < scene.changes.index("DeleteCustomModelDeployment")


def test_a_training_job_is_stopped_and_its_end_waited_for(bare: Scene) -> None:
    app = bare.app
    job = app.bedrock.job(
        bare.candidates.next_id("leaves"),
        hyper_parameters={"epochCount": 50},
        jobTags=[{"key": "rft:stack", "value": "rft"}],
    )
    theirs = app.bedrock.job(bare.candidates.next_id("other"), hyper_parameters={"epochCount": 50})
    bare.pause = 0.05  # as long as the job takes to stop, in the place of a thousand looks
    outcome = bare.left()
    assert (outcome.left, app.bedrock.status(job)) == ([], "Stopped")
    assert app.bedrock.status(theirs) == "InProgress"
    app.bedrock.control.stop_model_customization_job(jobIdentifier=theirs)
    app.bedrock.ended(theirs)
