"""A run's report, brought from the bucket into a file."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cli.client import ApiClient
from cli.output_file import place_for, written_whole


class Kind(StrEnum):
    """What a run leaves: a page for a person, Markdown for a pull request, the manifest for a program."""

    REPORT = "report"
    MARKDOWN = "markdown"
    MANIFEST = "manifest"

    @property
    def file_name(self) -> str:
        return {"report": "report.html", "markdown": "report.md", "manifest": "manifest.json"}[self]


@dataclass(frozen=True, slots=True)
class Saved:
    run_id: str
    kind: Kind
    path: Path

    def to_json(self) -> dict[str, Any]:
        return {"run_id": self.run_id, "kind": self.kind, "path": str(self.path)}


def save(api: ApiClient, run_id: str, kind: Kind, output: Path | None, *, force: bool) -> Saved:
    """Into ``output``, else into a file of this folder that has the run's name, and is the run's own to overwrite.

    Raises the faults of the API, also where there is no report, and ``UsageFault`` for a file that can't be written.
    """
    chosen = output if output is not None else Path(f"{run_id}-{kind.file_name}")
    place = place_for(chosen, "-o", (), force=force or output is None)
    content = api.download(api.report(run_id)[f"{kind.value}_url"])  # type: ignore[literal-required]
    with written_whole(place) as stream:
        stream.write(content)
    return Saved(run_id, kind, place)


def open_in_browser(path: Path) -> bool:
    """Whether there was a browser to open it."""
    return webbrowser.open(path.as_uri())
