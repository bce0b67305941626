from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.errors import RequestInvalid
from rft.run.request import grader_arn, parse_request
from rft.run.stack import Stack

ARN = "arn:aws:lambda:us-east-1:123456789012:function:rft-grader-format-validation:3"
STACK = Stack("data-1", "us-east-1", "amazon.nova-2-lite-v1:0:256k", "format-validation", {"format-validation": ARN})
GOOD: dict[str, Any] = {
    "model": "ticket-triage",
    "base_model": "amazon.nova-2-lite-v1:0:256k",
    "training_data": {"s3_uri": "s3://data-1/train.jsonl"},
    "validation_data": {"s3_uri": "s3://data-1/validation.jsonl"},
    "grader": {"name": "format-validation"},
    "hyperparameters": {"epoch_count": 2, "batch_size": 32, "learning_rate": 1e-5},
    "deploy": "on-demand",
    "promote": {"min_gain": 0.0, "confidence": 0.95},
    "budget": {"max_usd": 100},
    "tags": {"team": "support"},
}


def problems(document: Any, folder: str | None = None) -> dict[str, str]:
    with pytest.raises(RequestInvalid) as caught:
        parse_request(document, STACK, folder=folder)
    return {p.path: p.message for p in caught.value.problems}


def test_the_whole_request_is_taken_and_given_back_as_written() -> None:
    assert parse_request(json.dumps(GOOD), STACK).to_json() == GOOD


def test_a_model_and_its_data_are_enough() -> None:
    request = parse_request({"model": "m", "training_data": {"s3_uri": "s3://data-1/a b/t.jsonl"}}, STACK)
    assert request.deploy == "on-demand"
    assert grader_arn(request, STACK) == ARN


def test_a_null_says_as_much_as_silence() -> None:
    source = {"s3_uri": "s3://data-1/t.jsonl"}
    nulls = {"grader": None, "budget": None, "base_model": None, "validation_data": {"s3_uri": None, "fraction": 0.2}}
    request = parse_request({"model": "m", "training_data": source | {"version_id": None}} | nulls, STACK)
    assert request.to_json() == {"model": "m", "training_data": source, "validation_data": {"fraction": 0.2}}
    assert grader_arn(request, STACK) == ARN


def test_names_beside_run_json_are_made_absolute() -> None:
    document = GOOD | {"training_data": {"s3_uri": "train.jsonl"}, "validation_data": {"fraction": 0.2}}
    request = parse_request(document, STACK, folder="inbox/ticket-triage/")
    assert request.training_data.s3_uri == "s3://data-1/inbox/ticket-triage/train.jsonl"


def test_everything_wrong_is_said_in_one_answer() -> None:
    found = problems(
        {
            "model": "Bad_Name",
            "training_data": {"s3_uri": "s3://elsewhere/t.jsonl", "format": "csv"},
            "validation_data": {},
            "grader": {"name": "nope"},
            "hyperparameters": {
                "epoch_count": 99,
                "batch_size": "8",
                "learning_rate": 9.0,
                "reasoning_effort": "zzz",
                "eval_interval": 2.5,
                "training_sample_per_prompt": True,
                "epochs": 3,
            },
            "deploy": "later",
            "promote": [],
            "budget": {"max_usd": 0},
            "tags": {"rft:run-id": "x", "umläut": "y", "ok": 3},
            "colour": "red",
        }
    )
    assert found["hyperparameters.epoch_count"] == "must be a whole number from 1 to 50; it is 99"
    assert found["hyperparameters.batch_size"] == 'must be a whole number from 16 to 512; it is "8"'
    assert found["hyperparameters.learning_rate"] == "must be a number from 1e-07 to 0.001; it is 9.0"
    assert found["hyperparameters.reasoning_effort"] == 'must be one of low, medium, high; it is "zzz"'
    assert found["hyperparameters.epochs"].startswith("unknown key; known here: epoch_count, ")
    assert "s3://data-1/" in found["training_data.s3_uri"]
    assert "format-validation" in found["grader.name"]
    assert set(found) == {
        "model",
        "training_data.s3_uri",
        "training_data.format",
        "validation_data",
        "grader.name",
        "hyperparameters.epoch_count",
        "hyperparameters.batch_size",
        "hyperparameters.learning_rate",
        "hyperparameters.reasoning_effort",
        "hyperparameters.eval_interval",
        "hyperparameters.training_sample_per_prompt",
        "hyperparameters.epochs",
        "deploy",
        "promote",
        "budget.max_usd",
        "tags.rft:run-id",
        "tags.umläut",
        "tags.ok",
        "colour",
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff{}", "not UTF-8"),
        (b'{"model": "a", "model": "b"}', "stands twice"),
        (b'{"model": NaN}', "no JSON number"),
        (b'{"a":' * 30_000 + b"1", "65,536"),
        (b"[" * 20_000, "nested too deep"),
    ],
)
def test_what_is_no_json_object_is_refused(document: bytes, said: str) -> None:
    assert said in problems(document)["$"]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "train.jsonl",
        "s3://data-1",
        "s3://data-1/",
        "s3://data-1/a/",
        "s3://data-1/../x",
        "http://data-1/x",
        "s3://data-1/a\nb",
        "s3://data-12/x",
        "s3:///x",
    ],
)
def test_only_objects_of_the_own_bucket_are_data(uri: str) -> None:
    assert "training_data.s3_uri" in problems(GOOD | {"training_data": {"s3_uri": uri}})


def test_a_relative_name_cannot_leave_its_folder() -> None:
    for uri in ("../other/train.jsonl", "a/../../b", "./x"):
        assert "training_data.s3_uri" in problems(GOOD | {"training_data": {"s3_uri": uri}}, "inbox/m/")


def test_a_grader_must_be_in_the_region_of_the_job() -> None:
    arn = ARN.replace("us-east-1", "us-west-2")
    assert "us-east-1" in problems(GOOD | {"grader": {"lambda_arn": arn}})["grader.lambda_arn"]
    assert "exactly one" in problems(GOOD | {"grader": {"lambda_arn": ARN, "name": "format-validation"}})["grader"]


def test_a_refused_request_still_knows_its_model() -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse_request({"model": "m-1"}, STACK)
    assert caught.value.model == "m-1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(list(GOOD)), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "x"]) | st.text(), JSON))
def test_no_document_breaks_the_door(document: dict[str, Any]) -> None:
    try:
        parse_request(GOOD | document, STACK)
    except RequestInvalid as invalid:
        assert invalid.problems
        json.dumps([p.to_json() for p in invalid.problems])
