"""From an event to one result for each sample, whatever the samples hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rft.grading import score as score_module
from rft.grading import time_limit as time_limit_module
from rft.grading.errors import BadSample, EverySampleFailed, ScoreInvalid, SystemicFault, VerdictUnreadable
from rft.grading.sample import RunContext, Sample, items_of, read_envelope, read_sample
from rft.grading.score import Score
from rft.grading.time_limit import TimeLimit

_MACHINERY = frozenset({score_module.__file__, time_limit_module.__file__})

type Scorer = Callable[[Sample], Score]


class SampleError(NamedTuple):
    """Why a sample has no score. ``kind`` is the exception's class, ``at`` the file and line that raised it: the
    exception's message is left behind, as it may quote the answer. ``in_code``: score() failed, not the data.
    ``flags`` are more names for what happened."""

    kind: str
    at: str
    in_code: bool
    flags: tuple[str, ...] = ()


class Graded(NamedTuple):
    """The outcome for one sample: a score or an error."""

    id: str | int
    position: int
    run: RunContext
    score: Score | None = None
    error: SampleError | None = None

    @property
    def reward(self) -> float:
        """What trains: the score's value, 0 where there is an error instead."""
        return float(self.score.value) if self.score else 0.0

    def to_json(self) -> dict[str, Any]:
        """An item of the list that Bedrock takes back (Bedrock User Guide, "Setting up reward functions")."""
        if self.score is None:
            names = ("error", *(self.error.flags if self.error else ()))
            metrics = [{"name": name, "value": 1.0, "type": "Metric"} for name in names]
        else:
            metrics = [*_metrics(self.score.rewards, "Reward"), *_metrics(self.score.metrics, "Metric")]
        return {"id": self.id, "aggregate_reward_score": self.reward, "metrics_list": metrics}


def grade_batch(score: Scorer, event: object, limit: TimeLimit) -> list[Graded]:
    """Grade each sample of an event, in order; a sample that can't be graded doesn't touch the others.

    Raises EventNotAList, and a SystemicFault that ``score`` raises.
    """

    def limited(sample: Sample) -> Score:
        return limit.call(score, sample)

    with limit:
        return [grade_item(limited, item, position) for position, item in enumerate(items_of(event))]


def refuse_systemic_failure(batch: Sequence[Graded], *, has_worked: bool) -> None:
    """Raise EverySampleFailed if score() failed on each sample that it was given.

    One sample alone can't show whether the fault is the grader's or its own. It counts as the grader's, unless the
    grader ``has_worked`` before: then a single odd answer must not end a training job.
    """
    given = [g for g in batch if g.error is None or g.error.in_code]
    failures = [g.error for g in given if g.error]
    if not failures or len(failures) < len(given) or (len(given) == 1 and has_worked):
        return
    kinds = Counter(f"{error.kind} at {error.at}" for error in failures)
    listed = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(5))
    raise EverySampleFailed(f"score() failed on all {len(given)} samples that it was given: {listed}")


def grade_item(score: Scorer, item: object, position: int) -> Graded:
    """Grade one item of a batch, whatever it is. Raises nothing but a SystemicFault that ``score`` raises."""
    envelope = read_envelope(item, position)
    try:
        result: object = score(read_sample(item, envelope))
        if not isinstance(result, Score):
            raise ScoreInvalid("score() must return a Score")
    except SystemicFault:
        raise
    except Exception as exc:
        return Graded(envelope.id, position, envelope.run, error=error_of(exc))
    return Graded(envelope.id, position, envelope.run, score=result)


def error_of(exc: Exception) -> SampleError:
    """What is kept of an exception that ``score`` raised for one sample."""
    of_the_sample = isinstance(exc, BadSample | VerdictUnreadable)
    flags = exc.flags if isinstance(exc, BadSample | VerdictUnreadable) else ()
    return SampleError(type(exc).__name__, _place(exc), in_code=not of_the_sample, flags=flags)


def _place(exc: Exception) -> str:
    """File and line of the innermost frame that isn't this library's own machinery or generated code."""
    place, trace = "?", exc.__traceback__
    while trace:
        path = trace.tb_frame.f_code.co_filename
        if path not in _MACHINERY and not path.startswith("<"):
            place = f"{path.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _metrics(components: Mapping[str, float], kind: str) -> list[dict[str, Any]]:
    return [{"name": name, "value": float(value), "type": kind} for name, value in components.items()]
