"""What a request says of deployment, comparison, promotion and an early stop: every form, and every fault."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.errors import RequestInvalid
from rft.grading.catalog import READY
from rft.run.request import held_out_grader_arn, parse_request
from rft.run.request_candidate import DEFAULT_PROMPTS, Commitment, Deployment, Promotion
from rft.run.stack import Stack

OWN = "arn:aws:lambda:us-east-1:123456789012:function:second-opinion:3"
STACK = Stack(
    bucket="data-1",
    region="us-east-1",
    base_model="amazon.nova-2-lite-v1:0:256k",
    grader="format-validation",
    graders={name: f"arn:aws:lambda:us-east-1:1:function:rft-grader-{name}:7" for name in READY},
    judge_model="openai.gpt-oss-120b-1:0",
)
LEAST: dict[str, Any] = {"model": "m", "training_data": {"s3_uri": "s3://data-1/t.jsonl"}}
SAME = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}
DEPLOY = (
    'must be one of on-demand, provisioned, none, or an object as in {"kind": "provisioned", "model_units": 1}; it is '
)
PROMOTE = 'must be manual, or an object as in {"min_gain": 0.02, "confidence": 0.95, "approval": "manual"}; it is '


def taken(**given: Any) -> Any:
    return parse_request(LEAST | given, STACK)


def problems(**given: Any) -> dict[str, str]:
    with pytest.raises(RequestInvalid) as caught:
        taken(**given)
    return {problem.path: problem.message for problem in caught.value.problems}


def echoed(**given: Any) -> Any:
    """What the run's record says of the one key of ``given``. Read again, that says the same."""
    (name,) = given
    written = taken(**given).to_json()
    assert parse_request(written, STACK).to_json() == written
    return written[name]


def test_silence_leaves_the_defaults_and_is_not_echoed() -> None:
    request = taken()
    assert request.deploy == Deployment(kind="on-demand")
    assert (request.compare.max_prompts, request.compare.temperature, request.compare.grader) == (200, None, None)
    assert request.promote == Promotion(min_gain=0.0, confidence=0.95, approval="automatic")
    assert request.stop_when is None
    assert request.to_json() == LEAST
    assert held_out_grader_arn(request, STACK) is None
    assert DEFAULT_PROMPTS == 200


@pytest.mark.parametrize("kind", ["on-demand", "provisioned", "none"])
def test_a_kind_may_stand_alone_or_in_an_object(kind: str) -> None:
    assert echoed(deploy=kind) == kind
    assert echoed(deploy={"kind": kind}) == kind
    assert taken(deploy={"kind": kind}) == taken(deploy=kind)


@pytest.mark.parametrize("commitment", [None, *get_args(Commitment)])
@pytest.mark.parametrize("units", [None, 1, 100])
def test_provisioned_throughput_may_have_units_and_a_commitment(units: int | None, commitment: str | None) -> None:
    options = {"model_units": units, "commitment": commitment}
    written = {"kind": "provisioned"} | {name: value for name, value in options.items() if value is not None}
    assert echoed(deploy=written) == (written if len(written) > 1 else "provisioned")


@pytest.mark.parametrize(
    ("deploy", "path", "said"),
    [
        ("later", "deploy", 'must be one of on-demand, provisioned, none, or an object; it is "later"'),
        ([], "deploy", DEPLOY + "[]"),
        (3, "deploy", DEPLOY + "3"),
        (True, "deploy", DEPLOY + "true"),
        (None, "deploy", DEPLOY + "null"),
        ({}, "deploy.kind", "is required"),
        ({"kind": "x"}, "deploy.kind", 'must be one of on-demand, provisioned, none; it is "x"'),
        ({"kind": None}, "deploy.kind", "must be one of on-demand, provisioned, none; it is null"),
        (
            {"kind": "none", "colour": 1},
            "deploy.colour",
            "unknown key; known here: kind, model_units, commitment",
        ),
        (
            {"kind": "on-demand", "commitment": "OneMonth"},
            "deploy",
            "commitment can be given with the kind provisioned only",
        ),
        (
            {"kind": "none", "model_units": 1, "commitment": "OneMonth"},
            "deploy",
            "model_units and commitment can be given with the kind provisioned only",
        ),
        *(
            (
                {"kind": "provisioned", "model_units": units},
                "deploy.model_units",
                f"must be a whole number from 1 to 100; it is {shown}",
            )
            for units, shown in ((0, "0"), (101, "101"), (1.5, "1.5"), ("1", '"1"'), (True, "true"))
        ),
        (
            {"kind": "provisioned", "commitment": "TwoYears"},
            "deploy.commitment",
            'must be one of OneMonth, SixMonths; it is "TwoYears"',
        ),
    ],
)
def test_a_deployment_that_is_none_is_refused(deploy: Any, path: str, said: str) -> None:
    assert problems(deploy=deploy) == {path: said}


@pytest.mark.parametrize("word", ["manual", "automatic"])
def test_who_promotes_may_be_said_in_a_word(word: str) -> None:
    assert echoed(promote=word) == {"approval": word}
    assert taken(promote=word).promote == Promotion(approval=word)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "promote",
    [
        {},
        {"min_gain": -1.0},
        {"min_gain": 1.0, "confidence": 0.999},
        {"confidence": 0.5},
        {"min_gain": 0.02, "confidence": 0.9, "approval": "manual"},
    ],
)
def test_what_a_promotion_takes_is_given_back_as_written(promote: dict[str, Any]) -> None:
    assert echoed(promote=promote) == promote


@pytest.mark.parametrize(
    ("promote", "path", "said"),
    [
        ("maybe", "promote", 'must be one of automatic, manual, or an object; it is "maybe"'),
        ([], "promote", PROMOTE + "[]"),
        (0.5, "promote", PROMOTE + "0.5"),
        (None, "promote", PROMOTE + "null"),
        ({"approval": "x"}, "promote.approval", 'must be one of automatic, manual; it is "x"'),
        ({"colour": 1}, "promote.colour", "unknown key; known here: min_gain, confidence, approval"),
        *(
            ({"min_gain": gain}, "promote.min_gain", f"must be a number from -1 to 1; it is {shown}")
            for gain, shown in ((1.1, "1.1"), (-1.1, "-1.1"), ("0", '"0"'), (True, "true"))
        ),
        *(
            ({"confidence": level}, "promote.confidence", f"must be a number from 0.5 to 0.999; it is {shown}")
            for level, shown in ((0.49, "0.49"), (1, "1"), (95, "95"))
        ),
    ],
)
def test_a_promotion_that_is_none_is_refused(promote: Any, path: str, said: str) -> None:
    assert problems(promote=promote) == {path: said}


@pytest.mark.parametrize(
    ("grader", "arn"),
    [
        ({"name": "summarization"}, STACK.graders["summarization"]),
        ({"lambda_arn": OWN}, OWN),
        ({"openai": SAME}, STACK.graders["openai"]),
    ],
)
def test_the_held_out_grader_takes_every_form_of_a_grader(grader: dict[str, Any], arn: str) -> None:
    compare = {"max_prompts": 50, "temperature": 0.7, "grader": grader}
    assert echoed(compare=compare) == compare
    assert held_out_grader_arn(taken(compare=compare), STACK) == arn


@pytest.mark.parametrize("compare", [{}, {"max_prompts": 10}, {"max_prompts": 2_000}, {"temperature": 0.0}])
def test_what_a_comparison_takes_is_given_back_as_written(compare: dict[str, Any]) -> None:
    assert echoed(compare=compare) == compare


@pytest.mark.parametrize(
    ("compare", "path", "said"),
    [
        ("x", "compare", 'must be a JSON object; it is "x"'),
        (None, "compare", "must be a JSON object; it is null"),
        ({"prompts": 10}, "compare.prompts", "unknown key; known here: max_prompts, temperature, grader"),
        *(
            ({"max_prompts": most}, "compare.max_prompts", f"must be a whole number from 10 to 2,000; it is {shown}")
            for most, shown in ((9, "9"), (2_001, "2001"), ("50", '"50"'), (50.5, "50.5"))
        ),
        *(
            ({"temperature": heat}, "compare.temperature", f"must be a number from 0 to 1; it is {heat}")
            for heat in (-0.1, 1.01)
        ),
        ({"grader": "summarization"}, "compare.grader", 'must be a JSON object; it is "summarization"'),
        ({"grader": {}}, "compare.grader", "needs exactly one of name, lambda_arn, openai; has none of them"),
        (
            {"grader": {"name": "summarization", "lambda_arn": OWN}},
            "compare.grader",
            "needs exactly one of name, lambda_arn, openai; has name and lambda_arn",
        ),
        (
            {"grader": {"lambda_arn": "x"}},
            "compare.grader.lambda_arn",
            'must be the ARN of a Lambda function, best with a version or alias; it is "x"',
        ),
        (
            {"grader": {"lambda_arn": OWN.replace("us-east-1", "us-west-2")}},
            "compare.grader.lambda_arn",
            "must be in the region of the training job, us-east-1",
        ),
        (
            {"grader": {"name": "No Name"}},
            "compare.grader.name",
            'must be the name of a grader of this stack, as in format-validation; it is "No Name"',
        ),
        (
            {"grader": {"name": "openai"}},
            "compare.grader.name",
            'is asked for with its JSON: {"openai": {"type": "string_check", ...}}',
        ),
    ],
)
def test_a_comparison_that_can_not_be_made_is_refused(compare: Any, path: str, said: str) -> None:
    assert problems(compare=compare) == {path: said}


def test_a_held_out_grader_that_the_stack_lacks_is_refused_with_those_it_has() -> None:
    (said,) = problems(compare={"grader": {"name": "nobody"}}).values()
    assert "this stack has no grader 'nobody'" in said
    assert "summarization" in said
    assert "openai," not in said


def test_everything_wrong_with_a_held_out_graders_json_is_told_below_its_field() -> None:
    bad = {"type": "text_similarity", "name": "a", "evaluation_metric": "x", "input": "{{ y }}", "colour": 1}
    found = problems(compare={"grader": {"openai": bad}, "max_prompts": 1})
    assert {
        "compare.max_prompts",
        *(f"compare.grader.openai.{name}" for name in ("evaluation_metric", "input", "colour")),
    } <= set(found)


@pytest.mark.parametrize("steps", [3, 1_000])
def test_a_training_may_be_stopped_after_some_steps_of_equal_rewards(steps: int) -> None:
    assert echoed(stop_when={"constant_reward_steps": steps}) == {"constant_reward_steps": steps}


def test_a_null_stops_nothing() -> None:
    assert taken(stop_when=None).to_json() == LEAST


@pytest.mark.parametrize(
    ("stop_when", "path", "said"),
    [
        ("a", "stop_when", 'must be a JSON object; it is "a"'),
        ({}, "stop_when.constant_reward_steps", "is required"),
        (
            {"constant_reward_steps": 3, "x": 1},
            "stop_when.x",
            "unknown key; known here: constant_reward_steps",
        ),
        *(
            (
                {"constant_reward_steps": steps},
                "stop_when.constant_reward_steps",
                f"must be a whole number from 3 to 1,000; it is {shown}",
            )
            for steps, shown in ((2, "2"), (1_001, "1001"), (3.0, "3.0"), ("3", '"3"'), (None, "null"))
        ),
    ],
)
def test_a_stop_that_has_no_measure_is_refused(stop_when: Any, path: str, said: str) -> None:
    assert problems(stop_when=stop_when) == {path: said}


def test_every_fault_of_the_four_is_said_in_one_answer() -> None:
    found = problems(
        deploy={"kind": "provisioned", "model_units": 0, "commitment": "x"},
        promote={"min_gain": 2, "confidence": 2, "approval": "x"},
        compare={"max_prompts": 1, "temperature": 2, "grader": {"name": "nobody"}},
        stop_when={"constant_reward_steps": 1},
    )
    assert set(found) == {
        *("deploy.model_units", "deploy.commitment"),
        *("promote.min_gain", "promote.confidence", "promote.approval"),
        *("compare.max_prompts", "compare.temperature", "compare.grader.name"),
        "stop_when.constant_reward_steps",
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
WORDS = ["on-demand", "provisioned", "none", "manual", "automatic", "OneMonth", "kind", "model_units", "commitment"]
WORDS += ["min_gain", "confidence", "approval", "max_prompts", "temperature", "grader", "constant_reward_steps"]


@given(
    st.dictionaries(
        st.sampled_from(["deploy", "promote", "compare", "stop_when"]),
        VALUES | st.sampled_from(WORDS) | st.dictionaries(st.sampled_from(WORDS), VALUES | st.sampled_from(WORDS)),
    )
)
def test_whatever_is_written_is_taken_and_echoed_or_refused_by_its_path(given: dict[str, Any]) -> None:
    try:
        written = taken(**given).to_json()
    except RequestInvalid as invalid:
        assert {problem.path.partition(".")[0] for problem in invalid.problems} <= set(given) | {"$"}
    else:
        assert parse_request(written, STACK).to_json() == written


LOGS = {
    "training_data": {"invocation_logs": {"s3_uri": "s3://data-1/datasets/logs/"}},
    "grader": {"name": "summarization"},
}
EXACT = {"compare": {"grader": {"name": "format-validation"}}}


def test_a_held_out_grader_of_logs_needs_what_logs_have() -> None:
    """Found out at the comparison, it would be found out after a training that was paid for."""
    found = problems(**LOGS, **EXACT)
    assert list(found) == ["compare.grader"]
    assert "compares with a reference answer" in found["compare.grader"]
    taken(**LOGS, compare={"grader": {"name": "instruction-following"}})


def test_a_validation_file_has_references_of_its_own() -> None:
    taken(**LOGS, **EXACT, validation_data={"s3_uri": "s3://data-1/held-out.jsonl"})
    answered = {"invocation_logs": {"s3_uri": "s3://data-1/datasets/logs/", "use_prompt_response": True}}
    taken(**LOGS | {"training_data": answered}, **EXACT)
