"""POST /estimates: data of the stack's bucket are counted where they lie, and what can't be counted is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rft.aws import clients
from rft.errors import DatasetMissing, RequestInvalid
from rft.steps import small_files
from rft.steps.doors.estimate import estimate_request
from rft.steps.environment import Environment
from rft.steps.pipeline import Pipeline
from rft.steps.small_files import DatasetTooLarge

EVENT = json.loads((Path(__file__).resolve().parents[3] / "events" / "api_post_estimates.json").read_text())
BUCKET = "rft-data-123456789012"
KEY = "datasets/ticket-triage/train.jsonl"
GRADER = "arn:aws:lambda:us-east-1:123456789012:function:rft-grader"
VARIABLES = {
    "AWS_REGION": "us-east-1",
    "DATA_BUCKET": BUCKET,
    "LOG_BUCKET": "logs-123456789012",
    "DEFAULT_BASE_MODEL": "amazon.nova-2-lite-v1:0:256k",
    "STACK_NAME": "rft",
    "DEFAULT_GRADER": "format-validation",
    "GRADERS": ",".join(f"{name}={GRADER}-{name}:1" for name in ("format-validation", "summarization", "openai")),
    "JUDGE_MODEL": "us.amazon.nova-pro-v1:0",
}
Json = dict[str, Any]
Ask = Callable[..., Json]


def lines(count: int, start: int = 0) -> bytes:
    made = (
        {"messages": [{"role": "user", "content": f"How many is {n:04}?" * 4}], "reference_answer": str(n)}
        for n in range(start, start + count)
    )
    return b"".join(json.dumps(record).encode() + b"\n" for record in made)


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients._made.cache_clear()
    with mock_aws():
        s3 = clients.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=lines(500))
        yield
        s3.close()
    clients._made.cache_clear()


@pytest.fixture
def ask() -> Ask:
    def asked(changes: Json | None = None, overrides: str = "") -> Json:
        body = json.dumps(json.loads(EVENT["body"]) | (changes or {}))
        variables = VARIABLES | ({"PRICE_OVERRIDES": overrides} if overrides else {})
        return estimate_request(Pipeline(Environment(variables)), body)

    return asked


def test_the_answer_to_the_event(ask: Ask) -> None:
    answer = ask()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert (answer["model"], answer["grader"]) == ("ticket-triage", "format-validation")
    training, validation = (answer["records"][name]["low"] for name in ("training", "validation"))
    assert training + validation == 500
    assert 60 < validation < 140  # a fifth, by a hash of the prompts
    assert answer["estimate"]["steps"]["low"] == -(-training // 32) * 2
    assert answer["estimate"]["unknown"] == ["training", "model-storage"]
    assert answer["budget"]["max_usd"] == 100
    assert not answer["budget"]["over"]
    assert "rollouts instead" in answer["budget"]["warnings"][0]


def test_a_validation_file_and_a_pinned_version_are_read(ask: Ask) -> None:
    s3 = boto3.client("s3")
    first = s3.list_object_versions(Bucket=BUCKET, Prefix=KEY)["Versions"][0]["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=lines(150))
    s3.put_object(Bucket=BUCKET, Key="datasets/held-out.jsonl", Body=lines(40, 9_000))
    held_out = {"validation_data": {"s3_uri": f"s3://{BUCKET}/datasets/held-out.jsonl"}}
    assert ask(held_out)["records"]["training"]["low"] == 150
    pinned = ask(held_out | {"training_data": {"s3_uri": f"s3://{BUCKET}/{KEY}", "version_id": first}})
    assert pinned["records"]["training"] == {"low": 500, "high": 500}
    assert pinned["records"]["validation"] == {"low": 40, "high": 40}


def test_a_judge_is_the_stacks_own_model(ask: Ask) -> None:
    answer = ask({"grader": {"name": "summarization"}})
    (read,) = [item for item in answer["estimate"]["items"] if item["name"] == "judge, read"]
    assert read["price"]["usd"] == 0.8
    assert answer["estimate"]["judge_calls"] == answer["estimate"]["graded_answers"]


def test_a_grader_in_openais_json_asks_as_often_as_it_says(ask: Ask) -> None:
    check = {"type": "string_check", "name": "same", "input": "{{ sample.output_text }}", "operation": "eq"}
    answer = ask({"grader": {"openai": check | {"reference": "{{ item.reference_answer }}"}}})
    assert answer["grader"] == "openai"
    assert answer["estimate"]["judge_calls"] == {"low": 0, "high": 0}


def test_the_stacks_own_prices_are_used(ask: Ask) -> None:
    answer = ask(overrides='{"training": 1000, "model-storage": 2}')
    assert answer["prices"]["set_by_you"] == ["model-storage", "training"]
    assert answer["estimate"]["unknown"] == []
    assert answer["budget"]["over"]
    assert not answer["budget"]["warnings"]


def test_broken_records_are_counted_apart(ask: Ask) -> None:
    body = lines(300) + b'{"messages": []}\n' * 7
    boto3.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    answer = ask()
    assert answer["records"]["broken"] == 7
    assert answer["records"]["training"]["low"] + answer["records"]["validation"]["low"] == 300


def test_logs_are_not_read_but_bounded(ask: Ask) -> None:
    logs = {"s3_uri": "s3://logs-123456789012/AWSLogs/", "use_prompt_response": True, "max_prompts": 5_000}
    answer = ask({"training_data": {"invocation_logs": logs}})
    assert answer["records"]["training"] == {"low": 100, "high": 5_000}
    assert answer["records"]["validation"] == {"low": 0, "high": 1_000}
    assert "the records aren't counted yet: 100 to 5,000" in answer["estimate"]["assumptions"]
    native = ask(
        {
            "training_data": {
                "invocation_logs": {"s3_uri": logs["s3_uri"], "use_prompt_response": True, "native": True}
            },
            "validation_data": None,
        }
    )
    assert native["records"]["validation"] is None


def test_all_that_is_wrong_is_told_at_once(ask: Ask) -> None:
    with pytest.raises(RequestInvalid) as invalid:
        ask({"deploy": "now", "hyperparameters": {"epoch_count": 0}, "grader": {"name": "none-such"}})
    assert {problem.path for problem in invalid.value.problems} == {
        "deploy",
        "hyperparameters.epoch_count",
        "grader.name",
    }


@pytest.mark.parametrize("body", [b"", b'{"messages": []}\n', b"\x1f\x8b\x00"])
def test_data_without_a_usable_record_are_refused(ask: Ask, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    with pytest.raises(RequestInvalid) as invalid:
        ask()
    assert [problem.path for problem in invalid.value.problems] == ["training_data"]


def test_an_object_that_is_not_there(ask: Ask) -> None:
    with pytest.raises(DatasetMissing, match=r"none-such\.jsonl isn't there"):
        ask({"training_data": {"s3_uri": f"s3://{BUCKET}/datasets/none-such.jsonl"}})


def test_no_more_is_read_than_the_api_may(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_files, "MAX_BYTES", 1_000)
    with pytest.raises(DatasetTooLarge, match="rft estimate"):
        ask()


def test_nor_for_longer_than_it_has_time(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1e9])
    monkeypatch.setattr(small_files, "monotonic", lambda: next(times))
    with pytest.raises(DatasetTooLarge, match="longer than the 20 s"):
        ask()
