"""``rft estimate``: what a run will cost, without a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.answering import answering
from cli.cost_view import cost_report
from cli.costs import estimate_file
from cli.options import AsJson


def estimate(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_JSON",
            help="A request (run.json) or a dataset (.jsonl).",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ],
    *,
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Prices of your own, as in {"training": 60.5}.',
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a run will cost, with or without a stack: known, and what is unknown. Exit code 1: over its budget."""
    with answering(as_json) as screen:
        costed = estimate_file(file, prices)
        screen.result(costed.to_json(), cost_report(costed, file))
        raise typer.Exit(1 if costed.budget.over else 0)
