"""Bedrock's Converse: one question to a model. The only module that calls it.

boto3 is imported when the first client is made, so that a function that may never ask pays nothing for it. Nothing is
tried again here: who asks knows how long it is worth waiting. No error quotes what was asked or answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rft.errors import RftError
from rft.grading.errors import BadSample, JudgeDenied
from rft.grading.judging.question import Question, Turn
from rft.grading.sample import text_of

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

WORKERS = 16
CONNECT_SECONDS, READ_SECONDS = 3, 60

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
_REFUSED = frozenset({"content_filtered", "guardrail_intervened", "refusal"})
_TOO_LONG = re.compile(r"too long|context (?:length|window)|too many (?:input )?tokens", re.IGNORECASE)
_HINTS = (
    ("on-demand throughput", "it is to be asked by an inference profile, not by its own id"),
    ("maximum tokens", "it does not write as many tokens as it may need"),
    ("AccessDenied", "the role or the account has no access to it"),
)

_SYSTEM_ROLES = frozenset({"system", "developer"})
_ANSWERING_ROLES = frozenset({"assistant", "nova_assistant", "bot"})


class ConverseBusy(RftError):
    """The model is throttled, not ready, failing or out of reach: it may answer if it is asked again. ``code`` is AWS's
    own name for it, such as ``ThrottlingException``, or that of what broke off."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class QuestionTooLong(RftError):
    """The question has more tokens than the model reads."""


class Reply(NamedTuple):
    """``text`` is that of the text blocks alone: a model's reasoning and tool calls are no part of its reply.

    ``stop_reason`` is Converse's own; after ``max_tokens`` the text may be cut off anywhere. ``milliseconds`` is the
    time that Bedrock took, without the way there and back.
    """

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    milliseconds: int = 0

    @property
    def refused(self) -> bool:
        """Whether a filter or the model itself would not have it answered."""
        return self.stop_reason in _REFUSED


class Converse:
    """Asks one model; from ``workers`` threads at once without waiting for a connection.

    ``model_id`` is a foundation model's id, or the id or ARN of an inference profile, a deployment or a custom model.
    ``fields`` are what only this model knows, sent along with each question. No reply may take longer than
    ``read_seconds``; long ones take minutes.
    """

    def __init__(
        self,
        model_id: str,
        *,
        client: BedrockRuntimeClient | None = None,
        workers: int = WORKERS,
        read_seconds: float = READ_SECONDS,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self.model_id = model_id
        self._client = client or _made(workers, read_seconds)
        self._fields = dict(fields or {})
        self._takes_temperature = True

    def ask(self, question: Question) -> Reply:
        """The model's reply. Raises ConverseBusy, QuestionTooLong and JudgeDenied, which no further try will help."""
        from botocore import exceptions  # noqa: PLC0415
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        broken_off = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)

        temperature = question.temperature if self._takes_temperature else None
        try:
            answer = self._client.converse(**_request(self.model_id, question, temperature, self._fields))
        except exceptions.ClientError as error:
            code, message = _code_and_message(error)
            if code == "ValidationException" and temperature is not None and "temperature" in message.lower():
                self._takes_temperature = False  # some models take none: they are asked without from now on
                return self.ask(question)
            raise self._refusal(code, message) from None
        except (*broken_off, ResponseParserError) as error:
            name = type(error).__name__
            raise ConverseBusy(f"the model {self.model_id} can't be reached: {name}", code=name) from None
        except exceptions.BotoCoreError as error:
            name = type(error).__name__
            raise JudgeDenied(f"the model {self.model_id} can't be asked from here: {name}", code=name) from None
        return _reply(answer)

    def _refusal(self, code: str, message: str) -> RftError:
        if code == "ValidationException" and _TOO_LONG.search(message):
            return QuestionTooLong(f"the question is too long for the model {self.model_id}")
        if code not in _DENIED:
            return ConverseBusy(f"the model {self.model_id} is busy or failing: {code}", code=code)
        hints = [hint for word, hint in _HINTS if word in f"{code} {message}"]
        return JudgeDenied(f"the model {self.model_id} may not be asked: {': '.join([code, *hints[:1]])}", code=code)


def prompt_question(messages: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[Turn, ...]]:
    """The system text and the turns by which a model is asked a training record's ``messages``.

    System and developer messages leave the turns. What follows one another from one side becomes one turn, with a
    tool's result on the user's side; messages without text are left out. Raises BadSample where the turns that remain
    don't begin and end with the user's, as Converse wants it.
    """
    system: list[str] = []
    turns: list[Turn] = []
    for message in messages:
        text, role = text_of(message.get("content")), message.get("role")
        if not text.strip():
            continue
        if role in _SYSTEM_ROLES:
            system.append(text)
            continue
        side: Turn = Turn("assistant" if role in _ANSWERING_ROLES else "user", text)
        if turns and turns[-1].role == side.role:
            side = Turn(side.role, f"{turns.pop().text}\n\n{text}")
        turns.append(side)
    if not turns or turns[0].role != "user" or turns[-1].role != "user":
        raise BadSample("messages: a prompt must begin and end with a message of the user's")
    return "\n\n".join(system), tuple(turns)


def _made(workers: int, read_seconds: float) -> BedrockRuntimeClient:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=workers,
    )
    return boto3.client("bedrock-runtime", config=config)


def _request(model_id: str, question: Question, temperature: float | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": question.max_tokens, "temperature": temperature}
    given: dict[str, Any] = {
        "system": [{"text": question.system}] if question.system else None,
        "inferenceConfig": {name: value for name, value in inference.items() if value is not None},
        "additionalModelRequestFields": fields,
    }
    return {
        "modelId": model_id,
        "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in question.turns],
        **{name: value for name, value in given.items() if value},
    }


def _reply(answer: Mapping[str, Any]) -> Reply:
    blocks = answer.get("output", {}).get("message", {}).get("content", [])
    usage = answer.get("usage", {})
    return Reply(
        text="".join(block["text"] for block in blocks if "text" in block),
        stop_reason=answer.get("stopReason", ""),
        input_tokens=usage.get("inputTokens", 0),
        output_tokens=usage.get("outputTokens", 0),
        milliseconds=answer.get("metrics", {}).get("latencyMs", 0),
    )


def _code_and_message(error: Exception) -> tuple[str, str]:
    told: Mapping[str, Any] = getattr(error, "response", {}).get("Error", {})
    return str(told.get("Code", type(error).__name__)), str(told.get("Message", ""))
