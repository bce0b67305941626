"""``rft``: one command for the laptop and for AWS.

Exit codes: 0 done; 1 the answer is no (refused, not found, the run failed, was rejected or stopped); 2 wrong usage.
With ``--json`` stdout holds exactly one JSON document, ``{"error": ...}`` where the answer is a fault or a command's
usage is wrong; all words go to stderr. A start or a demo that is interrupted gives none.
"""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from cli.commands import costs, data, graders, leaving, machine, models, results, runs
from cli.usage import Commands

app = typer.Typer(
    name="rft",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"rft {installed_version('bedrock-rft-pipeline')}")
        raise typer.Exit


@app.callback()
def rft(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Reinforcement fine-tuning on Amazon Bedrock, on this machine or in AWS."""


app.command()(machine.demo)
app.command()(machine.up)
app.command()(machine.down)
app.command()(runs.submit)
app.command()(data.check_dataset)
app.command()(data.convert_logs)
app.command()(costs.estimate)
app.command()(graders.grade)
app.command()(graders.check_grader)
app.command()(runs.runs)
app.command()(runs.show)
app.command()(runs.watch)
app.command()(runs.stop)
app.command()(results.report)
app.command()(results.approve)
app.command()(models.models)
app.command()(models.compare)
app.command()(leaving.destroy)


def main() -> None:
    app()
