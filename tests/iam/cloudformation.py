"""CloudFormation's intrinsics resolved to concrete values, for one deployment of a template.

Everything is worked out when it is asked for, so that a template may use for things that no policy names whatever it
likes; what is asked for and not understood is an error, never a guess.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from tests.iam import templates
from tests.iam.attributes import attribute, imagined_id
from tests.iam.deployment import Deployment

Resolved = Any
"""Strings, numbers, lists and dictionaries without an intrinsic in them."""
_NOTHING: Any = object()
"""AWS::NoValue."""
_REFERENCE = re.compile(r"\$\{(!?)([^}]+)\}")
_NOT_ON_THE_STAND_IN = {"AWS::Lambda::LayerVersion"}
"""What is left out where a stack is recorded, and what no policy names."""
_HASH = re.compile(r"[0-9a-f]{10}$")


class Unresolved(Exception):
    """Something of the template that these tests don't understand, or that a deployment doesn't have."""


class Stack:
    """A template under a deployment; nested stacks by ``nested``."""

    def __init__(self, template: Mapping[str, Any], deployment: Deployment) -> None:
        self.template = template
        self.deployment = deployment
        self._nested: dict[str, Stack] = {}
        self._properties: dict[str, dict[str, Any]] = {}
        unknown = set(deployment.parameters) - set(template.get("Parameters", {}))
        if unknown:
            raise Unresolved(f"stack {deployment.stack} has no parameters {sorted(unknown)}")

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical id and resolved properties of each resource of a type that the deployment has."""
        for logical, resource in self.template["Resources"].items():
            if resource["Type"] == kind and self.exists(logical):
                yield logical, self.properties(logical)

    def exists(self, logical: str) -> bool:
        resource = self.template["Resources"].get(logical)
        return resource is not None and ("Condition" not in resource or self.condition(resource["Condition"]))

    def properties(self, logical: str) -> dict[str, Any]:
        if logical not in self._properties:
            self._properties[logical] = self.resolve(self.template["Resources"][logical].get("Properties", {}))
        return self._properties[logical]

    def output(self, name: str) -> Resolved:
        return self.resolve(self.template["Outputs"][name]["Value"])

    def nested(self, logical: str) -> Stack:
        """The nested stack of a resource ``AWS::CloudFormation::Stack``."""
        if logical not in self._nested:
            properties = self.properties(logical)
            given = {name: _text(value) for name, value in properties.get("Parameters", {}).items()}
            deployment = self.deployment.of_nested(logical, given)
            self._nested[logical] = type(self)(templates.nested(properties["TemplateURL"]), deployment)
        return self._nested[logical]

    def every_nested(self) -> Iterator[tuple[str, Stack]]:
        for logical, resource in self.template["Resources"].items():
            if resource["Type"] == "AWS::CloudFormation::Stack" and self.exists(logical):
                yield logical, self.nested(logical)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Lists are lists here."""
        values = {}
        for name, declared in self.template.get("Parameters", {}).items():
            value = self.deployment.parameters.get(name, declared.get("Default", _NOTHING))
            if value is _NOTHING:
                continue  # asking for it is the error
            listed = declared["Type"] == "CommaDelimitedList" or declared["Type"].startswith("List<")
            values[name] = [part.strip() for part in _text(value).split(",")] if listed else _text(value)
        return values

    def condition(self, name: str) -> bool:
        if name not in self.template.get("Conditions", {}):
            raise Unresolved(f"no condition {name} in stack {self.deployment.stack}")
        return self._holds(self.template["Conditions"][name])

    def physical(self, logical: str) -> str:
        """The physical id: as recorded, or made up where nobody deployed the stack."""
        resource = self.template["Resources"].get(logical)
        if resource is None:
            raise Unresolved(f"no resource {logical} in stack {self.deployment.stack}")
        if not self.exists(logical):
            raise Unresolved(f"{logical} is named, but its condition does not hold")
        recorded = self.deployment.resources
        if recorded is None:
            return imagined_id(resource["Type"], logical, lambda: self.properties(logical), self.deployment)
        if logical in recorded:
            return recorded[logical]
        # SAM names a version after a hash of the code's place, which is another one in every build.
        alike = [name for name in recorded if _HASH.sub("", name) == _HASH.sub("", logical)]
        if resource["Type"] == "AWS::Lambda::Version" and len(alike) == 1:
            return recorded[alike[0]]
        if resource["Type"] in _NOT_ON_THE_STAND_IN:
            return imagined_id(resource["Type"], logical, lambda: self.properties(logical), self.deployment)
        raise Unresolved(f"the record of stack {self.deployment.stack} has no resource {logical}")

    def resolve(self, value: Any) -> Resolved:
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise Unresolved(f"the intrinsic {name} is not known here")
        resolved = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in resolved.items() if one is not _NOTHING}

    def _holds(self, condition: Any) -> bool:
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::And":
            return all(self._holds(one) for one in argument)
        if name == "Fn::Or":
            return any(self._holds(one) for one in argument)
        if name == "Fn::Not":
            return not self._holds(argument[0])
        if name == "Fn::Equals":
            first, second = (_text(self.resolve(one)) for one in argument)
            return first == second
        if name == "Fn::Contains":
            return _text(self.resolve(argument[1])) in map(_text, self.resolve(argument[0]))
        raise Unresolved(f"the condition {name} is not known here")

    def _ref(self, name: str) -> Resolved:
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self.template.get("Parameters", {}):
            if name not in self.parameters:
                raise Unresolved(f"the parameter {name} of stack {self.deployment.stack} has no value")
            return self.parameters[name]
        return self.physical(name)

    def _pseudo(self, name: str) -> Resolved:
        of = self.deployment
        values = {
            "AWS::AccountId": of.account,
            "AWS::NoValue": _NOTHING,
            "AWS::Partition": of.partition,
            "AWS::Region": of.region,
            "AWS::StackId": f"arn:{of.partition}:cloudformation:{of.region}:{of.account}:stack/{of.stack}/0",
            "AWS::StackName": of.stack,
            "AWS::URLSuffix": of.url_suffix,
        }
        if name not in values:
            raise Unresolved(f"{name} is not known here")
        return values[name]

    def _attribute(self, argument: Any) -> Resolved:
        logical, _, name = argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        resource = self.template["Resources"].get(logical, {})
        if resource.get("Type") == "AWS::CloudFormation::Stack" and name.startswith("Outputs."):
            if not self.exists(logical):
                raise Unresolved(f"{logical} is named, but its condition does not hold")
            return self.nested(logical).output(name.removeprefix("Outputs."))
        physical = self.physical(logical)
        return attribute(resource["Type"], name, physical, lambda: self.properties(logical), self.deployment)

    def _substitute(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            if match[1]:
                return f"${{{match[2]}}}"
            if match[2] in given:
                return _text(self.resolve(given[match[2]]))
            return _text(self._attribute(match[2]) if "." in match[2] else self._ref(match[2]))

        return _REFERENCE.sub(value, text)

    def _if(self, argument: Any) -> Resolved:
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def _join(self, argument: Any) -> str:
        return str(argument[0]).join(map(_text, self.resolve(argument[1])))

    def _select(self, argument: Any) -> Resolved:
        return self.resolve(argument[1])[int(self.resolve(argument[0]))]

    def _split(self, argument: Any) -> list[str]:
        return _text(self.resolve(argument[1])).split(argument[0])

    def _zones(self, argument: Any) -> list[str]:
        region = self.resolve(argument) or self.deployment.region
        return [f"{region}{letter}" for letter in "abcdef"]

    def _find(self, argument: Any) -> Resolved:
        name, first, second = (self.resolve(one) for one in argument)
        return self.resolve(self.template["Mappings"][name][first][second])

    def _cidr(self, argument: Any) -> list[str]:
        block, count, bits = (_text(self.resolve(one)) for one in argument)
        parts = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(part) for part, _ in zip(parts, range(int(count)), strict=False)]


_FUNCTIONS: dict[str, Callable[[Stack, Any], Resolved]] = {
    "Ref": Stack._ref,
    "Fn::Cidr": Stack._cidr,
    "Fn::FindInMap": Stack._find,
    "Fn::GetAZs": Stack._zones,
    "Fn::GetAtt": Stack._attribute,
    "Fn::If": Stack._if,
    "Fn::Join": Stack._join,
    "Fn::Select": Stack._select,
    "Fn::Split": Stack._split,
    "Fn::Sub": Stack._substitute,
}


def _text(value: Any) -> str:
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        raise Unresolved(f"{value} where a text should be")
    return str(value)


def application(deployment: Deployment, template: Mapping[str, Any] | None = None) -> Stack:
    """template.yaml, deployed; or ``template``, a changed copy of it."""
    return Stack(template or templates.application(deployment.parameters), deployment)
