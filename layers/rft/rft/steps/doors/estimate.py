"""POST /estimates: what a request would cost, from its data in the stack's bucket, without a run."""

from __future__ import annotations

from typing import Any

from rft.cost import Prices, parse_overrides
from rft.dataset.whole_file import FileCheck, check_file
from rft.run.request import RunRequest
from rft.steps.dataset.dataset_limits import limits_for
from rft.steps.doors.own_request import parse_own_request
from rft.steps.gate.costing import cost, data_of
from rft.steps.pipeline import Pipeline
from rft.steps.small_files import SmallFiles, pinned


def estimate_request(pipeline: Pipeline, body: str) -> dict[str, Any]:
    """``body`` is what POST /runs takes. Raises ``RequestInvalid``, ``ModelForbidden``, ``DatasetMissing`` and
    ``DatasetTooLarge``."""
    environment = pipeline.environment
    stack = environment.stack
    request = parse_own_request(body, stack)
    prices = Prices.of_file().with_overrides(parse_overrides(environment.price_overrides))
    training, validation = _read(request)
    return cost(request, stack, data_of(request, training, validation), prices).to_json()


def _read(request: RunRequest) -> tuple[FileCheck | None, FileCheck | None]:
    """What can be counted: the training file unless it is logs, and the validation file if there is one."""
    sources = [
        pinned(data.s3_uri, data.version_id) if data is not None and data.s3_uri is not None else None
        for data in (request.training_data, request.validation_data)
    ]
    named = [source for source in sources if source is not None]
    files = SmallFiles(named, what="counting", instead="run rft estimate beside the file itself")
    limits = limits_for(None, max_prompt_length=request.hyperparameters.max_prompt_length, validation=True)
    training, validation = (
        None if source is None else check_file(files.chunks(source), limits, max_listed=1, name=source.key)
        for source in sources
    )
    return training, validation
