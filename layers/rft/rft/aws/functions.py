"""Functions of the stack, called by another one that may not do what they do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rft.aws.clients import lambda_client


class FunctionFailed(Exception):
    """A function ended with an error: ``name`` is that of its class, ``message`` its text, which may be anybody's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message


def ask(function: str, event: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """What the function answers to ``event``, within ``seconds``; it is called once.

    Raises ``FunctionFailed``, and botocore's ``ReadTimeoutError`` where it takes longer.
    """
    functions = lambda_client(seconds)
    answer = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise FunctionFailed(str(document.get("errorType")), str(document.get("errorMessage")))
    return document
