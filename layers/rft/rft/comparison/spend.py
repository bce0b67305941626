"""What the answers of a comparison cost, by their tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from rft.comparison.rows import Role

if TYPE_CHECKING:
    from rft.cost.prices import Prices

type CostOf = Callable[[Role, int, int], float | None]
"""Dollars for a model's input and output tokens; None where nobody knows."""


def by_tokens(prices: Prices, base_model: str, *, by_the_hour: Collection[Role] = ()) -> CostOf:
    """With these prices. What has provisioned throughput is paid ``by_the_hour``, whatever it answers, so its answers
    have no price of their own."""

    def cost_of(role: Role, input_tokens: int, output_tokens: int) -> float | None:
        if role in by_the_hour:
            return None
        kind = "base" if role == "base" else "custom"
        read, written = (prices.of(f"{kind}-{way}", base_model) for way in ("input", "output"))
        if read.usd is None or written.usd is None:
            return None
        return input_tokens * read.usd / read.per + output_tokens * written.usd / written.per

    return cost_of
