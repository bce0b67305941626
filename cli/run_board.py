"""The live picture of one run: its states with their times, the training's progress, the reward curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.curve import legend, reward_curve
from cli.records import Event, GradedMinute, Metrics, Run, moment
from cli.view import (
    approval_words,
    closing_words,
    comparison_words,
    duration,
    gate_words,
    plain,
    run_seconds,
    status_style,
    status_text,
)
from rft.run.reward_curve import CONSTANT_REWARD, STUCK
from rft.run.status import SUCCEEDED, TERMINAL

# Shown before they come; the others of a run's statuses appear when they do.
_AHEAD = ("received", "preparing", "checking", "queued", "training", "deploying", "comparing")
_CURVE_WIDTH = 72
_CURVE_HEIGHT = 9


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run as the API last told it. ``trouble`` says why the newest look failed, if it did."""

    run: Run
    events: list[Event]
    metrics: Metrics
    trouble: str | None = None

    @property
    def is_over(self) -> bool:
        return self.run["status"] in TERMINAL


@dataclass(frozen=True, slots=True)
class StateTime:
    """A status that the run had, from ``since`` for ``seconds``; those of the present one still grow."""

    status: str
    since: datetime
    seconds: float


def state_times(events: list[Event], now: datetime) -> list[StateTime]:
    """Every status that the run has had, in order."""
    moves = [(event["detail"]["status"], moment(event["at"])) for event in events if event["type"] == "status"]
    ends = [*(since for _, since in moves), now][1:]
    return [
        StateTime(status, since, (end - since).total_seconds())
        for (status, since), end in zip(moves, ends, strict=True)
    ]


def last_step(run: Run) -> int | None:
    """The training's number of steps, where the request says enough to know it."""
    chosen = run["request"].get("hyperparameters") or {}
    dataset = run.get("dataset")
    if dataset is None or "train_records" not in dataset or not {"epoch_count", "batch_size"} <= chosen.keys():
        return None
    return int(chosen["epoch_count"]) * ceil(dataset["train_records"] / int(chosen["batch_size"]))


class RunBoard:
    """A renderable that draws itself anew at each refresh, so that its clock moves between two looks."""

    def __init__(self, snapshot: Snapshot, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.snapshot = snapshot
        self._clock = clock
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        run, now = self.snapshot.run, self._clock()
        parts: list[RenderableType] = [self._header(run, now), "", self._states(run, now)]
        if has_curve(self.snapshot.metrics):
            parts.append(curve_panel(self.snapshot))
        if self.snapshot.is_over:
            parts += closing_words(run)
        else:
            parts += [Text(f"warning: {plain(warning)}", style="yellow") for warning in training_warnings(run)]
        if self.snapshot.trouble is not None:
            parts.append(Text(plain(self.snapshot.trouble), style="yellow"))
        return Group(*parts)

    def _header(self, run: Run, now: datetime) -> Text:
        return Text.assemble(
            (plain(run["model"]), "bold"),
            (f"  {plain(run['run_id'])}  ", "dim"),
            status_text(run["status"]),
            (f"  {duration(run_seconds(run, now))}", "dim"),
        )

    def _states(self, run: Run, now: datetime) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=1)
        table.add_column(min_width=10)
        table.add_column(justify="right", style="dim", min_width=6)
        table.add_column(overflow="fold")
        times = state_times(self.snapshot.events, now)
        ending = times[-1].status if times and times[-1].status in TERMINAL else None
        for place, state in enumerate(times, start=1):
            if state.status == ending:
                table.add_row(_end_mark(ending), status_text(ending))
                continue
            present = place == len(times)
            # The state before a bad end is where the run broke off.
            broken = ending is not None and place == len(times) - 1
            mark = _end_mark(ending) if broken and ending is not None else Text("✓", style="green")
            table.add_row(
                self._spinner if present else mark,
                Text(plain(state.status), style="bold cyan" if present else ""),
                duration(state.seconds),
                self._note(state.status, run),
            )
        if ending is None and not self.snapshot.is_over:
            for status in _ahead([state.status for state in times]):
                table.add_row(Text("·", style="dim"), Text(status, style="dim"))
        return table

    def _note(self, status: str, run: Run) -> RenderableType:
        return self._training_note(run) if status == "training" else Text(plain(_note_words(status, run)), style="dim")

    def _training_note(self, run: Run) -> RenderableType:
        training = self.snapshot.metrics["training"]
        if not training:
            return Text(
                plain(", ".join(filter(None, [phase_words(run), graded_words(self.snapshot.metrics)]))), style="dim"
            )
        latest = training[-1]
        words = Text(f"step {latest['step']}", style="dim")
        total = last_step(run)
        if latest.get("epoch") is not None:
            words.append(f", epoch {latest['epoch']}")
        words.append(f", reward {latest['reward_mean']:.2f}")
        if total is None or latest["step"] > total:
            return words
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(ProgressBar(total=total, completed=latest["step"], width=24), words)
        return row


def _note_words(status: str, run: Run) -> str:
    """What is known of a run by its time in ``status``."""
    dataset, conversion = run.get("dataset"), run.get("conversion")
    match status:
        case "converting" if conversion is not None and "records" in conversion:
            return f"{conversion['records']:,} log records, {conversion['converted']:,} converted"
        case "preparing" if dataset is not None and "train_records" in dataset:
            return f"{dataset['train_records']:,} training, {dataset['validation_records']:,} validation records"
        case "checking" if run.get("gate") is not None:
            return f"gate {gate_words(run)}"
        case "deploying":
            return run.get("deployment_kind") or ""
        case "comparing":
            return approval_words(run) or comparison_words(run)
    return ""


def training_warnings(run: Run) -> list[str]:
    """What a person should know of a training while it goes on."""
    return [warning for warning in run.get("warnings") or [] if warning.startswith((CONSTANT_REWARD, STUCK))]


def phase_words(run: Run) -> str:
    """The phase that the job is in, or else its status: ``InProgress``, ``data processing``."""
    phases = run.get("job_phases") or {}
    present = [name for name, status in phases.items() if status == "InProgress"]
    named = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in present[-1]) if present else ""
    return ", ".join(filter(None, [run.get("job_status") or "", named]))


def graded_words(metrics: Metrics) -> str:
    """``5,120 answers graded``, and how many of them had no score."""
    minutes = metrics.get("grader") or []
    samples, errors = (sum(minute[name] for minute in minutes) for name in ("samples", "errors"))
    return f"{samples:,} answers graded" + (f", {errors:,} without a score" if errors else "") if samples else ""


def has_curve(metrics: Metrics) -> bool:
    return bool(metrics["training"] or metrics["validation"] or metrics.get("grader"))


def curve_panel(snapshot: Snapshot) -> Panel:
    """The reward curve so far; while training goes on, its axis reaches to the last step where that is known.

    Where the job's files tell no reward yet, it is what its grader saw, by the minute.
    """
    minutes = snapshot.metrics.get("grader") or []
    if minutes and not (snapshot.metrics["training"] or snapshot.metrics["validation"]):
        graded = _by_minute(minutes)
        plot = reward_curve(graded, [], width=_CURVE_WIDTH, height=_CURVE_HEIGHT, unit="minute")
        return _panel(Group(plot, legend(graded, [], name="grader", unit="minute")), "mean reward, as graded")
    training, validation = (
        [(float(point["step"]), point["reward_mean"]) for point in points]
        for points in (snapshot.metrics["training"], snapshot.metrics["validation"])
    )
    end = None if snapshot.is_over else last_step(snapshot.run)
    plot = reward_curve(training, validation, width=_CURVE_WIDTH, height=_CURVE_HEIGHT, last_step=end)
    return _panel(Group(plot, legend(training, validation)), "mean reward")


def _by_minute(minutes: list[GradedMinute]) -> list[tuple[float, float]]:
    began = moment(minutes[0]["at"])
    return [((moment(m["at"]) - began).total_seconds() / 60, m["reward_mean"]) for m in minutes]


def _panel(content: Group, title: str) -> Panel:
    return Panel(
        content,
        title=title,
        title_align="left",
        border_style="dim",
        width=_CURVE_WIDTH + 4,
    )


def _end_mark(status: str) -> Text:
    return Text("✓" if status in SUCCEEDED else "✗", style=status_style(status))


def _ahead(seen: list[str]) -> tuple[str, ...]:
    """The states that are still to come."""
    reached = max((_AHEAD.index(status) for status in seen if status in _AHEAD), default=-1)
    return _AHEAD[reached + 1 :]
