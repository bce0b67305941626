"""``rft``: one command for the laptop and for AWS.

Exit codes: 0 done; 1 the answer is no (refused, not found, the run failed, was rejected or stopped); 2 wrong usage.
With ``--json`` stdout holds exactly one JSON document, ``{"error": ...}`` where the answer is a fault or a command's
usage is wrong; all words go to stderr. A start or a demo that is interrupted gives none.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionLost
from rich.console import Group

from cli import dataset_check as dataset
from cli import demo as demonstration
from cli import logs_options as ask
from cli.client import ApiClient
from cli.dataset_view import dataset_report
from cli.demo_view import demo_report
from cli.faults import ApiUnreachable, CliFault
from cli.hosting import bring_up, passing_cloud, take_down
from cli.logs_conversion import Wishes
from cli.logs_conversion import convert_logs as convert_all_logs
from cli.logs_view import conversion_report
from cli.own_grader import own_grader
from cli.records import Run
from cli.steps import Steps
from cli.submission import Submitted
from cli.submission import submit as hand_in
from cli.target import DEFAULT_STACK, Place, Target, s3_of
from cli.usage import Commands
from cli.view import Screen, heading_of, one_line, outcome, run_record, runs_table
from cli.watching import watch as watch_run
from local.cloud import CloudError
from rft.run.identity import RUN_ID_PATTERN
from rft.run.status import SUCCEEDED, TERMINAL, Status

app = typer.Typer(
    name="rft",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _run_id(text: str) -> str:
    if re.fullmatch(RUN_ID_PATTERN, text) is None:
        raise typer.BadParameter("a run id looks like ticket-triage-0123456789ab; see: rft runs")
    return text


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"rft {installed_version('bedrock-rft-pipeline')}")
        raise typer.Exit


RunId = Annotated[str, typer.Argument(callback=_run_id, help="As rft runs lists them.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; words go to stderr.")]
TargetPlace = Annotated[Place, typer.Option("--target", help="This machine's stand-in AWS, or AWS.")]
Stack = Annotated[
    str | None, typer.Option(help=f"The CloudFormation stack (else {DEFAULT_STACK}).", show_default=False)
]
Profile = Annotated[str | None, typer.Option(help="An AWS profile (with --target aws).", show_default=False)]
Region = Annotated[str | None, typer.Option(help="An AWS region (with --target aws).", show_default=False)]


@app.callback()
def rft(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Reinforcement fine-tuning on Amazon Bedrock, on this machine or in AWS."""


@app.command()
def demo(
    *,
    example: Annotated[str, typer.Option(help="A folder of examples/.")] = "ticket-triage",
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            help="Of the stand-in's training and the interval's resampling; "
            "the answers to held-out records are drawn anew each time.",
        ),
    ] = 0,
    grader: Annotated[
        str | None,
        typer.Option(help="A grader of the stack, or the app.py of your own.", metavar="NAME|PATH", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The whole way on this machine: dataset, training, deployment, measured gain, message. Leaves nothing behind."""
    with _answering(as_json) as screen:
        folder = demonstration.example_folder(example)
        chosen = own_grader(grader)
        steps, started = Steps(screen.console), time.monotonic()
        with passing_cloud(steps, seed=seed) as cloud:
            shown = demonstration.perform(
                cloud, folder, seed=seed, grader=chosen, screen=screen, steps=steps, started=started
            )
            if not as_json:
                screen.print(demo_report(shown))
        if as_json:
            screen.document(shown.to_json())
        raise typer.Exit(0 if shown.went_through else 1)


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it runs, and leave it running.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the stand-in AWS of this machine, with the application deployed; stay until Ctrl-C."""
    with _answering(as_json) as screen:
        bring_up(screen, detach=detach)


@app.command()
def down(*, as_json: AsJson = False) -> None:
    """Stop the stand-in AWS and remove all that it kept."""
    with _answering(as_json) as screen:
        take_down(screen)


@app.command()
def submit(
    file: Annotated[
        Path,
        typer.Argument(help="A dataset (.jsonl) or a request (run.json).", exists=True, dir_okay=False, readable=True),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(help="The model's name, for a dataset (else from the file's name).", show_default=False),
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
    """Upload what a run needs and start it. The same command again finds the same run: nothing is paid twice."""
    with _talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        s3 = there.session.client("s3", **there.client_options)
        submitted = hand_in(
            file, model=model, key=key, again=again, api=api, s3=s3, bucket=there.bucket, say=screen.say
        )
        if not submitted.created:
            screen.say("the same request was made before; --again starts a new run")
        if wait:
            _watch(screen, there, api, submitted.run["run_id"])
        else:
            screen.result(submitted.run, _started(submitted, there))


@app.command("check-dataset")
def check_dataset(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A .jsonl file, s3://bucket/key, or - for stdin.", show_default=False)
    ],
    *,
    validation: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A validation file, held against the first one too.", show_default=False),
    ] = None,
    grader: Annotated[
        str | None,
        typer.Option(help="Also check that this grader can work with the reference answers.", show_default=False),
    ] = None,
    max_prompt_length: Annotated[
        int | None,
        typer.Option(min=1, help="The job's; warns of prompts that Bedrock would drop.", show_default=False),
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a copy with all certain repairs, and check that.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Check a dataset line by line, with or without a stack. Exit code 0: valid; 1: invalid."""
    with _answering(as_json) as screen:
        how = dataset.Options(grader, max_prompt_length, fix, force)
        checked = dataset.check_dataset(
            file,
            validation,
            how,
            s3=lambda: s3_of(target, stack=stack, profile=profile, region=region),
            console=screen.console,
        )
        screen.result(checked.to_json(), dataset_report(checked))
        raise typer.Exit(0 if checked.valid else 1)


@app.command()
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
    with _talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        page = there.api().runs(model=model, status=status, limit=limit, next_token=next_token)
        more = None
        if page["next_token"] is not None and len(page["runs"]) == limit:
            given = {"--model": model, "--status": status, "--limit": limit, "--next-token": page["next_token"]}
            options = [f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None]
            more = there.command(f"runs {' '.join(options)}")
        screen.result(page, runs_table(page, more))


@app.command()
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
    with _talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        run, events = api.run(run_id), api.events(run_id)
        screen.result({**run, "events": events}, run_record(run, events))


@app.command()
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
    with _talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        _watch(screen, there, there.api(), run_id)


@app.command()
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
    with _talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        run = api.stop(run_id)
        if wait:
            _watch(screen, there, api, run_id, wanted=frozenset({Status.STOPPED}))
        else:
            follow = one_line(f"see it end: {there.command(f'watch {run_id}')}", style="dim")
            screen.result(run, Group(heading_of(run), "stop requested", follow))


@app.command("convert-logs")
def convert_logs(
    paths: ask.Paths,
    *,
    output: ask.Output,
    force: ask.Force = False,
    use_prompt_response: ask.UsePromptResponse = False,
    metadata_equals: ask.MetadataEquals = None,
    filters: ask.Filters = None,
    max_prompts: ask.MaxPrompts = ask.MAX_PROMPTS,
    seed: ask.Seed = 0,
    redact: ask.Redact = None,
    redact_pattern: ask.RedactPattern = None,
    max_failed_share: ask.MaxFailedShare = ask.MAX_FAILED_SHARE,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Make a dataset from Bedrock's invocation logs, with or without a stack. Every record is accounted for."""
    with _answering(as_json) as screen:
        wishes = Wishes(
            output=output,
            force=force,
            use_prompt_response=use_prompt_response,
            metadata_equals=metadata_equals or (),
            filters=filters,
            max_prompts=max_prompts,
            seed=seed,
            redact=redact,
            redact_patterns=redact_pattern or (),
            max_failed_share=max_failed_share,
        )
        made = convert_all_logs(
            paths,
            wishes,
            s3=lambda: s3_of(target, stack=stack, profile=profile, region=region),
            console=screen.console,
        )
        screen.result(made.to_json(), conversion_report(made))
        raise typer.Exit(0 if made.successful else 1)


@contextmanager
def _answering(as_json: bool) -> Iterator[Screen]:
    """Where a command answers: faults that a person can mend become one clear answer and an exit code."""
    screen = Screen(as_json=as_json)
    try:
        yield screen
    except CliFault as fault:
        screen.fault(fault)
        raise typer.Exit(fault.exit_code) from None
    except (BotoCoreError, ClientError, Boto3Error, CloudError, OSError) as fault:
        screen.fault(CliFault(str(fault)))
        raise typer.Exit(1) from None


@contextmanager
def _talking(
    as_json: bool, place: Place, *, stack: str | None, profile: str | None, region: str | None
) -> Iterator[tuple[Screen, Target]]:
    """As ``_answering``, for a command that talks to an application; a local one that is gone is told as that."""
    with _answering(as_json) as screen:
        there = Target.resolve(place, stack=stack, profile=profile, region=region)
        try:
            yield screen, there
        except (ApiUnreachable, HTTPClientError, ConnectionLost) as lost:
            if there.place is Place.LOCAL:
                raise there.is_gone() from lost
            raise


def _watch(
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
    screen.result(run, outcome(run, there.command(f"show {run_id}")))
    raise typer.Exit(0 if run["status"] in wanted else 1)


def _started(submitted: Submitted, there: Target) -> Group:
    run: Run = submitted.run
    follow = "show" if run["status"] in TERMINAL else "watch"
    return Group(heading_of(run), one_line(there.command(f"{follow} {run['run_id']}"), style="dim"))


def main() -> None:
    app()
