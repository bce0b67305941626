"""``rft submit``, ``runs``, ``show``, ``watch``, ``stop``: runs of the pipeline."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group

from cli.answering import talking
from cli.client import ApiClient
from cli.faults import ApiProblem, UsageFault
from cli.options import AsJson, EarlierRun, Profile, Region, RunId, Stack, TargetPlace
from cli.records import Model, Run
from cli.repetition import repeat
from cli.submission import Submitted
from cli.submission import submit as hand_in
from cli.target import Place, Target
from cli.view import Screen, heading_of, one_line, outcome, run_record, runs_table
from cli.watching import watch as watch_run
from rft.run.status import SUCCEEDED, TERMINAL, Status


def submit(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A dataset (.jsonl) or a request (run.json).",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    *,
    repeated: EarlierRun = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="The model's name, for a dataset (else from the file's name) or a repeated run (else its own).",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch the run until it ends; exit by its status.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Start a new run, though the same was asked before.")] = False,
    key: Annotated[
        str | None,
        typer.Option(help="An idempotency key of your own (else a hash of request and data).", show_default=False),
    ] = None,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Upload what a run needs and start it. The same command again finds the same run: nothing is paid twice.

    With --from an ended run is repeated from its manifest, as a new run each time.
    """
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        if repeated is not None:
            if file is not None or again:
                raise UsageFault("--from takes no FILE, and starts a new run without --again.")
            submitted = repeat(repeated, model=model, key=key, api=api, say=screen.say)
        elif file is not None:
            s3 = there.session.client("s3", **there.client_options)
            submitted = hand_in(
                file, model=model, key=key, again=again, api=api, s3=s3, bucket=there.bucket, say=screen.say
            )
        else:
            raise UsageFault("Name a FILE, or a run to repeat with --from.")
        if not submitted.created:
            another = "another --key" if repeated is not None else "--again"
            screen.say(f"the same request was made before; {another} starts a new run")
        if wait:
            follow_to_its_end(screen, there, api, submitted.run["run_id"])
        else:
            screen.result(submitted.run, _started(submitted, there))


def runs(
    *,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.", show_default=False)] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only runs of this status.", metavar="STATUS", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 25,
    next_token: Annotated[str | None, typer.Option(help="Go on from an earlier page.", show_default=False)] = None,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """The runs, newest first."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        page = there.api().runs(model=model, status=status, limit=limit, next_token=next_token)
        more = None
        if page["next_token"] is not None and len(page["runs"]) == limit:
            given = {"--model": model, "--status": status, "--limit": limit, "--next-token": page["next_token"]}
            options = [f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None]
            more = there.command(f"runs {' '.join(options)}")
        screen.result(page, runs_table(page, more))


def show(
    run_id: RunId,
    *,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """One run: its record, and all that happened to it."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        run, events = api.run(run_id), api.events(run_id)
        screen.result({**run, "events": events}, run_record(run, events, None if as_json else _model_of(api, run)))


def watch(
    run_id: RunId,
    *,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Follow a run until it ends; exit by its status. Ctrl-C detaches and stops nothing."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        follow_to_its_end(screen, there, there.api(), run_id)


def stop(
    run_id: RunId,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Watch until it has ended.")] = False,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Ask for the stop of a run: its training job is stopped, and nothing that costs money is left."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        run = api.stop(run_id)
        if wait:
            follow_to_its_end(screen, there, api, run_id, wanted=frozenset({Status.STOPPED}))
        else:
            follow = one_line(f"see it end: {there.command(f'watch {run_id}')}", style="dim")
            screen.result(run, Group(heading_of(run), "stop requested", follow))


def follow_to_its_end(
    screen: Screen, there: Target, api: ApiClient, run_id: str, *, wanted: frozenset[Status] = SUCCEEDED
) -> None:
    """Follow the run, then exit 0 if it ended as ``wanted``. Who detaches on a terminal has not been told no."""
    try:
        run = watch_run(api, run_id, screen.console, interval=there.poll_seconds)
    except KeyboardInterrupt:
        screen.say(f"detached; the run goes on: {there.command(f'watch {run_id}')}")
        if not screen.as_json:
            return
        run = api.run(run_id)
    model = None if screen.as_json else _model_of(api, run)
    screen.result(run, outcome(run, there.command(f"show {run_id}"), model))
    raise typer.Exit(0 if run["status"] in wanted else 1)


def _model_of(api: ApiClient, run: Run) -> Model | None:
    """For the eye: a run whose model is unknown, or can't be told of, is shown without it."""
    try:
        return api.model(run["model"])
    except ApiProblem:
        return None


def _started(submitted: Submitted, there: Target) -> Group:
    run: Run = submitted.run
    follow = "show" if run["status"] in TERMINAL else "watch"
    return Group(heading_of(run), one_line(there.command(f"{follow} {run['run_id']}"), style="dim"))
