"""Converse: what is sent, what of the answer counts, and what each error means."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from rft.aws import converse
from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong, Reply, prompt_question
from rft.grading.errors import BadSample, JudgeDenied
from rft.grading.judging.question import Question, Turn

CANARY = "canary-in-the-text"
QUESTION = Question(f"Judge. {CANARY}", (Turn("user", CANARY), Turn("assistant", "?"), Turn("user", "Now.")), 99, 0.0)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return boto3.client("bedrock-runtime", region_name="us-east-1")


def answer(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop,
        "usage": {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12},
        "metrics": {"latencyMs": 1},
    }


def request(**inference: Any) -> dict[str, Any]:
    return {
        "modelId": "judge.model",
        "messages": [
            {"role": "user", "content": [{"text": CANARY}]},
            {"role": "assistant", "content": [{"text": "?"}]},
            {"role": "user", "content": [{"text": "Now."}]},
        ],
        "system": [{"text": QUESTION.system}],
        "inferenceConfig": {"maxTokens": 99, **inference},
    }


def test_a_question_as_converse_takes_it(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("converse", answer({"text": "Fine."}), request(temperature=0.0))
        assert Converse("judge.model", client=client).ask(QUESTION) == Reply("Fine.", "end_turn", 7, 5, 1)
        stub.assert_no_pending_responses()


def test_no_system_text_and_no_temperature_are_not_sent(client: Any) -> None:
    sent = request()
    del sent["system"]
    with Stubber(client) as stub:
        stub.add_response("converse", answer({"text": "Fine."}), sent)
        Converse("judge.model", client=client).ask(QUESTION._replace(system="", temperature=None))


def test_what_only_this_model_knows_goes_along_and_what_is_left_to_it_does_not(client: Any) -> None:
    fields = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}
    sent = request() | {"additionalModelRequestFields": fields}
    del sent["inferenceConfig"]
    with Stubber(client) as stub:
        stub.add_response("converse", answer({"text": "Fine."}), sent)
        Converse("judge.model", client=client, fields=fields).ask(QUESTION._replace(max_tokens=None, temperature=None))


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([], ""),
        ([{"text": "a"}, {"text": "b"}], "ab"),
        ([{"reasoningContent": {"reasoningText": {"text": '{"verdicts": 1}'}}}, {"text": "b"}], "b"),
        ([{"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}], ""),
    ],
)
def test_only_text_counts(client: Any, blocks: list[dict[str, Any]], text: str) -> None:
    with Stubber(client) as stub:
        stub.add_response("converse", answer(*blocks))
        assert Converse("judge.model", client=client).ask(QUESTION).text == text


@pytest.mark.parametrize(
    ("stop", "refused"),
    [
        ("end_turn", False),
        ("max_tokens", False),
        ("stop_sequence", False),
        ("content_filtered", True),
        ("guardrail_intervened", True),
    ],
)
def test_a_refusal_is_told_apart(client: Any, stop: str, refused: bool) -> None:
    with Stubber(client) as stub:
        stub.add_response("converse", answer({"text": "No."}, stop=stop))
        assert Converse("judge.model", client=client).ask(QUESTION).refused is refused


DENIED = [
    ("AccessDeniedException", 403, "the role or the account has no access"),
    ("ResourceNotFoundException", 404, "ResourceNotFoundException"),
    ("ValidationException", 400, "ValidationException"),
    ("UnrecognizedClientException", 403, "UnrecognizedClientException"),
    ("ExpiredTokenException", 403, "ExpiredTokenException"),
]
BUSY = [
    ("ThrottlingException", 429),
    ("TooManyRequestsException", 429),
    ("ServiceQuotaExceededException", 400),
    ("InternalServerException", 500),
    ("ServiceUnavailableException", 503),
    ("ModelNotReadyException", 429),
    ("ModelTimeoutException", 408),
    ("ModelErrorException", 424),
    ("SomethingNewException", 500),
    ("502", 502),
]


@pytest.mark.parametrize(("code", "status", "told"), DENIED)
def test_what_no_further_try_will_help(client: Any, code: str, status: int, told: str) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("converse", code, f"You said {CANARY}", status)
        with pytest.raises(JudgeDenied, match=told) as caught:
            Converse("judge.model", client=client).ask(QUESTION)
    check_discreet(caught.value, code)
    assert caught.value.code == code


@pytest.mark.parametrize(("code", "status"), BUSY)
def test_what_passes(client: Any, code: str, status: int) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("converse", code, f"You said {CANARY}", status)
        with pytest.raises(ConverseBusy) as caught:
            Converse("judge.model", client=client).ask(QUESTION)
    check_discreet(caught.value, code)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "prompt is too long: 9 tokens",
        "exceeds the context window",
        "Too many input tokens",
    ],
)
def test_a_question_that_is_too_long_is_the_samples_fault(client: Any, message: str) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("converse", "ValidationException", message, 400)
        with pytest.raises(QuestionTooLong):
            Converse("judge.model", client=client).ask(QUESTION)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Invocation of model ID x with on-demand throughput isn't supported.", "inference profile"),
        ("The maximum tokens you requested exceeds the model limit of 50.", "as many tokens"),
    ],
)
def test_a_hint_where_the_cure_is_known(client: Any, message: str, hint: str) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("converse", "ValidationException", message, 400)
        with pytest.raises(JudgeDenied, match=hint):
            Converse("judge.model", client=client).ask(QUESTION)


def test_a_model_that_takes_no_temperature_is_asked_without(client: Any) -> None:
    asked = Converse("judge.model", client=client)
    with Stubber(client) as stub:
        stub.add_client_error("converse", "ValidationException", "`temperature` is not supported by this model.", 400)
        stub.add_response("converse", answer({"text": "one"}), request())
        stub.add_response("converse", answer({"text": "two"}), request())
        assert [asked.ask(QUESTION).text, asked.ask(QUESTION).text] == ["one", "two"]
        stub.add_client_error("converse", "ValidationException", "temperature again", 400)
        with pytest.raises(JudgeDenied):
            asked.ask(QUESTION)


class Raising:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def converse(self, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url=CANARY),
        ConnectTimeoutError(endpoint_url=CANARY),
        EndpointConnectionError(endpoint_url=CANARY),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseParserError(CANARY),
    ],
)
def test_a_connection_that_fails_may_be_tried_again(error: Exception) -> None:
    with pytest.raises(ConverseBusy) as caught:
        Converse("judge.model", client=Raising(error)).ask(QUESTION)  # type: ignore[arg-type]
    check_discreet(caught.value, type(error).__name__)
    assert caught.value.code == type(error).__name__


@pytest.mark.parametrize("error", [NoCredentialsError(), ParamValidationError(report=CANARY)])
def test_what_is_wrong_on_our_side(error: Exception) -> None:
    with pytest.raises(JudgeDenied) as caught:
        Converse("judge.model", client=Raising(error)).ask(QUESTION)  # type: ignore[arg-type]
    check_discreet(caught.value, type(error).__name__)


def check_discreet(error: BaseException, code: str) -> None:
    assert code in str(error)
    assert "judge.model" in str(error)
    assert CANARY not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_the_client_is_as_wide_as_its_workers_and_tries_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made: Any = Converse("judge.model", workers=23)._client
    patient: Any = Converse("judge.model", read_seconds=600)._client
    assert patient.meta.config.read_timeout == 600
    config = made.meta.config
    assert config.max_pool_connections == 23
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (converse.CONNECT_SECONDS, converse.READ_SECONDS)
    assert made.meta.service_model.service_name == "bedrock-runtime"


def test_importing_it_loads_no_sdk() -> None:
    program = "import rft.aws.converse, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert {"boto3", "botocore.client", "botocore.session"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("messages", "system", "turns"),
    [
        ([("user", "Hi.")], "", [("user", "Hi.")]),
        ([("system", "Be brief."), ("user", "Hi.")], "Be brief.", [("user", "Hi.")]),
        ([("system", "a"), ("developer", "b"), ("user", "Hi.")], "a\n\nb", [("user", "Hi.")]),
        (
            [("user", "Hi."), ("assistant", "Ho."), ("user", "So?")],
            "",
            [("user", "Hi."), ("assistant", "Ho."), ("user", "So?")],
        ),
        ([("user", "Hi."), ("user", "You?")], "", [("user", "Hi.\n\nYou?")]),
        (
            [("user", "Hi."), ("bot", "a"), ("assistant", "b"), ("user", "So?")],
            "",
            [("user", "Hi."), ("assistant", "a\n\nb"), ("user", "So?")],
        ),
        ([("user", "Hi."), ("assistant", None), ("tool", "42")], "", [("user", "Hi.\n\n42")]),
        ([("user", [{"type": "text", "text": "H"}, {"text": "i."}])], "", [("user", "Hi.")]),
        ([("user", "Hi."), ("assistant", " "), ("user", "So?")], "", [("user", "Hi.\n\nSo?")]),
    ],
)
def test_a_records_prompt(messages: list[tuple[str, Any]], system: str, turns: list[tuple[str, str]]) -> None:
    given = [{"role": role, "content": content} for role, content in messages]
    assert prompt_question(given) == (system, tuple(Turn(*turn) for turn in turns))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "messages",
    [[], [("system", "a")], [("assistant", "a"), ("user", "b")], [("user", "a"), ("assistant", "b")], [("user", "")]],
)
def test_what_is_no_prompt(messages: list[tuple[str, str]]) -> None:
    with pytest.raises(BadSample, match="messages"):
        prompt_question([{"role": role, "content": content} for role, content in messages])
