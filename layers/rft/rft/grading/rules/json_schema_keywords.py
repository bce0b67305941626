"""What each keyword of a JSON Schema checks. Part of :mod:`rft.grading.rules.json_schema`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rft.grading.json_answer import same_value
from rft.grading.rules.json_schema_nodes import Check, Node, Work
from rft.grading.rules.limits import RuleInvalid
from rft.grading.rules.patterns import compile_pattern

MAX_ALTERNATIVES = 1000  # in an enum
MAX_UNIQUE_CONTAINERS = 64  # items that are objects or lists are compared pair by pair

_TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_NUMBERS = ("integer", "number")


class SchemaReader(Protocol):
    """Makes nodes of the schemas inside a schema."""

    def read(self, schema: Any, place: str) -> Node: ...

    def referred(self, reference: Any, place: str) -> Node: ...


type Builder = Callable[[SchemaReader, Node, Mapping[str, Any], str], None]
"""Adds the checks of a keyword to the node of a schema that has it. The last argument is the schema's place."""


def _type(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not (names and all(isinstance(name, str) and name in _TYPES for name in names)):
        raise RuleInvalid(f"{place}/type: must be one or several of {', '.join(sorted(_TYPES))}")
    allowed = {*names, "integer"} if "number" in names else set(names)
    node.add(tuple(_TYPES - allowed), lambda _value, _work: False)


def _enum(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    values = schema["enum"]
    if not (isinstance(values, list) and 1 <= len(values) <= MAX_ALTERNATIVES):
        raise RuleInvalid(f"{place}/enum: must be a list of 1 to {MAX_ALTERNATIVES:,} values")
    _one_of(node, values)


def _const(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], _place: str) -> None:
    _one_of(node, [schema["const"]])


def _one_of(node: Node, values: list[Any]) -> None:
    plain = frozenset(_key(value) for value in values if not isinstance(value, dict | list))
    for kind in ("null", "boolean", "integer", "number", "string"):
        node.add((kind,), lambda value, _work: _key(value) in plain)
    for kind, container in (("array", list), ("object", dict)):
        node.add((kind,), _alike([value for value in values if isinstance(value, container)]))


def _alike(values: list[Any]) -> Check:
    def check(value: Any, work: Work) -> bool:
        work.take(len(values))
        return any(same_value(value, other) for other in values)

    return check


def _key(value: Any) -> tuple[bool, Any]:
    return isinstance(value, bool), value  # true is not 1


def _limit(keyword: str, kinds: tuple[str, ...], keeps: Callable[[Any, Any], bool], *, whole: bool = True) -> Builder:
    def build(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
        limit = schema[keyword]
        if whole:
            limit = _count(limit, f"{place}/{keyword}")
        elif isinstance(limit, bool) or not isinstance(limit, int | float):
            raise RuleInvalid(f"{place}/{keyword}: must be a number")
        node.add(kinds, lambda value, _work: keeps(value, limit))

    return build


def _count(value: Any, place: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RuleInvalid(f"{place}: must be a whole number from 0")
    return value


def _multiple_of(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    factor = _count(schema["multipleOf"], f"{place}/multipleOf (only whole numbers are supported)")
    if not factor:
        raise RuleInvalid(f"{place}/multipleOf: must be above 0")
    node.add(("integer",), lambda value, _work: int(value) % factor == 0)
    node.add(("number",), lambda _value, _work: False)


def _pattern(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    try:
        compiled = compile_pattern(schema["pattern"])
    except (RuleInvalid, TypeError) as exc:
        raise RuleInvalid(f"{place}/pattern: {exc}") from exc
    node.add(("string",), lambda value, _work: compiled.is_in(value))


def _properties(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    schemas = schema["properties"]
    if not isinstance(schemas, dict):
        raise RuleInvalid(f"{place}/properties: must be an object of schemas")
    nodes = [(name, reader.read(below, f"{place}/properties/{name}")) for name, below in schemas.items()]

    def check(value: dict[str, Any], work: Work) -> bool:
        return all(below.accepts(value[name], work) for name, below in nodes if name in value)

    node.add(("object",), check)


def _additional(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    below = reader.read(schema["additionalProperties"], f"{place}/additionalProperties")
    properties = schema.get("properties", {})
    known = frozenset(properties) if isinstance(properties, dict) else frozenset()
    if schema["additionalProperties"] is True:
        return
    if schema["additionalProperties"] is False:
        node.add(("object",), lambda value, _work: value.keys() <= known)
        return

    def check(value: dict[str, Any], work: Work) -> bool:
        return all(below.accepts(each, work) for name, each in value.items() if name not in known)

    node.add(("object",), check)


def _required(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    names = schema["required"]
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise RuleInvalid(f"{place}/required: must be a list of names")
    needed = frozenset(names)
    node.add(("object",), lambda value, _work: value.keys() >= needed)


def _prefix_items(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    nodes = _list_of(reader, schema["prefixItems"], f"{place}/prefixItems")

    def check(value: list[Any], work: Work) -> bool:
        return all(below.accepts(each, work) for below, each in zip(nodes, value, strict=False))

    node.add(("array",), check)


def _items(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    below = reader.read(schema["items"], f"{place}/items")
    if schema["items"] is True:
        return
    prefix = schema.get("prefixItems", ())
    first = len(prefix) if isinstance(prefix, list) else 0

    def check(value: list[Any], work: Work) -> bool:
        return all(below.accepts(each, work) for each in (value[first:] if first else value))

    node.add(("array",), check)


def _unique_items(_reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    if not isinstance(schema["uniqueItems"], bool):
        raise RuleInvalid(f"{place}/uniqueItems: must be true or false")
    if schema["uniqueItems"]:
        node.add(("array",), _is_unique)


def _is_unique(value: list[Any], work: Work) -> bool:
    plain = [_key(each) for each in value if not isinstance(each, dict | list)]
    containers = [each for each in value if isinstance(each, dict | list)]
    if len(set(plain)) < len(plain) or len(containers) > MAX_UNIQUE_CONTAINERS:
        return False
    work.take(len(containers) ** 2 // 2)
    return not any(same_value(one, other) for at, one in enumerate(containers) for other in containers[:at])


def _combined(keyword: str, verdict: Callable[[list[Node], Any, Work], bool]) -> Builder:
    def build(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
        nodes = _list_of(reader, schema[keyword], f"{place}/{keyword}")
        node.in_place.extend(nodes)
        node.add((), lambda value, work: verdict(nodes, value, work))

    return build


def _every(nodes: list[Node], value: Any, work: Work) -> bool:
    return all(node.accepts(value, work) for node in nodes)


def _some(nodes: list[Node], value: Any, work: Work) -> bool:
    return any(node.accepts(value, work) for node in nodes)


def _exactly_one(nodes: list[Node], value: Any, work: Work) -> bool:
    accepted = 0
    for node in nodes:
        accepted += node.accepts(value, work)
        if accepted > 1:
            return False
    return accepted == 1


def _not(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    below = reader.read(schema["not"], f"{place}/not")
    node.in_place.append(below)
    node.add((), lambda value, work: not below.accepts(value, work))


def _ref(reader: SchemaReader, node: Node, schema: Mapping[str, Any], place: str) -> None:
    target = reader.referred(schema["$ref"], place)
    node.in_place.append(target)
    node.add((), target.accepts)


def _list_of(reader: SchemaReader, schemas: Any, place: str) -> list[Node]:
    if not (isinstance(schemas, list) and schemas):
        raise RuleInvalid(f"{place}: must be a list of schemas, and not empty")
    return [reader.read(schema, f"{place}/{at}") for at, schema in enumerate(schemas)]


BUILDERS: dict[str, Builder] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _limit("minimum", _NUMBERS, lambda value, limit: value >= limit, whole=False),
    "maximum": _limit("maximum", _NUMBERS, lambda value, limit: value <= limit, whole=False),
    "exclusiveMinimum": _limit("exclusiveMinimum", _NUMBERS, lambda value, limit: value > limit, whole=False),
    "exclusiveMaximum": _limit("exclusiveMaximum", _NUMBERS, lambda value, limit: value < limit, whole=False),
    "multipleOf": _multiple_of,
    "minLength": _limit("minLength", ("string",), lambda value, limit: len(value) >= limit),
    "maxLength": _limit("maxLength", ("string",), lambda value, limit: len(value) <= limit),
    "pattern": _pattern,
    "required": _required,
    "minProperties": _limit("minProperties", ("object",), lambda value, limit: len(value) >= limit),
    "maxProperties": _limit("maxProperties", ("object",), lambda value, limit: len(value) <= limit),
    "properties": _properties,
    "additionalProperties": _additional,
    "minItems": _limit("minItems", ("array",), lambda value, limit: len(value) >= limit),
    "maxItems": _limit("maxItems", ("array",), lambda value, limit: len(value) <= limit),
    "prefixItems": _prefix_items,
    "items": _items,
    "uniqueItems": _unique_items,
    "anyOf": _combined("anyOf", _some),
    "allOf": _combined("allOf", _every),
    "oneOf": _combined("oneOf", _exactly_one),
    "not": _not,
    "$ref": _ref,
}
