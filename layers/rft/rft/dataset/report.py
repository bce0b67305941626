"""The answer to a dataset: may it be used, and what is to be mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rft.dataset.problems import Problem


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """``records`` counts every line that isn't blank. ``errors`` is capped, ``error_counts`` (by rule) never is."""

    valid: bool
    records: int
    errors: Sequence[Problem]
    error_counts: Mapping[str, int]
    warnings: Sequence[Problem]
    stats: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "records": self.records,
            "errors": [problem.to_json() for problem in self.errors],
            "error_counts": dict(self.error_counts),
            "warnings": [problem.to_json() for problem in self.warnings],
            "stats": dict(self.stats),
        }
