"""``rft demo``, ``up``, ``down``: the stand-in AWS of this machine."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cli import demo as demonstration
from cli.answering import answering
from cli.demo_view import demo_report
from cli.hosting import bring_up, passing_cloud, take_down
from cli.options import AsJson
from cli.own_grader import own_grader
from cli.steps import Steps


def demo(
    *,
    example: Annotated[str, typer.Option(help="A folder of examples/.")] = "ticket-triage",
    seed: Annotated[
        int,
        typer.Option(min=0, help="Of the stand-in's training; the answers that are compared are drawn anew each time."),
    ] = 0,
    grader: Annotated[
        str | None,
        typer.Option(help="A grader of the stack, or the app.py of your own.", metavar="NAME|PATH", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The whole way on this machine, from a dataset to a verdict and a message; only the report stays.

    Exit code 0: the run went all the way, its model promoted or kept back; 1: it broke off.
    """
    with answering(as_json) as screen:
        folder = demonstration.example_folder(example)
        chosen = own_grader(grader)
        steps, started = Steps(screen.console), time.monotonic()
        with passing_cloud(steps, seed=seed) as cloud:
            shown = demonstration.perform(
                cloud,
                folder,
                grader=chosen,
                reports=demonstration.reports_folder(),
                screen=screen,
                steps=steps,
                started=started,
            )
            if not as_json:
                screen.print(demo_report(shown))
        if as_json:
            screen.document(shown.to_json())
        raise typer.Exit(0 if shown.went_through else 1)


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it runs, and leave it running.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the stand-in AWS of this machine, with the application deployed; stay until Ctrl-C."""
    with answering(as_json) as screen:
        bring_up(screen, detach=detach)


def down(*, as_json: AsJson = False) -> None:
    """Stop the stand-in AWS and remove all that it kept."""
    with answering(as_json) as screen:
        take_down(screen)
