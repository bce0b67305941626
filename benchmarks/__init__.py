"""What is measured, and the promise that it is held to: ``python -m benchmarks [module ...]``.

Each module here has a function ``measure() -> Iterator[Measurement]``. What depends on the machine's speed is a ratio
where it can be, taken in one run, in CPU time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table. ``promise`` is the highest value allowed, or with ``at_least`` the lowest; None where the
    value is only for information."""

    what: str
    value: float
    unit: str
    promise: float | None = None
    at_least: bool = False

    @property
    def kept(self) -> bool:
        if self.promise is None:
            return True
        return self.value >= self.promise if self.at_least else self.value <= self.promise
