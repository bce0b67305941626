"""``rft grade`` and ``check-grader``: a grader before anything is paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.answering import answering
from cli.dataset_check import Checked
from cli.dataset_view import dataset_report
from cli.faults import UsageFault
from cli.gate_view import gate_report
from cli.grader_check import Where, Wishes
from cli.grader_check import check_grader as check
from cli.grading import grade_event, graded_table
from cli.interrupts import ending_signals_interrupt
from cli.options import AsJson, Profile, Region, Stack, TargetPlace
from cli.own_grader import file_of, named_grader
from cli.steps import Steps
from cli.target import Place
from rft.gate.settings import Settings
from rft.grading.catalog import ReadyGrader

_USUAL = Settings()

Grader = Annotated[
    str, typer.Argument(metavar="GRADER", help="A ready grader's name, or your own app.py.", show_default=False)
]


def grade(
    grader: Grader,
    *,
    event: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="What Bedrock sends: a JSON list of samples with their answers.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Grade one event on this machine, in a limited process. Exit code 1: the grader failed or broke the contract."""
    with answering(as_json) as screen, ending_signals_interrupt():
        found = named_grader(grader)
        if isinstance(found, ReadyGrader) and found.judge_calls:
            raise UsageFault(
                f"{grader} asks a judge model, so it is graded where it is deployed.",
                hint=f"Test it with: rft up --detach && rft check-grader {grader} --dataset FILE",
            )
        graded = grade_event(file_of(found) if isinstance(found, ReadyGrader) else found, event, screen)
        screen.result(graded.results, graded_table(graded))


def check_grader(
    grader: Annotated[
        str | None,
        typer.Argument(metavar="[GRADER]", help="A ready grader's name, or your own app.py.", show_default=False),
    ] = None,
    *,
    dataset: Annotated[
        str, typer.Option(metavar="FILE", help="Training data: a .jsonl file or s3://bucket/key.", show_default=False)
    ],
    records: Annotated[int, typer.Option(min=1, max=256, help="How many records are sampled.")] = _USUAL.records,
    base_answers: Annotated[
        int, typer.Option(min=0, max=16, help="Answers of the base model to each; 0 asks it nothing.")
    ] = _USUAL.base_answers,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws another sample.")] = 0,
    openai: Annotated[
        Path | None,
        typer.Option(
            metavar="GRADER_JSON",
            help="OpenAI's grader JSON, instead of GRADER.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(help="A model or inference profile (else Nova 2 Lite).", show_default=False),
    ] = None,
    target: TargetPlace = Place.LOCAL,
    stack: Stack = None,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Test a grader on good answers, bad ones and tricks. Exit code 0: the gate is open; 1: it is closed."""
    with answering(as_json) as screen, ending_signals_interrupt():
        on_terminal = screen.console if screen.console.is_terminal else Console(quiet=True)
        settings = Settings(records=records, base_answers=base_answers, seed=seed)
        wishes = Wishes(dataset, grader, openai, base_model, settings)
        where = Where(target, stack, profile, region)
        found = check(wishes, where, screen.console, Steps(on_terminal))
        if isinstance(found, Checked):
            screen.result(found.to_json(), dataset_report(found))
            raise typer.Exit(1)
        screen.result(found.report.to_json(), gate_report(found, dataset))
        raise typer.Exit(1 if found.report.verdict == "closed" else 0)
