"""All that is used of the emulator beyond its documented interface, in this one place.

Whoever pins another version of the emulator looks here; ``tests/contract/test_emulator.py`` says whether it still
holds.

What the emulator leaves out of its policy evaluation is put in, so that policies mean what they say:

- ``aws:PrincipalArn`` of a role's session is the ARN of the role, with its path (IAM User Guide, "AWS global condition
  context keys"); the emulator takes the session's;
- ``aws:SourceVpc``, which the emulator doesn't know, is what the Bedrock stand-in says of a training job's own calls;
- every request counts as one by TLS: on this machine nothing is spoken otherwise, and nothing leaves it;
- ``PermissionsBoundary`` of a role that CloudFormation makes or updates is kept; the emulator drops it;
- a nested stack that is deleted retains what its ``DeletionPolicy`` says; the emulator deletes all of it.

What it leaves out of an API's definition is put in by ``api_definition``.

The servers that hand functions their events write an event's headers and its body apart. Each small body would wait for
the acknowledgement of its headers, 40 ms (Nagle's algorithm meets delayed acknowledgements): so they are sent at once.

And while calls are recorded, the interpreters of functions find the recorder first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from http.server import BaseHTTPRequestHandler
from typing import Any

import ministack.app
from ministack.core import iam_evaluator, responses
from ministack.services import cloudformation, iam, lambda_svc
from ministack.services.cloudformation import provisioners

from local.emulator import api_definition
from local.emulator.routes import Unknown

type App = Callable[..., Any]

source_vpc: ContextVar[str | None] = ContextVar("local_source_vpc", default=None)
"""The VPC that the request at hand comes from."""

_resolve = iam_evaluator._resolve_condition_key


def install() -> None:
    """Put in what is missing. Raises ``KeyError`` or ``AttributeError`` where the emulator is not the one we know."""
    api_definition.install()
    BaseHTTPRequestHandler.disable_nagle_algorithm = True
    iam_evaluator._resolve_condition_key = _condition_key
    pin = ministack.app.pin_request_origin
    ministack.app.pin_request_origin = lambda address, _: pin(address, secure_transport=True)
    role = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    role |= {"create": _with_boundary(role["create"], 1), "update": _with_boundary(role["update"], 2)}
    nested = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    nested["delete"] = _with_retained(nested["delete"])
    if recorder := os.environ.pop("LOCAL_RECORDER", None):
        lambda_svc._provided_worker_env = _recorded(lambda_svc._provided_worker_env, recorder)


def serve(wrap: Callable[[App], App]) -> None:
    """Run the emulator as its own command does, with ``wrap`` around its ASGI application."""
    ministack.app.app = wrap(ministack.app.app)
    sys.argv = ["ministack"]
    ministack.app.main()


def caller(access_key: str, session_token: str | None) -> dict[str, str]:
    """Whose key it is: ``arn``, ``account``, and ``role`` ("" for who is no role). Raises ``Unknown``."""
    responses.set_request_account_id(access_key)
    found = iam_evaluator.resolve_credential(access_key, None, session_token or "")
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise Unknown(found.code, found.message)
    assumed = found.principal_type == "AssumedRole"
    role = iam_evaluator._role_name_from_assumed_arn(found.principal_arn) if assumed else ""
    return {"arn": found.principal_arn, "account": found.account_id, "role": role}


def refused(access_key: str, checks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first of the checks (``action``, ``resource``, ``context``) that fails; None if all of them pass.

    ``explicit`` tells a Deny from a missing Allow; ``policy_of`` names the resource whose own policy it was, else "".
    Raises ``Unknown`` for a key that is nobody's.
    """
    responses.set_request_account_id(access_key)
    # The request at hand is the stand-in's own and not signed: what is checked is the key that the stand-in was shown.
    iam_evaluator._signed_request.set(None)
    iam_evaluator._anonymous.set(False)
    for check in checks:
        action, resource = check["action"], check["resource"]
        denied = iam_evaluator.enforce(
            access_key,
            action,
            action.partition(":")[0],
            responses.get_region(),
            resource_arn=resource,
            service_context=check.get("context"),
        )
        if isinstance(denied, iam_evaluator.AuthError):
            raise Unknown(denied.code, denied.message)
        if denied is not None:
            found = {"action": action, "resource": resource, "explicit": denied.decision == "Deny"}
            return found | {"policy_of": denied.resource_policy_arn}
    return None


def _condition_key(key: str, context: Any) -> Any:
    match key.lower():
        case "aws:sourcevpc":
            return source_vpc.get() or context.service_context.get("aws:sourcevpc")
        case "aws:principalarn" if context.principal_type == "AssumedRole":
            name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
            role = iam._roles.get_scoped(context.principal_account, None, name)
            return role["Arn"] if role else context.principal_arn
    return _resolve(key, context)


def _with_boundary(handler: Callable[..., Any], place: int) -> Callable[..., Any]:
    """A handler of ``AWS::IAM::Role`` that keeps the boundary; ``place`` is that of the properties in its arguments."""

    def kept(*given: Any, **named: Any) -> Any:
        made = handler(*given, **named)
        name = made[0] if isinstance(made, tuple) else given[0]
        if (role := iam._roles.get(name)) is not None:
            role["PermissionsBoundary"] = given[place].get("PermissionsBoundary") or None
        return made

    return kept


def _with_retained(delete: Callable[[str, Any], None]) -> Callable[[str, Any], None]:
    """The handler that deletes a nested stack, but for what is to be retained."""

    def deleted(physical_id: str, properties: Any) -> None:
        stack = cloudformation._stacks.get(provisioners._nested_stack_lookup_name(physical_id)) or {}
        for logical_id, resource in stack.get("_template", {}).get("Resources", {}).items():
            if resource.get("DeletionPolicy") in provisioners._RETAINING_POLICIES:
                stack["_resources"].pop(logical_id, None)
        delete(physical_id, properties)

    return deleted


def _recorded(environment_of: Callable[..., dict[str, str]], recorder: str) -> Callable[..., dict[str, str]]:
    """A function's environment with ``recorder``, a folder, before all others that its Python looks into.

    The functions set ``PYTHONPATH`` themselves, so what the emulator's own environment says of it doesn't reach them.
    """

    def environment(*given: Any, **named: Any) -> dict[str, str]:
        made = environment_of(*given, **named)
        made["PYTHONPATH"] = os.pathsep.join(filter(None, [recorder, made.get("PYTHONPATH")]))
        return made

    return environment
