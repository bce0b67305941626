"""What a run is known to have used: the time of its job and the tokens of its comparison. Nothing is estimated here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft.cost.prices import Price, Prices
from rft.report import words
from rft.report.material import Json, Material, mapping, part

_ENDED = frozenset({"Completed", "Failed", "Stopped"})


def spent(material: Material) -> Json:
    """``{"items": {name: {"quantity", "unit", "usd"}}, "usd"}``, by the names of an estimate's items; ``usd`` is None
    where no price is known. The sum has what has a price, None where nothing has."""
    prices = material.prices or Prices.of_file()
    base_model = material.run.base_model or ""
    items: Json = {}
    seconds = job_seconds(material)
    if seconds is not None:
        items["training"] = _item(seconds / 3_600, prices.of("training", base_model))
    roles = mapping(material.comparison, "roles")
    for name, kind, wanted in (("base model", "base", ("base",)), ("tuned model", "custom", ("live", "candidate"))):
        for way, verb in (("input", "read"), ("output", "written")):
            tokens = _tokens(roles, wanted, way)
            if tokens is None:
                continue
            price = prices.of(f"{kind}-{way}", base_model)
            # Provisioned throughput is paid by the hour, whatever it answers.
            by_the_hour = kind == "custom" and material.run.deploy == "provisioned"
            items[f"{name}, {verb}"] = _item(tokens, price) | ({"usd": None} if by_the_hour else {})
    known = [item["usd"] for item in items.values() if item["usd"] is not None]
    return {"items": items, "usd": sum(known) if known else None}


def job_seconds(material: Material) -> float | None:
    """From the job's submission to the event that says it has ended; None of a job that hasn't, or none at all."""
    for event in material.events:
        if part(event, "type") == "job" and part(event, "detail", "job_status") in _ENDED:
            return words.seconds_between(material.run.job_submitted_at, part(event, "at"))
    return None


def _tokens(roles: Mapping[str, Any], wanted: tuple[str, ...], way: str) -> float | None:
    counts = [words.number(part(roles, role, "tokens", way)) for role in wanted]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _item(quantity: float, price: Price) -> Json:
    usd = None if price.usd is None else quantity * price.usd / price.per
    return {"quantity": quantity, "unit": price.unit, "usd": usd}
