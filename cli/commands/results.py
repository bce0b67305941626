"""``rft report`` and ``approve``: what a run found, and the word of a person on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group

from cli.answering import talking
from cli.commands.runs import follow_to_its_end
from cli.faults import UsageFault
from cli.options import AsJson, Profile, Region, RunId, Stack, TargetPlace
from cli.report_file import Kind, open_in_browser, save
from cli.target import Place
from cli.view import closing_words, heading_of, one_line
from rft.run.status import Status


def report(
    run_id: RunId,
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to (else here, by its name).", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, for a pull request.")] = False,
    manifest: Annotated[bool, typer.Option("--manifest", help="All that the run was made of, as JSON.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Save the report of a run that has ended: verdict, curves, best and worst answers. Prints where it is."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        if markdown and manifest:
            raise UsageFault("--markdown and --manifest exclude each other.")
        kind = Kind.MARKDOWN if markdown else Kind.MANIFEST if manifest else Kind.REPORT
        saved = save(there.api(), run_id, kind, output, force=force)
        screen.result(saved.to_json(), one_line(str(saved.path)))
        if open_it and not open_in_browser(saved.path):
            screen.say("no browser was found to open it")


def approve(
    run_id: RunId,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Say no: what serves now goes on serving.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Watch until it has ended.")] = False,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Let the model of a run take over that waits for a person's word ("promote": "manual")."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        run = api.approve(run_id, "keep" if keep else "promote")
        if wait:
            wanted = Status.KEPT if keep else Status.PROMOTED
            follow_to_its_end(screen, there, api, run_id, wanted=frozenset({wanted}))
        else:
            follow = one_line(f"see it end: {there.command(f'watch {run_id}')}", style="dim")
            screen.result(run, Group(heading_of(run), *closing_words(run), follow))
