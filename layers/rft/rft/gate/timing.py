"""How long grading will take in training, and what a judge model will be asked meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rft.gate.findings import Finding
from rft.gate.settings import JOB_BATCH, LAMBDA_BYTES, LAMBDA_SECONDS, AboutGrader, Settings

if TYPE_CHECKING:
    from rft.gate.calls import CallTime

_BYTES_A_TOKEN = 4
_NEAR = 0.5


class Timing(NamedTuple):
    """``seconds_per_sample`` of calls after the first one, which is ``first_call_seconds`` long and may hold a cold
    start. ``batch_seconds``: of a job's batch of 128, ``step_seconds``: of a training step, None where its size isn't
    known. Both take one call at a time: how many Bedrock makes in parallel isn't documented."""

    calls: int
    samples: int
    seconds: float
    first_call_seconds: float
    seconds_per_sample: float
    timeout_seconds: float | None
    samples_per_step: int | None

    @property
    def batch_seconds(self) -> float:
        return self.seconds_per_sample * JOB_BATCH

    @property
    def step_seconds(self) -> float | None:
        return None if self.samples_per_step is None else self.seconds_per_sample * self.samples_per_step

    def to_json(self) -> dict[str, Any]:
        step = self.step_seconds
        return {
            "calls": self.calls,
            "samples": self.samples,
            "seconds": round(self.seconds, 3),
            "first_call_seconds": round(self.first_call_seconds, 3),
            "seconds_per_sample": round(self.seconds_per_sample, 6),
            "batch_samples": JOB_BATCH,
            "batch_seconds": round(self.batch_seconds, 3),
            "timeout_seconds": self.timeout_seconds,
            "samples_per_step": self.samples_per_step,
            "step_seconds": None if step is None else round(step, 3),
            "assumes": "one call at a time",
        }


class JudgeLoad(NamedTuple):
    """``requests_per_minute``: what the grader asks of the judge at the speed it was seen at, one call at a time.
    ``requests_per_step``: for the answers of a training step. ``quota_per_minute``: what may be asked, if known."""

    calls_per_sample: int
    requests_per_minute: float
    requests_per_step: int | None
    quota_per_minute: int | None

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "requests_per_minute": round(self.requests_per_minute)}


def timing_of(times: Sequence[CallTime], about: AboutGrader, settings: Settings) -> Timing | None:
    """None where no call was answered. Calls of unusual or repeated answers are left out where others are there."""
    if not times:
        return None
    usual = [time for time in times[1:] if time.typical] or [time for time in times if time.samples]
    return Timing(
        calls=len(times),
        samples=sum(time.samples for time in times),
        seconds=sum(time.seconds for time in times),
        first_call_seconds=times[0].seconds,
        seconds_per_sample=sum(time.seconds for time in usual) / max(1, sum(time.samples for time in usual)),
        timeout_seconds=about.timeout_seconds,
        samples_per_step=settings.samples_per_step,
    )


def judge_load(timing: Timing, about: AboutGrader) -> JudgeLoad | None:
    if not about.judge_calls:
        return None
    step = timing.samples_per_step
    return JudgeLoad(
        calls_per_sample=about.judge_calls,
        requests_per_minute=about.judge_calls * 60 / max(timing.seconds_per_sample, 1e-6),
        requests_per_step=None if step is None else about.judge_calls * step,
        quota_per_minute=about.judge_requests_per_minute,
    )


def time_findings(timing: Timing, judge: JudgeLoad | None) -> Iterator[Finding]:
    allowed = min(LAMBDA_SECONDS, timing.timeout_seconds or LAMBDA_SECONDS)
    said = f"A batch of {JOB_BATCH} samples would take {timing.batch_seconds:.3g} s; the grader may take {allowed:g} s."
    if timing.batch_seconds > allowed:
        yield Finding("too-slow", said)
    elif timing.batch_seconds > _NEAR * allowed:
        yield Finding("near-timeout", said)
    if judge and judge.quota_per_minute is not None and judge.requests_per_minute > judge.quota_per_minute:
        asked = f"The grader would ask the judge {judge.requests_per_minute:.0f} times a minute"
        yield Finding("judge-quota", f"{asked}; its quota is {judge.quota_per_minute}.")


def size_findings(times: Sequence[CallTime], settings: Settings) -> Iterator[Finding]:
    """Whether a job's batch fits into a call of Lambda, there and back."""
    calls = [time for time in times if time.typical and time.samples]
    if not calls:
        return
    back = max(time.answered / time.samples for time in calls) * JOB_BATCH
    answer = (settings.max_answer_tokens or 0) * _BYTES_A_TOKEN
    there = (max(time.sent / time.samples for time in calls) + answer) * JOB_BATCH
    for code, size in (("results-too-large", back), ("batch-too-large", there)):
        if size > LAMBDA_BYTES:
            said = f"For a batch of {JOB_BATCH} samples, about {size / 1e6:.1f} MB; the limit is 6 MB."
            yield Finding(code, said)
