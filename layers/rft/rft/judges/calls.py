"""One question answered: from the cache, or by the model, tried again while it is busy and there is time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

from rft.aws.converse import ConverseBusy, QuestionTooLong, Reply
from rft.grading.errors import JudgeUnavailable, VerdictUnreadable
from rft.grading.judging.question import Question
from rft.judges.cache import ReplyCache

MAX_TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds. The pause before try n + 1 is drawn from 0 to 0.5 * 2^(n - 1), 20 at most (full jitter)."""

CALLS, CACHE_HITS, RETRIES = "JudgeCalls", "JudgeCacheHits", "JudgeRetries"
PARSE_FAILURES, INPUT_TOKENS, OUTPUT_TOKENS = "JudgeParseFailures", "JudgeInputTokens", "JudgeOutputTokens"
METRICS = (CALLS, CACHE_HITS, RETRIES, PARSE_FAILURES, INPUT_TOKENS, OUTPUT_TOKENS)

REFUSAL = "model_grader_refusal_error"
TOO_LONG = "model_grader_question_too_long"
"""Flags of a sample's error. The first is OpenAI's name for it."""


class Asks(Protocol):
    """A model: :class:`rft.aws.converse.Converse`, or a stand-in for it."""

    def ask(self, question: Question) -> Reply: ...


class Deadline:
    """Until when a batch may take, on a clock of one's own."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds
        self._stopped = False

    def left(self) -> float:
        """Seconds, 0 once it is over."""
        return 0.0 if self._stopped else max(0.0, self._end - self._monotonic())

    def stop(self) -> None:
        """It is over now: a thread that still waits for its next try finds nothing left to do."""
        self._stopped = True


class Calls:
    """What a process keeps of its judge: the client, and the cache. For several threads."""

    def __init__(
        self,
        model: Asks,
        *,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
        cache: ReplyCache | None = None,
    ) -> None:
        self._model = model
        self._sleep = sleep
        self._jitter = jitter
        self._cache = cache or ReplyCache()

    def reply(self, question: Question, deadline: Deadline, tally: Counter[str]) -> Reply:
        """Raises JudgeUnavailable after 10 tries, and when the next one would come too late."""
        for attempt in range(1, MAX_TRIES + 1):
            left = deadline.left()
            if not left:
                raise JudgeUnavailable("the time of the invocation is up")
            try:
                reply, known = self._cache.reply(question, partial(self._asked, question, tally), seconds=left)
            except TimeoutError:
                raise JudgeUnavailable("the judge did not reply before the time of the invocation was up") from None
            except ConverseBusy as busy:
                pause = self._jitter() * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
                if attempt == MAX_TRIES or pause >= deadline.left():
                    raise JudgeUnavailable(f"{busy} (tries: {attempt})") from None
                tally[RETRIES] += 1
                self._sleep(pause)
            else:
                tally[CACHE_HITS] += known
                return reply
        raise AssertionError("the last try returns or raises")

    def forget(self, question: Question) -> None:
        """A reply that can't be read is asked for anew when the batch comes again."""
        self._cache.forget(question)

    def _asked(self, question: Question, tally: Counter[str]) -> Reply:
        tally[CALLS] += 1
        reply = self._model.ask(question)
        tally[INPUT_TOKENS] += reply.input_tokens
        tally[OUTPUT_TOKENS] += reply.output_tokens
        return reply


class SampleJudge:
    """The judge of one sample, who counts what it takes. A Judge (rft.grading.judging.question), for one thread."""

    def __init__(self, calls: Calls, deadline: Deadline) -> None:
        self._calls = calls
        self._deadline = deadline
        self._asked: list[Question] = []
        self.tally: Counter[str] = Counter()

    @property
    def was_asked(self) -> bool:
        return bool(self._asked)

    def ask(self, question: Question) -> str:
        """Raises VerdictUnreadable where the model refuses or can't read all of the question, else as Judge says."""
        self.tally[PARSE_FAILURES] += any(_goes_on(question, earlier) for earlier in self._asked)
        self._asked.append(question)
        try:
            reply = self._calls.reply(question, self._deadline, self.tally)
        except QuestionTooLong as too_long:
            raise VerdictUnreadable(str(too_long), flags=(TOO_LONG,)) from None
        if reply.refused:
            raise VerdictUnreadable(f"the judge refused to reply: {reply.stop_reason}", flags=(REFUSAL,))
        return reply.text

    def forget(self) -> None:
        """Keep none of the replies to this sample."""
        for question in self._asked:
            self._calls.forget(question)


def _goes_on(question: Question, earlier: Question) -> bool:
    """Whether it is the earlier one with a further turn: what is asked after a reply that can't be read."""
    return len(question.turns) > len(earlier.turns) and question.turns[: len(earlier.turns)] == earlier.turns
