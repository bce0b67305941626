"""GET /runs/{run_id}/report: links to what a run left for a person and for a program.

A link is a right to read. It goes to the caller and nowhere else, no log included.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rft.aws import links
from rft.aws.clock import seconds_since
from rft.errors import ReportMissing
from rft.run.record import Run
from rft.steps.pipeline import Pipeline

SECONDS = 900
_WRITTEN_BY = 1_800.0  # seconds: all tries of PublishReport and Notify are over
# As a browser shows it in place: Markdown by its own type would be saved.
_FORMS = {
    "report": ("report.html", "text/html; charset=utf-8"),
    "markdown": ("report.md", "text/plain; charset=utf-8"),
    "manifest": ("manifest.json", "application/json"),
}


def report_links(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """``report_url``, ``markdown_url``, ``manifest_url``, and when they expire.

    Raises ``RunNotFound``, and ``ReportMissing`` while there is none.
    """
    run = pipeline.store.get(run_id)
    if run.report is None:
        raise ReportMissing(_why_not(run))
    expires_at = datetime.now(UTC) + timedelta(seconds=SECONDS)
    urls = {
        f"{kind}_url": links.link(
            run.report[f"{kind}_uri"], content_type=content_type, file_name=f"{run_id}-{name}", seconds=SECONDS
        )
        for kind, (name, content_type) in _FORMS.items()
    }
    return urls | {"expires_at": expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")}


def _why_not(run: Run) -> str:
    if not run.status.is_terminal:
        return f"the run is still {run.status}: its report is written when it has ended"
    if run.notified_at is None and run.ended_at is not None and seconds_since(run.ended_at) < _WRITTEN_BY:
        return f"the run has ended as {run.status}, and its report is being written: ask again in a minute"
    return f"the run ended as {run.status} without a report: its events tell why, GET /runs/{run.run_id}/events"
