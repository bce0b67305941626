"""What a template was deployed as: its name, its parameters, the physical ids of its resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Deployment:
    """``resources`` are physical ids by logical id; None means that nobody deployed it, and ids are made up."""

    stack: str
    account: str = "111122223333"
    region: str = "us-east-1"
    parameters: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] | None = None
    nested: Mapping[str, Deployment] = field(default_factory=dict)

    partition: str = "aws"
    url_suffix: str = "amazonaws.com"

    @classmethod
    def recorded(cls, document: Mapping[str, Any]) -> Self:
        """Of what the stand-in cloud wrote of a stack: stack, account, region, parameters, resources, nested."""
        return cls(
            stack=document["stack"],
            account=document["account"],
            region=document["region"],
            parameters=document["parameters"],
            resources=document["resources"],
            nested={name: cls.recorded(one) for name, one in document.get("nested", {}).items()},
        )

    def imagined(self) -> Deployment:
        """The same parameters under a name and with ids that are the same everywhere: to compare stacks by."""
        return Deployment("rft", parameters=self.parameters)

    def of_nested(self, logical: str, parameters: Mapping[str, str]) -> Deployment:
        """The deployment of a nested stack, with the parameters that its parent gives it."""
        known = self.nested.get(logical)
        if known is None and self.resources is not None:
            raise LookupError(f"the record of stack {self.stack} has no nested stack {logical}")
        return Deployment(
            stack=known.stack if known else f"{self.stack}-{logical}",
            account=self.account,
            region=self.region,
            parameters=parameters,
            resources=known.resources if known else None,
            nested=known.nested if known else {},
            partition=self.partition,
            url_suffix=self.url_suffix,
        )
