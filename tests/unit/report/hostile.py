"""Texts that have broken pages before, and documents that hold them, or anything else, in every place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

from rft.report.material import Material
from rft.report.samples import samples_of
from rft.run.record import Run
from tests.unit.report import materials

SCRIPT = "<script>alert(1)</script>"
TEXTS = (
    SCRIPT,
    "</style><script>alert(2)</script>",
    "\"'><img src=x onerror=alert(3)>",
    "</pre></main><svg/onload=alert(4)>",
    "{{ 7 * 7 }}{% include 'style.css' %}{# #}",
    "javascript:alert(5)",
    "]]><!--",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "שלום \u202eevil\u202c مرحبا \u2066x",
    "👩\u200d👩\u200d👧\U0001f469\ufe0f \U000e0041",
    "Z" + "\u0336\u0489" * 300,
    "half \ud83d of a pair \x00\x08\x7f",
    "a" * 100_000,
    "line\n" * 20_000,
    "| cell | `code` @everyone #1 [x](http://evil.example) <b>",
    "&lt;script&gt; &amp; &#x3c;",
    "",
)
VOID = {"meta", "link", "br"}
TAGS = VOID | {
    *("html", "head", "title", "style", "body", "main", "header", "section", "nav", "footer", "article"),
    *("h1", "h2", "h3", "h5", "p", "ul", "li", "dl", "dt", "dd", "div", "span", "strong", "i", "code", "pre", "a"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "g", "path", "rect", "circle", "text"),
}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "rel",
        "href",
        "class",
        "id",
        "role",
        "scope",
        "style",
        "dir",
    ),
    *("aria-label", "aria-labelledby", "aria-hidden", "data-label"),
    *("xmlns", "viewbox", "transform", "d", "x", "y", "rx", "ry", "cx", "cy", "r", "width", "height"),
}


class Parsed(HTMLParser):
    """The structure of a page, as a browser takes it in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.unclosed: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        last = self.open.pop() if self.open else "nothing"
        if last != tag:
            self.unclosed.append(f"{last} was open when {tag} ended")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def documents(material: Material) -> dict[str, Any]:
    return {
        name: getattr(material, name) for name in ("gate", "dataset", "comparison", "curves", "conversion", "events")
    }


def everywhere(document: Any, change: Callable[[Any], Any]) -> Any:
    """The document with every text of it, names included, changed."""
    match document:
        case str():
            return change(document)
        case Mapping():
            return {name: everywhere(value, change) for name, value in document.items()}
        case list() | tuple():
            return [everywhere(value, change) for value in document]
    return document


def poisoned(text: str) -> Material:
    """A promoted run in which every text that is somebody's own is ``text``."""
    made = materials.promoted()
    assert made.comparison is not None
    component = {text or "c": next(iter(made.comparison["components"].values()))}
    comparison = {**made.comparison, "components": component, "verdict": dict(made.comparison["verdict"])}
    rows = [_row(text, place / 10) for place in range(-5, 6)]
    comparison["verdict"]["sentence"] = text
    comparison["grader"] = {"arn": text}
    gate = everywhere(made.gate, lambda found: text if " " in found else found)
    gate["findings"] = [{"code": text, "severity": "warning", "message": text, "advice": text}]
    gate["grader"]["name"] = text
    dataset = everywhere(made.dataset, lambda found: text)
    dataset["training"] |= {"error_counts": {text: 3}, "errors": [{"line": 1, "rule": text, "fix": text}]}
    events = [*made.events, {"at": text, "type": text, "detail": {text: text}}]
    reason = {"error": text, "message": text, "details_uri": text}
    changes = {
        "reason": reason,
        "warnings": [text],
        "base_model": text,
        "request": everywhere(made.run.request, lambda found: text) | {"tags": {text: text}},
        "approval": {"state": "promote", "decided_by": text},
    }
    return replace(
        made,
        run=replace(made.run, **changes),
        stack=text,
        gate=gate,
        dataset=dataset,
        comparison=comparison,
        samples=samples_of([materials.lines(rows)], against="live"),
        curves={"training": [{"step": n, "reward_mean": n / 9, "components": {text: 0.5}} for n in range(9)]},
        conversion={"objects": 1, "records": 9, "converted": 5, "skipped": {text: 3}, "failed": {text: 1}},
        events=events,
        missing={text: text},
        grader_name=text,
        code={"version": text, "commit": text, "sha256": text},
    )


def _row(text: str, gain: float) -> dict[str, Any]:
    answer = {"text": text, "components": {text or "c": 0.5}, "held_out_reward": 0.5, "stop_reason": text}
    return {
        "id": text,
        "messages": [{"role": text or "user", "content": text}, {"role": "user", "content": [{"text": text}]}],
        "reference_answer": {text: text},
        "answers": {"live": {**answer, "reward": 0.5}, "candidate": {**answer, "reward": 0.5 + gain}},
    }


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    math.nan,
    math.inf,
    "",
    "text",
    [],
    {},
    [[[]]],
    {"a": {"b": None}},
    ["x", 1],
)


def paths(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document; of long lists the first three."""
    found = [path] if path else []
    if isinstance(document, Mapping):
        for name, value in document.items():
            found += paths(value, (*path, name))
    elif isinstance(document, list):
        for place, value in enumerate(document[:3]):
            found += paths(value, (*path, place))
    return found


def with_change(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    first, *rest = path
    if isinstance(document, Mapping):
        return {**document, first: with_change(document[first], tuple(rest), value)}
    changed = list(document)
    changed[first] = with_change(document[first], tuple(rest), value)
    return changed


RUN_FIELDS = tuple(
    field.name
    for field in fields(Run)
    if field.name not in ("run_id", "model", "status", "created_at", "updated_at", "stop_requested")
)
