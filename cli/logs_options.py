"""What ``rft convert-logs`` can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MAX_PROMPTS = 20_000  # Bedrock trains on no more
MAX_FAILED_SHARE = 0.25
MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", help="Log files, folders of them, s3://bucket/prefix/.", show_default=False),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The dataset to write.", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE.")]
UsePromptResponse = Annotated[
    bool, typer.Option("--use-prompt-response", help="The logged answer becomes reference_answer.")
]
MetadataEquals = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Only calls with this request metadata; repeatable, all must hold.",
        show_default=False,
    ),
]
Filters = Annotated[
    str | None,
    typer.Option(
        metavar="JSON",
        help="Bedrock's requestMetadataFilters: equals, notEquals, andAll or orAll.",
        show_default=False,
    ),
]
MaxPrompts = Annotated[int, typer.Option(min=1, max=MAX_PROMPTS, help="Of more, a sample is taken.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the sample.")]
Redact = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES", help="Any of email,phone,card,key: replaced by [EMAIL] and so on.", show_default=False
    ),
]
RedactPattern = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=REGEX",
        help="A pattern of your own, in RE2; repeatable; goes before --redact.",
        show_default=False,
    ),
]
MaxFailedShare = Annotated[
    float, typer.Option(min=0, max=1, help="Write nothing if more of the records can't be read.")
]
