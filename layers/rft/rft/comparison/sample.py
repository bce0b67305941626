"""Which prompts of the validation set are asked, and in which batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Prompt(NamedTuple):
    """A record of the validation set, and its place in it from 0."""

    position: int
    record: Mapping[str, Any]


class Sample(NamedTuple):
    """``prompts`` in the order of the set, chosen out of ``of`` records."""

    prompts: tuple[Prompt, ...]
    of: int


def choose_prompts(records: Iterable[Mapping[str, Any]], most: int, seed: int) -> Sample:
    """At most ``most`` of the records. Which ones depends on their messages and the seed (of 64 bits), not on their
    order: among records with the same messages alone the first in the set is taken first.

    ``records`` is read once, and no more than ``most`` are held.
    """
    from rft.gate.choosing import choose  # noqa: PLC0415 - with the whole gate

    count = 0

    def placed() -> Iterable[Mapping[str, Any]]:
        nonlocal count
        for position, record in enumerate(records):
            count += 1
            yield {"messages": record.get("messages"), "prompt": Prompt(position, record)}

    chosen = tuple(entry["prompt"] for entry in choose(placed(), most, seed))
    return Sample(chosen, count)


def batches[T](prompts: Sequence[T], most: int) -> list[Sequence[T]]:
    """In their order, as few batches of at most ``most`` as there can be, whose sizes differ by one at the most."""
    if most < 1:
        raise ValueError("a batch needs room for one prompt")
    count = -(-len(prompts) // most)
    cuts = [number * len(prompts) // count for number in range(count + 1)] if count else [0]
    return [prompts[start:end] for start, end in pairwise(cuts)]
