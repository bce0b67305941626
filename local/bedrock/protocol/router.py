"""Find the operation of a request from the ``http`` traits of the service models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botocore.model import OperationModel, ServiceModel

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_ARN = r"arn(?::|%3[aA]).+?"


@dataclass(frozen=True, slots=True)
class Match:
    """An operation and the raw strings of its path parameters, decoded."""

    operation: OperationModel
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Route:
    operation: OperationModel
    method: str
    exact: re.Pattern[str]
    with_arn: re.Pattern[str]
    specificity: tuple[int, int]


class Router:
    """Routes of one or more services whose paths do not overlap.

    A path parameter is one *encoded* segment: SDKs write the slashes of an ARN as ``%2F``. Clients and proxies that
    leave them bare are understood as well, if the parameter starts like an ARN.
    """

    def __init__(self, services: Iterable[ServiceModel]) -> None:
        routes = [
            _route(service.operation_model(name)) for service in services for name in sorted(service.operation_names)
        ]
        self._routes = sorted(routes, key=lambda route: route.specificity)

    def match(self, method: str, raw_path: str) -> Match | None:
        """The operation for ``method`` and the still percent-encoded ``raw_path``, or None."""
        candidates = [route for route in self._routes if route.method == method]
        for patterns in ("exact", "with_arn"):
            for route in candidates:
                if found := getattr(route, patterns).fullmatch(raw_path):
                    return Match(route.operation, {name: unquote(value) for name, value in found.groupdict().items()})
        return None


def _route(operation: OperationModel) -> _Route:
    path = operation.http["requestUri"].partition("?")[0]
    literal = _LABEL.sub("", path)
    return _Route(
        operation=operation,
        method=operation.http["method"],
        exact=_path_pattern(path, r"[^/]+"),
        with_arn=_path_pattern(path, rf"(?:{_ARN}|[^/]+)"),
        specificity=(len(_LABEL.findall(path)), -len(literal)),
    )


def _path_pattern(path: str, segment: str) -> re.Pattern[str]:
    pieces, end = [], 0
    for label in _LABEL.finditer(path):
        pieces += [re.escape(path[end : label.start()]), f"(?P<{label[1]}>{'.+' if label[2] else segment})"]
        end = label.end()
    return re.compile("".join([*pieces, re.escape(path[end:]), "/?"]))
