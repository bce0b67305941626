"""``rft models`` and ``compare``: the models that runs have made, and what they answer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.answering import talking
from cli.faults import UsageFault
from cli.models_view import model_record, models_table
from cli.options import AsJson, Profile, Region, Stack, TargetPlace, model_name
from cli.playground import MOST_PROMPTS, ask, prompts_of
from cli.playground_view import playground_report
from cli.steps import Steps
from cli.target import Place


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL]", callback=model_name, help="One, with its versions.", show_default=False),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 25,
    next_token: Annotated[str | None, typer.Option(help="Go on from an earlier page.", show_default=False)] = None,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """The models and what serves; of one its versions with their numbers, and how to call it."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        api = there.api()
        if name is not None:
            model = api.model(name)
            screen.result(model, model_record(model, there.command(f'compare {name} -p "..."')))
            return
        page = api.models(limit=limit, next_token=next_token)
        more = None
        if page["next_token"] is not None:
            more = there.command(f"models --limit {limit} --next-token {shlex.quote(page['next_token'])}")
        screen.result(page, models_table(page, more))


def compare(
    model: Annotated[str, typer.Argument(callback=model_name, help="As rft models lists them.", show_default=False)],
    *,
    prompt: Annotated[
        list[str] | None, typer.Option("-p", "--prompt", help="What to ask; again for more.", show_default=False)
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="ANSWER", help="The right answer to each -p, for the grader.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="More prompts: one a line, or records of a .jsonl dataset.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    first: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PROMPTS, help="Only so many prompts of FILE.", show_default=False),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Instructions before each prompt, as in training.", show_default=False)
    ] = None,
    version: Annotated[
        list[str] | None,
        typer.Option(metavar="base|live|RUN_ID", help="Who is asked (else base and live).", show_default=False),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Of an answer.", show_default=False)] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=1, show_default=False)] = None,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Ask several versions of a model the same, side by side with scores. Exit code 1: an answer is missing."""
    with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
        prompts = prompts_of(prompt or (), reference or (), file=file, first=first, system=system)
        if version is not None and len(set(version)) < len(version):
            raise UsageFault("A --version stands twice.")
        on_terminal = screen.console if screen.console.is_terminal else Console(quiet=True)
        compared = ask(
            there.api(),
            model,
            prompts,
            versions=version or (),
            max_tokens=max_tokens,
            temperature=temperature,
            steps=Steps(on_terminal),
        )
        screen.result(compared.to_json(), playground_report(compared))
        raise typer.Exit(0 if compared.is_whole else 1)
