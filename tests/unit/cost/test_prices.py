"""The price file as it ships, what is refused in one, and the prices that a user lays over it."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

import pytest

from rft.cost import Prices, PricesInvalid, parse_overrides
from rft.cost.prices import plain_model

BASE = "amazon.nova-2-lite-v1:0:256k"
SHIPPED: dict[str, Any] = json.loads(files("rft.cost").joinpath("prices.json").read_bytes())


def test_the_shipped_file_is_in_order_and_in_us_east_1() -> None:
    prices = Prices.of_file()
    assert (prices.region, prices.currency, prices.as_of) == ("us-east-1", "USD", SHIPPED["as_of"])
    assert len(prices.entries) == len(SHIPPED["prices"])


def test_every_price_has_a_source_at_aws_and_every_gap_a_reason() -> None:
    for price in Prices.of_file().entries:
        assert "AWS" in price.source or "Amazon" in price.source
        assert price.usd is not None or "no figure that we could confirm" in (price.note or "")


@pytest.mark.parametrize("name", ["training", "model-storage", "provisioned-unit"])
def test_what_aws_does_not_publish_is_unknown_and_not_zero(name: str) -> None:
    assert Prices.of_file().of(name, BASE).usd is None


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        (BASE, "amazon.nova-2-lite-v1:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0:256k", "amazon.nova-2-lite-v1:0"),
        ("us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1:0"),
    ],
)
def test_a_model_has_one_price_under_all_its_names(model: str, plain: str) -> None:
    assert plain_model(model) == plain


def test_a_price_holds_for_its_own_model_only() -> None:
    prices = Prices.of_file()
    oss, pro = (prices.of("judge-input", m).usd for m in ("openai.gpt-oss-120b-1:0", "us.amazon.nova-pro-v1:0"))
    assert oss is not None and pro is not None and oss < pro
    other = prices.of("judge-input", "anthropic.claude-x-v1:0")
    assert other.usd is None and "anthropic.claude-x-v1:0" in (other.note or "")
    assert prices.of("lambda-compute", "x86_64").usd != prices.of("lambda-compute", "arm64").usd


def test_words_give_the_amount_as_it_is_published() -> None:
    prices = Prices.of_file()
    assert prices.of("judge-output", "openai.gpt-oss-120b-1:0").words == "$0.6 per 1M tokens"
    assert prices.of("lambda-compute", "arm64").words == "$0.0000133334 per GB-second"
    assert prices.of("state-transition").words == "$0.025 per 1,000 transitions"
    assert prices.of("training", BASE).words == "an unknown price per hour"


def test_an_own_price_is_marked_and_holds_for_any_model() -> None:
    prices = Prices.of_file().with_overrides({"training": 75, "judge-input": 0.5})
    assert (prices.of("training", BASE).usd, prices.of("training", BASE).source) == (75.0, "set by you")
    assert prices.of("judge-input", "some.other-model").usd == 0.5
    assert prices.of("judge-output", "openai.gpt-oss-120b-1:0").source != "set by you"


def test_an_own_price_may_be_nothing() -> None:
    assert Prices.of_file().with_overrides({"model-storage": 0}).of("model-storage", BASE).usd == 0


def test_all_that_is_wrong_with_own_prices_is_told_at_once() -> None:
    wrong = {"training": "75", "judge-input": -1, "base-input": True, "base-output": float("nan"), "hourly": 1}
    wrong |= {"model-storage": 10**9, "custom-input": None, "lambda-request": 10**400}
    with pytest.raises(PricesInvalid) as invalid:
        Prices.of_file().with_overrides(wrong)
    assert [problem.path for problem in invalid.value.problems] == list(wrong)
    assert "there are: base-input" in next(p.message for p in invalid.value.problems if p.path == "hourly")


def test_a_long_hostile_name_is_not_repeated_whole() -> None:
    with pytest.raises(PricesInvalid) as invalid:
        Prices.of_file().with_overrides({"\x1b[31m" + "x" * 5_000: 1})
    assert len(str(invalid.value)) < 500
    assert "\x1b" not in str(invalid.value)


@pytest.mark.parametrize("document", [[], "training", 5, None])
def test_own_prices_are_an_object(document: object) -> None:
    with pytest.raises(PricesInvalid):
        Prices.of_file().with_overrides(document)


def test_the_text_of_own_prices() -> None:
    assert parse_overrides("") == parse_overrides(" \n") == {}
    assert parse_overrides('{"training": 60.5}') == {"training": 60.5}
    for bad in ("{", "[]", "null", '{"training": 1, "training": 2}', "[" * 100_000):
        with pytest.raises(PricesInvalid):
            parse_overrides(bad)


def _entry(**changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(SHIPPED)
    document["prices"][3] |= changes
    return document


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "$"),
        ({"as_of": "2026-01-01", "prices": []}, "$"),
        (SHIPPED | {"more": 1}, "$"),
        (SHIPPED | {"as_of": "yesterday"}, "as_of"),
        (SHIPPED | {"currency": 5}, "currency"),
        (SHIPPED | {"prices": [5]}, "prices.0"),
        (_entry(usd="0.33"), "prices.3.usd"),
        (_entry(usd=-1), "prices.3.usd"),
        (_entry(usd=None, note=None), "prices.3.note"),
        (_entry(per=0), "prices.3.per"),
        (_entry(per=1.5), "prices.3.per"),
        (_entry(unit=""), "prices.3.unit"),
        (_entry(source=None), "prices.3.source"),
        (_entry(as_of="2026"), "prices.3.as_of"),
        (_entry(**{"for": 5}), "prices.3.for"),
        (_entry(extra=1), "prices.3"),
        (_entry(name="custom-output"), "prices.4"),
    ],
)
def test_a_price_file_that_is_not_in_order_is_refused(document: object, path: str) -> None:
    with pytest.raises(PricesInvalid) as invalid:
        Prices.load(document)
    assert [problem.path for problem in invalid.value.problems] == [path]
