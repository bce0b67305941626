"""How a command answers, and how it talks to an application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionLost

from cli.faults import ApiUnreachable, CliFault
from cli.target import Place, Target
from cli.view import Screen
from local.cloud import CloudError


@contextmanager
def answering(as_json: bool) -> Iterator[Screen]:
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
def talking(
    as_json: bool, place: Place, *, stack: str | None, profile: str | None, region: str | None
) -> Iterator[tuple[Screen, Target]]:
    """As ``answering``, for a command that talks to an application; a local one that is gone is told as that."""
    with answering(as_json) as screen:
        there = Target.resolve(place, stack=stack, profile=profile, region=region)
        try:
            yield screen, there
        except (ApiUnreachable, HTTPClientError, ConnectionLost) as lost:
            if there.place is Place.LOCAL:
                raise there.is_gone() from lost
            raise
