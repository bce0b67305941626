"""Which training records the gate looks at."""

from __future__ import annotations

import heapq
import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def choose(records: Iterable[Mapping[str, Any]], count: int, seed: int) -> list[Mapping[str, Any]]:
    """``count`` of the records, in their order, whatever their number: those whose messages have the lowest hashes.

    The choice depends on the records and the seed alone, not on where a record stands. ``records`` is read once, and no
    more than ``count`` are held.
    """
    if count < 1:
        return []
    lowest: list[tuple[int, int, Mapping[str, Any]]] = []  # (-hash, -position, record): the highest hash is on top
    for position, record in enumerate(records):
        entry = (-_hash(record, seed), -position, record)
        if len(lowest) < count:
            heapq.heappush(lowest, entry)
        elif entry[:2] > lowest[0][:2]:
            heapq.heapreplace(lowest, entry)
    return [record for _, _, record in sorted(lowest, key=lambda entry: -entry[1])]


def fitting(records: Iterable[Mapping[str, Any]], most_bytes: int) -> list[Mapping[str, Any]]:
    """The records that have room in so many bytes together; one that has none is left out, the next may have."""
    kept, room = [], most_bytes
    for record in records:
        size = len(to_bytes(record))
        if size <= room:
            kept.append(record)
            room -= size
    return kept


def to_bytes(value: object) -> bytes:
    """JSON in UTF-8. Half a surrogate pair, which UTF-8 has no form for, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _hash(record: Mapping[str, Any], seed: int) -> int:
    text = json.dumps(record.get("messages"), sort_keys=True).encode()
    return int.from_bytes(blake2b(text, digest_size=8, key=seed.to_bytes(8, signed=True)).digest())
