from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.errors import RequestInvalid
from rft.grading.catalog import READY
from rft.run.log_source import LogSource, is_converted
from rft.run.request import grader_arn, parse_request
from rft.run.request_logs import InvocationLogs
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


def problems(document: Any, stack: Stack = STACK, folder: str | None = None) -> dict[str, str]:
    with pytest.raises(RequestInvalid) as caught:
        parse_request(document, stack, folder=folder)
    return {p.path: p.message for p in caught.value.problems}


def test_the_whole_request_is_taken_and_given_back_as_written() -> None:
    assert parse_request(json.dumps(GOOD), STACK).to_json() == GOOD


def test_a_model_and_its_data_are_enough() -> None:
    request = parse_request({"model": "m", "training_data": {"s3_uri": "s3://data-1/a b/t.jsonl"}}, STACK)
    assert request.deploy.kind == "on-demand"
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
        (json.dumps(GOOD | {"grader": {"openai": {"type": "{{ \ud83d }}"}}}).encode(), "half a surrogate pair"),
        (b'{"model": "a", "\\ud83d": 1}', "half a surrogate pair"),
    ],
)
def test_what_is_no_json_object_is_refused(document: bytes, said: str) -> None:
    assert said in problems(document)["$"]


@pytest.mark.parametrize("document", ["\ufeff" + json.dumps(GOOD), ("\ufeff" + json.dumps(GOOD)).encode()])
def test_a_byte_order_mark_is_no_fault_at_any_door(document: str | bytes) -> None:
    assert parse_request(document, STACK).model == GOOD["model"]


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
        assert "training_data.s3_uri" in problems(GOOD | {"training_data": {"s3_uri": uri}}, folder="inbox/m/")


def test_a_grader_must_be_in_the_region_of_the_job() -> None:
    arn = ARN.replace("us-east-1", "us-west-2")
    assert "us-east-1" in problems(GOOD | {"grader": {"lambda_arn": arn}})["grader.lambda_arn"]
    assert "exactly one" in problems(GOOD | {"grader": {"lambda_arn": ARN, "name": "format-validation"}})["grader"]


def test_a_refused_request_still_knows_its_model() -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse_request({"model": "m-1"}, STACK)
    assert caught.value.model == "m-1"


@pytest.mark.parametrize("model", ["m-1\n", "M", "", "m" * 41, 7])
def test_what_is_no_models_name_is_not_taken_for_one(model: Any) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse_request(GOOD | {"model": model}, STACK)
    assert caught.value.model is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(list(GOOD)), inner),
    max_leaves=20,
)


@pytest.mark.thorough
@given(st.dictionaries(st.sampled_from([*GOOD, "x"]) | st.text(), JSON))
def test_no_document_breaks_the_door(document: dict[str, Any]) -> None:
    try:
        parse_request(GOOD | document, STACK)
    except RequestInvalid as invalid:
        assert invalid.problems
        json.dumps([p.to_json() for p in invalid.problems])


# -- invocation logs ------------------------------------------------------------------------------------------------

WITH_LOGS = Stack(STACK.bucket, STACK.region, STACK.base_model, STACK.grader, STACK.graders, log_bucket="logs-1")
OWN_GRADER = {"lambda_arn": ARN.replace("rft-grader-format-validation", "judge")}


def with_logs(*, stack: Stack = WITH_LOGS, folder: str | None = None, **given: Any) -> Any:
    """The request's log source as it was taken, or the problems, by path."""
    top = {name: given.pop(name) for name in ("grader", "validation_data") if name in given}
    logs = {"s3_uri": "s3://logs-1/AWSLogs/", "use_prompt_response": True} | given
    document = {"model": "m", "training_data": {"invocation_logs": logs}} | top
    try:
        return parse_request(document, stack, folder=folder).to_json()["training_data"]["invocation_logs"]
    except RequestInvalid as refused:
        prefix = "training_data.invocation_logs"
        return {p.path.removeprefix(prefix).lstrip(".") or "logs": p.message for p in refused.problems}


def test_every_part_of_a_log_source_is_given_back_as_written() -> None:
    logs: dict[str, Any] = {
        "s3_uri": "s3://logs-1/AWSLogs/",
        "request_metadata_filters": {"andAll": [{"equals": {"project": "triage"}}, {"notEquals": {"stage": ""}}]},
        "max_prompts": 500,
        "use_prompt_response": True,
        "redact": ["email", {"name": "customer", "pattern": "C-[0-9]{8}"}],
        "max_failed_share": 0.1,
        "seed": 7,
        "native": False,
    }
    assert with_logs(**logs) == logs
    source = LogSource.of({"training_data": {"invocation_logs": logs}})
    assert source == LogSource(
        s3_uri="s3://logs-1/AWSLogs/",
        metadata_filter=logs["request_metadata_filters"],
        use_prompt_response=True,
        max_prompts=500,
        max_failed_share=0.1,
        seed=7,
        redact=("email", {"name": "customer", "pattern": "C-[0-9]{8}"}),
        native=False,
    )


def test_a_log_source_that_names_its_place_only_has_the_defaults() -> None:
    source = LogSource.of({"training_data": {"invocation_logs": {"s3_uri": "s3://logs-1/"}}})
    assert source == LogSource("s3://logs-1/", None, False, 20_000, 0.25, 0, (), False)
    assert LogSource.of(GOOD) is None
    assert is_converted({"training_data": {"invocation_logs": {"s3_uri": "s3://logs-1/"}}})
    assert not is_converted({"training_data": {"invocation_logs": {"s3_uri": "s3://logs-1/", "native": True}}})


@pytest.mark.parametrize(
    ("equals", "filter_"),
    [
        ({"a": "b"}, {"equals": {"a": "b"}}),
        ({"a": "b", "c": ""}, {"andAll": [{"equals": {"a": "b"}}, {"equals": {"c": ""}}]}),
    ],
)
def test_metadata_that_must_all_be_equal_is_a_filter_of_bedrocks(
    equals: dict[str, str], filter_: dict[str, Any]
) -> None:
    source = LogSource.of({"training_data": {"invocation_logs": with_logs(metadata_equals=equals)}})
    assert source is not None
    assert source.config()["requestMetadataFilters"] == filter_


@pytest.mark.parametrize(
    ("uri", "folder", "taken"),
    [
        ("s3://logs-1", None, "s3://logs-1/"),
        ("s3://logs-1/", None, "s3://logs-1/"),
        ("s3://logs-1/a b/2026", None, "s3://logs-1/a b/2026/"),
        ("s3://data-1/datasets/m", None, "s3://data-1/datasets/m/"),
        ("logs", "inbox/m/", "s3://data-1/inbox/m/logs/"),
        ("logs/deep/", "inbox/m/", "s3://data-1/inbox/m/logs/deep/"),
    ],
)
def test_a_prefix_is_made_absolute_and_ends_with_a_slash(uri: str, folder: str | None, taken: str) -> None:
    assert with_logs(s3_uri=uri, folder=folder)["s3_uri"] == taken


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "1 to 1,100 characters"),
        ("logs/", "must have the form s3://bucket/prefix/"),
        ("https://logs-1/x/", "must have the form"),
        ("s3://elsewhere/x/", "must lie in s3://logs-1/ (parameter InvocationLogBucket) or s3://data-1/"),
        ("s3://data-1/", "must lie below inbox/ or datasets/"),
        ("s3://data-1/runs/", "must lie below inbox/ or datasets/"),
        ("s3://data-1/mine/", "must lie below inbox/ or datasets/"),
        ("s3://data-1/runs/m-1/dataset/", "must lie below inbox/ or datasets/"),
        ("s3://logs-1/a/../b/", "no folder named"),
        ("s3://logs-1/a\u0007/", "no control characters"),
        (f"s3://logs-1/{'x' * 901}", "at most 900 bytes"),
    ],
)
def test_logs_lie_in_the_log_bucket_or_in_a_folder_of_the_users(uri: str, said: str) -> None:
    assert said in with_logs(s3_uri=uri)["s3_uri"]


def test_a_stack_without_a_log_bucket_says_how_it_gets_one() -> None:
    assert "InvocationLogBucket" in with_logs(stack=STACK)["s3_uri"]


def test_everything_wrong_with_a_log_source_is_said_in_one_answer() -> None:
    found = with_logs(
        metadata_equals={"ü": "b", "c": 3, "": "x"},
        request_metadata_filters={
            "andAll": [{"equals": {"a": "b", "c": "d"}}, {"notEquals": {"ü": "x"}}, {}, {"x": 1}],
            "noneOf": 1,
        },
        max_prompts=20_001,
        use_prompt_response="yes",
        redact=["emial", {"name": "X", "pattern": "a"}, {"name": "a", "pattern": "("}, 3],
        max_failed_share=1.5,
        seed=-1,
        native=1,
        colour="red",
    )
    filters = "request_metadata_filters."
    assert found == {
        "metadata_equals.ü": f'must be {METADATA}; it is "\\u00fc"',
        "metadata_equals.c": f"must be {METADATA}; it is 3",
        "metadata_equals.": f'must be {METADATA}; it is ""',
        filters + "andAll.0.equals": 'must be one pair of texts; it is {"a": "b", "c": "d"}',
        filters + "andAll.1.notEquals.ü": f'must be {METADATA}; it is "\\u00fc"',
        filters + "andAll.2": "needs equals or notEquals; has none of them",
        filters + "andAll.3.x": "unknown key; known here: equals, notEquals",
        filters + "noneOf": "unknown key; known here: equals, notEquals, andAll, orAll",
        "max_prompts": "must be a whole number from 100 to 20,000; it is 20001",
        "use_prompt_response": 'must be true or false; it is "yes"',
        "redact.0": 'must be one of email, phone, card, key, or {"name": ..., "pattern": ...}; it is "emial"',
        "redact.1": 'name must be 1 to 32 of a-z, 0-9, _ and -, begin with a letter and be no ready rule\'s; it is "X"',
        "redact.2": 'pattern must be a regular expression of RE2: missing ): (; it is "("',
        "redact.3": 'must be a name or {"name": ..., "pattern": ...} and nothing else; it is 3',
        "max_failed_share": "must be a number from 0 to 1; it is 1.5",
        "seed": "must be a whole number from 0 to 9,007,199,254,740,991; it is -1",
        "native": "must be true or false; it is 1",
        "colour": "unknown key; known here: s3_uri, metadata_equals, request_metadata_filters, max_prompts, "
        "use_prompt_response, redact, max_failed_share, seed, native",
    }


METADATA = "letters, digits, spaces and . _ : / = + $ @ -; 1 to 256 in a key, up to 256 in a value"


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"metadata_equals": {}}, "metadata_equals", "1 to 16 pairs"),
        ({"metadata_equals": {f"k{n}": "v" for n in range(17)}}, "metadata_equals", "1 to 16 pairs"),
        ({"request_metadata_filters": {}}, "request_metadata_filters", "needs exactly one of equals, notEquals, "),
        (
            {"request_metadata_filters": {"andAll": [{"equals": {"a": "b"}}], "equals": {"a": "b"}}},
            "request_metadata_filters",
            "has equals and andAll",
        ),
        ({"request_metadata_filters": {"orAll": []}}, "request_metadata_filters.orAll", "1 to 16 conditions"),
        (
            {"metadata_equals": {"a": "b"}, "request_metadata_filters": {"equals": {"a": "b"}}},
            "logs",
            "metadata_equals or request_metadata_filters, not both",
        ),
        ({"redact": "email"}, "redact", "a list of at most 32 rules"),
        ({"redact": ["email", "email"]}, "redact", "more than one is named email"),
        ({"native": True, "max_prompts": 500, "redact": ["email"]}, "logs", "can't be told max_prompts, redact"),
        ({"native": True, "s3_uri": "s3://logs-1/dt=1/"}, "logs", "Bedrock takes an s3_uri"),
        ({"native": True, "validation_data": {"fraction": 0.1}}, "validation_data", "nothing to split"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], path: str, said: str) -> None:
    found = with_logs(**given)
    assert set(found) == {path}
    assert said in found[path]


@pytest.mark.parametrize("grader", [None, {"name": "format-validation"}])
def test_a_grader_that_compares_gets_no_logs_without_references(grader: dict[str, str] | None) -> None:
    for native in (None, True):
        found = with_logs(use_prompt_response=None, grader=grader, native=native)
        assert set(found) == {"grader"}
        assert "format-validation compares with a reference answer, and logs have none" in found["grader"]
        assert "use_prompt_response" in found["grader"]
    assert with_logs(use_prompt_response=False, grader=OWN_GRADER)["s3_uri"] == "s3://logs-1/AWSLogs/"


def test_native_logs_may_have_a_validation_file_or_none() -> None:
    for validation in (None, {"s3_uri": "s3://data-1/v.jsonl"}):
        assert with_logs(native=True, validation_data=validation)["native"] is True


def test_training_data_come_from_one_place() -> None:
    logs = {"s3_uri": "s3://data-1/inbox/logs/"}
    for data in ({}, {"s3_uri": "s3://data-1/t.jsonl", "invocation_logs": logs}, {"version_id": "1"}):
        found = problems(GOOD | {"training_data": data})
        assert "needs exactly one of s3_uri, invocation_logs" in found["training_data"]
    found = problems(GOOD | {"training_data": {"invocation_logs": logs, "files": []}})
    assert found["training_data.files"] == "unknown key; known here: s3_uri, version_id, invocation_logs"


@given(st.dictionaries(st.sampled_from([*InvocationLogs.model_fields, "x"]), JSON | st.just("s3://logs-1/x")))
def test_no_log_source_breaks_the_door(logs: dict[str, Any]) -> None:
    try:
        parse_request({"model": "m", "training_data": {"invocation_logs": logs}}, WITH_LOGS)
    except RequestInvalid as invalid:
        assert invalid.problems
        json.dumps([p.to_json() for p in invalid.problems])


# -- the grader, the gate, the budget ---------------------------------------------------------------------------------

SAME = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}
JUDGING = Stack(
    bucket="data-1",
    region="us-east-1",
    base_model="amazon.nova-2-lite-v1:0:256k",
    grader="summarization",
    graders={name: f"arn:aws:lambda:us-east-1:1:function:rft-grader-{name}:7" for name in READY},
    log_bucket="logs-1",
    judge_model="openai.gpt-oss-120b-1:0",
)


def test_openais_json_is_graded_by_the_grader_for_it() -> None:
    request = parse_request(GOOD | {"grader": {"openai": SAME}}, JUDGING)
    assert grader_arn(request, JUDGING) == JUDGING.graders["openai"]
    assert request.to_json()["grader"] == {"openai": SAME}


def test_all_that_is_wrong_with_openais_json_is_told_below_its_field() -> None:
    bad = {"type": "text_similarity", "name": "a", "evaluation_metric": "x", "input": "{{ y }}", "colour": 1}
    found = problems(GOOD | {"grader": {"openai": bad}, "model": "No"}, JUDGING)
    assert {"model", "grader.openai.evaluation_metric", "grader.openai.input", "grader.openai.colour"} <= set(found)
    assert all(message for message in found.values())


def test_another_judge_than_the_stacks_is_refused_with_the_one_to_name() -> None:
    model = {"type": "score_model", "name": "a", "model": "gpt-4o", "input": [{"role": "user", "content": "x"}]}
    found = problems(GOOD | {"grader": {"openai": model}}, JUDGING)
    assert "openai.gpt-oss-120b-1:0" in found["grader.openai.model"]


def test_the_grader_for_openais_json_is_not_asked_for_by_its_name() -> None:
    found = problems(GOOD | {"grader": {"name": "openai"}}, JUDGING)
    assert "with its JSON" in found["grader.name"]
    assert "openai," not in problems(GOOD | {"grader": {"name": "nobody"}}, JUDGING)["grader.name"]


@pytest.mark.parametrize(
    ("grader", "says"),
    [
        ({"name": "math-reasoning"}, "math-reasoning compares with a reference answer"),
        ({"openai": SAME}, "a template of this grader reads item.reference_answer"),
        ({"name": "rag-faithfulness"}, "reads the field context"),
        ({"name": "summarization"}, None),
        (None, None),
        ({"openai": SAME | {"reference": "yes"}}, None),
    ],
)
def test_logs_without_references_go_to_graders_that_need_none(grader: dict[str, Any] | None, says: str | None) -> None:
    logs = {"invocation_logs": {"s3_uri": "s3://logs-1/AWSLogs/"}}
    request = {"model": "m", "training_data": logs, "grader": grader}
    if says is None:
        parse_request(request, JUDGING)
    else:
        assert says in problems(request, JUDGING)["grader"]


def test_logs_that_bedrock_reads_itself_lead_to_no_json() -> None:
    logs = {"s3_uri": "s3://logs-1/AWSLogs/", "native": True, "use_prompt_response": True}
    found = problems({"model": "m", "training_data": {"invocation_logs": logs}, "grader": {"openai": SAME}}, JUDGING)
    assert "native" in found["grader"]


def test_a_budget_has_a_bound_and_the_gate_a_word() -> None:
    assert problems(GOOD | {"budget": {}})["budget"].startswith("needs max_usd, max_rollouts or both")
    assert "1 to 100,000,000" in problems(GOOD | {"budget": {"max_rollouts": 0}})["budget.max_rollouts"]
    assert "one of close, warn" in problems(GOOD | {"gate": "open"})["gate"]
    request = parse_request(GOOD | {"budget": {"max_rollouts": 5}, "gate": "warn"}, STACK)
    assert (request.gate, request.budget.max_rollouts if request.budget else None) == ("warn", 5)
    assert parse_request(GOOD, STACK).gate == "close"
