"""The repair of what has one right answer: marks, line ends and white space around the records, packing, encoding.

All other bytes pass as they are. Memory is bounded whatever the file: nothing but white space whose end hasn't been
seen is ever held back, and of that no more than ``MAX_HELD``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rft.dataset.kinds import BYTE_ORDER_MARK, CR_ONLY, HEAD_BYTES, head_flaw
from rft.dataset.unpacking import GZIP_MAGIC, RepairFailed, as_utf_8, encoding_of, unpacked, with_head

WHITE_SPACE = b" \t\r\x0b\x0c"
_START = re.compile(rb"(?:[ \t\r\x0b\x0c]|\xef\xbb\xbf)*+")
MAX_HELD = 1 << 20
"""White space longer than this stays as it is: its line is too long anyway."""

__all__ = ["Repair", "RepairFailed"]


@dataclass(slots=True)
class Repair:
    """One file's repair::

        repair = Repair()
        for piece in repair.pieces(chunks): out.write(piece)

    The counts are those of the lines that were mended. ``last_newline`` (it was missing), ``unpacked`` and
    ``re_encoded`` are of the file as a whole.
    """

    byte_order_marks: int = 0
    crlf: int = 0
    cr: int = 0
    blank_lines: int = 0
    white_space: int = 0
    last_newline: bool = False
    unpacked: bool = False
    re_encoded: bool = False

    def pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The repaired file, piece by piece. Raises ``RepairFailed`` where there is no JSON Lines to repair."""
        head, stream = with_head(chunks, HEAD_BYTES)
        if head.startswith(GZIP_MAGIC):
            self.unpacked = True
            head, stream = with_head(unpacked(stream), HEAD_BYTES)
        if encoding := encoding_of(head):
            self.re_encoded = True
            head, stream = with_head(as_utf_8(stream, encoding), HEAD_BYTES)
        flaw = head_flaw(head)
        if flaw == CR_ONLY:
            head, stream = with_head(self._with_lf(stream), HEAD_BYTES)
            flaw = head_flaw(head)
        if flaw and self.unpacked and head.startswith(GZIP_MAGIC):
            raise RepairFailed("the file is gzip within gzip", "unpack it by hand: gunzip -c FILE | gunzip -c > OUT")
        if flaw:
            raise RepairFailed(flaw.message, flaw.fix)
        return self._mended(stream)

    def to_json(self) -> dict[str, Any]:
        return {
            "byte_order_marks": self.byte_order_marks,
            "crlf": self.crlf,
            "cr": self.cr,
            "blank_lines": self.blank_lines,
            "white_space": self.white_space,
            "last_newline": self.last_newline,
            "unpacked": self.unpacked,
            "re_encoded": self.re_encoded,
        }

    @property
    def changed(self) -> bool:
        return any(self.to_json().values())

    def _mended(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        line = _LineUnderRepair()
        for chunk in chunks:
            *ended, last = chunk.split(b"\n")
            out: list[bytes] = []
            for piece in ended:
                if not piece and not line.begun:  # a file may be nothing but these
                    self.blank_lines += 1
                    continue
                out += line.take(piece)
                out += self._close(line)
            out += line.take(last)
            yield b"".join(out)
        if line.begun:
            ended = self._close(line)
            self.last_newline = bool(ended)
            yield b"".join(ended)

    def _with_lf(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The text of a file whose lines end with CR, with LF. Raises ``RepairFailed`` for a CR anywhere else.

        Between a ``}`` and a ``{`` nothing but white space between two records can stand, so such a CR ends a line.
        """
        before, is_open, offset = b"", False, 0  # the last byte that is no CR, whether CRs follow it, and where it is
        for chunk in chunks:
            out: list[bytes] = []
            for place, piece in enumerate(chunk.split(b"\r")):
                is_open = is_open or place > 0
                offset += place > 0
                if not piece:
                    continue
                if is_open:
                    if before != b"}" or piece[:1] not in (b"{", b"\n"):
                        found = f"{CR_ONLY.message}, but the one before byte {offset:,} stands elsewhere"
                        raise RepairFailed(found, "save the file with LF with the program that made it")
                    is_end = piece[:1] == b"{"  # else CR LF, which is mended later
                    out.append(b"\n" if is_end else b"\r")
                    self.cr += is_end
                    is_open = False
                out.append(piece)
                before = piece[-1:]
                offset += len(piece)
            yield b"".join(out)
        if is_open:
            self.cr += 1
            yield b"\n"

    def _close(self, line: _LineUnderRepair) -> list[bytes]:
        """The end of a line, and what was done to it."""
        self.byte_order_marks += line.marks
        if line.has_content:
            spaces = line.held.rstrip(b"\r")
            self.crlf += len(spaces) < len(line.held)
            self.white_space += bool(spaces or line.indented)
            ended = [b"\n"]
        elif line.held:  # half a mark that had no other half: bytes like any other
            ended = [line.held, b"\n"]
        else:
            self.blank_lines += 1
            ended = []
        line.start()
        return ended


class _LineUnderRepair:
    """What is known of the line that is being read: pieces go in, what is certain to stay comes out."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.begun = False  # some byte of it was seen
        self.has_content = False
        self.indented = False
        self.marks = 0
        self.held = b""  # before any content: half a mark, perhaps; behind it: white space that may end the line

    def take(self, piece: bytes) -> list[bytes]:
        if not piece:
            return []
        self.begun = True
        data = self.held + piece if self.held else piece
        if not self.has_content:
            data = self._without_start(data)
            if not data:
                return []
            self.has_content = True
        content = data.rstrip(WHITE_SPACE)
        self.held = data[len(content) :]
        if len(self.held) > MAX_HELD:
            content, self.held = data, b""
        return [content]

    def _without_start(self, data: bytes) -> bytes:
        """``data`` without the marks and the white space that the line begins with; half a mark is kept back."""
        start = _START.match(data)
        assert start  # it matches nothing, too
        marks = start[0].count(BYTE_ORDER_MARK)
        self.marks += marks
        self.indented = self.indented or len(start[0]) > marks * len(BYTE_ORDER_MARK)
        bare = data[start.end() :]
        self.held = bare if BYTE_ORDER_MARK.startswith(bare) else b""
        return b"" if self.held else bare
