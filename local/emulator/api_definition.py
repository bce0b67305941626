"""What the emulator leaves out when it makes a REST API of an OpenAPI document, as SAM writes one: the resource policy,
the models that bodies are held to, and the gateway's own answers. It has all of these for APIs made call by call.

And SAM is told the values of the parameters, as by CloudFormation: into an API's policy it puts them itself, where the
emulator lets it put the defaults.

Private parts of the emulator, as in ``inside``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform as sam

_EXTENSION = "x-amazon-apigateway-"

type Json = dict[str, Any]

_parameters: ContextVar[Mapping[str, str]] = ContextVar("local_parameters")


def install() -> None:
    """Raises ``AttributeError`` where the emulator is not the one we know."""
    for module in (engine, changesets, handlers):
        module._apply_transforms = _with_parameters(module._apply_transforms)
    sam.transform = _told(sam.transform)
    apigateway_v1._import_rest_api = _whole(apigateway_v1._import_rest_api)
    apigateway_v1._check_request_validation = _with_empty_bodies(apigateway_v1._check_request_validation)


def _whole(import_rest_api: Callable[..., str]) -> Callable[..., str]:
    def import_all(spec: Json, base_data: Json | None = None) -> str:
        data = dict(base_data or {})
        data["policy"] = data.get("policy") or spec.get(f"{_EXTENSION}policy")
        api_id = import_rest_api(spec, data)
        for name, schema in (spec.get("definitions") or {}).items():
            apigateway_v1._create_model(api_id, {"name": name, "schema": json.dumps(schema)})
        validators = {
            name: _id(apigateway_v1._create_request_validator(api_id, {"name": name, **validator}))
            for name, validator in (spec.get(f"{_EXTENSION}request-validators") or {}).items()
        }
        for path, item in spec["paths"].items():
            methods = _methods(api_id, path)
            for method, operation in item.items():
                _hold_body_to_model(methods.get(method.upper()), operation, validators)
        for kind, response in (spec.get(f"{_EXTENSION}gateway-responses") or {}).items():
            status, _, refusal = apigateway_v1._put_gateway_response(api_id, kind, response)
            if status >= 300:
                raise ValueError(f"gateway response {kind}: {refusal!r}")
        return api_id

    return import_all


def _id(answer: tuple[int, Any, str | bytes]) -> str:
    return str(json.loads(answer[2])["id"])


def _methods(api_id: str, path: str) -> Mapping[str, Json]:
    resources = apigateway_v1._resources[api_id].values()
    return next((resource["resourceMethods"] for resource in resources if resource["path"] == path), {})


def _hold_body_to_model(method: Json | None, operation: Json, validators: Mapping[str, str]) -> None:
    bodies = [parameter for parameter in operation.get("parameters") or [] if parameter.get("in") == "body"]
    if method is None or not bodies:
        return
    model = bodies[0]["schema"]["$ref"].removeprefix("#/definitions/")
    method["requestModels"] = {"application/json": model}
    method["requestValidatorId"] = validators[operation[f"{_EXTENSION}request-validator"]]


def _with_empty_bodies(check: Callable[..., Any]) -> Callable[..., Any]:
    """API Gateway holds an empty body to the model as an empty object; the emulator finds no JSON in it."""

    def check_body(*given: Any) -> Any:
        *before, body, query = given
        return check(*before, body or b"{}", query)

    return check_body


def _with_parameters(apply_transforms: Callable[..., Any]) -> Callable[..., Any]:
    def apply(template: Json, provided: Any = None, previous: Any = None) -> Any:
        token = _parameters.set(engine._transform_parameters(template, provided, previous))
        try:
            return apply_transforms(template, provided, previous)
        finally:
            _parameters.reset(token)

    return apply


def _told(transform: Callable[..., Any]) -> Callable[..., Any]:
    def transform_with_values(template: Json, _: Any, *rest: Any) -> Any:
        return transform(template, dict(_parameters.get()), *rest)

    return transform_with_values
