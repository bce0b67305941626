"""Which of many prompts go into the dataset: each one once, and no more than asked for.

Every prompt has a tag, 64 bits that look random but are made from the seed and the prompt alone. The prompts with the
lowest tags are kept. So it is a random sample, yet the same one whatever the order in which the records come and
however they are spread over workers.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

Place = tuple[int, int]


class _Kept(NamedTuple):
    order: str
    place: Place
    offers: int


class Selection:
    """Of equal prompts the one with the lowest ``order`` is kept. Holds at most ``max_prompts`` entries."""

    def __init__(self, max_prompts: int) -> None:
        if max_prompts < 1:
            raise ValueError("a selection takes at least one prompt")
        self._max_prompts = max_prompts
        self._kept: dict[int, _Kept] = {}
        self._highest: list[int] = []  # the tags kept, negated: heapq keeps the lowest at hand
        self.over_the_cap = 0
        """Offers whose prompt is not in the sample, equal ones included."""

    def offer(self, tag: int, order: str, place: Place) -> None:
        """``order`` is a candidate's; ``place`` is where it is found again: its shard and its line there."""
        kept = self._kept.get(tag)
        if kept is not None:
            earlier = min((kept.order, kept.place), (order, place))
            self._kept[tag] = _Kept(*earlier, kept.offers + 1)
            return
        if len(self._kept) < self._max_prompts:
            heapq.heappush(self._highest, -tag)
        elif tag > -self._highest[0]:
            self.over_the_cap += 1
            return
        else:
            evicted = -heapq.heapreplace(self._highest, -tag)
            self.over_the_cap += self._kept.pop(evicted).offers
        self._kept[tag] = _Kept(order, place, 1)

    def places(self) -> set[Place]:
        """Where the chosen ones are. A request id goes into a dataset once: its earliest prompt takes it."""
        by_id: dict[str, tuple[str, int]] = {}
        for tag, kept in self._kept.items():
            request_id = kept.order.split(" ")[1]
            by_id[request_id] = min(by_id.get(request_id, (kept.order, tag)), (kept.order, tag))
        return {self._kept[tag].place for _, tag in by_id.values()}

    @property
    def duplicates(self) -> int:
        """Offers that are in the sample with another one: the same prompt, or the same request id."""
        return sum(kept.offers for kept in self._kept.values()) - len(self.places())
