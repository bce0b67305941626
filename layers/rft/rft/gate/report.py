"""What the gate says: open, open with warnings, or closed, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rft.gate.codes import OVER_BUDGET
from rft.gate.findings import Finding, by_weight
from rft.gate.ladder import Ladder
from rft.gate.settings import AboutGrader
from rft.gate.signal import Signal
from rft.gate.timing import JudgeLoad, Timing

type Verdict = Literal["open", "warnings", "closed"]

_REASONS_IN_A_SENTENCE = 3
_NOT_OF_THE_GRADER = frozenset({OVER_BUDGET, "cost-unknown", "no-records"})


@dataclass(frozen=True, slots=True)
class GateReport:
    """``findings`` are the heaviest first. ``records`` that were sampled from, ``seed`` of their tricks. ``timing`` is
    None where the grader answered no call, ``judge`` where it asks none, ``cost`` before an estimate is joined to it.
    """

    grader: AboutGrader
    findings: tuple[Finding, ...]
    ladder: Ladder
    signal: Signal
    timing: Timing | None
    judge: JudgeLoad | None
    records: int
    seed: int
    cost: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> Verdict:
        if any(finding.severity != "warning" for finding in self.findings):
            return "closed"
        return "warnings" if self.findings else "open"

    @property
    def broken_contract(self) -> bool:
        """Bedrock can't train with this grader."""
        return any(finding.severity == "contract" for finding in self.findings)

    @property
    def sentence(self) -> str:
        """A line or two for a message: the reasons, and what to do about the first of them."""
        if self.verdict == "open":
            return f"The gate is open: the grader {self.grader.name} holds."
        weights = {"warning"} if self.verdict == "warnings" else {"contract", "closed"}
        findings = [finding for finding in self.findings if finding.severity in weights]
        more = len(findings) - _REASONS_IN_A_SENTENCE
        told = " ".join(finding.message for finding in findings[:_REASONS_IN_A_SENTENCE])
        told += f" And {more} more." if more > 0 else ""
        state = "open with warnings" if self.verdict == "warnings" else "closed"
        of_whom = "" if findings[0].code in _NOT_OF_THE_GRADER else f" for the grader {self.grader.name}"
        return f"The gate is {state}{of_whom}: {told} {findings[0].advice}"

    def to_json(self) -> dict[str, Any]:
        """The content of ``gate.json``."""
        return {
            "verdict": self.verdict,
            "grader": self.grader._asdict(),
            "findings": [finding.to_json() for finding in self.findings],
            "ladder": {kind: rung.to_json() for kind, rung in self.ladder.items()},
            "signal": self.signal.to_json(),
            "time": self.timing.to_json() if self.timing else None,
            "judge": self.judge.to_json() if self.judge else None,
            "cost": dict(self.cost) if self.cost is not None else None,
            "sample": {"records": self.records, "seed": self.seed},
        }


def may_go_on(report: GateReport, gate: Literal["close", "warn"]) -> bool:
    """Whether a run goes on. ``warn`` is the user's word that a closed gate shall only warn: it is good for neither a
    broken contract nor the budget, which is the user's own word too."""
    if report.broken_contract or any(finding.code == OVER_BUDGET for finding in report.findings):
        return False
    return report.verdict != "closed" or gate == "warn"


def with_cost(
    report: GateReport, estimate: Mapping[str, Any], *, over: Sequence[str] = (), unknown: Sequence[str] = ()
) -> GateReport:
    """The report with an estimate of the run's cost. ``over``: why it exceeds the budget, ``unknown``: what keeps the
    budget from being checked in full; sentences, or nothing."""
    findings = [*report.findings]
    findings += [Finding(OVER_BUDGET, " ".join(over))] if over else []
    findings += [Finding("cost-unknown", " ".join(unknown))] if unknown else []
    return replace(report, findings=by_weight(findings), cost=estimate)
