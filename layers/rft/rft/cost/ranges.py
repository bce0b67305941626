"""A number that is known only within bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` to ``high``, neither below zero; both alike where the number is known."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high < math.inf:
            raise ValueError(f"not a range of numbers from zero: {self.low} to {self.high}")

    @classmethod
    def exactly(cls, number: float) -> Self:
        return cls(number, number)

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, other: Range) -> Range:
        return Range(self.low * other.low, self.high * other.high)

    def times(self, factor: float) -> Range:
        return Range(self.low * factor, self.high * factor)

    def to_json(self) -> dict[str, float]:
        return {"low": rounded(self.low), "high": rounded(self.high)}


def rounded(number: float) -> float:
    """As exact as an estimate may look: whole from 100, then two decimals, below 1 two digits that count."""
    if number >= 100:
        return round(number)
    if number >= 1 or number == 0:
        return round(number, 2)
    return float(f"{number:.2g}")
