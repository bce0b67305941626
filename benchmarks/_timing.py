"""CPU time of a call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

ROUNDS = 9


def seconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds of one call: the median of rounds of at least 20 ms each."""
    times = 1
    while (spent := _cpu(call, times)) < 0.02:
        times = max(times * 2, int(times * 0.025 / max(spent, 1e-6)))
    return statistics.median(_cpu(call, times) for _ in range(rounds)) / times


def _cpu(call: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        call()
    return time.process_time() - start
