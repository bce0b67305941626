"""The graders that come with the stack: what each is for, and what it needs of a record."""

from __future__ import annotations

from typing import Literal, NamedTuple


class ReadyGrader(NamedTuple):
    """A grader of this repository.

    ``kind``: ``rule`` computes, ``judge`` asks a model, ``declared`` does what the JSON of a request says.
    ``reference``: whether a record must have a ``reference_answer``. ``fields``: other fields that it must have.
    ``judge_calls``: questions to a model for one answer.
    """

    name: str
    kind: Literal["rule", "judge", "declared"]
    reference: Literal["required", "optional"]
    summary: str
    fields: tuple[str, ...] = ()
    judge_calls: int = 0

    @property
    def folder(self) -> str:
        """Its folder in functions/graders/."""
        return "openai_grader" if self.name == OPENAI else self.name.replace("-", "_")


OPENAI = "openai"
"""The grader that runs OpenAI's grader JSON. It is asked for as ``{"openai": {...}}``, never by its name."""

_ALL = (
    ReadyGrader("format-validation", "rule", "required", "answers in a fixed form: JSON, constraints, an exact text"),
    ReadyGrader("generic", "rule", "required", "the one to copy: the same text as the reference answer, or like it"),
    ReadyGrader(
        "instruction-following", "judge", "optional", "a judge reads whether each instruction is kept", judge_calls=1
    ),
    ReadyGrader("math-reasoning", "rule", "required", "worked solutions that end in the right number"),
    ReadyGrader(OPENAI, "declared", "optional", "OpenAI's grader JSON, as written in the request"),
    ReadyGrader(
        "rag-faithfulness", "judge", "optional", "a judge reads whether each claim is in the context", ("context",), 1
    ),
    ReadyGrader(
        "reasoning", "judge", "optional", "a judge reads whether the steps lead to the conclusion", judge_calls=1
    ),
    ReadyGrader("summarization", "judge", "optional", "a judge reads what a summary covers and invents", judge_calls=1),
)
READY: dict[str, ReadyGrader] = {grader.name: grader for grader in _ALL}
