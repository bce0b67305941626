"""From shards to one dataset: choose among all candidates, then pass the chosen ones on in the order they came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rft.invocation_logs.selection import Selection
from rft.invocation_logs.shards import read_shard_line, with_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rft.invocation_logs.counting import ConversionCounts

type Shards = Iterable[Iterable[bytes]]


def assemble(shards: Callable[[], Shards], max_prompts: int) -> Assembly:
    """``shards`` opens them anew at each call, in the same order: they are read once to choose, once to copy.

    A shard is an iterable of lines as ``write_shard_line`` makes them, with or without newline. Raises ``ValueError``
    for a line that is none.
    """
    selection = Selection(max_prompts)
    for number, shard in enumerate(shards()):
        for line_number, line in enumerate(shard):
            candidate = read_shard_line(line)
            selection.offer(candidate.tag, candidate.order, (number, line_number))
    return Assembly(shards, selection)


class Assembly:
    """A choice that was made. ``chosen``: how many records the dataset has."""

    def __init__(self, shards: Callable[[], Shards], selection: Selection) -> None:
        self._shards = shards
        self._places = selection.places()
        self.chosen = len(self._places)
        self.duplicates = selection.duplicates
        self.over_max_prompts = selection.over_the_cap

    def lines(self) -> Iterator[bytes]:
        """The dataset, record by record, each with its newline."""
        for number, shard in enumerate(self._shards()):
            for line_number, line in enumerate(shard):
                name = self._places.get((number, line_number))
                if name is not None:
                    candidate = read_shard_line(line)
                    yield with_id(candidate, name) + b"\n"

    def settle(self, counts: ConversionCounts) -> None:
        """Bring the counts of the conversion up to date: who was not chosen is skipped."""
        counts.converted -= self.duplicates + self.over_max_prompts
        counts.skipped["duplicate"] += self.duplicates
        counts.skipped["over-max-prompts"] += self.over_max_prompts
