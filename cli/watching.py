"""Following a run until it ends. Whoever stops watching stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.client import ApiClient
from cli.faults import ApiProblem, ApiUnreachable
from cli.records import Metrics, Run, moment
from cli.run_board import RunBoard, Snapshot, curve_panel, has_curve, state_times, training_warnings
from cli.view import approval_words, closing_words, gate_words, plain, status_text
from rft.run.status import TERMINAL, Status

PATIENCE_SECONDS = 600.0
_LONGEST_PAUSE = 60.0
_LOOKS_A_CURVE = 3  # a curve has a point a minute or a step, and CloudWatch takes money for each look at its metrics


def follow(
    api: ApiClient,
    run_id: str,
    *,
    interval: float,
    patience: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Snapshot]:
    """Snapshots of the run, one every ``interval`` seconds, the last one of its end.

    Where the API fails, the last snapshot comes again with its trouble, after pauses that double; after ``patience``
    seconds without an answer the fault is raised. A fault at the first look is raised at once.
    """
    snapshot = _look(api, run_id, _no_metrics(run_id))
    yield snapshot
    answered, pause, looks = monotonic(), interval, 0
    while not snapshot.is_over:
        sleep(pause)
        looks += 1
        try:
            snapshot = _look(api, run_id, snapshot.metrics, with_curve=looks % _LOOKS_A_CURVE == 0)
        except (ApiUnreachable, ApiProblem) as fault:
            if not _may_pass(fault) or monotonic() - answered > patience:
                raise
            pause = min(pause * 2, max(_LONGEST_PAUSE, interval))
            yield replace(snapshot, trouble=f"{fault.message} Looking again in {pause:.0f} s.")
        else:
            answered, pause = monotonic(), interval
            yield snapshot


def watch(api: ApiClient, run_id: str, console: Console, *, interval: float) -> Run:
    """Show the run until it ends, and give its final record: a live picture on a terminal, else a line a change."""
    snapshots = follow(api, run_id, interval=interval)
    return _draw(snapshots, console) if console.is_terminal else _tell(snapshots, console)


def _look(api: ApiClient, run_id: str, metrics: Metrics, *, with_curve: bool = True) -> Snapshot:
    # The run first: events and metrics are then at least as new, so the last snapshot lacks nothing.
    run = api.run(run_id)
    if with_curve or run["status"] in TERMINAL:
        metrics = _newest_metrics(api, run, metrics)
    return Snapshot(run, api.events(run_id), metrics)


def _newest_metrics(api: ApiClient, run: Run, known: Metrics) -> Metrics:
    """Metrics are for the eye: what can't be read leaves the ones that are known."""
    if run.get("job_arn") is None:
        return known
    try:
        return api.metrics(run["run_id"])
    except ApiProblem:
        return known


def _may_pass(fault: ApiUnreachable | ApiProblem) -> bool:
    return isinstance(fault, ApiUnreachable) or fault.status == 429 or fault.status >= 500


def _no_metrics(run_id: str) -> Metrics:
    return {"run_id": run_id, "training": [], "validation": []}


def _draw(snapshots: Iterator[Snapshot], console: Console) -> Run:
    board = RunBoard(next(snapshots))
    with Live(board, console=console, refresh_per_second=8):
        for snapshot in snapshots:
            board.snapshot = snapshot
    return board.snapshot.run


def _tell(snapshots: Iterator[Snapshot], console: Console) -> Run:
    """One line for each change, for logs and pipes; the curve once, at the end."""
    first = next(snapshots)
    told = _Told(first.run)
    console.print(Text(f"run {plain(first.run['run_id'])}"), soft_wrap=True)
    for snapshot in chain([first], snapshots):
        for line in told.news(snapshot):
            console.print(line, soft_wrap=True)
        console.file.flush()  # who reads a pipe sees each line when it is told
        if snapshot.is_over and has_curve(snapshot.metrics):
            console.print(curve_panel(snapshot))
    return told.run


class _Told:
    """What was said of a run already."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._states = 0
        self._gate = ""
        self._step: int | None = None
        self._minute: str | None = None
        self._warned: set[str] = set()
        self._approval = ""
        self._trouble: str | None = None

    def news(self, snapshot: Snapshot) -> Iterator[Text]:
        self.run = snapshot.run
        # The end of the last state doesn't matter here: only when each one began.
        states = state_times(snapshot.events, moment(snapshot.run["updated_at"]))
        if any(state.status == Status.CHECKING for state in states[: self._states]):
            yield from self._gate_news(snapshot)
        if self._states:
            yield from self._training_news(snapshot)
        for state in states[self._states :]:
            yield _at(state.since, status_text(state.status))
            if state.status == Status.CHECKING:
                yield from self._gate_news(snapshot)
            if state.status == Status.TRAINING:
                yield from self._training_news(snapshot)
        self._states = len(states)
        yield from self._approval_news(snapshot)
        if snapshot.trouble is not None and snapshot.trouble != self._trouble:
            yield Text(plain(snapshot.trouble))
        self._trouble = snapshot.trouble
        if snapshot.is_over:
            yield from (line for line in closing_words(snapshot.run) if isinstance(line, Text))

    def _gate_news(self, snapshot: Snapshot) -> Iterator[Text]:
        words = gate_words(snapshot.run)
        if words and not self._gate:
            yield Text(f"         gate {words}")
        self._gate = self._gate or words

    def _approval_news(self, snapshot: Snapshot) -> Iterator[Text]:
        """Nothing else moves until somebody has decided."""
        words = approval_words(snapshot.run)
        if words and words != self._approval:
            yield Text(f"         {plain(words)}")
        self._approval = words

    def _training_news(self, snapshot: Snapshot) -> Iterator[Text]:
        for warning in training_warnings(snapshot.run):
            if warning not in self._warned and not snapshot.is_over:
                yield Text(f"         warning: {plain(warning)}")
            self._warned.add(warning)
        training, graded = snapshot.metrics["training"], snapshot.metrics.get("grader") or []
        # The newest minute still goes on.
        if not training and len(graded) > 1 and graded[-2]["at"] != self._minute:
            minute = graded[-2]
            self._minute = minute["at"]
            yield Text(f"         graded: mean reward {minute['reward_mean']:.3f} of {minute['samples']:,} answers")
        if training and training[-1]["step"] != self._step:
            self._step = training[-1]["step"]
            yield Text(f"         step {self._step}: mean reward {training[-1]['reward_mean']:.3f}")


def _at(since: datetime, words: Text) -> Text:
    return Text.assemble((f"{since.astimezone():%H:%M:%S} ", "dim"), words)
