"""The actions that ``rft destroy`` takes, read off the command's own text.

Every call of botocore in cli/leaving/, and in what those files call of rft.aws.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "cli/leaving").glob("*.py"))
_BEDROCK = ROOT / "layers/rft/rft/aws/bedrock.py"
_STORE = {"record": ("UpdateItem", "PutItem"), "find": ("GetItem",)}
"""What a RunStore's methods do to its table: the items of a transaction are authorised one by one."""
_OTHERWISE = {
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "apigateway:GetAccount": ("apigateway:GET",),
    "sts:GetCallerIdentity": (),  # needs no right
}
"""Operations whose action has another name."""
_PREFIXES = {"stepfunctions": "states"}


def actions() -> set[str]:
    """What IAM asks of whoever runs the command, by any of its ways."""
    found = set()
    for path in FILES:
        tree = ast.parse(path.read_text())
        for service, method in _calls(tree):
            found |= set(_actions(service, method))
    return found


def _calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Service and method of each call of a client in one file."""
    clients, lists = _clients(tree), _lists(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, on = node.func.attr, ast.unparse(node.func.value)
        service = clients.get(on) or _made_on_the_spot(node.func.value)
        if name == "pages":
            yield from _paged(node, lists)
        elif service:
            yield service, _constant(node.args[0]) if name == "get_paginator" else name
        elif on == "bedrock" or on.startswith(("bedrock.deployments(", "ProvisionedThroughput(")):
            yield from (("bedrock", method) for method in _of_bedrock(name))
        elif on == "store":
            yield from (("dynamodb", xform_name(operation)) for operation in _STORE[name])


def _paged(call: ast.Call, lists: list[str]) -> Iterator[tuple[str, str]]:
    """Of ``pages(service, operation, …)``; an operation that isn't written there is one of a class's ``_list``."""
    service, operation = call.args[:2]
    assert isinstance(operation, ast.Constant) or lists, f"{ast.unparse(call)}: nobody says which operations"
    for name in [_constant(operation)] if isinstance(operation, ast.Constant) else lists:
        yield _constant(service), name


def _constant(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), ast.unparse(node)
    return str(node.value)


def _clients(tree: ast.Module) -> dict[str, str]:
    """Names that a client is assigned to, as they are written (``self._kms``), with the service."""
    return {
        ast.unparse(target): service
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (service := _made_on_the_spot(node.value))
        for target in node.targets
    }


def _made_on_the_spot(node: ast.expr) -> str:
    """The service of ``….client("service")``; empty for all else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client" and node.args:
        (service,) = node.args
        return str(service.value) if isinstance(service, ast.Constant) else ""
    return ""


def _lists(tree: ast.Module) -> list[str]:
    """The operations in the class attribute ``_list``."""
    return [
        str(node.value.elts[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "_list"
        and isinstance(node.value, ast.Tuple)
        and isinstance(node.value.elts[0], ast.Constant)
    ]


def _of_bedrock(name: str) -> set[str]:
    """The methods of a Bedrock client in rft.aws.bedrock's functions of that name, and in what these call there."""
    tree = ast.parse(_BEDROCK.read_text())
    known = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found: set[str] = set()
    names, seen = [name], set[str]()
    while names:
        current = names.pop()
        seen.add(current)
        for function in (one for one in known if one.name == current):
            for node in ast.walk(function):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                owner, _, method = called.rpartition(".")
                if owner in {"client", "self._client"}:
                    found.add(method)
                if owner in {"", "self"} and method not in seen and method in {one.name for one in known}:
                    names.append(method)
    return found


def _actions(service: str, method: str) -> tuple[str, ...]:
    model = botocore.session.get_session().get_service_model(service)
    (operation,) = (one for one in model.operation_names if xform_name(one) == method)
    named = f"{_PREFIXES.get(service, service)}:{operation}"
    return _OTHERWISE.get(named, (named,))
