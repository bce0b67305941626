"""Following a run: what is drawn, what is said on a pipe, and patience with an API that stumbles."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from cli.faults import ApiProblem, ApiUnreachable
from cli.run_board import RunBoard, Snapshot, last_step, state_times
from cli.watching import follow, watch

RUN_ID = "ticket-triage-0123456789ab"
NOON = datetime(2026, 1, 31, 12, 0, 40, tzinfo=UTC)
DATASET = {
    "train_uri": "s3://b/t",
    "validation_uri": "s3://b/v",
    "report_uri": "s3://b/r",
    "train_records": 360,
    "validation_records": 100,
}


def moved(second: int, status: str) -> dict[str, Any]:
    return {"at": f"2026-01-31T12:00:{second:02}Z", "type": "status", "detail": {"status": status, "previous": None}}


def curve(steps: int) -> dict[str, Any]:
    training = [
        {"step": i, "epoch": 1, "reward_mean": i / 80, "reward_min": 0.0, "reward_max": 1.0}
        for i in range(1, steps + 1)
    ]
    return {"run_id": RUN_ID, "training": training, "validation": [{"step": steps, "reward_mean": 0.5}]}


class ScriptedApi:
    """Each look takes the next step of a script: a run, or a fault."""

    def __init__(self, *looks: Any, metrics: Any = None) -> None:
        self._looks = list(looks)
        self._metrics = metrics or {"run_id": RUN_ID, "training": [], "validation": []}

    def run(self, run_id: str) -> Any:
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    def events(self, run_id: str) -> Any:
        return [moved(0, "received"), moved(2, "training")]

    def metrics(self, run_id: str) -> Any:
        if isinstance(self._metrics, Exception):
            raise self._metrics
        return self._metrics


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def monotonic(self) -> float:
        return self.now


def followed(api: Any, time: Time, **options: Any) -> list[Snapshot]:
    return list(follow(api, RUN_ID, interval=1.0, sleep=time.sleep, monotonic=time.monotonic, **options))


def test_it_looks_gently_until_the_run_is_over(make_run: Callable[..., Any]) -> None:
    time = Time()
    snapshots = followed(ScriptedApi(make_run(), make_run("training"), make_run("promoted")), time)
    assert [snapshot.run["status"] for snapshot in snapshots] == ["received", "training", "promoted"]
    assert time.pauses == [1.0, 1.0]


def test_trouble_is_shown_and_outlived_with_longer_pauses(make_run: Callable[..., Any]) -> None:
    time = Time()
    gone, busy = ApiUnreachable("No answer."), ApiProblem(503, "Busy")
    snapshots = followed(ScriptedApi(make_run(), gone, busy, make_run("training"), make_run("kept")), time)
    assert [bool(snapshot.trouble) for snapshot in snapshots] == [False, True, True, False, False]
    assert time.pauses == [1.0, 2.0, 4.0, 1.0]


def test_patience_ends(make_run: Callable[..., Any]) -> None:
    time = Time()
    api = ScriptedApi(make_run(), *[ApiUnreachable("No answer.")] * 50)
    with pytest.raises(ApiUnreachable):
        followed(api, time, patience=100)
    assert 100 < time.now < 200


@pytest.mark.parametrize("fault", [ApiProblem(404, "Gone"), ApiProblem(403, "Forbidden")])
def test_a_refusal_is_raised_at_once(make_run: Callable[..., Any], fault: Exception) -> None:
    with pytest.raises(ApiProblem):
        followed(ScriptedApi(make_run(), fault), Time())


def test_a_fault_at_the_first_look_is_raised() -> None:
    with pytest.raises(ApiUnreachable):
        followed(ScriptedApi(ApiUnreachable("No answer.")), Time())


def test_curves_are_looked_at_less_often_than_the_run_and_once_it_has_ended(make_run: Callable[..., Any]) -> None:
    looks = [make_run("training", job_arn="arn:job") for _ in range(8)]
    api = ScriptedApi(*looks, make_run("kept", job_arn="arn:job"))
    asked: list[int] = []
    api.metrics = lambda run_id: asked.append(len(looks)) or curve(len(asked))  # type: ignore[method-assign,func-returns-value]
    snapshots = followed(api, Time())
    assert [len(snapshot.metrics["training"]) for snapshot in snapshots] == [1, 1, 1, 2, 2, 2, 3, 3, 4]


def test_metrics_that_can_not_be_read_disturb_nothing(make_run: Callable[..., Any]) -> None:
    api = ScriptedApi(make_run("promoted", job_arn="arn:job"), metrics=ApiProblem(404, "Not yet"))
    (snapshot,) = followed(api, Time())
    assert snapshot.metrics["training"] == []


def test_a_state_lasts_until_the_next_begins() -> None:
    times = state_times([moved(0, "received"), moved(3, "preparing"), moved(10, "training")], NOON)
    assert [(state.status, state.seconds) for state in times] == [("received", 3), ("preparing", 7), ("training", 30)]


@pytest.mark.parametrize(
    ("records", "chosen", "steps"),
    [(360, {"epoch_count": 5, "batch_size": 24}, 75), (361, {"epoch_count": 1, "batch_size": 24}, 16), (9, {}, None)],
)
def test_the_last_step_is_known_where_the_request_says_enough(
    make_run: Callable[..., Any], records: int, chosen: dict[str, int], steps: int | None
) -> None:
    run = make_run(request={"hyperparameters": chosen}, dataset=DATASET | {"train_records": records})
    assert last_step(run) == steps


def drawn(snapshot: Snapshot) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    console.print(RunBoard(snapshot, clock=lambda: NOON))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_board_of_a_run_in_training(make_run: Callable[..., Any]) -> None:
    run = make_run("training", dataset=DATASET, job_arn="arn:job", job_status="InProgress")
    events = [moved(0, "received"), moved(1, "preparing"), moved(5, "queued"), moved(6, "training")]
    screen = drawn(Snapshot(run, events, curve(40)))
    lines = [line.strip() for line in screen.splitlines()]
    assert lines[0] == f"ticket-triage  {RUN_ID}  training  40 s"
    assert "✓  preparing    4.0 s  360 training, 100 validation records" in lines
    assert any("training" in line and "34 s" in line and "step 40, epoch 1, reward 0.50" in line for line in lines)
    assert "·  deploying" in lines
    assert "1.00 ┤" in screen
    assert "training 0.50 at step 40   ◆ validation 0.50 at step 40" in screen


def graded(*rewards: float) -> dict[str, Any]:
    minutes = [
        {"at": f"2026-01-31T12:{n:02}:00Z", "reward_mean": mean, "reward_min": 0.0, "reward_max": 1.0}
        | {"samples": 1_000, "errors": n, "components": {}}
        for n, mean in enumerate(rewards)
    ]
    return {"run_id": RUN_ID, "training": [], "validation": [], "phases": None, "grader": minutes}


def test_the_board_shows_what_the_grader_saw_where_the_job_tells_no_reward_yet(make_run: Callable[..., Any]) -> None:
    phases = {"validation": "Completed", "dataProcessing": "InProgress", "training": "NotStarted"}
    run = make_run("training", job_arn="arn:job", job_status="InProgress", job_phases=phases)
    events = [moved(0, "received"), moved(6, "training")]
    screen = drawn(Snapshot(run, events, graded(0.25, 0.5, 0.75)))
    assert "InProgress, data processing, 3,000 answers graded, 3 without a score" in screen
    assert "mean reward, as graded" in screen
    assert "grader 0.75 at minute 2" in screen
    assert any(line.split()[1:] == ["minute", "0", "2", "│"] for line in screen.splitlines())
    both = graded(0.25) | {"training": curve(40)["training"]}
    screen = drawn(Snapshot(run, events, both))
    assert "training 0.50 at step 40" in screen and "as graded" not in screen


def test_the_board_warns_of_a_training_while_it_goes_on(make_run: Callable[..., Any]) -> None:
    warnings = ["gate: the gold answers earn 0.8", "constant reward: the rewards did not differ", "stuck: for 24 hours"]
    run = make_run("training", job_arn="arn:job", job_status="InProgress", warnings=warnings)
    screen = drawn(Snapshot(run, [moved(0, "training")], curve(3)))
    assert "warning: constant reward: the rewards did not differ" in screen
    assert "warning: stuck: for 24 hours" in screen
    assert "gold" not in screen


def test_the_board_of_a_run_that_is_compared(make_run: Callable[..., Any]) -> None:
    gain = {"mean": 0.25, "low": 0.125, "high": 0.375, "confidence": 0.95}
    compared = {"against": "base", "records": 100, "gain": gain, "recommended": "promote", "sentence": "Better."}
    run = make_run("comparing", comparison=compared)
    assert "over the base model, 100 prompts" in drawn(Snapshot(run, [moved(0, "comparing")], curve(0)))
    approval = {
        "state": "waiting",
        "until": "2026-02-07T12:00:00Z",
        "since": "",
        "decided_at": None,
        "decided_by": None,
    }
    screen = drawn(Snapshot(run | {"approval": approval}, [moved(0, "comparing")], curve(0)))
    assert f"rft approve {RUN_ID}" in " ".join(screen.split())


def test_the_board_tells_what_the_gate_said(make_run: Callable[..., Any]) -> None:
    run = make_run("queued", gate={"verdict": "warnings", "codes": ["gold-low"], "report_uri": "s3://b/gate.json"})
    screen = drawn(Snapshot(run, [moved(0, "received"), moved(1, "checking"), moved(5, "queued")], curve(0)))
    assert any(
        line.split() == ["✓", "checking", "4.0", "s", "gate", "open", "with", "warnings:", "gold-low"]
        for line in screen.splitlines()
    )


def test_the_board_of_a_run_that_ended_badly(make_run: Callable[..., Any]) -> None:
    reason = {"error": "JobFailed", "message": "[red]the grader\x1b[2J failed", "details_uri": "s3://b/report.json"}
    run = make_run("failed", reason=reason, ended_at="2026-01-31T12:00:30Z", warnings=["the reward never moved"])
    screen = drawn(Snapshot(run, [moved(0, "received"), moved(9, "failed")], curve(3)))
    assert "✗  failed" in screen
    assert "JobFailed: [red]the grader\N{REPLACEMENT CHARACTER}[2J failed" in screen
    assert "details: s3://b/report.json" in screen
    assert "warning: the reward never moved" in screen
    assert "deploying" not in screen


def test_on_a_pipe_each_change_is_a_line(make_run: Callable[..., Any]) -> None:
    out = io.StringIO()
    api = ScriptedApi(
        make_run("training", job_arn="arn:job"),
        make_run("training", job_arn="arn:job"),
        make_run("promoted", job_arn="arn:job"),
        metrics=curve(8),
    )
    run = watch(api, RUN_ID, Console(file=out, width=80), interval=0)  # type: ignore[arg-type]
    lines, _, curve_at_the_end = out.getvalue().partition("╭")
    assert run["status"] == "promoted"
    assert [line.split(maxsplit=1)[-1] for line in lines.splitlines()] == [
        RUN_ID,
        "received",
        "training",
        "8: mean reward 0.100",
    ]
    assert curve_at_the_end.count("1.00 ┤") == 1


def test_on_a_pipe_a_minute_is_told_when_it_is_over_and_a_warning_once(make_run: Callable[..., Any]) -> None:
    out = io.StringIO()
    warned = make_run("training", job_arn="arn:job", warnings=["constant reward: no difference", "gate: odd"])
    api = ScriptedApi(*[warned] * 7, make_run("kept", job_arn="arn:job"))
    curves = iter([graded(0.5), graded(0.5, 0.25), graded(0.5, 0.25), graded(0.5, 0.25)])
    api.metrics = lambda run_id: next(curves)  # type: ignore[method-assign]
    watch(api, RUN_ID, Console(file=out, width=80), interval=0)  # type: ignore[arg-type]
    lines = out.getvalue().partition("╭")[0].splitlines()
    assert [line.strip() for line in lines if "graded" in line] == ["graded: mean reward 0.500 of 1,000 answers"]
    assert [line.strip() for line in lines if "warning" in line] == ["warning: constant reward: no difference"]


@pytest.mark.parametrize("seen_while_checking", [True, False])
def test_on_a_pipe_the_gates_verdict_follows_its_state(make_run: Callable[..., Any], seen_while_checking: bool) -> None:
    gate = {"verdict": "closed", "codes": ["over-budget"], "report_uri": "s3://b/gate.json"}
    out = io.StringIO()
    states = [moved(0, "received"), moved(1, "checking"), moved(3, "rejected")]
    api = ScriptedApi(
        make_run(), make_run("checking"), make_run("checking", gate=gate), make_run("rejected", gate=gate)
    )
    lengths = iter([1, 2, 2, 3] if seen_while_checking else [1, 1, 1, 3])
    api.events = lambda run_id: states[: next(lengths)]  # type: ignore[method-assign]
    watch(api, RUN_ID, Console(file=out, width=80), interval=0)  # type: ignore[arg-type]
    told = [line.split(maxsplit=1)[-1] for line in out.getvalue().splitlines()]
    assert told == [RUN_ID, "received", "checking", "closed: over-budget", "rejected"]


def test_on_a_pipe_it_is_told_once_that_a_person_is_waited_for(make_run: Callable[..., Any]) -> None:
    waiting = {"state": "waiting", "since": "2026-01-31T12:00:00Z", "until": "2026-02-07T12:00:00Z"}
    waiting |= {"decided_at": None, "decided_by": None}
    out = io.StringIO()
    api = ScriptedApi(make_run("comparing"), *[make_run("comparing", approval=waiting)] * 3, make_run("kept"))
    watch(api, RUN_ID, Console(file=out, width=80), interval=0)  # type: ignore[arg-type]
    (line,) = [line for line in out.getvalue().splitlines() if "waits for a person" in line]
    assert f"rft approve {RUN_ID}" in line
