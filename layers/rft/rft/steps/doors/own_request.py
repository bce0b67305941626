"""A request for a run, held to what the one who asks may name: the API's routes and the other doors alike."""

from __future__ import annotations

from typing import Any

from rft.errors import ModelForbidden, RequestInvalid
from rft.run.request import RunRequest, parse_request
from rft.run.stack import Stack


def parse_own_request(document: bytes | str | dict[str, Any], stack: Stack, *, folder: str | None = None) -> RunRequest:
    """As ``parse_request``; ``ModelForbidden`` where the model's name is another tenant's, whatever else is wrong.

    That is told by the name alone, so it can't tell whether there is such a model.
    """
    try:
        request = parse_request(document, stack, folder=folder)
    except RequestInvalid as invalid:
        if invalid.model is not None:
            _must_be_own(invalid.model, stack)
        raise
    _must_be_own(request.model, stack)
    return request


def _must_be_own(model: str, stack: Stack) -> None:
    if not stack.scope.has_model(model):
        raise ModelForbidden(f"the names of your models begin with {stack.scope.prefix}")
