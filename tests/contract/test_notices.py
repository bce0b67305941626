"""The messages about a run: each once, whoever else is at it, and a topic that is gone stops nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rft.aws.clock import now
from rft.errors import RunNotEnded
from rft.run.record import Run
from rft.run.status import TERMINAL, Status
from rft.steps.doors.start_run import Started, start_from_api
from rft.steps.ending import notices
from rft.steps.ending.close_run import close_ended_execution
from rft.steps.ending.notify import notify
from rft.steps.pipeline import Pipeline
from rft.steps.training.training_watch import report_wait
from tests.contract.application import BUCKET, Application, application
from tests.contract.standin import FakeAws, running, serving

Notice = Callable[[Pipeline, Run], bool]
KINDS: list[tuple[Notice, str]] = [
    (notices.started, "start"),
    (notices.stuck, "stuck"),
    (notices.approval_needed, "approval"),
]
every_kind = pytest.mark.parametrize(("tell", "kind"), KINDS, ids=[kind for _, kind in KINDS])


NUMBERS = count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """One application for all tests of this module, each with runs of its own: no test is about Bedrock."""
    aws = FakeAws()
    with (
        serving(aws.app()) as endpoint,
        running(tmp_path_factory.mktemp("state"), aws, endpoint) as bedrock,
        pytest.MonkeyPatch.context() as patch,
        application(bedrock, endpoint, patch) as made,
    ):
        yield made
        assert made.broken == []


@pytest.fixture
def app(shared: Application) -> Application:
    shared.calls.clear()
    return shared


def start(app: Application, model: str | None = None, **changes: Any) -> Started:
    name = model or f"m-{next(NUMBERS)}"
    request = {"model": name, "training_data": {"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl"}}
    return start_from_api(app.pipeline, json.dumps(request | changes), key=name, request_id="r")


def told(app: Application) -> list[tuple[str | None, str]]:
    """Kind and run of every message that was sent."""
    sent = [message["MessageAttributes"] for message in app.named("Publish")]
    return [(a.get("kind", {}).get("StringValue"), a["run_id"]["StringValue"]) for a in sent]


def events(app: Application, run: Run, kind: str) -> list[dict[str, Any]]:
    page = app.pipeline.store.events(run.run_id, limit=100, token=None)
    return [event["detail"] for event in page.items if event["type"] == kind]


@every_kind
def test_a_notice_is_sent_once_and_each_kind_by_itself(app: Application, tell: Notice, kind: str) -> None:
    run = start(app).run
    assert [tell(app.pipeline, run) for _ in range(3)] == [True, False, False]
    assert told(app) == [(kind, run.run_id)]
    assert events(app, run, "notified")[0]["kind"] == kind
    for other, _ in KINDS:
        other(app.pipeline, run)
    assert sorted(told(app)) == sorted((kind, run.run_id) for _, kind in KINDS)


@every_kind
def test_two_who_have_the_same_to_say_at_once_say_it_once(
    app: Application, monkeypatch: pytest.MonkeyPatch, tell: Notice, kind: str
) -> None:
    run = start(app).run
    publish, seconds = notices.publish, []

    def meanwhile(*arguments: Any) -> str:
        seconds.append(tell(app.pipeline, run))
        return publish(*arguments)

    monkeypatch.setattr(notices, "publish", meanwhile)
    assert tell(app.pipeline, run)
    assert seconds == [False]
    assert told(app) == [(kind, run.run_id)]


@every_kind
def test_one_who_died_over_it_is_made_up_for(
    app: Application, monkeypatch: pytest.MonkeyPatch, tell: Notice, kind: str
) -> None:
    run = start(app).run
    store = app.pipeline.store
    assert store.claim_message(run.run_id, kind=kind, at=now(), stale_before=now(seconds_ago=60))
    assert not tell(app.pipeline, run)
    monkeypatch.setattr(notices, "STALE_SECONDS", -1.0)
    assert tell(app.pipeline, run)


@every_kind
def test_a_topic_that_is_gone_stops_nothing_and_the_next_tries_again(
    app: Application, monkeypatch: pytest.MonkeyPatch, tell: Notice, kind: str
) -> None:
    run = start(app).run
    monkeypatch.setenv("TOPIC_ARN", app.topic + "-gone")
    assert not tell(app.pipeline, run)
    (failed,) = events(app, run, "notification_failed")
    assert (failed["kind"], failed["error"]) == (kind, "NotFound")
    monkeypatch.setenv("TOPIC_ARN", app.topic)
    assert tell(app.pipeline, run)
    assert not app.pipeline.store.get(run.run_id).status.is_terminal


def test_a_network_that_is_gone_stops_nothing_either(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(app).run

    def lost(*_: Any) -> str:
        raise EndpointConnectionError(endpoint_url="https://sns")

    monkeypatch.setattr(notices, "publish", lost)
    assert not notices.stuck(app.pipeline, run)
    assert events(app, run, "notification_failed")[0]["error"] == "EndpointConnectionError"


@every_kind
def test_of_a_run_that_has_ended_only_its_end_is_told(app: Application, tell: Notice, kind: str) -> None:
    run = start(app).run
    app.pipeline.end(run.run_id, Status.FAILED)
    assert not tell(app.pipeline, run), "it was read before the end"
    assert told(app) == []
    notify(app.pipeline, run.run_id)
    assert told(app) == [(None, run.run_id)]


@every_kind
def test_of_no_run_nothing_is_told(app: Application, tell: Notice, kind: str) -> None:
    assert not tell(app.pipeline, Run("m-0123456789ab", "m", Status.TRAINING, now(), now()))
    assert told(app) == []
    assert app.pipeline.store.find("m-0123456789ab") is None, "and half a record is not made"


def test_a_decision_is_asked_for_once_in_each_wait(app: Application) -> None:
    run_id = start(app).run.run_id
    for _ in range(2):
        approval = {"state": "waiting", "since": now(), "until": now(), "decided_at": None, "decided_by": None}
        app.pipeline.store.record(run_id, approval=approval)
        run = app.pipeline.store.get(run_id)
        assert [notices.approval_needed(app.pipeline, run) for _ in range(2)] == [True, False]
        # A millisecond later the candidate has been compared with another live model, and the run waits anew.
        time.sleep(0.002)
    assert told(app) == [("approval", run_id)] * 2


def test_a_run_that_is_stuck_is_told_of_by_the_next_look_where_the_topic_was_gone(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUCK_HOURS", "24")
    run_id = start(app).run.run_id
    app.pipeline.store.move(run_id, Status.TRAINING, job_submitted_at=now(seconds_ago=25 * 3_600))
    for topic in (app.topic + "-gone", app.topic, app.topic):
        monkeypatch.setenv("TOPIC_ARN", topic)
        report_wait(app.pipeline, app.pipeline.store.get(run_id))
    assert len(events(app, app.pipeline.store.get(run_id), "notified")) == 1
    assert len(app.pipeline.store.get(run_id).warnings) == 1


def test_a_notice_takes_nothing_from_the_message_at_the_end(app: Application) -> None:
    run = start(app).run
    notices.stuck(app.pipeline, run)
    assert app.pipeline.store.get(run.run_id).notified_at is None
    app.pipeline.end(run.run_id, Status.STOPPED)
    notify(app.pipeline, run.run_id)
    assert told(app) == [("stuck", run.run_id), (None, run.run_id)]


def test_hours_are_those_since_the_job_was_submitted(app: Application) -> None:
    run = start(app).run
    app.pipeline.store.move(run.run_id, Status.TRAINING, job_submitted_at=now(seconds_ago=26 * 3_600))
    notices.stuck(app.pipeline, app.pipeline.store.get(run.run_id))
    (message,) = app.named("Publish")
    assert message["Subject"] == f"[rft] {run.model}: stuck, training for 26 h"


# -- the start ------------------------------------------------------------------------------------------------------


def test_a_start_is_told_only_where_the_stack_says_so(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    start(app)
    assert told(app) == []
    monkeypatch.setenv("NOTIFY_ON_START", "true")
    for _ in range(2):
        run = start(app, "loud").run
    assert told(app) == [("start", run.run_id)]


def test_a_start_that_died_before_its_message_is_told_by_the_repeat(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_ON_START", "true")
    with monkeypatch.context() as patch, pytest.raises(SystemError):
        patch.setattr(notices, "started", _die)
        start(app, "died")
    again = start(app, "died")
    assert not again.created
    assert told(app) == [("start", again.run.run_id)]


def _die(*_: Any) -> bool:
    raise SystemError("the function is gone")


def test_a_run_that_is_on_its_way_is_not_told_as_a_start_to_whoever_asks_for_it_again(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(app, "on-its-way").run
    app.pipeline.begin(run.run_id, Status.TRAINING)
    monkeypatch.setenv("NOTIFY_ON_START", "true")
    assert start(app, "on-its-way").run.run_id == run.run_id
    assert told(app) == []


def test_a_topic_that_is_gone_does_not_keep_a_run_from_starting(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_ON_START", "true")
    monkeypatch.setenv("TOPIC_ARN", app.topic + "-gone")
    started = start(app)
    assert started.created
    assert len(app.named("StartExecution")) == 1
    assert events(app, started.run, "notification_failed")


@pytest.mark.parametrize(
    ("deploy", "warnings"),
    [
        ("provisioned", []),
        ({"kind": "provisioned", "model_units": 2}, []),
        (
            {"kind": "provisioned", "commitment": "SixMonths"},
            [
                "deploy: six months is committed to only if the model is promoted, and is then paid to the end of its "
                "term, used or not; until then throughput is paid by the hour"
            ],
        ),
    ],
)
def test_what_can_not_be_taken_back_is_said_beforehand(app: Application, deploy: Any, warnings: list[str]) -> None:
    run = start(app, deploy=deploy, promote={"min_gain": 0.02}).run
    assert run.warnings == warnings, "what is asked of a promotion is held, so there is nothing to warn of"


# -- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(status for status in Status if status not in TERMINAL))
def test_a_run_that_comes_to_its_last_message_unended_is_a_fault_that_shows(app: Application, status: Status) -> None:
    run = start(app).run
    app.pipeline.store.move(run.run_id, status)
    for attempt in (0, 5):
        with pytest.raises(RunNotEnded, match=f"the run is {status}"):
            notify(app.pipeline, run.run_id, attempt=attempt)
    assert told(app) == []
    assert app.pipeline.store.get(run.run_id).status is status, "which end is true isn't known here"
    cause = json.dumps({"errorMessage": "no step has put its end on record", "errorType": "RunNotEnded"})
    close_ended_execution(app.pipeline, {"detail": {"name": run.run_id, "status": "FAILED", "cause": cause}})
    (message,) = app.named("Publish")
    assert message["Subject"] == f"[rft] {run.model}: failed, ExecutionFailed"
    assert "ExecutionFailed: no step has put its end on record." in message["Message"]


def test_every_message_says_of_which_run_model_and_status_it_is(app: Application) -> None:
    run = start(app).run
    notices.stuck(app.pipeline, run)
    app.pipeline.end(run.run_id, Status.STOPPED)
    notify(app.pipeline, run.run_id)
    notice, end = (
        {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        for message in app.named("Publish")
    )
    assert notice == {"run_id": run.run_id, "model": run.model, "status": "received", "kind": "stuck"}
    assert end == {"run_id": run.run_id, "model": run.model, "status": "stopped"}


def test_a_message_that_can_not_be_sent_is_the_next_ones_to_send(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(app).run
    app.pipeline.end(run.run_id, Status.KEPT)
    with monkeypatch.context() as patch, pytest.raises(ClientError):
        patch.setenv("TOPIC_ARN", app.topic + "-gone")
        notify(app.pipeline, run.run_id)
    notify(app.pipeline, run.run_id, attempt=1)
    assert len(events(app, run, "notified")) == 1
