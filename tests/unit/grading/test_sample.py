"""Reading an item of the event: every shape that AWS's documents and samples show, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.grading.errors import BadSample, EventNotAList
from rft.grading.sample import RunContext, Sample, items_of, read_envelope, read_sample

USER = {"role": "user", "content": "6 * 7?"}


def item(answer: Any = "42", **fields: Any) -> dict[str, Any]:
    return {"id": "a", "messages": [USER, {"role": "assistant", "content": answer}], "metadata": {}} | fields


def read(value: Any) -> Sample:
    return read_sample(value, read_envelope(value, 0))


@pytest.mark.parametrize("event", [[], [1], {"trajectories": [1]}])
def test_a_batch_is_a_list(event: Any) -> None:
    assert items_of(event) in ([], [1])


@pytest.mark.parametrize("event", [None, {}, "[]", 5, {"trajectories": {}}, {"Records": []}])
def test_an_event_that_is_no_batch_is_refused(event: Any) -> None:
    with pytest.raises(EventNotAList, match="a grader takes a JSON list"):
        items_of(event)


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("42", "42"),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "42"}], "42"),
        ([{"text": "4"}, {"type": "text", "text": "2"}], "42"),
        ([{"type": "reasoning", "text": "6 * 7"}, {"type": "text", "text": "42"}], "42"),
        ([{"reasoningContent": {}}, {"text": "42"}], "42"),
        ([], ""),
    ],
)
@pytest.mark.parametrize("role", ["assistant", "nova_assistant"])
def test_the_answer_is_the_text_of_the_last_message(role: str, content: Any, answer: str) -> None:
    assert read(item(messages=[USER, {"role": role, "content": content}])).answer == answer


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        ({"metadata": {"reference_answer": "42"}}, "42"),
        ({"reference_answer": "42"}, "42"),
        ({"metadata": None, "reference_answer": "42"}, "42"),
        ({"metadata": {"reference_answer": None}, "reference_answer": "42"}, "42"),
        ({"metadata": {"reference_answer": "42"}, "reference_answer": "41"}, "42"),
        ({"metadata": {"reference_answer": {"text": "42"}}}, "42"),
        ({"reference_answer": {"text": "42"}}, "42"),
        ({"metadata": {"reference_answer": {"text": 42}}}, {"text": 42}),
        ({"metadata": {"reference_answer": {"text": "42", "unit": "m"}}}, {"text": "42", "unit": "m"}),
        ({"metadata": {"reference_answer": {"answer": 42}}}, {"answer": 42}),
        ({"metadata": {"reference_answer": 0}}, 0),
        ({"metadata": json.dumps({"reference_answer": "42"})}, "42"),
        ({"metadata": {"other": 1}}, None),
        ({}, None),
    ],
)
def test_the_reference_answer_is_found_in_each_of_its_places(fields: dict[str, Any], reference: Any) -> None:
    assert read(item(**fields)).reference == reference


def test_metadata_may_be_missing() -> None:
    without = item()
    del without["metadata"]
    assert read(without).metadata == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": "a"}, "a"),
        ({"id": 7}, 7),
        ({"id": "", "task_id": "t"}, ""),
        ({"id": None, "task_id": "t"}, "t"),
        ({"id": None}, "position-3"),
        ({"id": True}, "position-3"),
        ({"id": 1.5}, "position-3"),
        ({"id": ["a"], "task_id": {}}, "position-3"),
    ],
)
def test_the_id(fields: dict[str, Any], expected: Any) -> None:
    assert read_envelope(item(**fields), 3).id == expected


@pytest.mark.parametrize(
    ("rft", "run"),
    [
        ({"run_id": "m-0123456789ab", "model": "m"}, RunContext("m-0123456789ab", "m")),
        ({"run_id": "m-0123456789ab"}, RunContext("m-0123456789ab", None)),
        ({"model": "m"}, RunContext(None, "m")),
        ({"run_id": "free text", "model": "m\n"}, RunContext()),
        ({"run_id": 5, "model": ["m"]}, RunContext()),
        ({"run_id": "m-0123456789ab", "model": "m", "phase": "gate"}, RunContext()),
        ({"run_id": "m" * 65}, RunContext()),
        ("m-0123456789ab", RunContext()),
        (None, RunContext()),
    ],
)
def test_the_run(rft: Any, run: RunContext) -> None:
    assert read_envelope(item(metadata={"rft": rft}), 0).run == run
    assert read_envelope(item(metadata=json.dumps({"rft": rft})), 0).run == run


def test_the_run_of_a_sample_that_cannot_be_graded_is_known() -> None:
    broken = item(messages="none", metadata={"rft": {"run_id": "m-0123456789ab"}})
    assert read_envelope(broken, 0).run.run_id == "m-0123456789ab"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "JSON object"),
        ("text", "JSON object"),
        ([], "JSON object"),
        (item(messages=None), "messages"),
        (item(messages=[]), "messages"),
        (item(messages={}), "messages"),
        (item(messages=["hello"]), "messages"),
        (item(messages=[USER]), "role"),
        (item(messages=[{"content": "42"}]), "role"),
        (item(messages=[{"role": ["assistant"], "content": "42"}]), "role"),
        (item(messages=[{"role": "assistant"}]), "content"),
        (item(5), "content"),
        (item({"text": "42"}), "content"),
        (item(["42"]), "content"),
        (item([{"type": "text", "text": 42}]), "text"),
        (item(metadata="{"), "metadata"),
        (item(metadata="[" * 100_000), "metadata"),
        (item(metadata="[]"), "metadata"),
        (item(metadata=[]), "metadata"),
        (item(metadata=5), "metadata"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_bad_data_is_named_and_not_quoted(value: Any, message: str) -> None:
    with pytest.raises(BadSample, match=message) as caught:
        read(value)
    assert "42" not in str(caught.value)
