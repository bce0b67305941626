"""JSON Schema, draft 2020-12: the part of it that is safe on a schema taken from data.

Supported: ``type enum const``, ``properties required additionalProperties minProperties maxProperties``,
``prefixItems items minItems maxItems uniqueItems``, ``minLength maxLength pattern``, ``minimum maximum
exclusiveMinimum exclusiveMaximum multipleOf`` (a whole number), ``anyOf allOf oneOf not``, ``$defs`` (or
``definitions``) at the top and ``$ref`` to them or to ``#``. ``title description default examples deprecated readOnly
writeOnly $comment`` say nothing about a value. Any other keyword is refused when the schema is compiled, rather than
left unchecked: ``format`` too, which most validators ignore; write a ``pattern`` instead. Patterns are RE2's.

Nothing is executed or fetched, and the work is bounded for any schema and any value. A list of more than 64 objects
and lists is never ``uniqueItems``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from rft.grading.rules.json_schema_keywords import BUILDERS, SchemaReader
from rft.grading.rules.json_schema_nodes import Node, TooMuchWork, Work
from rft.grading.rules.limits import RuleInvalid

MAX_SCHEMA = 32_768  # characters as JSON
MAX_SCHEMA_DEPTH = 32  # schemas in schemas
MAX_SUBSCHEMAS = 1000
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SAY_NOTHING = frozenset(
    ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
)
_AT_THE_TOP = frozenset(("$schema", "$defs", "definitions"))


class Schema:
    """A compiled schema; see :func:`compile_schema`."""

    __slots__ = ("_root",)

    def __init__(self, root: Node) -> None:
        self._root = root

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value (as parse_json gives it) keeps to the schema, found within the limits on work."""
        try:
            return self._root.accepts(value, Work())
        except TooMuchWork:
            return False


def compile_schema(schema: Mapping[str, Any] | bool) -> Schema:
    """A schema ready for use; the same one is compiled once.

    Raises RuleInvalid, which names the place, for a keyword that isn't supported, a value that a keyword doesn't take,
    a reference that leads nowhere or in a circle, and a schema that is too big.
    """
    try:
        text = json.dumps(schema, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as exc:
        raise RuleInvalid("the schema is no JSON") from exc
    if len(text) > MAX_SCHEMA:
        raise RuleInvalid(f"the schema is longer than {MAX_SCHEMA:,} characters")
    return _compile(text)


@lru_cache(maxsize=64)
def _compile(text: str) -> Schema:
    return Schema(_Reader(json.loads(text)).root)


class _Reader(SchemaReader):
    """Turns one schema into nodes."""

    def __init__(self, schema: Any) -> None:
        self._count = 0
        self._depth = 0
        self._definitions: dict[str, Node] = {"#": Node()}
        if isinstance(schema, dict):
            if str(schema.get("$schema", _DRAFT)).rstrip("#") != _DRAFT:
                raise RuleInvalid(f"#/$schema: only {_DRAFT} is supported; write the schema for it, or leave it out")
            self._read_definitions(schema)
            schema = {keyword: value for keyword, value in schema.items() if keyword not in _AT_THE_TOP}
        self.root = self._definitions["#"]
        self._fill(self.root, schema, "#")
        _refuse_circles(self._definitions.values())

    def read(self, schema: Any, place: str) -> Node:
        node = Node()
        self._fill(node, schema, place)
        return node

    def referred(self, reference: Any, place: str) -> Node:
        node = self._definitions.get(reference) if isinstance(reference, str) else None
        if node is None:
            raise RuleInvalid(f"{place}: $ref must be # or name a schema in #/$defs of the same document")
        return node

    def _read_definitions(self, schema: Mapping[str, Any]) -> None:
        places = {}
        for keyword in ("$defs", "definitions"):
            definitions = schema.get(keyword, {})
            if not isinstance(definitions, dict):
                raise RuleInvalid(f"#/{keyword}: must be an object of schemas")
            for name, definition in definitions.items():
                place = f"#/{keyword}/{name.replace('~', '~0').replace('/', '~1')}"
                places[place] = definition
                self._definitions[place] = Node()
        for place, definition in places.items():
            self._fill(self._definitions[place], definition, place)

    def _fill(self, node: Node, schema: Any, place: str) -> None:
        self._count += 1
        if self._count > MAX_SUBSCHEMAS:
            raise RuleInvalid(f"there are more than {MAX_SUBSCHEMAS:,} schemas in the schema")
        if self._depth >= MAX_SCHEMA_DEPTH:
            raise RuleInvalid(f"there are more than {MAX_SCHEMA_DEPTH} levels of schemas in the schema")
        if schema is False:
            node.add((), _never)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise RuleInvalid(f"{place[:200]}: a schema is an object, true or false")
        self._depth += 1
        for keyword in schema:
            if keyword in _SAY_NOTHING:
                continue
            builder = BUILDERS.get(keyword)
            if builder is None:
                raise RuleInvalid(f"{place[:200]}: the keyword {keyword[:50]} is not supported, and would go unchecked")
            builder(self, node, schema, place[:200])
        self._depth -= 1


def _never(_value: Any, _work: Work) -> bool:
    return False


def _refuse_circles(nodes: Iterable[Node]) -> None:
    done: set[int] = set()
    for start in nodes:
        way: list[tuple[Node, int]] = [(start, 0)]
        on_the_way = {id(start)}
        while way:
            node, at = way.pop()
            if at == len(node.in_place):
                on_the_way.discard(id(node))
                done.add(id(node))
                continue
            way.append((node, at + 1))
            below = node.in_place[at]
            if id(below) in on_the_way:
                raise RuleInvalid("a $ref leads back to itself without a step into the value")
            if id(below) not in done:
                on_the_way.add(id(below))
                way.append((below, 0))
