"""Why a batch of a map failed, put on record: the state machine only learns that one of them did.

The event's detail is ``{"of", "batch", "error", "message", "final"}``, final where no retry cures it. Events are only
ever appended, so batches that fail at once lose none; CloseRun finds them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Literal

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rft.errors import RunEnded, RunStopped
from rft.steps.pipeline import Pipeline

BATCH_FAILED = "batch_failed"
# For which the state machine tries any batch again, by the names of their classes.
RETRIED = frozenset(
    {
        "ThrottlingException",
        "InternalServerException",
        "ServiceUnavailableException",
        "ClientError",
        "InternalServerError",
        "InternalException",
        "InternalErrorException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
        "EventRefused",
        "TransactionCanceledException",
        "ProvisionedThroughputExceededException",
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "IncompleteReadError",
        "ResponseStreamingError",
        "SSLError",
        "HTTPClientError",
    }
)
_MAX_MESSAGE = 1_000
logger = Logger()

What = Literal["logs", "comparison"]


@contextmanager
def noted(
    pipeline: Pipeline,
    run_id: str,
    batch: int,
    *,
    of: What,
    retried: Set[str],
    unsaid: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Note what the block raises, but for the end of the run and for what is ``unsaid``; it is raised all the same."""
    try:
        yield
    except (RunStopped, RunEnded):
        raise
    except unsaid:
        raise
    except Exception as error:
        name = type(error).__name__
        fault = {"of": of, "batch": batch, "error": name, "message": str(error)[:_MAX_MESSAGE]}
        try:
            pipeline.store.record(run_id, BATCH_FAILED, fault | {"final": name not in retried})
        except (ClientError, BotoCoreError):
            # The fault itself counts for more than the note of it.
            logger.exception("a batch's fault could not be noted", extra={"batch": batch, "error": name})
        raise
