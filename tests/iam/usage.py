"""Rights held against calls: which call is not allowed, and which right no call needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tests.iam.calls.place import Need
from tests.iam.evaluator import Decision, Request, Statement, applies, permitted
from tests.iam.policies import Access, Role

_EACH_BY_ITSELF = {"kms:ViaService", "s3:prefix"}
"""Of these condition keys every value is a right of its own: a key by one service, a folder of a bucket."""


@dataclass(frozen=True)
class Grant:
    """One right of a role: an action on a resource. Written with the names of a stack ``rft`` that nobody deployed."""

    role: str
    action: str
    resource: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        said = "; ".join(f"{operator} {key} {', '.join(values)}" for operator, key, values in self.conditions)
        return f"{self.role}: {self.action} on {self.resource}" + (f" where {said}" if said else "")


@dataclass(frozen=True)
class Denial:
    """What a role needs and isn't allowed; ``purpose`` says what for."""

    role: str
    need: Need
    purpose: str
    decision: Decision

    def __str__(self) -> str:
        return f"{self.role}: {self.purpose} takes {self.need}: {self.decision.value}"


@dataclass
class Findings:
    """``used`` are grants that at least one call needed, and nothing else allowed."""

    denied: list[Denial] = field(default_factory=list)
    used: set[Grant] = field(default_factory=set)
    shared: dict[Grant, set[Grant]] = field(default_factory=dict)
    """Grants of which others allow the same, and those."""

    def add(self, other: Findings) -> None:
        self.denied += other.denied
        self.used |= other.used
        for grant, others in other.shared.items():
            self.shared.setdefault(grant, set()).update(others)


class Rights:
    """The grants of a deployed stack's roles, and what needs make of them."""

    def __init__(self, access: Access) -> None:
        self.access = access
        stack = access.stack
        general = Access(type(stack)(stack.template, stack.deployment.imagined()))
        self._named = set(stack.parameters.get("GraderArns", ()))
        self.grants: dict[str, list[tuple[Statement, Grant]]] = {
            name: list(_grants(role, general.roles[name])) for name, role in access.roles.items()
        }

    def judge(self, role_name: str, needs: Iterable[tuple[Need, str]]) -> Findings:
        """``needs`` come with the words that say what they are for."""
        role = self.access.roles[role_name]
        findings = Findings()
        for need, purpose in needs:
            request = Request(need.action, need.resource, role.arn, {**need.context, "aws:PrincipalArn": role.arn})
            decision = self._decide(role, request)
            if decision is not Decision.ALLOW:
                findings.denied.append(Denial(role_name, need, purpose, decision))
                continue
            by = {grant for statement, grant in self.grants[role_name] if applies(statement, request)}
            # Graders that a user names may be any: the list doesn't make the stack's own rights superfluous.
            by = {grant for grant in by if grant.resource not in self._named} or by
            if len(by) == 1:
                findings.used |= by
            for grant in by:
                findings.shared.setdefault(grant, set()).update(by - {grant})
        return findings

    def _decide(self, role: Role, request: Request) -> Decision:
        is_key = request.action.startswith("kms:")
        known = self.access.keys if is_key else self.access.resource_policies
        return permitted(
            request,
            role.identity,
            resource=known.get(_holder(request)),
            # The policy of a key that the stack didn't make is its owner's.
            needs_resource=is_key and request.resource in known,
        )


def _holder(request: Request) -> str:
    """The resource that has the policy: of an object, its bucket."""
    return request.resource.partition("/")[0] if request.action.startswith("s3:") else request.resource


def _grants(role: Role, general: Role) -> Iterator[tuple[Statement, Grant]]:
    """Each as a statement that allows it alone, with its general name."""
    for real, named in zip(role.identity, general.identity, strict=True):
        if real.effect != "Allow":
            continue
        for (narrow, _), (_, grant) in zip(_single(real, role), _single(named, general), strict=True):
            yield narrow, grant


def _single(statement: Statement, role: Role) -> Iterator[tuple[Statement, Grant]]:
    ways = []
    for operator, key, values in statement.conditions:
        # With IfExists a request that has no such key fits every value: it needs all of them together.
        apart = key in _EACH_BY_ITSELF and not operator.endswith("IfExists")
        ways.append([(operator, key, (value,)) for value in values] if apart else [(operator, key, values)])
    for action, resource in itertools.product(statement.actions, statement.resources):
        for conditions in itertools.product(*ways):
            narrow = replace(statement, actions=(action,), resources=(resource,), conditions=conditions)
            yield narrow, Grant(role.logical, action, resource, conditions)
