"""POST /estimates: what a request would cost, from its data in the stack's bucket, without a run."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.cost import Prices, parse_overrides
from rft.dataset.whole_file import FileCheck, check_file
from rft.errors import DatasetMissing
from rft.run.request import RunRequest, parse_request
from rft.steps.check_dataset import MAX_BYTES, MAX_SECONDS, DatasetTooLarge
from rft.steps.costing import cost, data_of
from rft.steps.dataset_limits import limits_for
from rft.steps.pipeline import Pipeline


def estimate_request(pipeline: Pipeline, body: str) -> dict[str, Any]:
    """``body`` is what POST /runs takes. Raises ``RequestInvalid``, ``DatasetMissing`` and ``DatasetTooLarge``."""
    environment = pipeline.environment
    stack = environment.stack
    request = parse_request(body, stack)
    prices = Prices.of_file().with_overrides(parse_overrides(environment.price_overrides))
    training, validation = _read(request)
    return cost(request, stack, data_of(request, training, validation), prices).to_json()


def _read(request: RunRequest) -> tuple[FileCheck | None, FileCheck | None]:
    """What can be counted: the training file unless it is logs, and the validation file if there is one."""
    sources = [
        _pin(data.s3_uri, data.version_id) if data is not None and data.s3_uri is not None else None
        for data in (request.training_data, request.validation_data)
    ]
    named = [source for source in sources if source is not None]
    size = sum(source.size for source in named)
    if size > MAX_BYTES:
        raise _too_large(named[0], f"{size:,} bytes are to be read, and the API reads at most {MAX_BYTES:,}")
    late = monotonic() + MAX_SECONDS
    limits = limits_for(None, max_prompt_length=request.hyperparameters.max_prompt_length, validation=True)
    training, validation = (
        None if source is None else check_file(_in_time(source, late), limits, max_listed=1, name=source.key)
        for source in sources
    )
    return training, validation


def _pin(uri: str, version_id: str | None) -> objects.PinnedObject:
    try:
        return objects.pin(client("s3"), uri, version_id)
    except DatasetMissing:
        raise DatasetMissing(f"{uri} isn't there{' in that version' if version_id else ''}") from None


def _in_time(source: objects.PinnedObject, late: float) -> Iterator[bytes]:
    for chunk in objects.chunks(client("s3"), source):
        if monotonic() > late:
            raise _too_large(source, f"counting takes longer than the {MAX_SECONDS:.0f} s that the API has")
        yield chunk


def _too_large(source: objects.PinnedObject, reason: str) -> DatasetTooLarge:
    return DatasetTooLarge(f"{reason}; run rft estimate beside the file itself, which has no limit: {source.uri}")
