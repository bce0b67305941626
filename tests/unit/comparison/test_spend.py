from __future__ import annotations

import pytest

from rft.comparison.spend import by_tokens
from rft.cost.prices import Prices

NOVA = "amazon.nova-2-lite-v1:0:256k"
PRICES = Prices.of_file().with_overrides({"base-input": 1, "base-output": 10, "custom-input": 2, "custom-output": 20})


def test_each_model_by_its_own_price() -> None:
    cost_of = by_tokens(PRICES, NOVA)
    assert cost_of("base", 1_000_000, 100_000) == pytest.approx(1 + 1)
    assert cost_of("candidate", 1_000_000, 100_000) == pytest.approx(2 + 2)
    assert cost_of("live", 0, 0) == 0


def test_what_is_paid_by_the_hour_has_no_price_of_its_own() -> None:
    cost_of = by_tokens(PRICES, NOVA, by_the_hour=["live"])
    assert cost_of("live", 1_000, 1_000) is None
    assert cost_of("candidate", 1_000, 1_000) is not None


def test_an_unknown_price_is_not_zero() -> None:
    assert by_tokens(Prices.of_file(), "somebody.elses-model-v1:0")("base", 1_000, 0) is None
