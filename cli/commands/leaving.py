"""``rft destroy``: a stack, or one model of it, leaves nothing behind that costs money."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.answering import answering, talking
from cli.faults import CliFault, UsageFault
from cli.leaving.account import Account
from cli.leaving.model import delete, deletion_words, model_of, model_words
from cli.leaving.view import listed_words, outcome_words
from cli.leaving.work import Leaving, Listed, Outcome
from cli.options import AsJson, Profile, Region, Stack, TargetPlace, model_name
from cli.steps import Steps
from cli.target import Place
from cli.view import Screen


def destroy(
    *,
    model: Annotated[
        str | None,
        typer.Option(callback=model_name, help="Only this model, as rft models lists it.", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what a stack keeps: buckets with all data, table, keys, logs.")
    ] = False,
    orphans: Annotated[
        bool,
        typer.Option(
            "--orphans", help="Also where no stack of that name is here or remembered: what carries its name."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Remove a stack with all that it made in Bedrock, or one model; the list comes first. Exit 1: something is left.

    The same command again goes on where it was; a stack that is gone already is named with --stack.
    """
    if model is not None:
        with talking(as_json, target, stack=stack, profile=profile, region=region) as (screen, there):
            if everything or orphans:
                raise UsageFault("--all and --orphans are for a whole stack; a model has no data of its own.")
            api = there.api()
            screen.print(model_words(model, model_of(api, model)))
            _must_be_sure(yes, f"Remove the model {model}?")
            deletion = delete(api, model, Steps(screen.console), pause=there.poll_seconds)
            screen.result(deletion, deletion_words(deletion, there.command(f"destroy --model {model}")))
            raise typer.Exit(1 if deletion["left"] else 0)
    with answering(as_json) as screen:
        account = Account.resolve(target, stack=stack, profile=profile, region=region)
        leaving = Leaving(account, everything=everything, orphans=orphans, steps=Steps(screen.console))
        listed = leaving.listed()
        outcome = Outcome(kept=listed.kept, left=listed.left)
        if listed.goes:
            screen.print(listed_words(listed, account, everything=everything))
            _confirm(screen, yes, listed, everything)
            outcome = leaving.carry_out()
        words = outcome_words(outcome, account, everything=everything, orphans=orphans, is_orphaned=leaving.is_orphaned)
        screen.result(outcome.to_json(account.stack), words)
        raise typer.Exit(1 if outcome.left else 0)


def _confirm(screen: Screen, yes: bool, listed: Listed, everything: bool) -> None:
    if not everything:
        _must_be_sure(yes, f"Remove {len(listed.goes)} things of the stack {listed.stack}?")
        return
    if yes:
        return
    _must_be_a_person()
    screen.say("The data can't be brought back.")
    typed = typer.prompt(f"Type the stack's name ({listed.stack}) to remove all of it", err=True)
    if typed != listed.stack:
        raise CliFault("That is another name; nothing was removed.")


def _must_be_sure(yes: bool, question: str) -> None:
    if yes:
        return
    _must_be_a_person()
    if not typer.confirm(question, err=True):
        raise CliFault("Nothing was removed.")


def _must_be_a_person() -> None:
    if not sys.stdin.isatty():
        raise UsageFault("Nobody is there to be asked; nothing was removed. Say --yes to remove without a question.")
