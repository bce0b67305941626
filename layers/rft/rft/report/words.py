"""Numbers, times and amounts as a reader takes them in: as exact as they are known, and never more."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

UNKNOWN = "unknown"
_CENT = 0.01
_PERCENT = "\u00a0%"
_MINUS = "\u2212"  # as wide as a plus


def number(value: object) -> float | None:
    """``value`` if it is a finite number, else None: what a document holds instead of one is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def score(value: object) -> str:
    """A reward: ``0.84``."""
    found = number(value)
    return UNKNOWN if found is None else _two(found)


def gain(value: object) -> str:
    """A difference of rewards, with its sign: ``+0.64``."""
    found = number(value)
    if found is None:
        return UNKNOWN
    told = _two(found)
    return told if told.startswith(_MINUS) or float(told) == 0 else f"+{told}"


def interval(found: Any) -> str:
    """``+0.57 to +0.71``, of a document with ``low`` and ``high``."""
    bounds = _bounds(found)
    return UNKNOWN if bounds is None else f"{gain(bounds[0])} to {gain(bounds[1])}"


def count(value: object) -> str:
    """``12,345``."""
    found = number(value)
    return UNKNOWN if found is None else f"{found:,.0f}"


def counted(value: int, noun: str, plural: str | None = None) -> str:
    """``1 prompt``, ``12,345 prompts``."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def share(part: object, whole: object) -> str:
    """``45 %``; a share that is neither none nor all is never told as 0 % or 100 %."""
    a, b = number(part), number(whole)
    if a is None or not b:
        return UNKNOWN
    percent = 100 * a / b
    if 0 < percent < 1:
        return f"under 1{_PERCENT}"
    if 99 < percent < 100:
        return f"over 99{_PERCENT}"
    return f"{percent:.0f}{_PERCENT}"


def confidence(value: object) -> str:
    found = number(value)
    return UNKNOWN if found is None else f"{100 * found:g}{_PERCENT}"


def dollars(value: object) -> str:
    """``$0.12``; of less than a cent ``under $0.01``."""
    found = number(value)
    if found is None:
        return UNKNOWN
    if 0 < found < _CENT:
        return "under $0.01"
    return f"${found:,.0f}" if found >= 1_000 else f"${found:,.2f}"


def dollar_range(found: Any) -> str:
    """``$0.12 to $3.40``, of a document with ``low`` and ``high``."""
    bounds = _bounds(found)
    if bounds is None:
        return UNKNOWN
    low, high = map(dollars, bounds)
    return high if low == high else f"{low} to {high}"


def amount(found: Any) -> str:
    """``480``, ``1,200 to 45,100``, ``1.2M to 45M``."""
    bounds = _bounds(found)
    if bounds is None:
        return UNKNOWN
    low, high = map(_short, bounds)
    return high if low == high else f"{low} to {high}"


def _bounds(found: Any) -> tuple[float, float] | None:
    if not isinstance(found, dict):
        return None
    low, high = number(found.get("low")), number(found.get("high"))
    return None if low is None or high is None else (low, high)


def duration(seconds: object) -> str:
    """``4.2 s``, ``42 s``, ``12 min 5 s``, ``3 h 4 min``, ``2 d 3 h``."""
    found = number(seconds)
    if found is None:
        return UNKNOWN
    if found < 9.95:
        return f"{max(found, 0):.1f} s"
    if found < 59.5:
        return f"{found:.0f} s"
    if found < 3_600:
        return _both(round(found), 60, "min", "s")
    if found < 86_400:
        return _both(round(found / 60), 60, "h", "min")
    return _both(round(found / 3_600), 24, "d", "h")


def milliseconds(value: object) -> str:
    found = number(value)
    if found is None:
        return UNKNOWN
    if 0 < found < 1:
        return "under 1\u00a0ms"
    return f"{found:.0f}\u00a0ms" if found < 1_000 else duration(found / 1_000)


def moment(text: object) -> datetime | None:
    """A time of the record (ISO 8601); None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def when(text: object) -> str:
    """``25 November 2026, 20:07 UTC``."""
    found = moment(text)
    if found is None:
        return UNKNOWN
    at = found.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def seconds_between(begin: object, end: object) -> float | None:
    first, last = moment(begin), moment(end)
    return None if first is None or last is None else (last - first).total_seconds()


def _two(value: float) -> str:
    if abs(value) >= 1e6:
        told = f"{value:.2g}"
    else:
        told = f"{value:.2f}"
        told = "0.00" if told == "-0.00" else told
    return told.replace("-", _MINUS, 1) if told.startswith("-") else told


def _short(value: object) -> str:
    found = number(value)
    if found is None:
        return UNKNOWN
    if found >= 1_000_000:
        return f"{float(f'{found:.3g}') / 1_000_000:,g}M"
    if found >= 10:
        return f"{found:,.0f}"
    return f"{float(f'{found:.2g}') if found < 1 else round(found, 2):g}"


def _both(amount_in_small: int, ratio: int, large: str, small: str) -> str:
    whole, rest = divmod(amount_in_small, ratio)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"
