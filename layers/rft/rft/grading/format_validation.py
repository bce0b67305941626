"""Format validation: is the answer what a program can read, and does it say the right thing?

The record decides what is asked for:

- ``reference_answer`` is an object, or a string that is one in JSON: the answer must be that object. Having exactly
  its keys earns 0.2, and 0.8 is shared equally by its fields whose values are the same.
- Otherwise, and the record has a field ``format``: the answer must keep to its constraints, each worth the same.
  ``{"keys": ["name", "city"]}`` asks for one JSON object with exactly these keys, ``{"max_words": 50}`` for at most so
  many words, and for one at least. A reference answer isn't looked at.
- Otherwise ``reference_answer`` is a text, and the answer must be the same but for white space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft.grading.errors import BadSample
from rft.grading.json_answer import MAX_ANSWER, NotOneObject, parse_object, same_value
from rft.grading.score import MAX_COMPONENT_NAME, Score, component_name

FORMAT_SHARE = 0.2
FIELDS_SHARE = 0.8
MAX_FIELD_METRICS = 32


def score_format(answer: str, reference: object, metadata: Mapping[str, Any]) -> Score:
    """The score of an answer under the rules above. Raises BadSample for a record that asks for nothing readable.

    Components. For an object: the rewards ``format`` (1 if the answer is one JSON object with exactly the expected
    keys) and ``fields`` (the share of fields that are right), and a metric ``field.<name>`` for each of the first 32.
    For constraints: the reward ``format`` (the share kept) and a metric for each, by its name. For a text: the reward
    ``match``.
    """
    expected = _expected_object(reference)
    if expected is not None:
        return _score_fields(answer, expected)
    if metadata.get("format") is not None:
        return _score_constraints(answer, metadata["format"])
    if isinstance(reference, str):
        return _score_text(answer, reference)
    raise BadSample("reference_answer must be an object or a string, or the record must have a field format")


def _expected_object(reference: object) -> Mapping[str, Any] | None:
    if isinstance(reference, str):
        try:
            reference = parse_object(reference)
        except NotOneObject:
            return None
    if not isinstance(reference, dict):
        return None
    if not reference:
        raise BadSample("reference_answer is an object without fields, so there is nothing to compare")
    return reference


def _score_fields(answer: str, expected: Mapping[str, Any]) -> Score:
    given = _object_or_none(answer)
    hits = {name: given is not None and name in given and same_value(given[name], expected[name]) for name in expected}
    keys_right = given is not None and given.keys() == expected.keys()
    share = sum(hits.values()) / len(hits)
    return Score(
        FORMAT_SHARE * keys_right + FIELDS_SHARE * share,
        rewards={"format": float(keys_right), "fields": share},
        metrics=_field_metrics(hits),
    )


def _field_metrics(hits: Mapping[str, bool]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, hit in list(hits.items())[:MAX_FIELD_METRICS]:
        metric = component_name(f"field.{name}")
        if metric in metrics:  # two fields that differ only in characters a metric's name can't have
            suffix = f"-{len(metrics)}"
            metric = metric[: MAX_COMPONENT_NAME - len(suffix)] + suffix
        metrics[metric] = float(hit)
    return metrics


def _score_constraints(answer: str, constraints: object) -> Score:
    if not (isinstance(constraints, dict) and constraints and constraints.keys() <= {"keys", "max_words"}):
        raise BadSample("format must be an object with keys, max_words or both, and nothing else")
    kept: dict[str, float] = {}
    if "keys" in constraints:
        names = constraints["keys"]
        if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
            raise BadSample("format.keys must be a list of strings, and not empty")
        given = _object_or_none(answer)
        kept["keys"] = float(given is not None and given.keys() == set(names))
    if "max_words" in constraints:
        most = constraints["max_words"]
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise BadSample("format.max_words must be a whole number from 1")
        kept["max_words"] = float(len(answer) <= MAX_ANSWER and 1 <= len(answer.split()) <= most)
    share = sum(kept.values()) / len(kept)
    return Score(share, rewards={"format": share}, metrics=kept)


def _score_text(answer: str, reference: str) -> Score:
    if not reference.strip():
        raise BadSample("reference_answer is empty")
    match = float(len(answer) <= MAX_ANSWER and answer.split() == reference.split())
    return Score(match, rewards={"match": match})


def _object_or_none(answer: str) -> Mapping[str, Any] | None:
    try:
        return parse_object(answer)
    except NotOneObject:
        return None
