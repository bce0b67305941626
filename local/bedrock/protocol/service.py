"""A rest-json service from its model and a table of operations: route, parse, check, call, check, answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from local.bedrock.authorization.checking import credentials_of
from local.bedrock.protocol import wire
from local.bedrock.protocol.errors import ServiceError
from local.bedrock.protocol.router import Router
from local.bedrock.protocol.shapes import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.model import OperationModel

log = logging.getLogger(__name__)

_LARGEST_BODY = 25_000_000  # bytes; the model's limit for the body of InvokeModel


@cache
def service_model(name: str) -> ServiceModel:
    """The newest model that the installed botocore has of ``bedrock`` or ``bedrock-runtime``."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@dataclass(frozen=True, slots=True)
class Call:
    """A routed request whose parameters have been read, not yet checked."""

    operation: OperationModel
    parameters: dict[str, Any]
    headers: Mapping[str, str]


class Service:
    """One or more services on one address.

    ``operations`` maps the names of operations to functions from parameters to result, both with boto3's Python
    types. ``before`` sees every call before its parameters are checked, and may raise a ``ServiceError`` in its place:
    so a caller who may not do what he asks learns nothing of what he asks about.
    """

    def __init__(
        self,
        models: Sequence[ServiceModel],
        operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]],
        before: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self._router = Router(models)
        self._operations = operations
        self._before = before

    def respond(
        self, method: str, raw_path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str], body: bytes
    ) -> tuple[str, wire.Answer]:
        """The operation's name, or ``-``, and the answer. Nothing that a request holds makes this raise."""
        match = self._router.match(method, raw_path)
        operation = match.operation if match else None
        name = operation.name if operation else "-"
        try:
            credentials_of(headers)
            if match is None or operation is None:
                raise ServiceError("UnknownOperationException", f"No operation at {method} {raw_path}", 404)
            if operation.name not in self._operations:
                message = f"The local stand-in for Bedrock does not implement {operation.name}"
                raise ServiceError("UnknownOperationException", message, 501)
            if len(body) > _LARGEST_BODY:
                raise ServiceError("RequestEntityTooLargeException", f"The body exceeds {_LARGEST_BODY} bytes", 413)
            return name, self._called(operation, wire.Request(match.labels, query, headers, body))
        except ServiceError as error:
            return name, wire.error_answer(operation, error)
        except Exception:
            log.exception("bug in %s", name)
            return name, wire.error_answer(
                operation, ServiceError("InternalServerException", "A bug in the local stand-in; see its log", 500)
            )

    def _called(self, operation: OperationModel, request: wire.Request) -> wire.Answer:
        given = wire.parameters(operation, request)
        self._before(Call(operation, given, request.headers))
        if operation.input_shape is not None and (broken := violations(operation.input_shape, given)):
            raise wire.refusal(broken)
        result = {name: value for name, value in self._operations[operation.name](given).items() if value is not None}
        if operation.output_shape is not None and (broken := violations(operation.output_shape, result)):
            raise AnswerInvalid(operation.name, broken)
        return wire.answer(operation, result)


class AnswerInvalid(Exception):
    """The stand-in was about to answer something that the service's own model rules out: a bug of the stand-in."""

    def __init__(self, operation: str, broken: Sequence[str]) -> None:
        super().__init__(f"the answer of {operation} breaks the service model: {'; '.join(broken)}")
