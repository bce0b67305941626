"""Whether an estimate stays within a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rft.cost.estimate import Estimate

DEFAULT_MAX_ROLLOUTS = 100_000
"""What a budget in dollars holds on instead where a price isn't known and the request names no number itself."""


@dataclass(frozen=True, slots=True)
class BudgetCheck:
    """``over`` exactly when there are ``reasons``; ``warnings`` say what the verdict doesn't cover."""

    over: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"over": self.over, "reasons": list(self.reasons), "warnings": list(self.warnings)}


def check_budget(estimate: Estimate, *, max_usd: float | None, max_rollouts: int | None) -> BudgetCheck:
    """The high end counts: the run and the first month of its model, as far as prices are known. Where one isn't, the
    number of rollouts is bounded too. Without a budget nothing is over it."""
    reasons, warnings = [], []
    dollars, rollouts = estimate.known.high, estimate.rollouts.high
    if max_usd is not None and dollars > max_usd:
        reasons.append(
            f"up to ${dollars:,.2f} for the run and the first month of its model is more than the budget of "
            f"${max_usd:,.2f}"
        )
    bound = max_rollouts
    if max_usd is not None and estimate.unknown:
        bound = DEFAULT_MAX_ROLLOUTS if max_rollouts is None else max_rollouts
        origin = "budget.max_rollouts" if max_rollouts is not None else "the default; budget.max_rollouts sets another"
        prices = "the price" if len(estimate.unknown) == 1 else "the prices"
        known = "isn't" if len(estimate.unknown) == 1 else "aren't"
        warnings.append(
            f"{prices} of {' and '.join(estimate.unknown)} {known} known, so the dollars cover only the rest; the "
            f"budget holds on rollouts instead: at most {bound:,} ({origin})"
        )
    if bound is not None and rollouts > bound:
        reasons.append(f"up to {rollouts:,.0f} rollouts is more than the {bound:,} that are allowed")
    return BudgetCheck(bool(reasons), tuple(reasons), tuple(warnings))
