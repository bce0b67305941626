"""The end of one model: the API removes it, and is asked until nothing is left that goes away by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.client import ApiClient
from cli.faults import ApiProblem
from cli.records import Deletion, Model
from cli.steps import Steps
from cli.view import one_line, plain

_PATIENCE_SECONDS = 3600.0


def model_of(api: ApiClient, name: str) -> Model | None:
    """None where no version of it has come to be listed: its runs may have left something all the same."""
    try:
        return api.model(name)
    except ApiProblem as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def model_words(name: str, model: Model | None) -> RenderableType:
    """Before: what the model has."""
    if model is None:
        told = "no version of it is listed; what its runs have left in Bedrock is looked for"
        return Group(Text(plain(name), style="bold"), Text(told), "")
    there = [version for version in model["versions"] if not version["deleted_at"]]
    live = model["live"]
    lines: list[RenderableType] = [Text("to be removed", style="bold")]
    if live is not None:
        lines.append(one_line(f"  live deployment  {live['deployment_arn']} ({live['kind']})"))
        lines.append(one_line(f"  SSM parameter    {model['live_parameter']}"))
    lines += [one_line(f"  custom model     {version['custom_model_arn']}") for version in there]
    lines.append(Text("  and what is left of its candidates' deployments"))
    kept = "kept: the records of its runs, their reports, their data in the bucket"
    return Group(Text(plain(model["name"]), style="bold"), *lines, Text(kept), "")


def delete(
    api: ApiClient,
    name: str,
    steps: Steps,
    *,
    pause: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Deletion:
    """What all calls removed, and what the last one left. Raises as ``ApiClient`` does; begun anew it goes on."""
    until = monotonic() + _PATIENCE_SECONDS
    removed: dict[str, dict[str, str]] = {}
    steps.begin(f"removing {name}")
    while True:
        try:
            answer = api.delete_model(name)
        except BaseException:
            steps.fail()
            raise
        removed |= {thing["id"]: thing for thing in answer["removed"]}
        going = [left for left in answer["left"] if left["state"] == "going"]
        if not going or monotonic() > until:
            (steps.fail if answer["left"] else steps.finish)()
            return {"model": name, "removed": list(removed.values()), "left": answer["left"]}
        steps.note(f"{len(removed)} removed; {going[0]['kind']}: {going[0]['reason']}")
        sleep(pause)


def deletion_words(deletion: Deletion, again: str) -> RenderableType:
    """``again`` is the command that goes on."""
    if not deletion["left"]:
        return Text(f"nothing of {plain(deletion['model'])} is left that costs money", style="green")
    lines: list[RenderableType] = [Text("left, and may cost money", style="bold yellow")]
    for left in deletion["left"]:
        until = f" (until {left['until']})" if left["until"] else ""
        lines.append(one_line(f"  {left['kind']} {left['id']}"))
        lines.append(Padding(Text(plain(f"{left['reason']}{until}")), (0, 0, 0, 4), expand=False))
    return Group(*lines, one_line(f"try again: {again}", style="dim"))
