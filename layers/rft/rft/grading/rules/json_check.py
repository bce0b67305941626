"""Is an answer JSON, and the JSON that was asked for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft.grading.json_answer import NotJson, parse_json
from rft.grading.rules.json_schema import Schema, compile_schema
from rft.grading.rules.limits import RuleInvalid

_KINDS: dict[str, tuple[type, ...]] = {
    "any": (object,),
    "object": (dict,),
    "array": (list,),
}


def json_valid(answer: str, kind: str = "any") -> float:
    """1 if the answer is one JSON value (``any``), ``object`` or ``array`` and nothing else, else 0.

    White space and one code fence may be around it. What readers of JSON disagree about (a name twice, NaN) is no JSON;
    see :func:`rft.grading.json_answer.parse_json` for this and the limits. Raises RuleInvalid for another kind.
    """
    if kind not in _KINDS:
        raise RuleInvalid(f"the kind of JSON is one of {', '.join(_KINDS)}")
    try:
        value = parse_json(answer)
    except NotJson:
        return 0.0
    return float(isinstance(value, _KINDS[kind]))


def json_keeps_schema(answer: str, schema: Schema | Mapping[str, Any] | bool) -> float:
    """1 if the answer is JSON (as for json_valid) that keeps to a schema, else 0.

    Compile the schema once with :func:`rft.grading.rules.json_schema.compile_schema`; a schema as an object is compiled
    here, and found again by its content. Raises RuleInvalid for a schema that isn't supported.
    """
    compiled = schema if isinstance(schema, Schema) else compile_schema(schema)
    try:
        value = parse_json(answer)
    except NotJson:
        return 0.0
    return float(compiled.accepts(value))
