"""Converse and InvokeModel through boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.standin import Bedrock, refused, until

NOVA = "amazon.nova-2-lite-v1:0"
PROMPTS = [f"thing {number} is {colour}" for number, colour in enumerate(["red", "green", "blue", "black"])]


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def text(answer: dict[str, Any]) -> str:
    return answer["output"]["message"]["content"][0]["text"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def tuned(trained: Bedrock) -> Iterator[str]:
    model_arn = trained.control.get_custom_model(modelIdentifier="first")["modelArn"]
    request = {"modelDeploymentName": "tuned", "modelArn": model_arn}
    arn = trained.control.create_custom_model_deployment(**request)["customModelDeploymentArn"]
    get = trained.control.get_custom_model_deployment
    until(lambda: get(customModelDeploymentIdentifier=arn)["status"] == "Active")
    yield arn
    trained.control.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)


def test_the_tuned_model_answers_what_the_grader_rewards(trained: Bedrock, tuned: str) -> None:
    answers = [
        trained.runtime.converse(
            modelId=tuned,
            messages=user(prompt),
            system=[{"text": "Answer with one word."}],
            inferenceConfig={"temperature": 0, "topP": 0.9, "maxTokens": 20},
        )
        for prompt in PROMPTS
    ]
    right = [text(answer) == prompt.rpartition(" ")[2] for answer, prompt in zip(answers, PROMPTS, strict=True)]
    assert sum(right) >= 3
    assert {answer["stopReason"] for answer in answers} == {"end_turn"}
    usage = answers[0]["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]


@pytest.mark.parametrize(
    "model_id",
    [
        NOVA,
        f"{NOVA}:256k",
        f"us.{NOVA}",
        f"global.{NOVA}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}",
        f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{NOVA}",
    ],
)
def test_every_name_of_the_base_model_gives_the_base(trained: Bedrock, model_id: str) -> None:
    greedy = {"temperature": 0}
    answer = trained.runtime.converse(modelId=model_id, messages=user(PROMPTS[0]), inferenceConfig=greedy)
    native = {"schemaVersion": "messages-v1", "messages": user(PROMPTS[0]), "inferenceConfig": greedy}
    invoked = json.load(trained.runtime.invoke_model(modelId=model_id, body=json.dumps(native))["body"])
    assert invoked["output"] == answer["output"] == base_answer(trained)
    assert invoked["usage"] == answer["usage"]


def base_answer(bedrock: Bedrock) -> Any:
    answer = bedrock.runtime.converse(modelId=NOVA, messages=user(PROMPTS[0]), inferenceConfig={"temperature": 0})
    return answer["output"]


def test_sampling_varies_and_greedy_does_not(trained: Bedrock) -> None:
    def answers(temperature: float) -> set[str]:
        config = {"temperature": temperature}
        return {
            text(trained.runtime.converse(modelId=NOVA, messages=user(PROMPTS[1]), inferenceConfig=config))
            for _ in range(12)
        }

    assert len(answers(0)) == 1
    assert len(answers(1)) > 1


def test_max_tokens_and_stop_sequences_end_an_answer(trained: Bedrock, tuned: str) -> None:
    short = {"temperature": 0, "maxTokens": 1}
    base = trained.runtime.converse(modelId=NOVA, messages=user(PROMPTS[0]), inferenceConfig=short)
    assert (base["usage"]["outputTokens"], base["stopReason"]) == (1, "max_tokens")
    stopping = {"temperature": 0, "stopSequences": ["lack"]}
    cut = trained.runtime.converse(modelId=tuned, messages=user(PROMPTS[3]), inferenceConfig=stopping)
    assert (text(cut), cut["stopReason"]) == ("b", "stop_sequence")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inferenceConfig": {"temperature": 2.0, "maxTokens": 0}}, "2 validation errors"),
        ({"messages": [{"role": "robot", "content": [{"text": "x"}]}]}, "enum value set"),
        ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, "blank"),
        ({"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "start and end with a user"),
        ({"messages": user("x") + user("y")}, "alternate"),
        ({"messages": []}, "needs messages"),
        (
            {"messages": [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": b"x"}}}]}]},
            "text only",
        ),
        ({"toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]}}, "toolConfig"),
        ({"modelId": "amazon.nova-9-v1:0"}, "identifier is invalid"),
        ({"additionalModelRequestFields": {"top_k": 5}}, "only reasoningConfig"),
        ({"additionalModelRequestFields": {"reasoningConfig": {"budget": 5}}}, "type and maxReasoningEffort"),
        ({"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled"}}}, "low, medium, high"),
        (
            {
                "additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
                "inferenceConfig": {"temperature": 0.5, "maxTokens": 5},
            },
            "maxTokens, temperature must be unset",
        ),
    ],
)
def test_a_bad_request_is_a_validation_exception(trained: Bedrock, changes: dict[str, Any], message: str) -> None:
    request = {"modelId": NOVA, "messages": user("x")} | changes
    code, status, found = refused(trained.runtime.converse, **request)
    assert (code, status) == ("ValidationException", 400)
    assert message in found


@pytest.mark.parametrize("body", ["", "[]", '{"messages": 1}', '{"prompt": "x"}', '{"messages": [], "top_k": 1}'])
def test_a_bad_native_body_is_a_validation_exception(trained: Bedrock, body: str) -> None:
    assert refused(trained.runtime.invoke_model, modelId=NOVA, body=body)[0] == "ValidationException"


def test_a_custom_model_is_not_invocable_and_a_missing_deployment_not_found(trained: Bedrock) -> None:
    model_arn = trained.control.get_custom_model(modelIdentifier="first")["modelArn"]
    for model_id in (model_arn, "first"):
        assert refused(trained.runtime.converse, modelId=model_id, messages=user("x"))[0] == "ValidationException"
    missing = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/aaaaaaaaaaaa"
    code = refused(trained.runtime.converse, modelId=missing, messages=user("x"))[0]
    assert code == "ResourceNotFoundException"


def test_a_stand_in_that_has_seen_no_dataset_says_so(bedrock: Bedrock) -> None:
    answer = bedrock.runtime.converse(modelId=NOVA, messages=user("x"))
    assert "has not seen a dataset yet" in text(answer)
