"""Where calls are made, and what IAM asks for one: the ground that the tables of this folder stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.iam.matching import Context

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One right that a call takes."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def __str__(self) -> str:
        said = ", ".join(f"{name} = {value}" for name, value in sorted(self.context.items()))
        return f"{self.action} on {self.resource}" + (f" where {said}" if said else "")


@dataclass(frozen=True)
class Place:
    """An account and its region, as a stack sees them; ``encrypted_with`` is the key of each resource, by ARN."""

    account: str
    region: str
    stack: str
    partition: str = "aws"
    url_suffix: str = "amazonaws.com"
    encrypted_with: Mapping[str, str] = field(default_factory=dict)
    model_key: str = ""
    """The key of the stack's custom models."""
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Models that an inference profile routes to, by the profile's ARN."""

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def key(self, arn: str, via: str, actions: Iterable[str], **encryption: str) -> Iterator[Need]:
        """What a service asks of the key that encrypts ``arn``, in the caller's name. Nothing where none does."""
        if key := self.encrypted_with.get(arn):
            yield from self.use(key, via, actions, **encryption)

    def use(self, key: str, via: str, actions: Iterable[str], **encryption: str) -> Iterator[Need]:
        context: dict[str, str | tuple[str, ...]] = {
            "kms:ViaService": f"{via}.{self.region}.{self.url_suffix}",
            "kms:CallerAccount": self.account,
        }
        for name, value in encryption.items():
            context[f"kms:EncryptionContext:aws:{name.replace('__', ':')}"] = value
        if encryption:
            context["kms:EncryptionContextKeys"] = tuple(f"aws:{name.replace('__', ':')}" for name in encryption)
        for action in actions:
            of_aws = {"kms:GrantIsForAWSResource": "true"} if action == "kms:CreateGrant" else {}
            yield Need(action, key, context | of_aws)


def tags(prefix: str, given: Iterable[Mapping[str, str]]) -> dict[str, str | tuple[str, ...]]:
    """Tags of a request, as condition keys. Bedrock writes them ``key`` and ``value``."""
    found: dict[str, str | tuple[str, ...]] = {f"{prefix}/{tag['key']}": tag["value"] for tag in given}
    if found:
        found["aws:TagKeys"] = tuple(tag["key"] for tag in given)
    return found
