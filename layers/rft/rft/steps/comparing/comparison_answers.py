"""The models of a comparison, asked: in parallel, patiently, and nothing twice."""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

from aws_lambda_powertools import Logger

from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong, Reply, prompt_question
from rft.comparison.rows import Role
from rft.errors import ComparisonFailed, ComparisonPending
from rft.grading.errors import BadSample, JudgeDenied
from rft.grading.judging.question import Question
from rft.steps.comparing.comparison_batch import SAVE_SECONDS, Answer, Batch, Prompt

TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 20.0
"""Seconds. The pause before try n + 1 is drawn from 0 to 2^(n - 1), 20 at most (full jitter): together some minute, in
which a quota by the minute is new."""
STALLED_ROUNDS, THROTTLED_ROUNDS = 6, 30
"""A question that is throttled in all of its tries stays open, and the state machine comes back for it. It is given up
after so many rounds in a row in which no question was answered (with the waits between them some 6 minutes), or so
many in all: half of those that the state machine has for a comparison."""
RESERVE_SECONDS = 45.0
"""Of the function's time, for all that comes after the last answer."""
_TRIES_OF = {"ReadTimeoutError": 2, "ResourceNotFoundException": 4}
"""A slow answer costs minutes; what was deployed a moment ago may not be known everywhere."""
_OF_ONE_PROMPT = frozenset({"ValidationException"})  # what a model says of a prompt; all else it says of itself
NAMES: dict[Role, str] = {"base": "the base model", "live": "the live version", "candidate": "the candidate"}

type Outcome = Answer | str | None
"""The answer; the name of the error of a model that was busy to the last try; None where there was no time."""
type SecondsLeft = Callable[[], float]
"""Until the function's time is up."""


def no_hurry() -> float:
    return math.inf


logger = Logger()


def ask_models(batch: Batch, *, workers: int, seconds_left: SecondsLeft) -> None:
    """Every prompt of the batch to every model, by ``workers`` threads for each; all of them asked alike.

    Raises ``ComparisonPending`` where the time doesn't suffice for all, or a model is busy for longer than the tries
    last, and ``ComparisonFailed`` where one can't be asked at all, or has left too many answers out. What was answered
    is kept in any case.
    """
    asking = _Asking(batch, workers, seconds_left)
    try:
        asking.ask_all()
    finally:
        batch.save(at_once=True)
    missing = {role: Counter(names) for role in batch.plan.models if (names := batch.missing(role))}
    logger.info("models asked", prompts=len(batch.prompts), missing=missing)
    if left := len(batch.unanswered):
        raise ComparisonPending(f"{left:,} questions are still to be asked")


class _Asking:
    def __init__(self, batch: Batch, workers: int, seconds_left: SecondsLeft) -> None:
        self._batch, self._workers, self._seconds_left = batch, workers, seconds_left
        self._over = threading.Event()
        self._refusals: dict[Role, str] = {}
        settings = batch.plan.settings
        self._needed = settings.seconds + RESERVE_SECONDS
        self._models = {
            role: Converse(asked.model_id, workers=workers, read_seconds=settings.seconds, fields=settings.fields)
            for role, asked in batch.plan.models.items()
        }

    def ask_all(self) -> None:
        futures: dict[Future[Outcome], tuple[Prompt, Role]] = {}
        try:
            with ExitStack() as stack:
                pools = {role: stack.enter_context(ThreadPoolExecutor(self._workers)) for role in self._models}
                stack.callback(self._over.set)  # before the pools are waited for
                for prompt, role in self._batch.unanswered:
                    question = self._question(prompt)
                    if question is not None:
                        futures[pools[role].submit(self._answer, role, question)] = prompt, role
                self._take_all(futures)
        finally:
            for future, asked in futures.items():  # those under way when another one raised
                if future.exception() is None:
                    self._take(*asked, future.result())
        self._settle([(*asked, future.result()) for future, asked in futures.items()])

    def _take_all(self, futures: Mapping[Future[Outcome], tuple[Prompt, Role]]) -> None:
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=SAVE_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(*futures[future], future.result())
            self._batch.save()
            self._must_be_comparable()

    def _question(self, prompt: Prompt) -> Question | None:
        settings = self._batch.plan.settings
        try:
            system, turns = prompt_question(prompt.record["messages"])
        except BadSample as bad:
            self._leave_out(prompt, bad)
            return None
        return Question(system, turns, settings.max_tokens, settings.temperature)

    def _settle(self, outcomes: Sequence[tuple[Prompt, Role, Outcome]]) -> None:
        """Give up the questions that were throttled, if that has been going on for too long; else they stay open."""
        busy = [(prompt, role, outcome) for prompt, role, outcome in outcomes if isinstance(outcome, str)]
        if not busy:
            return
        answered = any(isinstance(outcome, dict) and "text" in outcome for *_, outcome in outcomes)
        rounds, stalled = self._batch.throttled(answered=answered)
        logger.warning("models are busy", questions=len(busy), rounds=rounds, stalled=stalled)
        if stalled >= STALLED_ROUNDS or rounds >= THROTTLED_ROUNDS:
            for prompt, role, code in busy:
                self._take(prompt, role, {"missing": code})
            self._must_be_comparable()

    def _answer(self, role: Role, question: Question) -> Outcome:
        """In a thread of its own."""
        model = self._models[role]
        for attempt in range(1, TRIES + 1):
            if self._over.is_set() or self._seconds_left() < self._needed:
                return None
            try:
                return _told(model.ask(question))
            except JudgeDenied as denied:
                if denied.code in _OF_ONE_PROMPT:
                    self._refusals.setdefault(role, str(denied))
                    return {"missing": denied.code}
                if attempt >= _TRIES_OF.get(denied.code, 1):
                    self._over.set()
                    raise ComparisonFailed(f"{NAMES[role]} can't be compared: {denied}") from None
            except QuestionTooLong as too_long:
                return {"missing": type(too_long).__name__}
            except ConverseBusy as busy:
                if attempt >= _TRIES_OF.get(busy.code, TRIES):
                    self._refusals.setdefault(role, str(busy))
                    return {"missing": busy.code} if busy.code in _TRIES_OF else busy.code
            self._over.wait(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    def _take(self, prompt: Prompt, role: Role, answer: Outcome) -> None:
        if isinstance(answer, dict) and role not in prompt.answers:
            self._batch.put(prompt, role, answer)
            if answer.get("missing") == QuestionTooLong.__name__:
                self._leave_out(prompt, QuestionTooLong())

    def _leave_out(self, prompt: Prompt, fault: Exception) -> None:
        """A prompt that one model can't be asked is none to compare by."""
        for role in self._models:
            self._batch.put(prompt, role, {"missing": type(fault).__name__})

    def _must_be_comparable(self) -> None:
        """Raise once so many answers are missing that nothing can follow from the others."""
        plan = self._batch.plan
        for role in (plan.against, "candidate"):
            if missing := self._batch.missing(role):
                _must_be_few(role, missing, len(plan.positions), self._refusals.get(role))


def _told(reply: Reply) -> Answer:
    return reply._asdict()


def _must_be_few(role: Role, missing: list[str], prompts: int, said: str | None) -> None:
    from rft.comparison.verdict import MOST_MISSING  # noqa: PLC0415 - with the arithmetic of a verdict

    if len(missing) > MOST_MISSING * prompts:
        counts = ", ".join(f"{name} {count:,}" for name, count in Counter(missing).most_common(3))
        why = f". The first time: {said}" if said else ""
        raise ComparisonFailed(
            f"{NAMES[role]} left out at least {len(missing):,} of {prompts:,} answers ({counts}), and at most "
            f"{100 * MOST_MISSING:g} % may be missing{why}"
        )
