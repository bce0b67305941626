"""From a request's signature to a refusal in AWS's words. Who decides is an ``Authorizer``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from local.bedrock.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)")

type ContextValue = str | list[str]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows of its caller. The secret stays with the caller, so the signature is not computed again."""

    access_key: str
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Need:
    """One right that a call takes: an IAM action on a resource, with the condition keys that the call brings."""

    action: str
    resource: str
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first need that is not met. ``explicit`` is a Deny; ``policy_of`` the resource whose policy it is, or ""."""

    caller: str
    need: Need
    explicit: bool = False
    policy_of: str = ""

    def __str__(self) -> str:
        kind = "a resource-based" if self.policy_of else "an identity-based"
        kind_of_none = "no resource-based" if self.policy_of else "no identity-based"
        reason = (
            f"with an explicit deny in {kind} policy"
            if self.explicit
            else f"because {kind_of_none} policy allows the {self.need.action} action"
        )
        return (
            f"User: {self.caller} is not authorized to perform: {self.need.action} "
            f"on resource: {self.need.resource} {reason}"
        )


class Authorizer(Protocol):
    """Decides by the policies that are in force where the callers' keys are from."""

    def refusal(self, credentials: Credentials, needs: Sequence[Need]) -> Refusal | None:
        """The first need that the caller's policies don't meet, None if they meet all.

        Raises ``ServiceError`` for keys that are nobody's, and where nobody can be asked.
        """


def credentials_of(headers: Mapping[str, str]) -> Credentials:
    """Whose request it says it is; header names in lower case. Raises ``ServiceError`` for one that is not signed."""
    authorization = headers.get("authorization", "")
    found = _CREDENTIAL.search(authorization)
    if not authorization.startswith("AWS4-HMAC-SHA256 ") or found is None:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    return Credentials(found[1], headers.get("x-amz-security-token"))


def require(authorizer: Authorizer, credentials: Credentials, needs: Sequence[Need]) -> None:
    """Raise ``ServiceError`` AccessDeniedException unless the caller may do all of it."""
    if (refusal := authorizer.refusal(credentials, needs)) is not None:
        raise ServiceError("AccessDeniedException", str(refusal), 403)
