"""The grader that ``rft demo --grader`` names: judged before anything is started for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cli.faults import UsageFault

GRADERS = Path(__file__).resolve().parent.parent / "functions" / "graders"

_IMPORT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
app.handler
"""
_IMPORT_SECONDS = 60.0
_AS_IN_LAMBDA = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "POWERTOOLS_SERVICE_NAME": "grader"}


def own_grader(grader: str | None) -> str | Path | None:
    """A grader of the stack by its name, or the file of one's own; ``UsageFault`` when that can't grade."""
    if grader is None:
        return None
    if not grader.endswith(".py"):
        known = sorted(app.parent.name.replace("_", "-") for app in GRADERS.glob("*/app.py"))
        if grader not in known:
            raise UsageFault(
                f"The stack has no grader {grader!r}.", hint=f"There are: {', '.join(known)}; or give your own app.py"
            )
        return grader
    if not Path(grader).is_file():
        raise UsageFault(f"There is no grader file {grader}.")
    _must_import(Path(grader))
    return Path(grader)


def _must_import(app_py: Path) -> None:
    """In a process of its own, and alone as in its Lambda function: neither files beside it nor ours are there."""
    command = [sys.executable, "-I", "-B", "-c", _IMPORT, str(app_py)]
    try:
        done = subprocess.run(
            command,
            env=os.environ | _AS_IN_LAMBDA,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageFault(f"The grader {app_py} can't be imported: it takes over {_IMPORT_SECONDS:g} s.") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), f"it ended with {done.returncode}")
        raise UsageFault(
            f"The grader {app_py} can't be imported: {last.strip()}",
            hint="It must define handler = grader(score); see functions/graders/ for two that do.",
        )
