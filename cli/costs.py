"""What a run would cost, from its request and the files beside it: no stack and no account is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cli.faults import CliFault, UsageFault
from cli.submission import read_request
from rft.cost import Prices, PricesInvalid, parse_overrides
from rft.dataset.whole_file import FileCheck, check_file
from rft.errors import RequestInvalid, RequestProblem
from rft.grading.catalog import READY
from rft.run.request import RunRequest, parse_request
from rft.run.stack import Stack
from rft.steps.dataset.dataset_limits import limits_for
from rft.steps.gate.costing import Costed, cost, data_of

_CHUNK = 256 * 1024
_HERE = "files-beside-the-request"
"""Stands for the bucket, which a request has to name and a file doesn't lie in."""


def estimate_file(file: Path, prices: Path | None) -> Costed:
    """Raises ``UsageFault`` for prices that can't be used, ``CliFault`` for a request or data that can't."""
    taken = _prices(prices)
    document = read_request(file, None)
    stack = _stack(document)
    try:
        request = parse_request(document, stack, folder="")
        training, validation = _read(request, file.parent)
        return cost(request, stack, data_of(request, training, validation), taken)
    except RequestInvalid as invalid:
        raise CliFault(f"{file.name} can't be run.", problems=invalid.problems) from None


def _prices(file: Path | None) -> Prices:
    listed = Prices.of_file()
    if file is None:
        return listed
    try:
        return listed.with_overrides(parse_overrides(file.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        raise UsageFault(f"{file.name} is not UTF-8.") from None
    except PricesInvalid as invalid:
        raise UsageFault(f"{file.name} has prices that can't be used.", problems=invalid.problems) from None


def _stack(document: dict[str, Any]) -> Stack:
    """A stack as it comes, with every ready grader, and one more where the request names an owner's; logs may lie in
    whatever bucket the request names."""
    logs = _HERE
    match document.get("training_data"):
        case {"invocation_logs": {"s3_uri": str(uri)}} if uri.startswith("s3://"):
            logs = uri.removeprefix("s3://").partition("/")[0]
    graders = set(READY)
    match document.get("grader"):
        case {"name": str(name)}:
            graders.add(name)
    function = "arn:aws:lambda:us-east-1:000000000000:function:rft-grader-"
    return Stack(
        bucket=_HERE,
        region="us-east-1",
        base_model="amazon.nova-2-lite-v1:0:256k",
        grader="format-validation",
        graders={name: f"{function}{name}:1" for name in graders},
        log_bucket=logs,
    )


def _read(request: RunRequest, folder: Path) -> tuple[FileCheck | None, FileCheck | None]:
    """The two files, as far as the request names them: all of what is wrong with their names in one answer."""
    asked = {"training_data": request.training_data, "validation_data": request.validation_data}
    names = {
        name: data.s3_uri.removeprefix(f"s3://{_HERE}/")
        for name, data in asked.items()
        if data is not None and data.s3_uri is not None
    }
    problems = [
        RequestProblem(f"{name}.s3_uri", problem)
        for name, path in names.items()
        if (problem := _unusable(path, folder)) is not None
    ]
    if problems:
        raise RequestInvalid(problems)
    training, validation = (
        _check(folder / names[name], request) if name in names else None
        for name in ("training_data", "validation_data")
    )
    return training, validation


def _unusable(name: str, folder: Path) -> str | None:
    path = folder / name
    if name.startswith("/"):
        return "must be a file beside the request or below it"
    if not path.is_file():
        return f"there is no file {name!r} beside the request"
    return None if os.access(path, os.R_OK) else f"the file {name!r} may not be read"


def _check(path: Path, request: RunRequest) -> FileCheck:
    limits = limits_for(None, max_prompt_length=request.hyperparameters.max_prompt_length, validation=True)
    with path.open("rb") as stream:
        return check_file(iter(lambda: stream.read(_CHUNK), b""), limits, max_listed=1, name=path.name)
