"""Whether IAM allows a request: identity policies, a permissions boundary, the policy of the resource.

For requests within one account. What these policies may not use (NotAction, NotResource, NotPrincipal, policy
variables) is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.iam.matching import Context, NotUnderstood, holds, like


class Decision(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"  # a statement says no
    NOTHING = "ImplicitDeny"  # no statement says yes


@dataclass(frozen=True)
class Statement:
    """``principals`` are pairs of kind and name (``("Service", "sns.amazonaws.com")``); None in an identity policy."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    principals: tuple[tuple[str, str], ...] | None = None
    sid: str = ""
    policy: str = ""
    """The name of the policy that the statement stands in."""


@dataclass(frozen=True)
class Request:
    """``principal`` is a role's ARN, or the name of a service (``sns.amazonaws.com``)."""

    action: str
    resource: str
    principal: str = ""
    context: Context = field(default_factory=dict)

    @property
    def keys(self) -> Context:
        return {name.lower(): value for name, value in self.context.items()}


def statements(document: Mapping[str, Any], policy: str = "") -> tuple[Statement, ...]:
    return tuple(_statement(one, policy) for one in _listed(document["Statement"]))


def _statement(given: Mapping[str, Any], policy: str) -> Statement:
    known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    if not known.issuperset(given):
        raise NotUnderstood(f"{sorted(set(given) - known)} of a statement is not known here")
    if given["Effect"] not in {"Allow", "Deny"}:
        raise NotUnderstood(f"a statement with the effect {given['Effect']!r}")
    actions = tuple(_texts(given["Action"]))
    if not all(":" in action or action == "*" for action in actions):
        raise NotUnderstood(f"{actions} are no actions")
    return Statement(
        effect=given["Effect"],
        actions=actions,
        # A trust policy has none: the role is what it is about.
        resources=tuple(_texts(given.get("Resource", "*"))),
        conditions=tuple(
            (operator, key, tuple(_texts(expected)))
            for operator, keys in given.get("Condition", {}).items()
            for key, expected in keys.items()
        ),
        principals=_principals(given["Principal"]) if "Principal" in given else None,
        sid=given.get("Sid", ""),
        policy=policy,
    )


def _principals(given: Any) -> tuple[tuple[str, str], ...]:
    if given == "*":
        return (("AWS", "*"),)
    if not {"AWS", "Service"}.issuperset(given):
        raise NotUnderstood(f"the principals {sorted(given)} are not known here")
    return tuple((kind, name) for kind, names in given.items() for name in _texts(names))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> Iterator[str]:
    for one in _listed(value):
        text = str(one).lower() if isinstance(one, bool) else str(one)
        if "${" in text:
            raise NotUnderstood(f"{text}: policy variables are not known here")
        yield text


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement, of either effect, is about a request."""
    keys = request.keys
    return (
        any(like(request.action, one, any_case=True) for one in statement.actions)
        and any(like(request.resource, one) for one in statement.resources)
        and (statement.principals is None or any(_is(one, request.principal) for one in statement.principals))
        and all(holds(operator, key, expected, keys) for operator, key, expected in statement.conditions)
    )


def _is(named: tuple[str, str], principal: str) -> bool:
    """A principal that is the account's root stands for everybody in the account: their own policies decide."""
    kind, name = named
    is_service = not principal.startswith("arn:")
    if kind == "Service" or is_service:
        return principal == name if kind == "Service" else name == "*"
    account = principal.split(":")[4]
    return name in {"*", principal, account} or (name.endswith(":root") and name.split(":")[4] == account)


def decide(policies: Iterable[Statement], request: Request) -> Decision:
    """What one set of policies says."""
    about = {one.effect for one in policies if applies(one, request)}
    if "Deny" in about:
        return Decision.DENY
    return Decision.ALLOW if "Allow" in about else Decision.NOTHING


def permitted(
    request: Request,
    identity: Sequence[Statement],
    *,
    boundary: Sequence[Statement] | None = None,
    resource: Sequence[Statement] | None = None,
    needs_resource: bool = False,
) -> Decision:
    """What all policies together say of a request from the resource's own account.

    The role's own policies have to allow it: an application whose roles lean on resource policies could not be read
    role by role. ``needs_resource``: so has the resource's, as that of a KMS key.
    """
    said = [decide(identity, request)]
    if boundary is not None:
        said.append(decide(boundary, request))
    of_resource = Decision.NOTHING if resource is None else decide(resource, request)
    if Decision.DENY in (*said, of_resource):
        return Decision.DENY
    if needs_resource:
        said.append(of_resource)
    return Decision.ALLOW if all(one is Decision.ALLOW for one in said) else Decision.NOTHING
