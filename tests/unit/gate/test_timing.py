from __future__ import annotations

import pytest

from rft.gate.calls import CallTime
from rft.gate.settings import AboutGrader, Settings
from rft.gate.timing import judge_load, size_findings, time_findings, timing_of

ABOUT = AboutGrader("slow", "rule", timeout_seconds=30)
JUDGE = AboutGrader("judge", "judge", judge_calls=2, timeout_seconds=300, judge_requests_per_minute=100)


def call(samples: int, seconds: float, *, typical: bool = True, sent: int = 0, answered: int = 0) -> CallTime:
    return CallTime(samples, seconds, sent, answered, typical)


def test_the_first_call_and_odd_ones_do_not_count() -> None:
    times = [call(32, 5.0), call(32, 0.4), call(5, 3.0, typical=False), call(64, 0.56), call(0, 0.1, typical=False)]
    timing = timing_of(times, ABOUT, Settings(samples_per_step=1000))
    assert timing
    assert timing.seconds_per_sample == pytest.approx(0.01)
    assert (timing.calls, timing.samples, timing.first_call_seconds) == (5, 133, 5.0)
    assert timing.seconds == pytest.approx(9.06)
    assert timing.batch_seconds == pytest.approx(1.28)
    assert timing.step_seconds == pytest.approx(10.0)
    assert timing.to_json()["step_seconds"] == 10.0


def test_one_call_is_better_than_none() -> None:
    timing = timing_of([call(10, 1.0)], ABOUT, Settings())
    assert timing
    assert timing.seconds_per_sample == pytest.approx(0.1)
    assert timing.step_seconds is None
    assert timing.to_json()["step_seconds"] is None
    assert timing_of([], ABOUT, Settings()) is None


@pytest.mark.parametrize(
    ("per_sample", "timeout", "codes"),
    [
        (0.1, 30.0, []),
        (0.12, 30.0, ["near-timeout"]),
        (0.24, 30.0, ["too-slow"]),
        (0.24, None, []),
        (4.0, None, ["near-timeout"]),
        (7.1, None, ["too-slow"]),
        (7.1, 10_000.0, ["too-slow"]),
    ],
)
def test_a_jobs_batch_against_the_timeout(per_sample: float, timeout: float | None, codes: list[str]) -> None:
    timing = timing_of([call(10, 0), call(10, 10 * per_sample)], ABOUT._replace(timeout_seconds=timeout), Settings())
    assert timing
    assert [finding.code for finding in time_findings(timing, None)] == codes


def test_a_judges_quota() -> None:
    times = [call(10, 9.0), call(10, 5.0)]  # half a second a sample: 120 samples and 240 questions a minute
    timing = timing_of(times, JUDGE, Settings(samples_per_step=384))
    assert timing
    load = judge_load(timing, JUDGE)
    assert load
    assert load.to_json() == {
        "calls_per_sample": 2,
        "requests_per_minute": 240,
        "requests_per_step": 768,
        "quota_per_minute": 100,
    }
    assert [finding.code for finding in time_findings(timing, load)] == ["judge-quota"]
    for quota in (240, None):
        load = judge_load(timing, JUDGE._replace(judge_requests_per_minute=quota))
        assert list(time_findings(timing, load)) == []
    assert judge_load(timing, ABOUT) is None


@pytest.mark.parametrize(
    ("sent", "answered", "tokens", "codes"),
    [
        (46_000, 46_000, None, []),
        (47_000, 46_000, None, ["batch-too-large"]),
        (40_000, 47_000, None, ["results-too-large"]),
        (40_000, 0, 1_000, []),
        (40_000, 0, 2_000, ["batch-too-large"]),
    ],
)
def test_a_jobs_batch_against_lambdas_limit(sent: int, answered: int, tokens: int | None, codes: list[str]) -> None:
    times = [call(2, 1, sent=2 * sent, answered=2 * answered), call(1, 1, sent=10**7, answered=10**7, typical=False)]
    assert [finding.code for finding in size_findings(times, Settings(max_answer_tokens=tokens))] == codes
