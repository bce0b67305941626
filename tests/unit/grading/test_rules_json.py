"""JSON Schema: the same verdicts as the jsonschema library on all that is supported, and a refusal of the rest."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.grading.json_answer import MAX_DEPTH
from rft.grading.rules.json_check import json_keeps_schema, json_valid
from rft.grading.rules.json_schema import MAX_SCHEMA_DEPTH, MAX_SUBSCHEMAS, compile_schema
from rft.grading.rules.json_schema_keywords import MAX_UNIQUE_CONTAINERS
from rft.grading.rules.json_schema_nodes import MAX_NESTED_STEPS, MAX_STEPS
from rft.grading.rules.limits import RuleInvalid

TREE = {
    "$defs": {
        "tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}, "additionalProperties": False}
    },
    "$ref": "#/$defs/tree",
}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ('{"a": 1}', "object"),
        (' {"a": 1}\n', "object"),
        ('```json\n{"a": 1}\n```', "object"),
        ("[1, 2]", "array"),
        ("[]", "array"),
        ("42", None),
        ('"a"', None),
        ("null", None),
        ("-1e-5", None),
        ('"\\ud800"', None),
    ],
)
def test_json(answer: str, kind: str | None) -> None:
    assert json_valid(answer) == 1
    assert json_valid(answer, "object") == (kind == "object")
    assert json_valid(answer, "array") == (kind == "array")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        "{",
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": 1} and so on',
        'Here it is: {"a": 1}',
        '{"a": 1}{"a": 1}',
        '{"a": 1, "a": 1}',
        '{"a": NaN}',
        "Infinity",
        "1e999",
        "9" * 5000,
        "True",
        "undefined",
        "[" * 70 + "]" * 70,
        "[" * 100_000,
        "\ufeff{}",
        '"\t"',
        "// x\n{}",
    ],
    ids=lambda text: text[:12],
)
def test_no_json(answer: str) -> None:
    assert json_valid(answer) == json_keeps_schema(answer, True) == 0


def test_a_kind_that_is_none() -> None:
    with pytest.raises(RuleInvalid, match="any, object, array"):
        json_valid("{}", "string")


# schema, values that keep to it, values that don't
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [None, 1, {}], []),
    (False, [], [None, 1, {}]),
    ({}, [None, 1, {}], []),
    ({"type": "integer"}, [1, 1.0, -0.0, 10**400], [1.5, True, "1", None]),
    ({"type": "number"}, [1, 1.5], [True, "1"]),
    ({"type": "boolean"}, [True, False], [0, 1, "true"]),
    ({"type": ["string", "null"]}, ["", None], [0, False, [], {}]),
    (
        {"enum": [1, "a", None, [1], {"a": 1}]},
        [1, 1.0, "a", None, [1.0], {"a": 1}],
        [True, [True], {"a": True}, 0, "A"],
    ),
    ({"const": False}, [False], [0, None, "", []]),
    ({"const": {"a": [0]}}, [{"a": [0.0]}], [{"a": [False]}, {"a": []}]),
    ({"minimum": 0, "maximum": 1}, [0, 1, 0.5, "2", None], [-1e-9, 1.0000001, 10**400]),
    ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5], [0, 1]),
    ({"multipleOf": 3}, [0, 3, 6.0, -9, "4"], [1, 3.5]),
    ({"minLength": 1, "maxLength": 2}, ["a", "\U0001f44d\U0001f44d", 5], ["", "abc"]),
    ({"pattern": "^[a-z]+$"}, ["abc", 1], ["", "a1", "ABC"]),
    ({"pattern": "b"}, ["abc"], ["ac"]),
    ({"properties": {"a": {"type": "string"}}}, [{}, {"a": "x"}, {"b": 1}, []], [{"a": 1}]),
    ({"properties": {"a": False}}, [{}, {"b": 1}], [{"a": None}]),
    ({"required": ["a"]}, [{"a": None}, [], "x"], [{}, {"b": 1}]),
    ({"properties": {"a": {}}, "additionalProperties": False}, [{}, {"a": 1}], [{"b": 1}, {"a": 1, "b": 1}]),
    ({"additionalProperties": {"type": "string"}}, [{}, {"b": "x"}], [{"b": 1}]),
    ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}, []], [{}, {"a": 1, "b": 1}]),
    ({"items": {"type": "string"}}, [[], ["a"], {}], [[1], ["a", 1]]),
    ({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}, [[], ["a"], ["a", None]], [[1], ["a", 1]]),
    ({"prefixItems": [True], "items": False}, [[], [1]], [[1, 2]]),
    ({"minItems": 1, "maxItems": 2}, [[1], [1, 2], ""], [[], [1, 2, 3]]),
    (
        {"uniqueItems": True},
        [[], [1, True, "1"], [[1], [True]], [{}, []]],
        [[1, 1.0], [[1], [1]], [{"a": 0}, {"a": 0.0}]],
    ),
    ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, ["a", 5, None], [4]),
    ({"allOf": [{"type": "integer"}, {"minimum": 5}]}, [5], [4, 5.5, "a"]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, [4, 5.5, "a"], [5]),
    ({"not": {"type": "integer"}}, ["a", 1.5], [1]),
    ({"not": {"not": {"type": "integer"}}}, [1], ["a"]),
    (TREE, [{}, {"next": {"next": {}}}], [{"next": 1}, {"next": {"next": {"other": 1}}}, []]),
    ({"properties": {"a": {"$ref": "#"}}, "type": "object"}, [{}, {"a": {"a": {}}}], [{"a": 1}, {"a": {"a": []}}]),
    ({"definitions": {"a/b~": {"type": "null"}}, "$ref": "#/definitions/a~1b~0"}, [None], [1]),
    ({"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 3}, [3], [2, "a"]),
    ({"title": "x", "description": "y", "default": 1, "examples": [1], "$comment": "z", "type": "null"}, [None], [1]),
]


@pytest.mark.parametrize(("schema", "good", "bad"), CASES, ids=lambda case: json.dumps(case)[:50])
def test_verdicts(schema: Any, good: list[Any], bad: list[Any]) -> None:
    compiled = compile_schema(schema)
    library = jsonschema.Draft202012Validator(schema)
    for value, expected in [*((value, True) for value in good), *((value, False) for value in bad)]:
        assert compiled.accepts(value) is expected
        assert library.is_valid(value) is expected
        if value != 10**400:
            assert json_keeps_schema(json.dumps(value), schema) == expected


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"format": "email"}, "format is not supported"),
        ({"patternProperties": {}}, "patternProperties is not supported"),
        ({"properties": {"a": {"items": {"contains": True}}}}, "#/properties/a/items: the keyword contains"),
        ({"if": True}, "if is not supported"),
        ({"$id": "x"}, r"\$id is not supported"),
        ({"$anchor": "x"}, "not supported"),
        ({"$dynamicRef": "#"}, "not supported"),
        ({"unevaluatedProperties": False}, "not supported"),
        ({"dependentRequired": {}}, "not supported"),
        ({"propertyNames": True}, "not supported"),
        ({"tpye": "string"}, "tpye is not supported"),
        ({"allOf": [{"$defs": {}}]}, "not supported"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "only https"),
        ({"$schema": 7}, "only https"),
        ({"$ref": "other.json"}, "must be # or name"),
        ({"$ref": "#/$defs/none"}, "must be # or name"),
        ({"$ref": "#/properties/a", "properties": {"a": True}}, "must be # or name"),
        ({"$ref": 5}, "must be # or name"),
        ({"$ref": "#"}, "leads back"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [True, {"$ref": "#/$defs/a"}]}}}, "leads back"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "leads back"),
        ({"$defs": {"unused": {"format": "date"}}}, "format is not supported"),
        ({"$defs": []}, "must be an object"),
        ({"type": "int"}, "must be one or several"),
        ({"type": []}, "must be one or several"),
        ({"enum": []}, "1 to 1,000"),
        ({"enum": "abc"}, "1 to 1,000"),
        ({"minimum": "1"}, "must be a number"),
        ({"minimum": True}, "must be a number"),
        ({"maxLength": -1}, "whole number"),
        ({"maxLength": 1.5}, "whole number"),
        ({"multipleOf": 0.1}, "only whole numbers"),
        ({"multipleOf": 0}, "above 0"),
        ({"pattern": "(?=a)"}, "RE2"),
        ({"pattern": "(a)\\1"}, "RE2"),
        ({"pattern": "(a{1000}){1000}"}, "pattern"),
        ({"pattern": 5}, "pattern"),
        ({"required": "a"}, "list of names"),
        ({"properties": ["a"]}, "object of schemas"),
        ({"items": [True]}, "object, true or false"),
        ({"prefixItems": []}, "not empty"),
        ({"anyOf": []}, "not empty"),
        ({"uniqueItems": 1}, "true or false"),
        (5, "object, true or false"),
        (None, "object, true or false"),
        ({"const": float("nan")}, "no JSON"),
        ({"const": ...}, "no JSON"),
        ({"enum": ["x" * 40_000]}, "longer than"),
        ({"anyOf": [True] * (MAX_SUBSCHEMAS + 1)}, "more than 1,000 schemas"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_what_is_not_supported_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(RuleInvalid, match=message):
        compile_schema(schema)


def test_a_schema_too_deep_is_refused() -> None:
    schema: Any = True
    for _ in range(MAX_SCHEMA_DEPTH - 1):
        schema = {"not": schema}
    compile_schema(schema)
    with pytest.raises(RuleInvalid, match="levels"):
        compile_schema({"not": {"not": schema}})
    for _ in range(100_000):
        schema = {"not": schema}
    with pytest.raises(RuleInvalid):
        compile_schema(schema)


def test_a_schema_is_compiled_once() -> None:
    assert compile_schema({"type": "null", "title": "x"})._root is compile_schema({"title": "x", "type": "null"})._root


def test_work_is_bounded() -> None:
    twice = {"type": "array", "items": {"$ref": "#/$defs/a"}}
    schema = {"$defs": {"a": {"allOf": [twice, twice]}}, "$ref": "#/$defs/a"}
    assert json_keeps_schema("[[[]]]", schema) == 1
    assert json_keeps_schema("[" * MAX_DEPTH + "]" * MAX_DEPTH, schema) == 0  # two to the 64th
    assert json_keeps_schema(json.dumps([1] * (MAX_STEPS - 10)), {"items": {"type": "integer"}}) == 1
    assert json_keeps_schema(json.dumps([1] * MAX_STEPS), {"items": {"type": "integer"}}) == 0
    assert json_keeps_schema(json.dumps([[]] * 300), {"items": {"enum": [[n] for n in range(1000)]}}) == 0
    deep: Any = {}
    for _ in range(MAX_NESTED_STEPS):
        deep = {"next": deep}
    assert compile_schema(TREE).accepts(deep["next"]["next"]) is False
    assert json_keeps_schema(json.dumps([[n] for n in range(MAX_UNIQUE_CONTAINERS)]), {"uniqueItems": True}) == 1
    assert json_keeps_schema(json.dumps([[n] for n in range(MAX_UNIQUE_CONTAINERS + 1)]), {"uniqueItems": True}) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), (1,), {1, 2}, 1j, ...], ids=repr)
def test_what_is_no_json_value_keeps_to_nothing(value: Any) -> None:
    for schema in (True, {"type": "number"}, {"not": {"type": "number"}}, {"minimum": 0}):
        assert not compile_schema(schema).accepts(value)


NAMES = st.sampled_from("abc")
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.5]) | st.text("ab1", max_size=3)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
COUNTS = st.integers(0, 3)
BOUNDS = st.integers(-2, 2) | st.sampled_from([0.5, 1.0])
PLAIN_KEYWORDS: dict[str, Any] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(VALUES, min_size=1, max_size=3),
    "const": VALUES,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUNDS),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), COUNTS),
    "multipleOf": st.integers(1, 3),
    "pattern": st.sampled_from(["a", "^a", "[ab]{2}", "^$", "1"]),
    "required": st.lists(NAMES, unique=True),
    "uniqueItems": st.booleans(),
    "$ref": st.sampled_from(["#/$defs/x", "#/$defs/y"]),
}


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    more = {
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "additionalProperties": inner,
        "items": inner,
        "prefixItems": several,
        "anyOf": several,
        "allOf": several,
        "oneOf": several,
        "not": inner,
    }
    return st.fixed_dictionaries({}, optional=more | {k: PLAIN_KEYWORDS[k] for k in ("type", "required")})


FLAT = st.booleans() | st.fixed_dictionaries({}, optional=PLAIN_KEYWORDS)
SCHEMAS = st.recursive(FLAT, schemas, max_leaves=6).filter(lambda schema: isinstance(schema, dict))
DEFINITIONS = {"x": {"type": ["integer", "string"]}, "y": {"properties": {"a": {"$ref": "#/$defs/y"}}, "maxItems": 1}}


@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=8))
def test_the_same_verdicts_as_the_library(schema: dict[str, Any], values: list[Any]) -> None:
    schema = {"$defs": DEFINITIONS, **schema}
    compiled = compile_schema(schema)
    library = jsonschema.Draft202012Validator(schema)
    for value in values:
        assert compiled.accepts(value) is library.is_valid(value)


@settings(max_examples=60)
@given(
    st.recursive(
        SCALARS, lambda i: st.lists(i) | st.dictionaries(st.sampled_from([*PLAIN_KEYWORDS, "items", "$defs", "not"]), i)
    ),
    VALUES,
)
def test_any_document_is_compiled_or_refused(schema: Any, value: Any) -> None:
    try:
        compiled = compile_schema(schema)
    except RuleInvalid:
        return
    assert compiled.accepts(value) in (True, False)


@settings(max_examples=30)
@given(st.text(max_size=30), SCHEMAS)
def test_any_answer_keeps_or_does_not(answer: str, schema: dict[str, Any]) -> None:
    assert json_keeps_schema(answer, {"$defs": DEFINITIONS, **schema}) in (0, 1)
    assert json_valid(answer) in (0, 1)
