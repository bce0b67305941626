"""Log objects as bytes: packed, plain, in many pieces, damaged, and made to exhaust whoever reads them."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.invocation_logs import ConversionCounts, LogConversion, LogOptions, Windows
from rft.invocation_logs.reading import LogLines
from tests.unit.invocation_logs.records import Bodies, adds_up, converse, lines_of, log_object, log_record

RECORDS = [log_record(number=number) for number in range(5)]
PLAIN = lines_of(RECORDS)


def convert(*chunks: bytes) -> LogConversion:
    conversion = LogConversion(LogOptions(), Bodies())
    converted = list(conversion.convert("a.json.gz", chunks))
    assert len(converted) == conversion.counts.converted
    assert adds_up(conversion)
    return conversion


def in_chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN[:-1],
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:-1]),
        b"".join(gzip.compress(line + b"\n") for line in PLAIN.splitlines()),
        gzip.compress(PLAIN[:1000]) + gzip.compress(b"") + gzip.compress(PLAIN[1000:]),
        gzip.compress(PLAIN) + b"\0" * 512,
        zlib.compress(PLAIN, wbits=31),
    ],
    ids=["plain", "no newline", "gzip", "gzip, no newline", "a member a line", "members anywhere", "padded", "zlib"],
)
def test_whatever_the_packing_all_records_are_read(data: bytes) -> None:
    assert convert(data).counts == ConversionCounts(5, 5)
    assert convert(*(data[at : at + 1] for at in range(len(data)))).counts == ConversionCounts(5, 5)


@given(
    st.binary(max_size=200).map(lambda data: data.replace(b"\x1f", b"")), st.lists(st.integers(0, 20)), st.booleans()
)
def test_lines_are_those_of_split_for_any_chunks(data: bytes, sizes: list[int], packed: bool) -> None:
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    given_bytes = gzip.compress(data) if packed else data
    lines = LogLines(in_chunks(given_bytes, sizes), max_line_bytes=20)
    assert list(lines) == [line if len(line) <= 20 else None for line in expected]
    assert lines.damage is None


def damaged(conversion: LogConversion) -> int:
    return conversion.counts.failed["damaged-gzip"]


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 100])
def test_an_object_that_was_cut_off_keeps_what_came_before(cut: int) -> None:
    conversion = convert(log_object(*RECORDS)[:-cut])
    assert damaged(conversion) == 1
    assert conversion.counts.failed.total() == 1
    assert conversion.counts.converted == (5 if cut <= 8 else conversion.counts.converted)
    assert [problem.reason for problem in conversion.problems] == ["damaged-gzip"]


def test_a_last_line_that_had_come_whole_counts_although_the_end_is_missing() -> None:
    assert convert(gzip.compress(PLAIN[:-1])[:-8]).counts.converted == 5
    half = convert(gzip.compress(PLAIN[:-10])[:-8])
    assert half.counts.converted == 4
    assert half.counts.failed == {"damaged-gzip": 1}


def test_a_wrong_checksum_and_a_broken_head() -> None:
    good = log_object(*RECORDS)
    wrong_sum = convert(good[:-6] + bytes([good[-6] ^ 1]) + good[-5:]).counts
    assert (wrong_sum.converted, wrong_sum.failed) == (5, {"damaged-gzip": 1})
    assert convert(good[:3] + b"\xff" + good[4:]).counts.failed == {"damaged-gzip": 1}


@pytest.mark.parametrize("size", [1 << 30, 1000, 7])
def test_damage_in_the_middle_loses_nothing_that_came_before(size: int) -> None:
    packed = [gzip.compress(lines_of([record])) for record in RECORDS]
    broken = b"".join((*packed[:3], packed[3][:10], b"\xff", *packed[4:]))  # the fourth begins with a wrong block
    conversion = convert(*(broken[at : at + size] for at in range(0, len(broken), size)))
    assert (conversion.counts.converted, conversion.counts.failed) == (3, {"damaged-gzip": 1})
    chance = random.Random(1)
    records = [log_record(converse(chance.randbytes(60).hex()), number=number) for number in range(200)]
    whole = log_object(*records)
    broken = whole[:12_000] + b"\xff" * 40 + whole[12_040:]
    counts = convert(*(broken[at : at + size] for at in range(0, len(broken), size))).counts
    assert counts.failed["damaged-gzip"] == 1
    assert counts.converted >= sum(unpacked_byte_by_byte(broken[:12_000])) > 90


def unpacked_byte_by_byte(packed: bytes) -> Iterator[int]:
    """How many lines end in what each byte adds."""
    unpacker = zlib.decompressobj(wbits=31)
    for at in range(len(packed)):
        yield unpacker.decompress(packed[at : at + 1]).count(b"\n")


@given(st.integers(0, 600), st.integers(0, 255), st.integers(1, 700))
def test_one_wrong_byte_anywhere_is_never_more_than_counted(at: int, byte: int, size: int) -> None:
    good = log_object(*RECORDS)
    at %= len(good)
    broken = good[:at] + bytes([byte]) + good[at + 1 :]
    conversion = convert(*(broken[start : start + size] for start in range(0, len(broken), size)))
    counts = conversion.counts
    assert counts.records >= 1
    if byte == good[at]:
        assert counts == ConversionCounts(5, 5)
    again = convert(broken).counts
    assert again == counts  # whatever the chunks


def test_what_follows_the_gzip_data_is_damage_unless_it_is_gzip_or_padding() -> None:
    conversion = convert(log_object(*RECORDS) + b"garbage")
    assert conversion.counts.converted == 5
    assert conversion.counts.failed == {"damaged-gzip": 1}
    assert damaged(convert(log_object(*RECORDS), b"\x1f")) == 1


def test_only_the_magic() -> None:
    assert convert(b"\x1f\x8b").counts.failed == {"damaged-gzip": 1}
    assert convert(b"\x1f").counts.failed == {"invalid-json": 1}
    assert convert().counts == ConversionCounts()
    assert convert(b"").counts == ConversionCounts()
    assert convert(gzip.compress(b"")).counts == ConversionCounts()


def peak_of(chunks: Iterator[bytes]) -> tuple[LogConversion, int]:
    """Peak of Python's own memory; that of isal's decompressor is fixed."""
    conversion = LogConversion(LogOptions(), Bodies())
    tracemalloc.start()
    try:
        for _ in conversion.convert("a.json.gz", chunks):
            pass
        return conversion, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.thorough
def test_a_gigabyte_of_zeros_in_a_megabyte() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    assert len(packed) < 1_100_000
    conversion, peak = peak_of(iter([packed, *[log_object(log_record())]]))
    assert conversion.counts.failed == {"line-too-long": 1}
    assert peak < 20_000_000


def test_a_line_of_300_megabytes_is_not_held() -> None:
    piece = b"x" * (1 << 20)
    conversion, peak = peak_of(iter([*[piece] * 300, b"\n", PLAIN]))
    assert conversion.counts.failed == {"line-too-long": 1}
    assert conversion.counts.converted == 5
    assert peak < 20_000_000


@pytest.mark.thorough
@pytest.mark.parametrize("size", [8_000_000, 1 << 18])
def test_very_many_small_members_take_no_longer_than_their_bytes(size: int) -> None:
    """Handing all that is left to every member took minutes; so the bound is wide."""
    packed = gzip.compress(b"\n", mtime=0) * 380_000
    started = time.process_time()
    lines = LogLines(packed[at : at + size] for at in range(0, len(packed), size))
    assert sum(1 for _ in lines) == 380_000
    assert lines.damage is None
    assert time.process_time() - started < 8


@given(st.lists(st.integers(0, 3_000), max_size=12), st.lists(st.integers(0, 900)), st.integers(0, 30))
def test_members_of_any_size_cut_anywhere(members: list[int], sizes: list[int], padding: int) -> None:
    chance = random.Random(7)
    parts = [chance.randbytes(size).hex().encode() + b"\n" for size in members]
    packed = b"".join(gzip.compress(part, 1) + b"\0" * padding for part in parts)
    lines = LogLines(in_chunks(packed, sizes))
    assert list(lines) == [part[:-1] for part in parts]
    assert lines.damage is None


@pytest.mark.parametrize("cut", [0, 5])
@pytest.mark.parametrize("size", [1, 500, 1 << 20])
def test_windows_hold_whole_lines_and_change_nothing(size: int, cut: int) -> None:
    packed = log_object(*RECORDS)
    packed = packed[: len(packed) - cut]
    seen: list[bytes] = []
    windows = Windows(iter([packed[:50], packed[50:]]), seen.append, size=size)
    conversion, plain = LogConversion(LogOptions(), Bodies()), LogConversion(LogOptions(), Bodies())
    assert list(conversion.convert("a", windows)) == list(plain.convert("a", [packed]))
    assert (conversion.counts, conversion.problems) == (plain.counts, plain.problems)
    assert b"".join(seen) == PLAIN
    assert all(window.endswith(b"\n") for window in seen)


def test_windows_of_a_gzip_within_a_gzip_are_no_log_either() -> None:
    packed = gzip.compress(log_object(*RECORDS))
    conversion = LogConversion(LogOptions(), Bodies())
    assert list(conversion.convert("a", Windows([packed], lambda _: None))) == []
    assert conversion.counts == convert(packed).counts


def test_an_object_is_not_read_for_ever() -> None:
    lines = LogLines([PLAIN] * 100, max_object_bytes=10 * len(PLAIN))
    assert len(list(lines)) == 50
    assert lines.damage == "object-too-large"
    assert lines.rest == b""


def test_a_fault_of_the_reader_is_not_taken_for_damage() -> None:
    def broken() -> Iterator[bytes]:
        yield PLAIN
        raise ConnectionError

    conversion = LogConversion(LogOptions(), Bodies())
    with pytest.raises(ConnectionError):
        list(conversion.convert("a", broken()))
    assert adds_up(conversion)
