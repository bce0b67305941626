"""A batch graded by several threads, whole or not at all."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import NamedTuple

from rft.grading.batch import Graded, grade_item
from rft.grading.errors import JudgeUnavailable, SystemicFault, VerdictUnreadable
from rft.grading.judging.rubric import PARSE_ERROR, JudgeScorer
from rft.grading.sample import Sample, items_of
from rft.grading.score import Score
from rft.judges.calls import PARSE_FAILURES, Calls, Deadline, SampleJudge


class Judged(NamedTuple):
    """The outcome for one sample, what it took, and whether the judge was asked about it at all."""

    graded: Graded
    tally: Counter[str]
    was_asked: bool

    @property
    def has_verdict(self) -> bool:
        return self.graded.error is None or self.graded.error.kind != VerdictUnreadable.__name__


def grade_in_parallel(
    score: JudgeScorer, event: object, calls: Calls, deadline: Deadline, *, workers: int
) -> list[Judged]:
    """Each sample of the event, in order. A sample that can't be graded doesn't touch the others.

    Raises EventNotAList, the first SystemicFault of a sample, and JudgeUnavailable if the batch isn't done by the
    deadline. Nothing is waited for then: calls that are under way end by themselves, those to come don't begin.
    """
    items = items_of(event)
    faults: list[SystemicFault] = []

    def judged(item: object, position: int) -> Judged:
        try:
            return _judged(score, item, position, SampleJudge(calls, deadline))
        except SystemicFault as fault:
            faults.append(fault)
            deadline.stop()  # so that no other sample asks in vain until this thread is heard
            raise

    pool = ThreadPoolExecutor(workers, thread_name_prefix="judge")
    try:
        seconds = deadline.left()
        futures = [pool.submit(judged, item, position) for position, item in enumerate(items)]
        _, under_way = wait(futures, timeout=seconds, return_when=FIRST_EXCEPTION)
        if faults:
            raise faults[0]
        if under_way:
            raise JudgeUnavailable(
                f"{len(under_way)} of {len(items)} samples had no verdict when the time of the invocation was up"
            )
        return [future.result() for future in futures]
    finally:
        deadline.stop()
        pool.shutdown(wait=False, cancel_futures=True)


def _judged(score: JudgeScorer, item: object, position: int, judge: SampleJudge) -> Judged:
    def asked(sample: Sample) -> Score:
        return score(sample, judge)

    graded = grade_item(asked, item, position)
    judged = Judged(graded, judge.tally, judge.was_asked)
    if not judged.has_verdict:
        judge.forget()
        judge.tally[PARSE_FAILURES] += graded.error is not None and PARSE_ERROR in graded.error.flags
    return judged
