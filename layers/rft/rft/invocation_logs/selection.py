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

    def places(self) -> dict[Place, str]:
        """Where the chosen ones are, each with the id it has in the dataset.

        That is its request id. Of several prompts with the same one the earliest has it as it is, the others get it
        with a number behind.
        """
        named = sorted((kept.order.split(" ")[1], kept.order, tag) for tag, kept in self._kept.items())
        ids = {request_id for request_id, _, _ in named}
        places: dict[Place, str] = {}
        before, number = "", 1
        for request_id, _, tag in named:
            name = request_id
            number = number if request_id == before else 1
            if request_id == before:
                while name in ids:
                    number += 1
                    name = f"{request_id}-{number}"
                ids.add(name)
            before = request_id
            places[self._kept[tag].place] = name
        return places

    @property
    def duplicates(self) -> int:
        """Offers of a prompt that is in the sample by another one."""
        return sum(kept.offers for kept in self._kept.values()) - len(self._kept)
