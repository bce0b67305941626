"""How a refused request is explained: each problem with its path, the allowed range and what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from rft.errors import RequestProblem
from rft.run.identity import MODEL_MAX_LENGTH

_ALLOWED = {
    "model": f"a name of at most {MODEL_MAX_LENGTH} of a-z, 0-9 and single hyphens, as in ticket-triage",
    "base_model": "a Bedrock model id or foundation-model ARN, as in amazon.nova-2-lite-v1:0:256k",
    "grader.name": "the name of a grader of this stack, as in format-validation",
    "grader.lambda_arn": "the ARN of a Lambda function, best with a version or alias, as in "
    "arn:aws:lambda:us-east-1:123456789012:function:my-grader:3",
    "grader.openai": "OpenAI's grader JSON, an object with a type",
    "compare.grader.name": "the name of a grader of this stack, as in format-validation",
    "compare.grader.lambda_arn": "the ARN of a Lambda function, best with a version or alias",
    "compare.grader.openai": "OpenAI's grader JSON, an object with a type",
    "deploy": 'one of on-demand, provisioned, none, or an object as in {"kind": "provisioned", "model_units": 1}',
    "promote": 'manual, or an object as in {"min_gain": 0.02, "confidence": 0.95, "approval": "manual"}',
    "tags": "pairs of texts, at most 40",
    "tags.*": "letters, digits, spaces and . _ : / = + @ -; 1 to 128 in a key, up to 256 in a value",
    "training_data.invocation_logs.metadata_equals": "1 to 16 pairs of texts",
    "training_data.invocation_logs.redact": "a list of at most 32 rules, as in email",
}
_METADATA = "letters, digits, spaces and . _ : / = + $ @ -; 1 to 256 in a key, up to 256 in a value"
_METADATA_PAIR = "one pair of texts"
_CONDITIONS = "a list of 1 to 16 conditions, each equals or notEquals"
_FILTERS = "training_data.invocation_logs.request_metadata_filters."


def explain(invalid: ValidationError, model: type[BaseModel]) -> list[RequestProblem]:
    """Every problem of ``invalid``, once."""
    found: dict[tuple[str, str], RequestProblem] = {}
    for error in invalid.errors(include_url=False):
        # pydantic adds "[key]" where the key of a map is at fault.
        location = [str(part) for part in error["loc"] if part != "[key]"]
        path = ".".join(part if len(part) <= 80 else part[:77] + "..." for part in location) or "$"
        below = getattr(error.get("ctx", {}).get("error"), "problems", None)
        for inner, message in below or [("", _message(error["type"], error, location, model))]:
            full = f"{path}.{inner}" if inner else path
            found.setdefault((full, message), RequestProblem(full, message))
    return list(found.values())


def _message(kind: str, error: Any, location: Sequence[str], model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key; known here: {', '.join(_field_names(_model_at(location[:-1], model)))}"
    if kind == "missing":
        return "is required"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    allowed = _allowed(location, model)
    wants = f"must be {allowed}" if allowed else str(error["msg"])
    return f"{wants}; it is {shown(error['input'])}"


def shown(value: object) -> str:
    """``value`` as short, safe text."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _model_at(location: Sequence[str], model: type[BaseModel]) -> type[BaseModel]:
    for name in location:
        if name.isdigit():
            continue  # a place in a list of such models
        field = _field_names(model).get(name)
        inner = [part for part in _types(field.annotation) if _is_model(part)] if field else []
        if not inner:
            break
        model = inner[0]
    return model


def _field_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the names that they have in a request."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _types(annotation: Any) -> list[Any]:
    return [annotation, *(deep for part in get_args(annotation) for deep in _types(part))]


def _allowed(location: Sequence[str], model: type[BaseModel]) -> str | None:
    """What a field takes, in words, from the field's own constraints."""
    path = ".".join(location)
    if path in _ALLOWED:
        return _ALLOWED[path]
    if location[:1] == ["tags"]:
        return _ALLOWED["tags.*"]
    if (words := _of_metadata(location, path)) is not None:
        return words
    field = _field_names(_model_at(location[:-1], model)).get(location[-1]) if location else None
    if field is None:
        return None
    types = _types(field.annotation)
    constraints = [*field.metadata, *(extra for part in types for extra in getattr(part, "__metadata__", ()))]
    constraints += [inner for extra in constraints for inner in getattr(extra, "metadata", ())]
    bounds = {
        name: getattr(constraint, name)
        for constraint in constraints
        for name in ("ge", "gt", "le", "min_length", "max_length")
        if getattr(constraint, name, None) is not None
    }
    choices = [choice for part in types for choice in get_args(part) if isinstance(choice, str)]
    return _in_words(types, bounds, choices)


def _of_metadata(location: Sequence[str], path: str) -> str | None:
    """What may stand below the two fields that filter by request metadata."""
    if path.startswith("training_data.invocation_logs.metadata_equals."):
        return _METADATA
    if not path.startswith(_FILTERS):
        return None
    for last, words in ((location[-1], _METADATA_PAIR), (location[-2], _METADATA)):
        if last in ("equals", "notEquals"):
            return words
    return _CONDITIONS if location[-1] in ("andAll", "orAll") else None


def _in_words(types: Sequence[Any], bounds: Mapping[str, Any], choices: Sequence[str]) -> str | None:
    if choices:
        return "one of " + ", ".join(choices)
    if bool in types:
        return "true or false"
    if int in types:
        return f"a whole number from {bounds['ge']:,} to {bounds['le']:,}"
    if float in types:
        low = f"from {bounds['ge']:g} to" if "ge" in bounds else f"above {bounds['gt']:g}, up to"
        return f"a number {low} {bounds['le']:{',' if bounds['le'] > 1000 else 'g'}}"
    if str in types:
        return f"a text of {bounds['min_length']} to {bounds['max_length']:,} characters"
    return "a JSON object" if any(_is_model(part) for part in types) else None
