"""What the variables of a template stand for in one sample.

``item`` is the training record as it comes back: all of ``metadata`` but ``rft``, ``reference_answer`` wherever the
record has it, and ``messages`` without the answer, their text parts as one text. ``sample.output_text`` is the answer,
``sample.output_json`` the JSON value that it is, bare or in a Markdown code fence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rft.grading.errors import BadSample
from rft.grading.json_answer import NotJson, parse_json
from rft.grading.openai.problems import OTHER, SAMPLE, VARIABLE
from rft.grading.openai.template import Variable
from rft.grading.sample import Sample

_INDEX = re.compile(r"-?[0-9]{1,6}")
_MISSING = object()


class Values:
    """The values of one sample."""

    __slots__ = ("_answer_json", "_sample")

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._answer_json: Any = _MISSING

    def texts(self, variables: Iterable[Variable]) -> dict[Variable, str]:
        """Each value as a text: a string as it is, anything else as compact JSON.

        Raises BadSample, which names the variable and never quotes a value.
        """
        return {variable: self._text(variable) for variable in variables}

    def _text(self, variable: Variable) -> str:
        value = self._value(variable)
        if isinstance(value, str):
            return value
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except (ValueError, RecursionError):
            raise BadSample(f"{variable.name} can't be written as JSON", flags=(OTHER,)) from None

    def _value(self, variable: Variable) -> Any:
        namespace, first, *steps = variable.path
        if namespace == "item":
            value = self._field(first)
        else:
            value = self._sample.answer if first == "output_text" else self._parsed_answer()
        if variable.is_of_reference and steps == ["text"] and isinstance(value, str):
            return value  # a reference answer may come wrapped in {"text": ...}, and is unwrapped by now
        for step in steps:
            value = _below(value, step)
        if value is _MISSING:
            raise BadSample(f"this sample has no {variable.name}", flags=(VARIABLE,))
        return value

    def _field(self, name: str) -> Any:
        if name == "reference_answer":
            return _MISSING if self._sample.reference is None else self._sample.reference
        if name == "messages":
            return [_plain(message) for message in self._sample.messages[:-1]]
        return self._sample.metadata.get(name, _MISSING)

    def _parsed_answer(self) -> Any:
        if self._answer_json is _MISSING:
            try:
                self._answer_json = parse_json(self._sample.answer)
            except NotJson:
                raise BadSample("the answer isn't JSON, and sample.output_json asks for it", flags=(SAMPLE,)) from None
        return self._answer_json


def _below(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step, _MISSING)
    if isinstance(value, list) and _INDEX.fullmatch(step) and -len(value) <= int(step) < len(value):
        return value[int(step)]
    return _MISSING


def _plain(message: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = message.get("content")
    if not isinstance(parts, list):
        return message
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return {**message, "content": "".join(texts)} if len(texts) == len(parts) else message
