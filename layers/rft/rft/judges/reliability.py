"""When a judge gives too few verdicts to train on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rft.grading.errors import JudgeUnreliable

MAX_SHARE = 0.1
RECENT, ENOUGH = 100, 20


class Reliability:
    """The share of samples whose question got no verdict, over the batches of one process.

    Such a sample goes back with 0 and an error. A few are bearable; more would teach the model what the judge can't
    read. So a batch is refused, and Bedrock tries it again or ends the job, where

    - more than 0.1 of its samples are without a verdict, and at least 2 are: one alone may be the sample's own fault;
    - or one at least is, and of the last 100 samples, this batch included, more than 0.1 are. Batches may be as small
      as one sample, which say little each. Under 20 samples that rule holds only if none has got a verdict yet.

    A refused batch isn't remembered: it may come again.
    """

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=RECENT)

    def accept(self, verdicts: Sequence[bool]) -> None:
        """``verdicts`` of a batch: of each sample that was put to the judge, whether it got one.

        Raises JudgeUnreliable.
        """
        recent = [*self._recent, *verdicts][-max(RECENT, len(verdicts)) :]
        counts = len(recent) >= ENOUGH or not any(recent)
        for samples in (verdicts, recent if counts and not all(verdicts) else []):
            missing = samples.count(False)
            if missing >= 2 and missing > MAX_SHARE * len(samples):
                raise JudgeUnreliable(f"{missing} of {len(samples)} samples got no verdict from the judge")
        self._recent.extend(verdicts)
