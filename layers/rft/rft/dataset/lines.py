"""A stream of bytes cut into lines, in memory bounded by the longest line allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rft.dataset.limits import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Line(NamedTuple):
    """One line without its newline. ``number`` counts from 1; ``data`` is None when ``length`` bytes were too many."""

    number: int
    data: bytes | None
    length: int


def split_lines(chunks: Iterable[bytes], *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """The lines of a file that arrives in chunks, cut at ``\\n`` only.

    A newline at the end of the file ends the last line and begins no other. Of a line longer than ``max_bytes``
    no more than that is ever held, and nothing is handed out but its length.
    """
    new = tuple.__new__  # NamedTuple's own constructor is a Python function and costs twice as much
    number = 0
    begun: list[bytes] = []  # pieces of a line that crosses chunks
    begun_length = 0
    for chunk in chunks:
        start = 0
        if begun_length and (end := chunk.find(b"\n")) >= 0:
            number += 1
            length = begun_length + end
            whole = b"".join((*begun, chunk[:end])) if length <= max_bytes else None
            yield new(Line, (number, whole, length))
            start = end + 1
            begun = []
            begun_length = 0
        if not begun_length:
            while (end := chunk.find(b"\n", start)) >= 0:
                number += 1
                length = end - start
                yield new(Line, (number, chunk[start:end] if length <= max_bytes else None, length))
                start = end + 1
        begun_length += len(chunk) - start
        if begun_length > max_bytes:
            begun = []
        elif start < len(chunk):
            begun.append(chunk[start:])
    if begun_length:
        whole = b"".join(begun) if begun_length <= max_bytes else None
        yield new(Line, (number + 1, whole, begun_length))
