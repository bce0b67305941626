"""A run once more, from the manifest that it left."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.faults import CliFault
from cli.records import Run
from cli.submission import Say, Submitted
from rft.run.status import TERMINAL

if TYPE_CHECKING:
    from cli.client import ApiClient

_GRADERS = {
    "grader": ("grader", "grader_arn"),
    "held_out_grader": ("held-out grader", "held_out_grader_arn"),
}
"""Parts of a manifest that have an ARN: in words, and what of a run's record has it."""


def repeat(run_id: str, *, model: str | None, key: str | None, api: ApiClient, say: Say) -> Submitted:
    """Ask for what the run was asked for, of the same data in the same versions; for another ``model`` if one is named.

    It is a new run each time, unless ``key`` says which. A grader goes by its name, whose version may be another by
    now: that is said. Raises ``CliFault``, also where there is nothing to repeat, and the faults of the client.
    """
    manifest = _manifest(api, run_id)
    request = manifest.get("request")
    if not isinstance(request, dict) or not request:
        raise CliFault(f"{run_id} was refused at the door, so its manifest holds no request to repeat.")
    chosen = key or uuid.uuid4().hex
    run, created = api.create_run(request if model is None else {**request, "model": model}, key=chosen)
    for words in changed_graders(manifest, run):
        say(f"warning: {words}")
    return Submitted(run, created, chosen)


def changed_graders(manifest: Mapping[str, Any], run: Run) -> Iterator[str]:
    """What grades ``run`` otherwise than the run of the manifest. Rewards of two graders say nothing of each other."""
    for part, (name, attribute) in _GRADERS.items():
        then, now = (manifest.get(part) or {}).get("arn"), run.get(attribute)
        if then != now:
            yield (
                f"the {name} is not that of {manifest.get('run_id')}, so their rewards can't be compared: "
                f"{then or 'none'} then, {now or 'none'} now"
            )


def _manifest(api: ApiClient, run_id: str) -> dict[str, Any]:
    run = api.run(run_id)
    if run["status"] not in TERMINAL:
        raise CliFault(f"{run_id} is still {run['status']}: its manifest, which is what is repeated, comes at its end.")
    if not run.get("report"):
        raise CliFault(f"{run_id} ended as {run['status']} without a manifest, which is what would be repeated.")
    try:
        content = json.loads(api.download(api.report(run_id)["manifest_url"]))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CliFault(f"The manifest of {run_id} is no JSON object.")
    return content
