"""A stream of bytes cut into lines, in memory bounded by the longest line allowed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from rft.dataset.limits import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Line(NamedTuple):
    """One line without its newline. ``number`` counts from 1; ``data`` is None when ``length`` bytes were too many."""

    number: int
    data: bytes | None
    length: int


class OverlongLine(int):
    """Stands for a line of so many bytes, of which none was kept."""


def split_lines(chunks: Iterable[bytes], *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """The lines of a file that arrives in chunks, cut at ``\\n`` only.

    A newline at the end of the file ends the last line and begins no other. Of a line longer than ``max_bytes``
    no more than that is ever held, and nothing is handed out but its length.
    """
    number = 0
    for batch in cut_lines(chunks, max_bytes=max_bytes):
        for data in batch:
            number += 1
            if isinstance(data, OverlongLine):
                yield Line(number, None, int(data))
            else:
                yield Line(number, data, len(data))


def valid_records(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The records of a file that was found valid."""
    for line in split_lines(chunks):
        if line.data and not line.data.isspace():
            yield json.loads(line.data)


def cut_lines(chunks: Iterable[bytes], *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Iterable[bytes | OverlongLine]]:
    """The same lines, bare, in one batch a chunk: who reads many thousands saves a call and a tuple for each."""
    begun: list[bytes] = []  # pieces of a line that crosses chunks
    begun_length = 0
    for chunk in chunks:
        find = chunk.find
        lines: list[bytes | OverlongLine] = []
        start = 0
        if begun_length and (end := find(b"\n")) >= 0:
            length = begun_length + end
            lines.append(b"".join((*begun, chunk[:end])) if length <= max_bytes else OverlongLine(length))
            start = end + 1
            begun = []
            begun_length = 0
        if not begun_length:
            while (end := find(b"\n", start)) >= 0:
                lines.append(chunk[start:end] if end - start <= max_bytes else OverlongLine(end - start))
                start = end + 1
        begun_length += len(chunk) - start
        if begun_length > max_bytes:
            begun = []
        elif start < len(chunk):
            begun.append(chunk[start:])
        yield lines
    if begun_length:
        yield [b"".join(begun) if begun_length <= max_bytes else OverlongLine(begun_length)]
