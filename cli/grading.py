"""``rft grade``: one event through a grader's own code, and what came back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.dataset_view import visible
from cli.faults import CliFault, UsageFault
from cli.grader_pipes import Limits
from cli.grader_process import GraderProcess
from cli.view import Screen, duration
from rft.errors import RequestProblem
from rft.gate.codes import CODES
from rft.gate.ports import InvocationFailed
from rft.gate.reading import Breach, counted, read_answer
from rft.grading.errors import EventNotAList
from rft.grading.sample import items_of, read_envelope

NO_SCORE = "samples without a score"  # how rft.grading.telemetry begins its list of errors
_LINES_OF_ITS_OWN = 20
_ANSWER_SHOWN = 160  # characters


@dataclass(frozen=True, slots=True)
class GradedEvent:
    """``results`` are the grader's own, which keep the contract; ``errors`` says by position why a sample has none.
    ``unlimited`` names the limits that didn't hold."""

    results: list[dict[str, Any]]
    errors: Mapping[int, str]
    seconds: float
    unlimited: tuple[str, ...]


def grade_event(app_py: Path, event: Path, screen: Screen, limits: Limits | None = None) -> GradedEvent:
    """Raises ``UsageFault`` for a file that holds no event, ``CliFault`` when the grader fails or breaks the contract.

    What the grader itself prints is shown, but for its log; it may hold texts of the event.
    """
    payload, ids = _event(event)
    with GraderProcess(app_py, limits=limits) as process:
        try:
            answer = process.invoke(payload)
        except InvocationFailed as failed:
            raise CliFault(
                f"The grader {_WORDS[failed.kind]}{f': {failed.detail}' if failed.detail else '.'}"
            ) from None
        finally:
            log, printed = _parted(process.words)
            for line in printed[-_LINES_OF_ITS_OWN:]:
                screen.say(visible(line))
    breaches = read_answer(answer.payload, ids).breaches
    if breaches:
        screen.say(f"its answer: {visible(answer.payload[:_ANSWER_SHOWN].decode(errors='replace'))}")
        raise CliFault("The grader's answer breaks the contract.", problems=list(_problems(breaches)))
    return GradedEvent(json.loads(answer.payload), _errors(log), answer.seconds, process.unlimited)


_WORDS = {
    "raised": "raised an error",
    "timed-out": "did not answer in time",
    "out-of-memory": "ran out of memory",
    "exited": "ended before it answered",
    "refused": "can't be imported",
    "too-large": "takes or gives more than the 6 MB that Lambda passes on",
}


def graded_table(graded: GradedEvent) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("id", overflow="fold")
    table.add_column("reward", justify="right", no_wrap=True)
    table.add_column("components", overflow="fold")
    for position, result in enumerate(graded.results):
        metrics = result.get("metrics_list") or []
        failed = any(metric["name"] == "error" and metric["value"] == 1 for metric in metrics)
        told = [f"{visible(metric['name'])} {metric['value']:.4g}" for metric in metrics]
        told += [visible(graded.errors[position])] if position in graded.errors else []
        reward = Text(f"{result['aggregate_reward_score']:.4f}", style="red" if failed else "bold")
        table.add_row(Text(visible(str(result["id"]))), reward, Text("  ".join(told), style="red" if failed else "dim"))
    took = f"{counted(len(graded.results), 'sample')} in {_brief(graded.seconds)}"
    return Group(table, Text(), Text(f"{took}{unlimited_words(graded.unlimited)}", style="dim"))


def unlimited_words(unlimited: Sequence[str]) -> str:
    """What a grader on this system could still do, for the end of a line."""
    return f"; not limited on this system: {', '.join(unlimited)}" if unlimited else ""


def reasons_in(words: str) -> Counter[str]:
    """Why samples had no score, from what a grader has printed: ``KeyError at app.py:7``, and how often."""
    log, _ = _parted(words)
    return Counter(reason for entry in log for reason in _errors([entry]).values())


def _brief(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else duration(seconds)


def _parted(words: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of JSON among a grader's words, which are its log and metrics, and the others."""
    log, others = [], []
    for line in words.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            log.append(entry)
        else:
            others.append(line)
    return log, others


def _errors(log: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """As ``rft.grading`` logs them: the class of an error, and where it was raised, by the sample's position."""
    told: dict[int, str] = {}
    for entry in log:
        if entry.get("message") != NO_SCORE or not isinstance(entry.get("first"), list):
            continue
        for error in entry["first"]:
            match error:
                case {"position": int(position), "error": str(name), "at": str(place)}:
                    told[position] = f"{name} at {place}"
    return told


def _event(file: Path) -> tuple[bytes, list[Any]]:
    """The event's bytes, and the ids of its samples."""
    payload = file.read_bytes()
    try:
        items = items_of(json.loads(payload))
    except EventNotAList:
        raise UsageFault(
            f"{visible(str(file))} is no event: that is a JSON list of samples, each with id, messages and metadata.",
            hint="events/grader_format_validation.json is one.",
        ) from None
    except (ValueError, RecursionError):
        raise UsageFault(
            f"{visible(str(file))} is not JSON.",
            hint="A dataset (.jsonl) has no answers to grade: see rft check-grader --dataset",
        ) from None
    return payload, [read_envelope(item, position).id for position, item in enumerate(items)]


def _problems(breaches: Sequence[Breach]) -> Iterator[RequestProblem]:
    for (code, detail), count in Counter(breaches).items():
        found = f"{counted(count, 'result')} {detail}" if detail.startswith("have ") else detail
        yield RequestProblem(code, f"{found[:1].upper()}{found[1:]}. {CODES[code].advice}")
