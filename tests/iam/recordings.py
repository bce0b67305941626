"""What the functions of an end-to-end run called, as the stand-in cloud recorded it.

A folder for each cloud: ``<stack>.json`` says what was deployed, ``<function>.jsonl`` has a line for each call.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tests.iam.actions import Call, needs, of_lambda, place_of
from tests.iam.calls.place import Need
from tests.iam.cloudformation import application
from tests.iam.deployment import Deployment
from tests.iam.policies import Access, Role
from tests.iam.usage import Findings, Rights

JOB_ROLE = "BedrockRole"
"""The role that training jobs have."""


@dataclass(frozen=True)
class Recorded:
    """A call, and the role it was made in where that is no function's own."""

    call: Call
    role_arn: str = ""


class Unknown(Exception):
    """A recorded call of which nobody knows in whose role it was made."""


def clouds(folder: Path) -> list[Path]:
    """The folders of the recorded clouds below ``folder``."""
    return sorted({path.parent for path in folder.glob("*/*.jsonl")})


def deployments(folder: Path) -> list[Deployment]:
    return [Deployment.recorded(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]


def calls(folder: Path) -> Iterator[Recorded]:
    """Each kind of call once: what is the same call again asks for nothing new."""
    seen = set()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            if line not in seen:
                seen.add(line)
                yield _recorded(json.loads(line))


def _recorded(line: Mapping[str, Any]) -> Recorded:
    call = Call(line["function"], line["service"], line["operation"], line["parameters"], line.get("error", ""))
    return Recorded(call, line.get("role", ""))


def _from_its_network(need: Need, access: Access, role: str) -> Need:
    """A job's calls come from the VPC that it is in."""
    if role != JOB_ROLE or not access.stack.exists("Network"):
        return need
    return replace(need, context={**need.context, "aws:SourceVpc": access.stack.nested("Network").output("VpcId")})


class Recording:
    """The calls of one cloud against the stacks that were deployed into it. ``template`` is a changed copy."""

    def __init__(
        self, made: Iterable[Recorded], deployed: Iterable[Deployment], template: Mapping[str, Any] | None = None
    ) -> None:
        stacks = [Access(application(one, template)) for one in deployed]
        self.rights = {access.stack.deployment.stack: Rights(access) for access in stacks}
        self._functions = {name: access for access in stacks for name in access.functions}
        self._roles = {role.arn: (access, role.logical) for access in stacks for role in access.roles.values()}
        self._places = {access.stack.deployment.stack: place_of(access) for access in stacks}
        # By stack, role and what the need is: thousands of calls ask for hundreds of things.
        self._needs: dict[str, dict[str, dict[str, tuple[Need, str]]]] = defaultdict(lambda: defaultdict(dict))
        for recorded in made:
            access, role = self._caller(recorded)
            call = recorded.call
            for need in needs(call, self._places[access.stack.deployment.stack]):
                self._add(access, role, _from_its_network(need, access, role), f"{call.service} {call.operation}")
        for access in stacks:
            for role, need in of_lambda(access, self._places[access.stack.deployment.stack]):
                self._add(access, role, need, "what Lambda does for a function")

    @classmethod
    def read(cls, folder: Path, template: Mapping[str, Any] | None = None) -> Self:
        return cls(calls(folder), deployments(folder), template)

    def needed(self, stack: str) -> Iterator[tuple[Role, Need]]:
        """Everything that the functions and jobs of a stack asked for, each once."""
        for role, asked in self._needs[stack].items():
            for need, _ in asked.values():
                yield self.rights[stack].access.roles[role], need

    def findings(self, stack: str) -> Findings:
        """What the calls say of one stack's rights."""
        together = Findings()
        for role, asked in self._needs[stack].items():
            together.add(self.rights[stack].judge(role, asked.values()))
        return together

    def _caller(self, recorded: Recorded) -> tuple[Access, str]:
        if recorded.role_arn:
            if recorded.role_arn not in self._roles:
                raise Unknown(f"no deployed stack has the role {recorded.role_arn}")
            return self._roles[recorded.role_arn]
        name = recorded.call.function
        if name not in self._functions:
            raise Unknown(f"{name} called {recorded.call.operation}, and no deployed stack has that function")
        access = self._functions[name]
        return access, access.functions[name].role

    def _add(self, access: Access, role: str, need: Need, purpose: str) -> None:
        self._needs[access.stack.deployment.stack][role].setdefault(str(need), (need, purpose))
