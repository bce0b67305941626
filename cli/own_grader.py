"""The graders that a command line names: one of this repository by its name, or the ``app.py`` of one's own."""

from __future__ import annotations

from pathlib import Path

from cli.faults import UsageFault
from cli.grader_process import GraderProcess
from rft.gate.ports import InvocationFailed
from rft.grading.catalog import OPENAI, READY, ReadyGrader

GRADERS = Path(__file__).resolve().parent.parent / "functions" / "graders"


def own_grader(grader: str | None) -> str | Path | None:
    """A grader of the stack by its name, or the file of one's own; ``UsageFault`` when that can't grade."""
    if grader is None:
        return None
    found = named_grader(grader)
    if isinstance(found, ReadyGrader):
        return grader
    try:
        with GraderProcess(found) as process:
            process.start()
    except InvocationFailed as failed:
        raise UsageFault(
            f"The grader {found} can't be imported: {failed.detail}",
            hint="It must define handler = grader(score); see functions/graders/ for some that do.",
        ) from None
    return found


def named_grader(grader: str) -> ReadyGrader | Path:
    """Raises ``UsageFault`` where there is neither."""
    if grader.endswith(".py"):
        if not Path(grader).is_file():
            raise UsageFault(f"There is no grader file {grader}.")
        return Path(grader)
    if grader == OPENAI:
        raise UsageFault("The grader 'openai' is its JSON.", hint="Give the file: rft check-grader --openai FILE")
    if grader not in READY:
        known = ", ".join(name for name in READY if name != OPENAI)
        raise UsageFault(
            f"No grader {grader!r} comes with the application.",
            hint=f"There are: {known}; one of your own is named by its file, as in functions/graders/mine/app.py. "
            "rft check-grader also takes the name of one that a running stack has.",
        )
    return READY[grader]


def file_of(grader: ReadyGrader) -> Path:
    return GRADERS / grader.folder / "app.py"
