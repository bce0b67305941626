"""Judge models through boto3, and their faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rft.grading.judging.fence import Fence
from tests.contract.standin import Bedrock, refused

GPT_OSS = "openai.gpt-oss-120b-1:0"
NOVA_PRO = "amazon.nova-pro-v1:0"
ARN = "arn:aws:bedrock:us-east-1:"
GRADED = {"question": "user: What colour is it?", "answer": "It is red.", "reference": "It is red."}
FORM = {"verdicts": {"correct": {"reason": "<one sentence>", "verdict": "<yes|no>"}}}


@pytest.fixture
def judged(trained: Bedrock) -> Iterator[Bedrock]:
    yield trained
    trained.faults([])


def question(model_id: str, **changes: Any) -> dict[str, Any]:
    fence = Fence(*GRADED.values())
    text = "\n".join(fence.around(name, value) for name, value in GRADED.items())
    request = {
        "modelId": model_id,
        "system": [{"text": f"Judge it.\n{json.dumps(FORM)}"}],
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "inferenceConfig": {"temperature": 0.0, "maxTokens": 1024},
    }
    return request | changes


def text(answer: dict[str, Any]) -> str:
    return answer["output"]["message"]["content"][0]["text"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "model_id",
    [
        GPT_OSS,
        NOVA_PRO,
        f"us.{NOVA_PRO}",
        f"{ARN}:foundation-model/{GPT_OSS}",
        f"{ARN}:foundation-model/{NOVA_PRO}",
        f"{ARN}000000000000:inference-profile/us.{NOVA_PRO}",
    ],
)
def test_every_name_of_a_judge_gives_a_verdict_in_the_form(judged: Bedrock, model_id: str) -> None:
    answer = judged.runtime.converse(**question(model_id))
    assert json.loads(text(answer))["verdicts"]["correct"]["verdict"] == "yes"
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > usage["outputTokens"] > 0
    assert answer["metrics"]["latencyMs"] >= 0
    assert text(judged.runtime.converse(**question(model_id))) == text(answer)


def test_a_repair_gets_the_same_verdict(judged: Bedrock) -> None:
    first = question(GPT_OSS)
    again = [
        *first["messages"],
        {"role": "assistant", "content": [{"text": "It is fine."}]},
        {"role": "user", "content": [{"text": "That was no JSON. Answer again."}]},
    ]
    assert text(judged.runtime.converse(**first | {"messages": again})) == text(judged.runtime.converse(**first))


def test_a_judge_in_an_ordinary_conversation_says_what_it_is(judged: Bedrock) -> None:
    answer = judged.runtime.converse(**question(GPT_OSS, system=[]))
    assert "local stand-in's judge" in text(answer)


def test_a_judge_ends_at_its_token_limit(judged: Bedrock) -> None:
    answer = judged.runtime.converse(**question(GPT_OSS, inferenceConfig={"maxTokens": 5}))
    assert (len(text(answer)), answer["stopReason"], answer["usage"]["outputTokens"]) == (20, "max_tokens", 5)


def test_nova_pro_takes_its_native_body_and_gpt_oss_only_converse(judged: Bedrock) -> None:
    asked = question(NOVA_PRO)
    body = json.dumps({name: asked[name] for name in ("system", "messages", "inferenceConfig")})
    invoked = json.load(judged.runtime.invoke_model(modelId=NOVA_PRO, body=body)["body"])
    assert invoked["output"] == judged.runtime.converse(**asked)["output"]
    code, _, message = refused(judged.runtime.invoke_model, modelId=GPT_OSS, body=body)
    assert code == "ValidationException" and "Converse only" in message


@pytest.mark.parametrize("identifier", [GPT_OSS, f"us.{NOVA_PRO}", "us.openai.gpt-oss-120b-1:0"])
def test_a_judge_is_neither_customised_nor_deployed(judged: Bedrock, identifier: str) -> None:
    create = judged.control.create_provisioned_model_throughput
    assert refused(create, provisionedModelName="x", modelUnits=1, modelId=identifier)[1] in (400, 404)


def test_an_operation_fault_can_hit_one_judge_under_all_its_names(judged: Bedrock) -> None:
    rule = {"operation": "Converse", "error": "ThrottlingException", "times": 3, "name": NOVA_PRO}
    assert judged.faults([rule])[0] == 200
    assert text(judged.runtime.converse(**question(GPT_OSS)))
    for model_id in (NOVA_PRO, f"us.{NOVA_PRO}", f"{ARN}:foundation-model/{NOVA_PRO}"):
        assert refused(judged.runtime.converse, **question(model_id))[:2] == ("ThrottlingException", 429)
    assert text(judged.runtime.converse(**question(NOVA_PRO)))


def test_a_judge_garbles_and_refuses_on_request(judged: Bedrock) -> None:
    rules = [
        {"judge": "openai.gpt-oss-*", "do": "garble", "times": 1},
        {"judge": "amazon.nova-pro-*", "do": "refuse"},
    ]
    assert judged.faults(rules)[0] == 200
    garbled = judged.runtime.converse(**question(GPT_OSS))
    assert "{" not in text(garbled) and garbled["stopReason"] == "end_turn"
    assert "{" in text(judged.runtime.converse(**question(GPT_OSS)))
    for _ in range(2):
        assert judged.runtime.converse(**question(f"us.{NOVA_PRO}"))["stopReason"] == "content_filtered"
    base = {"modelId": "amazon.nova-2-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "thing 1"}]}]}
    assert judged.runtime.converse(**base)["stopReason"] in ("end_turn", "max_tokens")
