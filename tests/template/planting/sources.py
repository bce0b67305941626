"""The sources that a defect is planted in, and the few ways to reach into them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.template import translation

Json = dict[str, Any]
WORKFLOW, CODE = ".github/workflows/ci.yml", "functions/notify/app.py"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass
class Sources:
    """What a defect can be planted in: templates by their file's name, the state machine, workflows and code."""

    templates: dict[str, Json]
    machine: Json
    texts: dict[str, str]

    @classmethod
    def read(cls) -> Sources:
        texts = [*sorted((translation.ROOT / ".github" / "workflows").glob("*.yml")), translation.ROOT / CODE]
        return cls(
            templates={path.name: translation.read(path) for path in translation.paths()},
            machine=translation.machine(),
            texts={str(path.relative_to(translation.ROOT)): path.read_text() for path in texts},
        )

    def copy(self) -> Sources:
        return copy.deepcopy(self)

    def resources(self, template: str = "template.yaml") -> Json:
        found: Json = self.templates[template]["Resources"]
        return found

    def properties(self, name: str, template: str = "template.yaml") -> Json:
        found: Json = self.resources(template)[name].setdefault("Properties", {})
        return found

    def of_type(self, kind: str, template: str = "template.yaml") -> dict[str, Json]:
        """The properties of every resource of the kind, by name."""
        return {
            name: resource.setdefault("Properties", {})
            for name, resource in self.resources(template).items()
            if resource["Type"] == kind
        }

    def add(self, name: str, kind: str, properties: Json, template: str = "template.yaml") -> None:
        self.resources(template)[name] = {"Type": kind, "Properties": properties}

    def statements(self, role: str) -> Iterator[Json]:
        """Every statement of a role's own policies, those under a condition included."""
        for policy in self.properties(role).get("Policies", []):
            for branch in policy.get("Fn::If", [None, policy])[1:]:
                yield from branch.get("PolicyDocument", {}).get("Statement", [])

    def statement(self, role: str, action: str) -> Json:
        """The first statement of the role that names the action."""
        return next(s for s in self.statements(role) if action in as_list(s.get("Action", [])))

    def grant(self, role: str, action: str | list[str], resource: Any, condition: Json | None = None) -> None:
        statement: Json = {"Effect": "Allow", "Action": action, "Resource": resource}
        if condition:
            statement["Condition"] = condition
        policies = self.properties(role)["Policies"]
        policies[0]["PolicyDocument"]["Statement"].append(statement)

    def policy_of(self, kind: str, target: str, template: str = "template.yaml") -> list[Json]:
        """The statements of the bucket's, queue's or topic's policy that mentions the target."""
        for properties in self.of_type(kind, template).values():
            names = {key: value for key, value in properties.items() if key != "PolicyDocument"}
            if f"'{target}'" in repr(names):
                statements: list[Json] = properties["PolicyDocument"]["Statement"]
                return statements
        raise LookupError(f"no {kind} of {target}")
