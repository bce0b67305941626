"""What conversion hands to assembling: a line for each prompt, with what the choice among them needs in front."""

from __future__ import annotations

from typing import NamedTuple

import orjson

MAX_RECORD_BYTES = (1 << 20) - 16
"""Longest record that is made: the longest line that the dataset's check takes, less room for what ``with_id`` adds."""
MAX_SHARD_LINE_BYTES = MAX_RECORD_BYTES + 4096


class Candidate(NamedTuple):
    """A prompt that may go into the dataset.

    ``tag``: 64 bits of the seed and the prompt, equal for equal prompts; a sample keeps the lowest. ``order``:
    timestamp, a space, the request id: of equal prompts the lowest is kept. ``line``: the dataset's record, without
    newline.
    """

    tag: int
    order: str
    line: bytes


def write_shard_line(candidate: Candidate) -> bytes:
    """``<tag, 16 hex digits> <length of order, 4 hex digits> <order> <line>\\n``.

    Raises ``ValueError`` for an order with a newline: it would cut the line in two.
    """
    order = candidate.order.encode()
    if b"\n" in order:
        raise ValueError("the order of a candidate has a newline in it")
    return b"".join((b"%016x %04x " % (candidate.tag, len(order)), order, b" ", candidate.line, b"\n"))


def read_shard_line(data: bytes) -> Candidate:
    """The candidate of a line, with or without its newline. Raises ``ValueError`` when it is none."""
    tag, end = int(data[:16], 16), 22 + int(data[17:21], 16)
    if data[16:17] != b" " or data[21:22] != b" " or data[end : end + 1] != b" ":
        raise ValueError("this is no line of a shard")
    return Candidate(tag, data[22:end].decode(), data[end + 1 :].removesuffix(b"\n"))


def with_id(candidate: Candidate, name: str) -> bytes:
    """The record of a candidate under the id ``name``. Raises ``ValueError`` where the record has no such place."""
    own = candidate.order.split(" ")[1]
    if name == own:
        return candidate.line
    head = b'{"id":' + orjson.dumps(own)
    if not candidate.line.startswith(head):
        raise ValueError("a record begins with the id that is in its order")
    return b'{"id":' + orjson.dumps(name) + candidate.line.removeprefix(head)
