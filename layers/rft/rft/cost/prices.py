"""The prices: one dated file beside this module, over which a user may lay their own.

A price has a role (``judge-input``), for what it holds (a model, a processor architecture), and its source at AWS. A
price that could not be confirmed there is None, which is not zero: what needs it has no dollars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from rft.errors import RequestProblem, RftError

MAX_USD = 1_000_000
"""The highest price that is believed, in dollars for one unit."""

_FILE = Path(__file__).with_name("prices.json")
_KEYS = {"name", "for", "usd", "per", "unit", "source", "as_of", "note"}
_HEAD = {"as_of", "region", "currency", "prices"}
_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")
_PROFILE = re.compile(r"^(us|us-gov|eu|apac|jp|au|ca|global)\.")
YOURS = "set by you"


class PricesInvalid(RftError):
    """Prices that can't be used. ``problems`` names everything wrong with them."""

    def __init__(self, problems: Sequence[RequestProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in self.problems))


@dataclass(frozen=True, slots=True)
class Price:
    """``usd`` for ``per`` of ``unit`` (0.15 for 1,000,000 tokens), or None where nobody knows; ``note`` then says why.
    ``holds_for`` is a model's id or an architecture, None where it makes no difference."""

    name: str
    holds_for: str | None
    usd: float | None
    per: int
    unit: str
    source: str
    as_of: str
    note: str | None

    @property
    def words(self) -> str:
        """As in ``$0.15 per 1M tokens``."""
        amount = "an unknown price" if self.usd is None else f"${self.usd:.10f}".rstrip("0").rstrip(".")
        per = {1_000_000: "1M ", 1_000: "1,000 ", 1: ""}.get(self.per, f"{self.per:,} ")
        return f"{amount} per {per}{self.unit}"


@dataclass(frozen=True, slots=True)
class Prices:
    """``own`` has the prices, by name, that the user has set."""

    as_of: str
    region: str
    currency: str
    entries: tuple[Price, ...]
    own: Mapping[str, float]

    @classmethod
    def of_file(cls) -> Self:
        """The prices that this version came with."""
        return cls.load(json.loads(_FILE.read_bytes()))

    @classmethod
    def load(cls, document: object) -> Self:
        """Raises ``PricesInvalid`` with every problem."""
        problems = _head_problems(document)
        if problems or not isinstance(document, dict):
            raise PricesInvalid(problems)
        seen: set[tuple[Any, Any]] = set()
        for place, entry in enumerate(document["prices"]):
            problems += [RequestProblem(f"prices.{place}{path}", text) for path, text in _entry_problems(entry, seen)]
        if problems:
            raise PricesInvalid(problems)
        entries = tuple(
            Price(**{"holds_for" if key == "for" else key: value for key, value in entry.items()})
            for entry in document["prices"]
        )
        return cls(document["as_of"], document["region"], document["currency"], entries, {})

    @property
    def names(self) -> tuple[str, ...]:
        """What a user may set."""
        return tuple(sorted({price.name for price in self.entries}))

    def with_overrides(self, document: object) -> Self:
        """With the user's own prices, ``{"training": 60.5}``: of the same unit, and for whatever model a run has.

        Raises ``PricesInvalid`` with every problem.
        """
        if not isinstance(document, dict):
            raise PricesInvalid([RequestProblem("$", 'must be a JSON object, as in {"training": 60.5}')])
        problems = []
        for name, usd in document.items():
            if name not in self.names:
                problems.append(RequestProblem(_shown(name), f"no such price; there are: {', '.join(self.names)}"))
            elif not _is_price(usd):
                problems.append(RequestProblem(name, f"must be a number from 0 to {MAX_USD:,}, in {self.currency}"))
        if problems:
            raise PricesInvalid(problems)
        return replace(self, own={**self.own, **{name: float(usd) for name, usd in document.items()}})

    def of(self, name: str, holds_for: str | None = None) -> Price:
        """The price of a role: the user's, else the file's for that model, else one that is unknown."""
        wanted = None if holds_for is None else plain_model(holds_for)
        same = [price for price in self.entries if price.name == name]
        price = next((p for p in same if p.holds_for is None or p.holds_for == wanted), None)
        if price is None:
            missing = f"the price file has none for {_shown(holds_for or 'what the run needs')}"
            price = replace(same[0], holds_for=wanted, usd=None, note=missing)
        if name in self.own:
            return replace(price, usd=self.own[name], source=YOURS, note=None)
        return price


def plain_model(model: str) -> str:
    """A model's id as prices have it: without ARN, geography and context length."""
    name = _PROFILE.sub("", model.rpartition("/")[2])
    return ":".join(name.split(":")[:2])


def parse_overrides(text: str) -> dict[str, Any]:
    """The JSON object of a user's own prices; an empty text has none. Raises ``PricesInvalid``."""
    if not text.strip():
        return {}
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as bad:
        raise PricesInvalid([RequestProblem("$", f"is not JSON: {bad}")]) from None
    if not isinstance(document, dict):
        raise PricesInvalid([RequestProblem("$", 'must be a JSON object, as in {"training": 60.5}')])
    return document


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice")
    return content


def _is_price(usd: object) -> bool:
    return isinstance(usd, int | float) and not isinstance(usd, bool) and 0 <= usd <= MAX_USD


def _shown(text: object) -> str:
    shown = json.dumps(str(text))
    return shown[1:-1] if len(shown) <= 80 else f"{shown[1:77]}..."


def _head_problems(document: object) -> list[RequestProblem]:
    if not isinstance(document, dict) or set(document) != _HEAD or not isinstance(document["prices"], list):
        return [RequestProblem("$", f"must be an object with {', '.join(sorted(_HEAD))}, the last a list")]
    problems = [
        RequestProblem(key, "must be a text") for key in ("region", "currency") if not isinstance(document[key], str)
    ]
    if not _is_date(document["as_of"]):
        problems.append(RequestProblem("as_of", "must be a date, as in 2026-01-31"))
    return problems


def _entry_problems(entry: object, seen: set[tuple[Any, Any]]) -> list[tuple[str, str]]:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        return [("", f"must be an object with {', '.join(sorted(_KEYS))}")]
    problems = [(f".{key}", "must be a text") for key in ("name", "unit", "source") if not _is_text(entry[key])]
    problems += [
        (f".{key}", "must be a text or null") for key in ("for", "note") if not _is_text(entry[key], or_none=True)
    ]
    if not _is_date(entry["as_of"]):
        problems.append((".as_of", "must be a date, as in 2026-01-31"))
    if type(entry["per"]) is not int or entry["per"] < 1:
        problems.append((".per", "must be a whole number from 1"))
    if entry["usd"] is None and not entry["note"]:
        problems.append((".note", "must say why there is no price"))
    if entry["usd"] is not None and not _is_price(entry["usd"]):
        problems.append((".usd", f"must be null or a number from 0 to {MAX_USD:,}"))
    key = (str(entry["name"]), str(entry["for"]))
    if key in seen:
        problems.append(("", f"{key[0]} for {key[1]} stands twice"))
    seen.add(key)
    return problems


def _is_text(value: object, *, or_none: bool = False) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (or_none and value is None)


def _is_date(value: object) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None
