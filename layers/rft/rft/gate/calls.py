"""Every call of the grader that the gate makes, and what went wrong in them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rft.gate.choosing import to_bytes
from rft.gate.findings import Finding
from rft.gate.ports import InvocationFailed
from rft.gate.reading import Grade, Reading, counted, read_answer
from rft.gate.settings import MAX_CALL_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rft.gate.ports import FailureKind, Invoke
    from rft.gate.probes import Probe

_JUDGE_FAULTS = ("JudgeDenied", "JudgeUnavailable", "JudgeUnreliable")
_GOES_ON_AFTER = ("raised", "too-large")  # the other failures would come again, and each may take minutes
_FAILURES: dict[FailureKind, tuple[str, str]] = {
    "raised": ("grader-raised", "it raised {}"),
    "timed-out": ("grader-timed-out", "it ran to its time limit"),
    "out-of-memory": ("grader-out-of-memory", "it ran out of memory"),
    "exited": ("grader-exited", "its process ended"),
    "refused": ("grader-refused", "it can't be called"),
    "too-large": ("answer-too-large", "its answer is too large"),
}
_NOT_IN_A_DETAIL = re.compile(r"[^\w .:/-]")


class CallTime(NamedTuple):
    """``typical``: of answers as training brings them, so that it may stand for the calls of a job. Those that were
    graded before aren't: a judge's verdict on them is kept, and costs no time."""

    samples: int
    seconds: float
    sent: int
    answered: int
    typical: bool


class Sampled(Protocol):
    """What is graded as a sample, in the form that Bedrock sends one."""

    @property
    def sample(self) -> Mapping[str, Any]: ...


class Calls:
    """Grades probes, batch by batch. Once a call has shown that the next would be in vain, none is made any more."""

    def __init__(self, invoke: Invoke, batch: int) -> None:
        self._invoke, self._batch = invoke, batch
        self._results = 0
        self._first: dict[str, str] = {}  # by code, what was said when a whole call went wrong
        self._faults: dict[str, Counter[str]] = {}  # by code, what was said of single results
        self.times: list[CallTime] = []
        self.stopped = False

    def grade(self, probes: Sequence[Probe], what: str, *, typical: bool = True) -> list[Grade | None]:
        """A grade for each, in their order; None where it got none. ``what`` these are, for a person."""
        grades: list[Grade | None] = []
        for batch in batches(probes, self._batch):
            grades += self._graded(batch, what, typical)
        return grades

    def ask(self, samples: Sequence[Any], *, typical: bool = False) -> bytes:
        """The answer to one call, whatever it is. Raises InvocationFailed."""
        payload = to_bytes(samples)
        answer = self._invoke(payload)
        self.times.append(CallTime(len(samples), answer.seconds, len(payload), len(answer.payload), typical))
        return answer.payload

    def findings(self) -> list[Finding]:
        """What broke the contract, each kind of breach once."""
        whole = [Finding(code, _sentence(said)) for code, said in self._first.items()]
        of_results = [
            Finding(code, f"{sum(said.values())} of {counted(self._results, 'result')} {' or '.join(said)}.")
            for code, said in self._faults.items()
        ]
        return whole + of_results

    def failed(self, failure: InvocationFailed, what: str) -> None:
        """Keep what a call ended with."""
        if failure.kind not in _GOES_ON_AFTER or not self.times:
            self.stopped = True
        detail = _NOT_IN_A_DETAIL.sub("", failure.detail)[:100]
        code, said = _FAILURES[failure.kind]
        if failure.kind == "raised" and detail in _JUDGE_FAULTS:
            code = "judge-unavailable"
        if failure.kind == "raised":
            said = said.format(detail or "an error")
        elif detail:
            said = f"{said} ({detail})"
        self._first.setdefault(code, f"{said}, given {what}")

    def _graded(self, batch: Sequence[Probe], what: str, typical: bool) -> list[Grade | None]:
        ungraded: list[Grade | None] = [None] * len(batch)
        if self.stopped:
            return ungraded
        try:
            payload = self.ask([probe.sample for probe in batch], typical=typical)
        except InvocationFailed as failure:
            self.failed(failure, f"{counted(len(batch), 'sample')} ({what})")
            return ungraded
        reading = read_answer(payload, [probe.id for probe in batch])
        self._keep(reading, what)
        return reading.grades or ungraded

    def _keep(self, reading: Reading, what: str) -> None:
        self._results += len(reading.grades)
        for breach in reading.breaches:
            if reading.grades:
                self._faults.setdefault(breach.code, Counter())[breach.detail] += 1
            else:
                self._first.setdefault(breach.code, f"{breach.detail} ({what})")
                self.stopped = self.stopped or not self._results


def batches[P: Sampled](probes: Iterable[P], most: int) -> Iterator[list[P]]:
    """Consecutive probes, as many a call as the number and 5 MB allow."""
    batch: list[P] = []
    size = 0
    for probe in probes:
        weight = len(to_bytes(probe.sample)) + 2
        if batch and (len(batch) == most or size + weight > MAX_CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(probe)
        size += weight
    if batch:
        yield batch


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
