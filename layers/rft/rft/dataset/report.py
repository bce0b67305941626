"""The answer to a dataset: may it be used, and what is to be mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rft.dataset.problems import Problem


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """``records`` counts every line that isn't blank; it is 0 for a file of another kind, which has no such lines.

    ``errors`` and ``warnings`` are capped; ``error_counts`` and ``warning_counts`` (by rule) never are.
    """

    valid: bool
    records: int
    errors: Sequence[Problem]
    error_counts: Mapping[str, int]
    warnings: Sequence[Problem]
    warning_counts: Mapping[str, int]
    stats: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "records": self.records,
            "errors": [problem.to_json() for problem in self.errors],
            "error_counts": dict(self.error_counts),
            "warnings": [problem.to_json() for problem in self.warnings],
            "warning_counts": dict(self.warning_counts),
            "stats": dict(self.stats),
        }
