"""Bytes as they lie in a file, turned into UTF-8 text: gzip unpacked, UTF-16 and UTF-32 with their mark re-encoded."""

from __future__ import annotations

import codecs
import zlib
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP_MAGIC = b"\x1f\x8b"
MAX_UNPACKED = 8 << 30
"""Bytes that a compressed file may unpack to: some MB can hold terabytes, and a good dataset has far less."""

_PIECE = 256 * 1024
_GZIP_BITS = 31  # zlib's window size for data with gzip's header and checksum
_ENCODINGS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_MARK = 4


class RepairFailed(Exception):
    """The file can't be repaired: it says what was found, and ``fix`` what to do instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def with_head(chunks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, ``size`` of them if it has as many, and the whole stream."""
    stream = iter(chunks)
    first: list[bytes] = []
    length = 0
    while length < size and (chunk := next(stream, None)) is not None:
        first.append(chunk)
        length += len(chunk)
    head = b"".join(first)
    return head[:size], chain([head] if head else [], stream)


def unpacked(chunks: Iterable[bytes], *, most: int = MAX_UNPACKED) -> Iterator[bytes]:
    """What a gzip file holds, member by member, in pieces of bounded size. Raises ``RepairFailed``."""
    member = zlib.decompressobj(_GZIP_BITS)
    begun = False  # within a member
    total = 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if member.eof:
                rest = rest.lstrip(b"\0")  # padding, as tapes and some tools have it
                if not rest:
                    break
                member = zlib.decompressobj(_GZIP_BITS)
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error:
                raise _damaged(f"damaged after {total:,} unpacked bytes") from None
            begun = not member.eof
            total += len(piece)
            if total > most:
                raise RepairFailed(f"the gzip data unpacks to more than {most:,} bytes", "split the file")
            if piece:
                yield piece
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if begun:
        raise _damaged(f"cut off after {total:,} unpacked bytes")


def _damaged(how: str) -> RepairFailed:
    return RepairFailed(f"the gzip data is {how}", "make or fetch the file again")


def encoding_of(head: bytes) -> str | None:
    """``utf-16`` or ``utf-32`` where the file begins with the mark of one."""
    return next((encoding for mark, encoding in _ENCODINGS if head.startswith(mark)), None)


def as_utf_8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The text without its mark. Raises ``RepairFailed`` for bytes that aren't of that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    for chunk in chain(chunks, [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
            read += len(chunk)
            if text:
                yield text.encode()
        except UnicodeError:
            message = f"the file begins as {encoding.upper()} and isn't, near byte {read:,}"
            raise RepairFailed(message, "save it as UTF-8 with the program that made it") from None
