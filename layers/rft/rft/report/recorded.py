"""The sections about the run itself: when what happened, and what everything was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rft.report import words
from rft.report.blocks import Block, Cell, Facts, Paragraph, Section, Table
from rft.report.material import Json, Material, mapping, part, sequence
from rft.report.texts import line

_FIRST, _LAST = 40, 20
_DETAIL = 220  # characters
_ELSEWHERE = ("_uri", "_sha256", "_version_id", "sentence", "gain", "means")  # of details: the report has them already
_GATE = "gate: "  # before a warning of the gate, whose section has it
_EVENTS = {
    "status": "status",
    "conversion": "logs converted",
    "dataset": "dataset prepared",
    "gate": "gate",
    "job": "training job",
    "custom_model": "custom model made",
    "deployment": "deployment",
    "comparison": "models compared",
    "approval": "approval",
    "promotion": "promotion",
    "live_deployment_repaired": "live deployment repaired",
    "live_deployment_missing": "live deployment missing",
    "closing": "closing",
    "stop_requested": "stop asked for",
    "look_failed": "look at the job failed",
    "batch_failed": "batch failed",
    "notified": "message sent",
    "notification_failed": "message failed",
}


def timeline(material: Material) -> Section | None:
    """How long each stage took, and everything that happened."""
    blocks: list[Block] = []
    if stages := _stages(material):
        blocks.append(stages)
    events = material.events
    if events:
        shown = [*events] if len(events) <= _FIRST + _LAST else [*events[:_FIRST], None, *events[-_LAST:]]
        left_out = len(events) - _FIRST - _LAST + material.events_left_out
        rows = [_event(material, event, left_out) for event in shown]
        blocks.append(
            Table(
                "Everything on record, in hours, minutes and seconds from the request",
                ("After", "What", "Detail"),
                rows,
                numeric=frozenset({0}),
                loose=frozenset({1, 2}),
            )
        )
    return Section("timeline", "The run", blocks) if blocks else None


def _stages(material: Material) -> Table | None:
    moves = [
        (str(part(event, "detail", "status")), part(event, "at"))
        for event in material.events
        if part(event, "type") == "status" and words.moment(part(event, "at")) is not None
    ]
    if not moves:
        return None
    end = material.run.ended_at or material.made_at
    ends = [*(at for _, at in moves[1:]), end]
    took = [max(words.seconds_between(at, to) or 0.0, 0.0) for (_, at), to in zip(moves, ends, strict=True)]
    whole = sum(took) or 1.0
    rows = [
        [Cell(line(status, 30)), Cell(words.duration(seconds), bar=seconds / whole)]
        for (status, _), seconds in zip(moves, took, strict=True)
        if status != material.run.status or seconds > 0
    ]
    rows.append([Cell("in all", strong=True), Cell(words.duration(sum(took)), strong=True)])
    return Table("How long each stage took", ("Stage", "Time"), rows)


def _event(material: Material, event: Json | None, left_out: int) -> list[Cell]:
    if event is None:
        return [Cell("\u2026"), Cell(f"{words.counted(left_out, 'event')} between them left out", "quiet"), Cell("")]
    kind = str(part(event, "type") or "event")
    name = _EVENTS.get(kind, line(kind.replace("_", " "), 40))
    detail = mapping(event, "detail")
    after = words.seconds_between(material.run.created_at, part(event, "at"))
    if kind == "status":
        return [Cell(_clock(after)), Cell(line(detail.get("status") or "", 30), strong=True), Cell("")]
    return [Cell(_clock(after)), Cell(name), Cell(_detail(detail), "quiet")]


def _clock(seconds: float | None) -> str:
    """``0:07``, ``12:05``, ``3:04:05``, as of a stopwatch."""
    if seconds is None:
        return "\u2013"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _detail(detail: Mapping[str, Any]) -> str:
    told = []
    for name, value in detail.items():
        if value in (None, "", [], {}) or name.endswith(_ELSEWHERE) or not _is_short(value):
            continue
        told.append(f"{name.replace('_', ' ')}: {_said(value)}")
    return line(", ".join(told), _DETAIL)


def _is_short(value: object) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    return all(isinstance(found, str | int | float) for found in inner)


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def lineage(manifest: Json) -> Section:
    """What everything was made from, as the manifest has it."""
    again = _REPEAT.format(line(manifest.get("run_id", ""), 80))
    blocks: list[Block] = [
        Facts([*_origin(manifest)], title="What it was made from"),
        Facts([*_asked(manifest)], title="What was asked for"),
        Paragraph(again, "quiet"),
    ]
    return Section("lineage", "Where it comes from", blocks)


_REPEAT = (
    "manifest.json beside this report has all of it for programs; rft submit --from {} starts the same run again, on "
    "the very same version of the data."
)


_ORIGIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Training data", ("data", "training", "source", "uri")),
    ("Its version", ("data", "training", "source", "version_id")),
    ("Its SHA-256", ("data", "training", "source", "sha256")),
    ("Validation data", ("data", "validation", "source", "uri")),
    ("Its version", ("data", "validation", "source", "version_id")),
    ("Its SHA-256", ("data", "validation", "source", "sha256")),
    ("Grader", ("grader", "arn")),
    ("Its code\u2019s SHA-256", ("grader", "code_sha256")),
    ("Held-out grader", ("held_out_grader", "arn")),
    ("Its code\u2019s SHA-256", ("held_out_grader", "code_sha256")),
    ("Base model", ("base_model",)),
    ("Training job", ("job", "arn")),
    ("Custom model", ("model", "custom_model_arn")),
    ("Deployment", ("model", "deployment_arn")),
    ("Live deployment", ("model", "live_arn")),
    ("Took over from run", ("model", "previous", "run_id")),
    ("Execution", ("execution_arn",)),
)


def _origin(manifest: Json) -> Iterator[tuple[str, Cell]]:
    told = [(name, found) for name, path in _ORIGIN if (found := part(manifest, *path))]
    yield from ((name, Cell(line(found, 500), code=True)) for name, found in told)
    if deleted := part(manifest, "model", "custom_model_deleted_at"):
        yield "Custom model deleted", Cell(words.when(deleted))
    yield "Pipeline", Cell(_code(mapping(manifest, "code")), code=True)


def _code(code: Mapping[str, Any]) -> str:
    told = [f"version {code['version']}"] if code.get("version") else []
    told += [f"commit {str(code['commit'])[:12]}"] if code.get("commit") else []
    told += [f"code SHA-256 {code['sha256']}"] if code.get("sha256") else []
    return line(", ".join(told) or words.UNKNOWN, 200)


def _asked(manifest: Json) -> Iterator[tuple[str, Cell]]:
    for name, value in mapping(manifest, "hyperparameters").items():
        told = "Bedrock\u2019s choice" if value is None else line(value, 60)
        yield line(name.replace("_", " "), 40), Cell(told, "quiet" if value is None else "plain")
    request = mapping(manifest, "request")
    for name in ("deploy", "promote", "compare", "stop_when", "budget", "gate", "tags"):
        if (value := request.get(name)) not in (None, {}, []):
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield line(name.replace("_", " "), 40), Cell(line(told, 400))


def absent(material: Material) -> Section | None:
    """What should be here and isn't."""
    blocks: list[Block] = []
    if material.missing:
        rows = [[Cell(line(name, 60)), Cell(line(why, 300))] for name, why in material.missing.items()]
        caption = "What should be in this report and could not be read"
        blocks.append(Table(caption, ("Part", "Why"), rows, loose=frozenset({1})))
    warnings = [line(text, 600) for text in sequence(material.run.warnings) if not str(text).startswith(_GATE)]
    blocks += [Paragraph(warning, "warn") for warning in warnings]
    titles = (["Missing parts"] if material.missing else []) + (["Warnings"] if warnings else [])
    return Section("absent", " and ".join(titles).capitalize(), blocks) if blocks else None
