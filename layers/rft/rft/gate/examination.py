"""The gate: testing a grader before money is spent.

In this order, so that little is spent on a grader that fails early: the first call (right and empty answers, those to a
prompt side by side), the same again, answers apart, bad samples and an empty list; the other rungs of the ladder; and
last the base model, which costs tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rft.gate.calls import Calls, batches
from rft.gate.choosing import fitting
from rft.gate.conduct import bad_among_good, beside_others, empty_batch, same_again
from rft.gate.findings import Finding, by_weight
from rft.gate.ladder import ladder_findings, ladder_of
from rft.gate.probes import Probe, answer_fields, base_probes, written_probes
from rft.gate.reading import Grade
from rft.gate.report import GateReport
from rft.gate.settings import MAX_RECORD_BYTES, AboutGrader, Settings
from rft.gate.signal import Signal, base_answers, signal_findings, signal_of
from rft.gate.timing import judge_load, size_findings, time_findings, timing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rft.gate.ports import AskBase, Invoke, Mapped

_USELESS = ("constant-reward", "no-scores")  # what the base model's answers would earn is known then


def examine(
    records: Sequence[Mapping[str, Any]],
    *,
    invoke: Invoke,
    ask_base: AskBase | None,
    about: AboutGrader,
    settings: Settings | None = None,
    mapped: Mapped = map,
) -> GateReport:
    """Test a grader on training records (valid ones, chosen before: see choosing.choose), and on the base model's
    answers to them unless ``ask_base`` is None.

    ``invoke`` is called one at a time, some ten times in all; ``ask_base`` once for each record, in threads if
    ``mapped`` works in some. Whatever the grader does or answers ends up in the report; nothing is raised for it.
    """
    settings = settings or Settings()
    examination = _Examination(records, invoke, about, settings)
    examination.conduct()
    examination.ladder()
    signal = examination.base(ask_base, mapped)
    return examination.report(signal)


class _Examination:
    def __init__(
        self, records: Sequence[Mapping[str, Any]], invoke: Invoke, about: AboutGrader, settings: Settings
    ) -> None:
        self._records = fitting(records[: settings.records], MAX_RECORD_BYTES)
        self._about, self._settings = about, settings
        self._calls = Calls(invoke, settings.batch)
        self._probes = written_probes(self._records, settings.seed, about.name)
        self._results: list[tuple[Probe, Grade | None]] = []
        self._findings = [] if self._records else [Finding("no-records", "There is no record of under 2 MB.")]

    def conduct(self) -> None:
        """The first call, and what else shows whether the contract is kept."""
        if not self._records:
            return
        graded = self._begun()
        opening, first = self._opening(), [probe for probe, _ in graded]
        if not self._broken():
            again = self._calls.grade(first, "the same batch once more", typical=False)
            self._findings += same_again(graded, again, self._about)
        if not self._findings and not self._broken():
            self._findings += beside_others(graded, self._calls, self._about)
        if not self._broken():
            self._findings += bad_among_good(graded, self._calls, self._about)
            self._findings += empty_batch(self._calls)
        self._grade(opening[len(first) :], "right and empty answers")

    def ladder(self) -> None:
        """All answers that can be written without a model."""
        if self._is_chance():
            return
        done = {(probe.kind, probe.record) for probe, _ in self._results}
        rest = [p for kind in ("gold", "other", "truncated", "echo") for p in self._probes[kind]]
        self._grade([p for p in rest if (p.kind, p.record) not in done], "wrong answers and echoes of the prompt")
        self._grade(self._probes["flood"], "answers of 20,000 characters", typical=False)

    def base(self, ask_base: AskBase | None, mapped: Mapped) -> Signal | None:
        """What there is to learn. None where it isn't worth the base model's tokens: the grader must be mended."""
        useless = any(finding.code in _USELESS for finding in ladder_findings(ladder_of(self._results)))
        if self._broken() or useless or not self._records:
            return None
        if ask_base is None:
            return Signal(unknown="the base model was not asked")
        answers, reason = base_answers(self._records, ask_base, self._settings.base_answers, mapped)
        if reason is not None and sum(map(bool, answers)) < len(answers) / 2:
            return Signal(unknown=reason)
        self._grade([*base_probes(self._records, answers)], "answers of the base model")
        return signal_of(self._results)

    def report(self, signal: Signal | None) -> GateReport:
        ladder = ladder_of(self._results)
        findings = [*self._findings, *self._calls.findings()]
        if not self._is_chance():
            findings += ladder_findings(ladder)
        if signal and not any(finding.code in _USELESS for finding in findings):
            findings += signal_findings(signal)
        timing = timing_of(self._calls.times, self._about, self._settings)
        judge = judge_load(timing, self._about) if timing else None
        if timing:
            findings += [*time_findings(timing, judge), *size_findings(self._calls.times, self._settings)]
        return GateReport(
            grader=self._about,
            findings=by_weight(findings),
            ladder=ladder,
            signal=signal or Signal(unknown="the grader has to be mended first"),
            timing=timing,
            judge=judge,
            records=len(self._records),
            seed=self._settings.seed,
        )

    def _begun(self) -> list[tuple[Probe, Grade | None]]:
        """The first call. A reference answer that is an object is written as JSON; where that earns nothing, each of
        its fields is tried in its place: nobody but the grader knows what of it an answer should say."""
        graded = self._first_call()
        if not any(grade is None or grade.error or grade.reward > 0 for _, grade in graded):
            as_json = self._probes
            for field in answer_fields(self._records, self._about.name):
                self._probes = written_probes(self._records, self._settings.seed, self._about.name, field)
                by_field = self._first_call(typical=False)
                if any(grade and grade.reward > 0 for _, grade in by_field):
                    graded = by_field
                    break
                self._probes = as_json
        self._results += graded
        return graded

    def _first_call(self, *, typical: bool = True) -> list[tuple[Probe, Grade | None]]:
        first = next(batches(self._opening(), self._settings.batch), [])
        return list(zip(first, self._calls.grade(first, "right and empty answers", typical=typical), strict=True))

    def _opening(self) -> list[Probe]:
        """Two answers to each prompt, one after the other: the right one, or an echo where there is none, and none."""
        gold = {probe.record: probe for probe in self._probes["gold"]}
        pairs = zip(self._probes["echo"], self._probes["empty"], strict=True)
        return [probe for echo, empty in pairs for probe in (gold.get(echo.record, echo), empty)]

    def _grade(self, probes: Sequence[Probe], what: str, *, typical: bool = True) -> list[tuple[Probe, Grade | None]]:
        graded = list(zip(probes, self._calls.grade(probes, what, typical=typical), strict=True))
        self._results += graded
        return graded

    def _is_chance(self) -> bool:
        """Rewards that hang on something else than the answer say nothing about it."""
        return any(finding.code in ("not-deterministic", "depends-on-batch") for finding in self._findings)

    def _broken(self) -> bool:
        return any(f.severity == "contract" for f in (*self._findings, *self._calls.findings()))
