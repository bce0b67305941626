"""What the base model answers before any training, for the gate: is there anything to learn from?"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong, prompt_question
from rft.gate.ports import AskBase, BaseUnavailable
from rft.grading.errors import BadSample, JudgeDenied
from rft.grading.judging.question import Question

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

WORKERS = 8
TEMPERATURE = 0.6
"""AWS's advice for looking at a base model's answers to a prompt (best practices for reinforcement fine-tuning)."""
DEFAULT_TOKENS, MOST_TOKENS = 1024, 2048  # of an answer: a look, not a training
_TRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 12.0  # seconds


def inference_id(base_model: str, *, default_base: str, profile: str | None) -> str:
    """What Converse is called with for a run's base model: the stack's profile for the stack's default, else its id.

    A profile of another model (``us.amazon.nova-2-lite-v1:0`` where the default is another) is left alone: what it
    answers says nothing about the model that is to be trained.
    """
    model, default = (name.rpartition("foundation-model/")[2] for name in (base_model, default_base))
    if profile is None or model != default:
        return base_model
    behind = profile.partition(".")[2]
    return profile if f"{model}:".startswith(f"{behind}:") else base_model


def base_asker(
    model_id: str, *, max_tokens: int | None, seconds: float, client: BedrockRuntimeClient | None = None
) -> AskBase:
    """``max_tokens`` as the job has it; after ``seconds`` nothing is asked any more. Safe to be called from several
    threads.

    A prompt that Converse doesn't take (too long, or no turn of the user's at its end) has no answers.
    """
    converse = Converse(model_id, client=client, workers=WORKERS)
    most = min(max_tokens or DEFAULT_TOKENS, MOST_TOKENS)
    until: list[float] = []  # counted from the first question on: the grader is tried before

    def ask(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
        if not until:
            until.append(time.monotonic() + seconds)
        try:
            system, turns = prompt_question(messages)
            question = Question(system, turns, max_tokens=most, temperature=TEMPERATURE)
            return [_patiently(converse, question, until[0]) for _ in range(count)]
        except (BadSample, QuestionTooLong):
            return []

    return ask


def _patiently(converse: Converse, question: Question, until: float) -> str:
    for attempt in range(1, _TRIES + 1):
        if time.monotonic() > until:
            raise BaseUnavailable(f"the model {converse.model_id} takes too long to answer")
        try:
            return converse.ask(question).text
        except JudgeDenied as denied:
            raise BaseUnavailable(str(denied)) from None
        except ConverseBusy as busy:
            if attempt == _TRIES:
                raise BaseUnavailable(f"{busy}, {_TRIES} times in a row") from None
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311
    raise AssertionError("the last try returns or raises")
