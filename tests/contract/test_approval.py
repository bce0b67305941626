"""A person decides: who is told, who decides, and what becomes of decisions that come late, twice or never."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft.aws import executions
from rft.aws.clients import client
from rft.aws.clock import now
from rft.errors import NothingToApprove, RequestInvalid, RunEnded, RunNotFound, RunStopped
from rft.run.status import Status
from rft.steps.comparing.approval import await_approval, settle_approval
from rft.steps.doors.stop_run import stop_run
from rft.steps.ending.close_run import close_ended_execution
from rft.steps.serving.discard_candidate import discard_candidate
from tests.contract.application import MACHINE
from tests.contract.candidates import Candidates, Refusal, breaking, deployments, promoted, serves
from tests.contract.test_handlers import invoke

WHO = "arn:aws:sts::123456789012:assumed-role/team/ann"


@pytest.fixture
def waiting(candidates: Candidates) -> str:
    """A run that waits for a person."""
    run_id = candidates.compared("manual")
    given = {"run_id": run_id, "task_token": "token", "wait": "approval"}
    assert invoke("await_job", given) == {"run_id": run_id, "approval": "waiting"}
    return run_id


def approval(candidates: Candidates, run_id: str) -> dict[str, Any]:
    found = candidates.app.pipeline.store.get(run_id).approval
    assert found is not None
    return found


def test_a_run_that_waits_says_since_when_and_until_when_and_tells_somebody(
    candidates: Candidates, waiting: str
) -> None:
    app = candidates.app
    found = approval(candidates, waiting)
    assert (found["state"], found["decided_at"], found["decided_by"]) == ("waiting", None, None)
    assert found["since"] <= now() < found["until"]
    assert "token" not in str(app.pipeline.store.get(waiting).to_json())
    (message,) = app.named("Publish")
    assert waiting in message["Message"]
    (event,) = app.named("PutEvents")
    assert '"approval": "waiting"' in event["Entries"][0]["Detail"]
    await_approval(app.pipeline, waiting, "token-of-a-retry")
    again = approval(candidates, waiting)
    assert (again["since"], again["until"] >= found["until"]) == (found["since"], True)
    settle_approval(app.pipeline, waiting, "keep", WHO)
    assert [sent["taskToken"] for sent in app.named("SendTaskSuccess")] == ["token-of-a-retry"]


@pytest.mark.parametrize("decision", ["promote", "keep"])
def test_the_first_decision_counts(candidates: Candidates, waiting: str, decision: str) -> None:
    app = candidates.app
    event = {"approval": {"run_id": waiting, "decision": decision, "decided_by": WHO}}
    assert invoke("await_job", event) == {"run_id": waiting, "decision": decision}
    for another in ("promote", "keep"):
        with pytest.raises(NothingToApprove, match=decision):
            settle_approval(app.pipeline, waiting, another, "somebody else")
    (sent,) = app.named("SendTaskSuccess")
    assert (sent["taskToken"], f'"decision": "{decision}"' in sent["output"]) == ("token", True)
    if decision == "promote":
        promoted(app, waiting)
        serves(app, "manual", waiting)
    else:
        discard_candidate(app.pipeline, waiting)
        assert deployments(app, "manual") == {}
    found = approval(candidates, waiting)
    assert (found["state"], found["decided_by"], found["decided_at"] <= now()) == (decision, WHO, True)


def test_without_a_word_in_time_the_old_model_stays(candidates: Candidates, waiting: str) -> None:
    app = candidates.app
    discard_candidate(app.pipeline, waiting)
    run = app.pipeline.store.get(waiting)
    assert (run.status, approval(candidates, waiting)["state"], run.reason) == (Status.KEPT, "expired", None)
    with pytest.raises(NothingToApprove):
        settle_approval(app.pipeline, waiting, "promote", WHO)
    assert app.named("SendTaskSuccess") == []


@pytest.mark.parametrize("over", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_word_that_comes_when_the_wait_is_over_is_not_taken(candidates: Candidates, waiting: str, over: str) -> None:
    with breaking(Refusal(0, over, "sfn")), pytest.raises(NothingToApprove):
        settle_approval(candidates.app.pipeline, waiting, "promote", WHO)
    assert approval(candidates, waiting)["state"] == "expired"


def test_a_word_that_could_not_be_passed_on_can_be_said_again(candidates: Candidates, waiting: str) -> None:
    pipeline = candidates.app.pipeline
    with breaking(Refusal(0, "ThrottlingException", "sfn")), pytest.raises(ClientError):
        settle_approval(pipeline, waiting, "promote", WHO)
    assert approval(candidates, waiting)["state"] == "waiting"
    assert settle_approval(pipeline, waiting, "keep", WHO)["decision"] == "keep"


def test_a_run_that_waits_for_nobody_is_not_to_be_decided(candidates: Candidates) -> None:
    pipeline, run_id = candidates.app.pipeline, candidates.compared("alone")
    with pytest.raises(NothingToApprove):
        settle_approval(pipeline, run_id, "promote", WHO)
    with pytest.raises(RunNotFound):
        settle_approval(pipeline, "no-such-run", "promote", WHO)
    with pytest.raises(RequestInvalid):
        settle_approval(pipeline, run_id, "perhaps", WHO)
    pipeline.end(run_id, Status.FAILED)
    with pytest.raises(RunEnded):
        await_approval(pipeline, run_id, "token")


def test_a_run_is_asked_about_anew_after_another_has_become_live(candidates: Candidates, waiting: str) -> None:
    pipeline = candidates.app.pipeline
    settle_approval(pipeline, waiting, "promote", WHO)
    await_approval(pipeline, waiting, "token-2")
    assert approval(candidates, waiting)["state"] == "waiting"
    assert len(candidates.app.named("Publish")) == 2
    settle_approval(pipeline, waiting, "keep", WHO)
    assert approval(candidates, waiting)["state"] == "keep"


def test_a_stop_ends_the_wait_and_removes_the_candidate(candidates: Candidates, waiting: str) -> None:
    app = candidates.app
    executions.start(client("stepfunctions"), MACHINE, waiting, "dataset")
    stop_run(app.pipeline, waiting)
    assert len(app.named("StopExecution")) == 1
    with pytest.raises(NothingToApprove, match="being stopped"):
        settle_approval(app.pipeline, waiting, "promote", WHO)
    with pytest.raises(RunStopped):
        await_approval(app.pipeline, waiting, "token-2")
    close_ended_execution(app.pipeline, {"detail": {"name": waiting, "status": "ABORTED"}})
    run = app.pipeline.store.get(waiting)
    assert (run.status, approval(candidates, waiting)["state"]) == (Status.STOPPED, "expired")
    assert deployments(app, "manual") == {}
