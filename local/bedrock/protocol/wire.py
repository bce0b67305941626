"""Between HTTP and Python for the rest-json protocol: requests into parameters, results and errors into answers."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.bedrock.protocol.errors import InvalidError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.model import OperationModel


_NUMBERS: dict[str, Callable[[str], float]] = {"integer": int, "long": int, "float": float, "double": float}


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived: query pairs in order, header names in lower case, path parameters decoded."""

    labels: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    headers: dict[str, str]
    body: bytes


def parameters(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The operation's input with boto3's Python types.

    A text that cannot be read as its shape's type is left as text, so that the check of the shape names it together
    with everything else that is wrong. Raises ``ServiceError`` SerializationException for a body that is not JSON.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    in_body = {name: member for name, member in shape.members.items() if "location" not in member.serialization}
    given: dict[str, Any] = {}
    for name, member in shape.members.items():
        if member.serialization.get("location"):
            value = _located(member, name, request)
            if value is not None:
                given[name] = value
    if payload is not None:
        member = shape.members[payload]
        given[payload] = request.body if member.type_name == "blob" else _from_json(member, _document(request.body))
    elif in_body and request.body:
        document = _document(request.body)
        if not isinstance(document, dict):
            raise ServiceError("SerializationException", "The request body must be a JSON object.", 400)
        given |= _members_from_json(in_body, document)
    return given


def _located(member: Shape, name: str, request: Request) -> Any:
    key = member.serialization.get("locationName", name)
    match member.serialization["location"]:
        case "uri":
            return _from_text(member, request.labels.get(key), "iso8601")
        case "header":
            return _from_text(member, request.headers.get(key.lower()), "rfc822")
        case "headers":
            return {
                header[len(key) :]: value for header, value in request.headers.items() if header.startswith(key.lower())
            }
        case "querystring":
            values = [value for found, value in request.query if found == key]
            if isinstance(member, ListShape):
                return [_from_text(member.member, value, "iso8601") for value in values] or None
            return _from_text(member, values[0] if values else None, "iso8601")
        case place:
            raise ServiceError("InternalServerException", f"{name} has an unknown location {place}", 500)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_such_number)
    except (ValueError, RecursionError):
        raise ServiceError("SerializationException", "The request body is not valid JSON.", 400) from None


def _no_such_number(name: str) -> Any:
    raise ValueError(name)


def _members_from_json(members: Mapping[str, Shape], document: Mapping[str, Any]) -> dict[str, Any]:
    names = {member.serialization.get("name", name): name for name, member in members.items()}
    result = {}
    for key, value in document.items():
        if value is None:
            continue
        name = names.get(key)
        result[name or key] = _from_json(members[name], value) if name else value
    return result


def _from_json(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return value if shape.is_document_type else _members_from_json(shape.members, value)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_from_json(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _from_json(shape.value, item) for key, item in value.items()}
    return _scalar_from_json(shape, value)


def _scalar_from_json(shape: Shape, value: Any) -> Any:
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
    return _timestamp(shape, value, "unixTimestamp") if shape.type_name == "timestamp" else value


def _from_text(shape: Shape, text: str | None, timestamps: str) -> Any:
    if text is None:
        return None
    if shape.type_name == "timestamp":
        return _timestamp(shape, text, timestamps)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        return _NUMBERS[shape.type_name](text) if shape.type_name in _NUMBERS else text
    except ValueError:
        return text


def _timestamp(shape: Shape, value: Any, default: str) -> Any:
    try:
        match shape.serialization.get("timestampFormat", default):
            case "iso8601" if isinstance(value, str):
                moment = datetime.fromisoformat(value)
            case "rfc822" if isinstance(value, str):
                moment = parsedate_to_datetime(value)
            case "unixTimestamp" if isinstance(value, int | float) and not isinstance(value, bool):
                moment = datetime.fromtimestamp(value, UTC)
            case _:
                return value
    except (ValueError, OverflowError):
        return value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def answer(operation: OperationModel, result: Mapping[str, Any]) -> Answer:
    """The HTTP answer for a result that has been checked against the operation's output shape."""
    status = int(operation.http.get("responseCode", 200))
    headers = {"content-type": "application/json"}
    shape = operation.output_shape
    if shape is None:
        return Answer(status, headers, b"")
    document: dict[str, Any] = {}
    for name, value in result.items():
        member = shape.members[name]
        key = member.serialization.get("locationName", name)
        if member.serialization.get("location") == "header":
            headers[key.lower()] = _to_text(member, value)
        else:
            document[member.serialization.get("name", name)] = _to_json(member, value)
    payload = shape.serialization.get("payload")
    if payload is not None:
        value = result[payload]
        return Answer(status, headers, value if isinstance(value, bytes) else _encoded(document[payload]))
    return Answer(status, headers, _encoded(document))


def _to_json(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        return {
            shape.members[name].serialization.get("name", name): _to_json(shape.members[name], item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        return [_to_json(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _to_json(shape.value, item) for key, item in value.items()}
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        stated = shape.serialization.get("timestampFormat", "unixTimestamp")
        return value.timestamp() if stated == "unixTimestamp" else _moment_text(value, stated)
    return value


def _to_text(shape: Shape, value: Any) -> str:
    if shape.type_name == "timestamp":
        return _moment_text(value, shape.serialization.get("timestampFormat", "rfc822"))
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _moment_text(moment: datetime, stated: str) -> str:
    moment = moment.astimezone(UTC)
    if stated == "rfc822":
        return format_datetime(moment, usegmt=True)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def error_answer(operation: OperationModel | None, error: ServiceError) -> Answer:
    """An error the way AWS's rest-json services write it: its name in a header, its text in the body."""
    shapes = {shape.name: shape for shape in operation.error_shapes} if operation else {}
    shape = shapes.get(error.code)
    status = error.status or (shape.metadata["error"]["httpStatusCode"] if shape else 400)
    headers = {"content-type": "application/json", "x-amzn-errortype": error.code}
    return Answer(status, headers, _encoded({"message": error.message}))


def refusal(broken: Sequence[str]) -> InvalidError:
    """All violations of one request as the one error that AWS makes of them."""
    count = "1 validation error" if len(broken) == 1 else f"{len(broken)} validation errors"
    return InvalidError(f"{count} detected: {'; '.join(broken)}")
