"""``rft check-dataset`` and ``convert-logs``: training data, with or without a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import dataset_check as dataset
from cli import logs_options as ask
from cli.answering import answering
from cli.dataset_view import dataset_report
from cli.logs_conversion import Wishes
from cli.logs_conversion import convert_logs as convert_all_logs
from cli.logs_view import conversion_report
from cli.options import AsJson, Profile, Region, Stack, TargetPlace
from cli.target import Place, s3_of


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
    with answering(as_json) as screen:
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
    with answering(as_json) as screen:
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
