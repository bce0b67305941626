"""The repair: what has one right answer is mended, all else passes byte by byte, and memory stays bounded."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rft.dataset.repair import Repair, RepairFailed
from rft.dataset.unpacking import as_utf_8, unpacked

BOM = b"\xef\xbb\xbf"
RECORD = '{"messages": [{"role": "user", "content": "größer  als \\t 7?\\r"}]}'.encode()
DONE_NOTHING = {
    "byte_order_marks": 0,
    "crlf": 0,
    "cr": 0,
    "blank_lines": 0,
    "white_space": 0,
    "last_newline": False,
    "unpacked": False,
    "re_encoded": False,
}


def packed(data: bytes) -> bytes:
    """The same bytes in every process: gzip would note the time."""
    return gzip.compress(data, mtime=0)


def repaired(*chunks: bytes) -> tuple[bytes, dict[str, Any]]:
    repair = Repair()
    return b"".join(repair.pieces(chunks)), repair.to_json()


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@pytest.mark.parametrize(
    ("data", "done"),
    [
        (RECORD + b"\n", {"last_newline": False}),
        (RECORD, {}),
        (BOM + RECORD + b"\n", {"byte_order_marks": 1, "last_newline": False}),
        (BOM + b" " + BOM + RECORD, {"byte_order_marks": 2, "white_space": 1}),
        (RECORD + b"\r\n", {"crlf": 1, "last_newline": False}),
        (RECORD + b"\r", {"crlf": 1}),
        (RECORD + b" \t\r\n", {"crlf": 1, "white_space": 1, "last_newline": False}),
        (b" \t" + RECORD + b"  \n", {"white_space": 1, "last_newline": False}),
        (b"\n\r\n \n" + RECORD + b"\n\n", {"blank_lines": 4, "last_newline": False}),
        (BOM + b"\n" + RECORD, {"blank_lines": 1, "byte_order_marks": 1}),
        (packed(RECORD), {"unpacked": True}),
        (packed(RECORD[:20]) + packed(RECORD[20:]) + bytes(512), {"unpacked": True}),
        (RECORD.decode().encode("utf-16"), {"re_encoded": True}),
        (("\ufeff" + RECORD.decode()).encode("utf-16-be"), {"re_encoded": True}),
        (RECORD.decode().encode("utf-32"), {"re_encoded": True}),
        (
            packed((RECORD + b"\r\n").decode().encode("utf-16")),
            {"unpacked": True, "re_encoded": True, "crlf": 1, "last_newline": False},
        ),
    ],
)
def test_what_is_certain_is_mended_and_counted(data: bytes, done: dict[str, Any]) -> None:
    for chunks in ([data], [data[:1], data[1:3], data[3:4], data[4:]], [bytes([byte]) for byte in data]):
        assert repaired(*chunks) == (RECORD + b"\n", DONE_NOTHING | {"last_newline": True} | done)


@given(
    st.lists(
        st.sampled_from(
            [b"\n", b"\r\n", b" ", b"\t", b"\r", BOM, BOM[:1], BOM[:2], BOM[1:], b'{"a": "b  c"}', b"{}", b"7", b"\xff"]
        )
    ).map(b"".join),
    st.lists(st.integers(0, 5)),
)
def test_each_line_loses_what_stands_around_it_and_nothing_else(data: bytes, sizes: list[int]) -> None:
    assume(not re.search(rb'\}\r+\{\s*"', data))  # lines that end with CR are another kind
    around = rb"(?:[ \t\r\x0b\x0c]|\xef\xbb\xbf)*"
    lines = (re.sub(rb"\A" + around, b"", line).rstrip(b" \t\r\x0b\x0c") for line in data.split(b"\n"))
    once, done = repaired(*cut(data, sizes))
    assert once == b"".join(line + b"\n" for line in lines if line)
    assert repaired(*cut(packed(data), sizes)) == (once, done | {"unpacked": True})
    assert repaired(once)[1] == DONE_NOTHING


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" + RECORD + b"]", "JSON array"),
        (json.dumps(json.loads(RECORD), indent=1).encode(), "several lines"),
        (packed(b"prompt,completion\nHi,Hello\n"), "CSV"),
        (packed(packed(RECORD)), "gzip"),
        (b"PAR1" + bytes(100), "Parquet"),
        (RECORD.decode().encode("utf-16-le"), "UTF-16"),
    ],
)
def test_another_kind_of_file_is_refused_with_the_way_on(data: bytes, words: str) -> None:
    with pytest.raises(RepairFailed, match=words) as failed:
        repaired(data)
    assert failed.value.fix
    assert "--fix" not in failed.value.fix  # which is what was just done


CR_LINES = [RECORD, RECORD.replace(b"7", b"8"), RECORD.replace(b"7", b"9")]


@pytest.mark.parametrize(
    ("data", "done"),
    [
        (b"\r".join(CR_LINES), {"cr": 2, "last_newline": True}),
        (b"\r".join(CR_LINES) + b"\r", {"cr": 3}),
        (b"\r\r".join(CR_LINES) + b"\r\r", {"cr": 3}),
        (BOM + b"\r".join(CR_LINES) + b"\n", {"cr": 2, "byte_order_marks": 1}),
        (CR_LINES[0] + b"\r" + CR_LINES[1] + b"\r\n" + CR_LINES[2] + b"\r", {"cr": 2, "crlf": 1}),
        (packed(b"\r".join(CR_LINES) + b"\r"), {"cr": 3, "unpacked": True}),
        (b"\r".join(CR_LINES).decode().encode("utf-16"), {"cr": 2, "re_encoded": True, "last_newline": True}),
    ],
)
def test_cr_between_records_becomes_lf(data: bytes, done: dict[str, Any]) -> None:
    for chunks in ([data], [data[:-1], data[-1:]], [bytes([byte]) for byte in data]):
        assert repaired(*chunks) == (b"\n".join(CR_LINES) + b"\n", DONE_NOTHING | done)


@pytest.mark.parametrize("odd", [b'{"a":\r1}', b'{"a": "x\ry"}', b'{"a": 1} \r{"b": 1}', b"7\r7", b"\r7", b'{}\r"a"'])
def test_cr_anywhere_else_is_refused_with_its_place(odd: bytes) -> None:
    data = b"\r".join(CR_LINES) + b"\r" + odd
    for chunks in ([data], [bytes([byte]) for byte in data]):
        with pytest.raises(RepairFailed, match=r"the one before byte [0-9]+ stands elsewhere") as failed:
            repaired(*chunks)
        offset = int(re.findall("byte ([0-9]+)", str(failed.value))[0])
        assert data[offset - 1 : offset] == b"\r"
        assert data[offset : offset + 1] != b"\r"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (packed(RECORD * 100)[:-10], "cut off after"),
        (packed(RECORD * 100)[:12] + b"\xff\xff\xff" + packed(RECORD * 100)[15:], "damaged after"),
        (packed(RECORD) + b"rest", "damaged after"),
        (RECORD.decode().encode("utf-16") + b"\x00", "UTF-16"),
        (b"\xff\xfe" + "{\ud800".encode("utf-16-le", "surrogatepass"), "UTF-16"),
    ],
)
def test_damage_is_told_not_repaired(data: bytes, words: str) -> None:
    with pytest.raises(RepairFailed, match=words):
        repaired(data)


def test_a_bomb_is_defused() -> None:
    bomb = packed(bytes(3_000_000))
    with pytest.raises(RepairFailed, match="more than 1,000,000"):
        sum(map(len, unpacked([bomb], most=1_000_000)))
    assert max(map(len, unpacked([bomb]))) <= 262_144


def test_text_that_is_cut_anywhere_is_decoded() -> None:
    text = "größer 🎉"
    for encoding in ("utf-16", "utf-32"):
        data = text.encode(encoding)
        assert b"".join(as_utf_8((bytes([byte]) for byte in data), encoding)).decode() == text


@pytest.mark.thorough
@pytest.mark.parametrize("filling", [b"x", b" ", b"x \t", b"\r", b"\n", BOM])
def test_memory_is_bounded_whatever_the_line(filling: bytes) -> None:
    size, piece = (4_000_000 if filling == b"\n" else 40_000_000), filling * (262_144 // len(filling))
    chunks = (piece for _ in range(size // len(piece)))
    tracemalloc.start()
    try:
        written = sum(map(len, Repair().pieces(b for part in ([b'{"a":"'], chunks, [b'"}']) for b in part)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000
    if filling == b"x":
        assert written == size // len(piece) * len(piece) + 9
