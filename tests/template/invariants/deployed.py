"""A deployment as the rules see it: every resource of the root and its nested stacks, resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

from tests.iam.cloudformation import Stack
from tests.iam.deployment import Deployment

Json = dict[str, Any]

RESOURCE_POLICIES = {
    "AWS::ApiGateway::RestApi": "Policy",
    "AWS::EC2::VPCEndpoint": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicInlinePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
IDENTITY_POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Finding:
    """What a rule found wrong: its name, the resource (nested ones behind their stack's name), a sentence."""

    rule: str
    resource: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.resource}: {self.sentence}"


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, every list a list."""

    owner: str
    document: Json

    @property
    def allows(self) -> bool:
        return bool(self.document["Effect"] == "Allow")

    @property
    def actions(self) -> list[str]:
        return as_list(self.document.get("Action", []))

    @property
    def resources(self) -> list[str]:
        return as_list(self.document.get("Resource", []))

    @property
    def principals(self) -> list[tuple[str, str]]:
        """Each principal with its kind: ("Service", "events.amazonaws.com"), ("AWS", "*")."""
        given = self.document.get("Principal", {})
        if not isinstance(given, dict):
            return [("AWS", given)]
        return [(kind, one) for kind, some in given.items() for one in as_list(some)]

    @property
    def conditions(self) -> list[tuple[str, str, list[Any]]]:
        """Each condition as operator, key in lower case, values."""
        return [
            (operator, key.lower(), as_list(values))
            for operator, block in self.document.get("Condition", {}).items()
            for key, values in block.items()
        ]

    def demands(self, key: str, *operators: str) -> list[Any]:
        """The values that a key must have for an Allow to hold; [] where the key isn't asked for."""
        wanted = operators or ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
        return [
            value
            for operator, name, values in self.conditions
            if name == key.lower() and operator in wanted
            for value in values
        ]


@dataclass(frozen=True)
class Resource:
    """A resource that the deployment has. ``attributes``: its whole entry in the template, unresolved."""

    name: str
    kind: str
    properties: Json
    attributes: Json
    physical: str


class _Whole(Stack):
    """A stack whose nested templates come from memory, and where an attribute that no policy names is made up."""

    def __init__(self, template: Mapping[str, Any], deployment: Deployment, templates: Mapping[str, Any]) -> None:
        super().__init__(template, deployment)
        self._templates = templates
        self._children: dict[str, _Whole] = {}
        self._known: dict[tuple[str, str], Any] = {}

    def _once(self, what: str, name: str, work_out: Callable[[str], Any]) -> Any:
        """Every rule asks for everything: it is worked out once."""
        if (what, name) not in self._known:
            self._known[what, name] = work_out(name)
        return self._known[what, name]

    def properties(self, logical: str) -> Json:
        found: Json = self._once("properties", logical, super().properties)
        return found

    def physical(self, logical: str) -> str:
        return str(self._once("physical", logical, super().physical))

    def condition(self, name: str) -> bool:
        return bool(self._once("condition", name, super().condition))

    def output(self, name: str) -> Any:
        return self._once("output", name, super().output)

    def nested(self, logical: str) -> Stack:
        if logical not in self._children:
            properties = self.properties(logical)
            given = {name: _text(value) for name, value in properties.get("Parameters", {}).items()}
            template = self._templates[PurePath(properties["TemplateURL"]).name]
            self._children[logical] = _Whole(template, self.deployment.of_nested(logical, given), self._templates)
        return self._children[logical]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"Fn::GetAtt"}:
            return self._attribute(value["Fn::GetAtt"])
        return super().resolve(value)

    def _attribute(self, argument: Any) -> Any:
        try:
            return super()._attribute(argument)
        except LookupError:
            logical, _, name = argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
            return f"{self.physical(logical)}.{name}"


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class Deployed:
    """A root template, deployed with parameters. ``templates``: all translated ones by their file's name.

    The root is to be translated with the same parameters: SAM puts their values into what it makes.
    """

    def __init__(
        self,
        templates: Mapping[str, Json],
        parameters: Mapping[str, str],
        *,
        root: str = "template.yaml",
        machine: Json | None = None,
        stack: str = "rft",
    ) -> None:
        self.root = root
        self.stack = _Whole(templates[root], Deployment(stack, parameters=parameters), templates)
        self.name = stack
        self.account = self.stack.deployment.account
        self.machine = machine
        self.source = templates[root]

    @cached_property
    def resources(self) -> list[Resource]:
        return list(_resources(self.stack, ""))

    def of_type(self, *kinds: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.kind in kinds]

    def named(self, name: str) -> Resource | None:
        return next((resource for resource in self.resources if resource.name == name), None)

    @cached_property
    def rights(self) -> list[Statement]:
        """Every statement that gives a role rights or takes them: its own policies and the stack's managed ones."""
        found = []
        for role in self.of_type("AWS::IAM::Role"):
            for policy in role.properties.get("Policies", []):
                found += _statements(role.name, policy["PolicyDocument"])
        for policy in self.of_type(*IDENTITY_POLICIES):
            found += _statements(policy.name, policy.properties["PolicyDocument"])
        return found

    @cached_property
    def resource_policies(self) -> list[tuple[Resource, list[Statement]]]:
        """Every policy that stands with a resource, with what it stands in."""
        found = []
        for resource in self.resources:
            if resource.kind == "AWS::Events::EventBusPolicy":
                found.append((resource, _statements(resource.name, resource.properties)))
                continue
            document = resource.properties.get(RESOURCE_POLICIES.get(resource.kind, ""))
            if resource.kind == "AWS::ApiGateway::RestApi":
                document = document or resource.properties.get("Body", {}).get("x-amazon-apigateway-policy")
            if document:
                found.append((resource, _statements(resource.name, document)))
        return found

    def policies_of(self, kind: str, property_name: str, value: str) -> list[Statement]:
        """The statements of the policies of a kind whose property names the value."""
        return [
            statement
            for resource, statements in self.resource_policies
            if resource.kind == kind and value in as_list(resource.properties.get(property_name, []))
            for statement in statements
        ]


def _statements(owner: str, document: Json) -> list[Statement]:
    return [Statement(owner, statement) for statement in as_list(document.get("Statement", []))]


def _resources(stack: Stack, prefix: str) -> Iterator[Resource]:
    for logical, entry in stack.template["Resources"].items():
        if stack.exists(logical):
            yield Resource(
                name=prefix + logical,
                kind=entry["Type"],
                properties=stack.properties(logical),
                attributes=entry,
                physical=stack.physical(logical),
            )
    for logical, nested in stack.every_nested():
        yield from _resources(nested, f"{prefix}{logical}/")
