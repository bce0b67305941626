"""The lines of one log object, unpacked as they come: whatever is in it, memory stays bounded."""

from __future__ import annotations

import itertools
import re
import zlib
from typing import TYPE_CHECKING

from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20  # unpacked bytes held at once
# Packed bytes that a member is given at once: twice as many each time. An object may have very many small members, and
# what one leaves over is copied, and the room for what may come out of it is taken from the system.
FIRST_SLICE = 512
LARGEST_SLICE = 256 << 10
ROOM = 16  # unpacked bytes for a packed one
WINDOW = 8 << 20  # unpacked bytes
SALVAGED_BYTES = 8 << 20  # packed bytes of a damaged object of which all is kept that came before the damage
SALVAGE_STEP = 4096
MAX_LINE_BYTES = 4 << 20
"""Longest line that is read. Bedrock stores bodies above 100 KB apart, so its records are far shorter."""
MAX_OBJECT_BYTES = 1 << 31
"""As much as is read of one object, unpacked: a few kilobytes of gzip can hold gigabytes."""
MAX_BODY_BYTES = 8 << 20
"""Largest offloaded body that is read, packed or unpacked: no longer prompt can become a line of a dataset."""


_PADDING = re.compile(rb"\0*")  # between members, as gzip itself allows it


class Damage(Exception):
    """The object can't be read on. ``reason`` is a key of FAIL_REASONS."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class LogLines:
    """Iterates over the lines of a log object, without their newlines; None stands for a line that is too long.

    The bytes are gzip, of one member or several, or plain, whatever the object's name says. If they can't be read to
    their end, the iteration ends there: ``damage`` then says why, and ``rest`` is the begun line.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_object_bytes: int = MAX_OBJECT_BYTES,
    ) -> None:
        self._chunks = chunks
        self._max_line = max_line_bytes
        self._max_object = max_object_bytes
        self.damage: str | None = None
        self.rest: bytes | None = b""

    def __iter__(self) -> Iterator[bytes | None]:
        max_line = self._max_line
        begun: list[bytes] = []  # pieces of a line that goes on in the next piece
        begun_length = 0
        for data in self._unpacked():
            find = data.find
            start = 0
            if begun_length and (end := find(b"\n")) >= 0:
                length = begun_length + end
                yield b"".join((*begun, data[:end])) if length <= max_line else None
                start = end + 1
                begun = []
                begun_length = 0
            if not begun_length:
                while (end := find(b"\n", start)) >= 0:
                    yield data[start:end] if end - start <= max_line else None
                    start = end + 1
            begun_length += len(data) - start
            if begun_length > max_line:
                begun = []
            elif start < len(data):
                begun.append(data[start:])
        rest = b"".join(begun) if begun_length <= max_line else None
        if self.damage is not None:
            self.rest = rest
        elif begun_length:
            yield rest

    def _unpacked(self) -> Iterator[bytes]:
        read = 0
        try:
            for data in unpacked(self._chunks):
                read += len(data)
                if read > self._max_object:
                    raise Damage("object-too-large")
                yield data
        except Damage as damage:
            self.damage = damage.reason


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Plain bytes from gzip or plain ones, in pieces. Raises ``Damage`` behind all that could be read."""
    if isinstance(chunks, Windows):
        yield from chunks
        return
    stream = iter(chunks)
    start = b""
    for chunk in stream:
        start += chunk
        if len(start) >= len(GZIP_MAGIC):
            break
    whole = itertools.chain((start,), stream)
    if start.startswith(GZIP_MAGIC):
        yield from _unzipped(whole)
    else:
        for chunk in whole:
            for at in range(0, len(chunk), PIECE):
                yield chunk[at : at + PIECE]


class Windows:
    """A log object unpacked, in windows of whole lines: who is handed one can look through it before its lines are
    converted. ``LogConversion.convert`` takes it in place of the object's chunks. Only a line that is longer than a
    window goes over several. Iterate once; raises ``Damage`` behind all that could be read.
    """

    def __init__(self, chunks: Iterable[bytes], see: Callable[[bytes], None], *, size: int = WINDOW) -> None:
        self._chunks = chunks
        self._see = see
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        held: list[bytes] = []
        length = 0
        damage: Damage | None = None
        try:
            for piece in unpacked(self._chunks):
                held.append(piece)
                length += len(piece)
                if length >= self._size:
                    data = b"".join(held)
                    end = data.rfind(b"\n") + 1 or len(data)
                    held = [data[end:]]
                    length -= end
                    yield self._seen(data[:end])
        except Damage as found:
            damage = found
        if length:
            yield self._seen(b"".join(held))
        if damage is not None:
            raise damage

    def _seen(self, window: bytes) -> bytes:
        self._see(window)
        return window


class _Member:
    """One gzip member that is being unpacked; keeps what it was fed, as long as that isn't much, for ``salvage``."""

    def __init__(self) -> None:
        self._isal = IgzipDecompressor(flag=DECOMP_GZIP)
        self._fed: list[bytes] = []
        self._fed_bytes = self._made_bytes = 0

    @property
    def hungry(self) -> bool:
        return bool(self._isal.needs_input)

    @property
    def ended(self) -> bool:
        return bool(self._isal.eof)

    @property
    def behind(self) -> bytes:
        """What followed the member's end."""
        return bytes(self._isal.unused_data)

    def unpack(self, packed: bytes, room: int) -> bytes:
        """At most ``room`` bytes. Raises isal's ``error`` for damage, and then gives nothing of this call."""
        self._fed_bytes += len(packed)
        if self._fed_bytes <= SALVAGED_BYTES:
            self._fed.append(packed)
        data = self._isal.decompress(packed, room)
        self._made_bytes += len(data)
        return bytes(data)

    def salvage(self) -> Iterator[bytes]:
        """What ``unpack`` would have given up to the damage: zlib is slower, but its state can be kept at each step."""
        if self._fed_bytes > SALVAGED_BYTES:
            return
        packed = b"".join(self._fed)
        slow = zlib.decompressobj(wbits=31)
        known = self._made_bytes
        at, step = 0, SALVAGE_STEP
        while at < len(packed) and not slow.eof:
            before = slow.copy()
            try:
                data = slow.decompress(packed[at : at + step])
            except zlib.error:
                if step == 1:
                    return
                slow, step = before, 1
                continue
            at += step
            yield data[known:]
            known = max(known - len(data), 0)


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member: _Member | None = None
    size = FIRST_SLICE
    begun = b""  # of a member's first bytes
    for chunk in chunks:
        packed = begun + chunk if begun else chunk
        begun = b""
        at = 0
        while at < len(packed) or (member is not None and not member.hungry):
            if member is None:
                at = _PADDING.match(packed, at).end()  # type: ignore[union-attr]  # it matches nothing, too
                begun = packed[at : at + len(GZIP_MAGIC)]
                if len(begun) < len(GZIP_MAGIC):
                    break
                if begun != GZIP_MAGIC:
                    raise Damage("damaged-gzip")
                begun = b""
                member = _Member()
                size = FIRST_SLICE
            given = packed[at : at + size] if member.hungry else b""
            try:
                data = member.unpack(given, min(size * ROOM, PIECE))
            except (error, EOFError):  # type: ignore[misc]  # isal's stubs declare an instance where the class is
                yield from filter(None, member.salvage())
                raise Damage("damaged-gzip") from None
            at += len(given)
            size = min(2 * size, LARGEST_SLICE)
            if data:
                yield data
            if member.ended:
                at -= len(member.behind)
                member = None
    if member is not None or begun:
        raise Damage("damaged-gzip")


def unpacked_body(data: bytes) -> bytes | None:
    """The whole of an offloaded body; None when it is too large. Raises ``Damage``."""
    if len(data) > MAX_BODY_BYTES:
        return None
    pieces = []
    length = 0
    for piece in unpacked((data,)):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_BODY_BYTES:
            return None
    return b"".join(pieces)
