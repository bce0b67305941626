"""How a run's model is served.

On its own, so that the steps, which check no requests, don't pay for pydantic at a cold start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from rft.run.record import Run


@dataclass(frozen=True, slots=True)
class Serving:
    """``kind`` after the stack's default; ``units`` and ``commitment`` are of provisioned throughput."""

    kind: str
    units: int = 1
    commitment: str | None = None

    @classmethod
    def of(cls, run: Run) -> Self:
        asked = run.request.get("deploy")
        options = asked if isinstance(asked, dict) else {}
        return cls(
            kind=run.deploy or "on-demand",
            units=options.get("model_units") or 1,
            commitment=options.get("commitment"),
        )
