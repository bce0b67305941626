"""The account that a stack is in, as whoever leaves it uses it: with credentials of their own, not by the API.

The stack itself need not be there any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import boto3
from botocore.config import Config

from cli.faults import TargetMissing, UsageFault
from cli.target import DEFAULT_STACK, Place
from local.cloud import CREDENTIALS, default_root

_ATTEMPTS = 8
"""Of one call: an account that is being emptied is throttled sooner than others."""


@dataclass
class Account:
    """``endpoints`` are the local cloud's, by service; the one under an empty name is for all others."""

    place: Place
    stack: str
    region: str
    session: boto3.Session
    endpoints: Mapping[str, str] = field(default_factory=dict)
    flags: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def resolve(cls, place: Place, *, stack: str | None, profile: str | None, region: str | None) -> Self:
        """Raises ``TargetMissing`` without a local cloud or a region, ``UsageFault`` for options that don't fit."""
        if place is Place.LOCAL:
            if profile is not None or region is not None:
                raise UsageFault("--profile and --region go with --target aws; the local cloud has neither.")
            return cls._on_this_machine(stack)
        session = boto3.Session(profile_name=profile, region_name=region)
        if session.region_name is None:
            raise TargetMissing("No AWS region is set.", hint="Give --region, or set AWS_REGION.")
        options = {"--target": "aws", "--stack": stack, "--profile": profile, "--region": region}
        flags = "".join(f" {name} {value}" for name, value in options.items() if value is not None)
        return cls(place, stack or DEFAULT_STACK, session.region_name, session, flags=flags)

    @classmethod
    def _on_this_machine(cls, stack: str | None) -> Self:
        try:
            info = json.loads((default_root() / "cloud.json").read_text())
        except FileNotFoundError:
            raise TargetMissing(
                "No local cloud is running.", hint="rft down removes what one left; or name AWS with --target aws"
            ) from None
        return cls.of_cloud(info, stack)

    @classmethod
    def of_cloud(cls, info: Mapping[str, Any], stack: str | None = None) -> Self:
        """The local cloud that ``info`` describes, and one of its stacks."""
        session = boto3.Session(region_name=info["region"], **CREDENTIALS)
        endpoints = {"": info["endpoint"], "bedrock": info["bedrock_endpoint"]}
        flags = f" --stack {stack}" if stack is not None and stack != info["stack"] else ""
        return cls(Place.LOCAL, stack or info["stack"], info["region"], session, endpoints, flags)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = self.session.client  # its overloads know literal names only
            endpoint = self.endpoints.get(service, self.endpoints.get(""))
            # A proxy never stands before the loopback.
            proxies: dict[str, str] | None = {} if endpoint is not None else None
            config = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}, proxies=proxies)
            self._clients[service] = make(service, endpoint_url=endpoint, config=config)
        return self._clients[service]

    def pages(self, service: str, operation: str, key: str, **asked: Any) -> Iterator[Any]:
        """Every item under ``key`` in all pages of a List operation's answer."""
        for page in self.client(service).get_paginator(operation).paginate(**asked):
            yield from page.get(key, [])

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def pause_seconds(self) -> float:
        return 0.2 if self.place is Place.LOCAL else 5.0

    def command(self, command: str) -> str:
        return f"rft {command}{self.flags}"
