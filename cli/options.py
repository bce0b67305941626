"""Arguments and options that several commands have."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from cli.target import DEFAULT_STACK, Place
from rft.run.identity import MODEL_MAX_LENGTH, MODEL_PATTERN, RUN_ID_PATTERN


def _run_id(text: str) -> str:
    if re.fullmatch(RUN_ID_PATTERN, text) is None:
        raise typer.BadParameter("a run id looks like ticket-triage-0123456789ab; see: rft runs")
    return text


def _run_id_if_any(text: str | None) -> str | None:
    return None if text is None else _run_id(text)


def model_name(text: str | None) -> str | None:
    if text is not None and (len(text) > MODEL_MAX_LENGTH or re.fullmatch(MODEL_PATTERN, text) is None):
        raise typer.BadParameter("a model is named as in ticket-triage; see: rft models")
    return text


RunId = Annotated[str, typer.Argument(callback=_run_id, help="As rft runs lists them.", show_default=False)]
EarlierRun = Annotated[
    str | None,
    typer.Option(
        "--from",
        callback=_run_id_if_any,
        metavar="RUN_ID",
        help="Repeat a run that has ended, with the same request and data.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; words go to stderr.")]
TargetPlace = Annotated[Place, typer.Option("--target", help="This machine's stand-in AWS, or AWS.")]
Stack = Annotated[
    str | None, typer.Option(help=f"The CloudFormation stack (else {DEFAULT_STACK}).", show_default=False)
]
Profile = Annotated[str | None, typer.Option(help="An AWS profile (with --target aws).", show_default=False)]
Region = Annotated[str | None, typer.Option(help="An AWS region (with --target aws).", show_default=False)]
