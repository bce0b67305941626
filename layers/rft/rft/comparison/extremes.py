"""The prompts on which a model lost or won the most, and how the gains are spread: for the report."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rft.comparison.rows import TIE, Pair


class Extremes(NamedTuple):
    """``worst``: prompts on which the second model lost, the worst first; ``best``: on which it won, the best first."""

    worst: tuple[Pair, ...]
    best: tuple[Pair, ...]


class Bin(NamedTuple):
    """So many ``prompts`` have a gain from ``low`` up to, but not including, ``high``."""

    low: float
    high: float
    prompts: int


def extremes(pairs: Iterable[Pair], most: int) -> Extremes:
    """At most ``most`` of each; ties are in none. ``pairs`` (of ``rft.comparison.rows``) is read once, and no more than
    these are held. Of equal gains the one that stands first is taken first."""
    worst: list[tuple[float, int, Pair]] = []
    best: list[tuple[float, int, Pair]] = []
    for place, pair in enumerate(pairs):
        if pair.gain < 0:
            _keep(worst, (-pair.gain, -place, pair), most)
        elif pair.gain > 0:
            _keep(best, (pair.gain, -place, pair), most)
    return Extremes(_in_order(worst), _in_order(best))


def histogram(gains: Iterable[float], width: float = 0.1) -> list[Bin]:
    """The gains in bins of equal ``width``, one after the other from the lowest gain's to the highest's, and always
    with the one whose middle is 0: the prompts on which nothing changed, or little."""
    if not 0 < width < math.inf:
        raise ValueError("a bin has a width")
    # A gain at an edge belongs to the bin above it, also if a float falls short of the edge by its last bits.
    places = Counter(math.floor(gain / width + 0.5 + TIE) for gain in gains)
    first, last = min([0, *places]), max([0, *places])
    return [
        Bin(_edge(place - 0.5, width), _edge(place + 0.5, width), places[place]) for place in range(first, last + 1)
    ]


def _edge(place: float, width: float) -> float:
    return round(place * width, 9)


def _keep(heap: list[tuple[float, int, Pair]], entry: tuple[float, int, Pair], most: int) -> None:
    if len(heap) < most:
        heapq.heappush(heap, entry)
    elif heap and entry > heap[0]:  # places differ, so two pairs are never compared
        heapq.heapreplace(heap, entry)


def _in_order(heap: list[tuple[float, int, Pair]]) -> tuple[Pair, ...]:
    return tuple(pair for _, _, pair in sorted(heap, reverse=True))
