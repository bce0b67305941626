"""What is asked of a judge model."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol


class Turn(NamedTuple):
    """A message of the conversation with the judge."""

    role: Literal["user", "assistant"]
    text: str


class Question(NamedTuple):
    """One call of a judge model. Equal questions get equal answers, so one answer may serve them all.

    ``turns`` alternate, the first and the last are the user's. ``temperature`` None leaves it to the model, for models
    that take none; so does ``max_tokens`` None.
    """

    system: str
    turns: tuple[Turn, ...]
    max_tokens: int | None = 1024
    temperature: float | None = 0.0


class Judge(Protocol):
    """Whoever answers questions."""

    def ask(self, question: Question) -> str:
        """The text of the model's reply, "" where it wrote none.

        Raises JudgeDenied and JudgeUnavailable, which fail the whole invocation: an outage is never a score. Raises
        VerdictUnreadable where the model refuses this question, or can't read all of it.
        """
        ...
