"""Numbers as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable

from rft.comparison.interval import Change
from rft.comparison.rows import TIE

_FEWEST_PLACES, _MOST_PLACES = 2, 4


def places(values: Iterable[float]) -> int:
    """How many decimals, 2 to 4, show each of the values that isn't 0 as something else than 0."""
    shown = [value for value in values if abs(value) > TIE]
    enough = (count for count in range(_FEWEST_PLACES, _MOST_PLACES) if all(round(value, count) for value in shown))
    return next(enough, _MOST_PLACES)


def signed(value: float, decimals: int) -> str:
    """``+0.64``, ``-0.10``; 0 has no sign."""
    return f"{0.0:.{decimals}f}" if abs(value) <= TIE else f"{value:+.{decimals}f}"


def percent(share: float) -> str:
    """``95 %``, ``99.9 %``."""
    return f"{100 * share:.6g} %"


def moved(change: Change, decimals: int) -> str:
    """``rose from 0.20 to 0.84 (+0.64, +0.57 to +0.71 at 95 % confidence)``."""
    gain = change.gain
    low, high = signed(gain.low, decimals), signed(gain.high, decimals)
    span = f"({signed(gain.mean, decimals)}, {low} to {high} at {percent(gain.confidence)} confidence)"
    if abs(gain.mean) <= TIE:
        return f"stayed at {change.after:.{decimals}f} {span}"
    verb = "rose" if gain.mean > 0 else "fell"
    return f"{verb} from {change.before:.{decimals}f} to {change.after:.{decimals}f} {span}"
