"""The longest common subsequence of two sequences: what is left of both when the right items are struck out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def lcs_length(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Its length, in bit-parallel form (Hyyrö 2004): one column of the usual table is one integer.

    Each item of the longer sequence costs a few operations on integers with a bit for each item of the shorter one, so
    time grows with the product of the lengths, 200 times as slowly as with a table. The caller bounds both.
    """
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    begin, end = 0, len(short)
    while begin < end and short[begin] == long[begin]:
        begin += 1
    beyond = len(long) - end
    while end > begin and short[end - 1] == long[end - 1 + beyond]:
        end -= 1
    places: dict[Hashable, int] = {}
    bit = 1
    for item in short[begin:end]:
        places[item] = places.get(item, 0) | bit
        bit <<= 1
    full = column = bit - 1
    for item in long[begin : end + beyond]:
        if item in places:
            matches = column & places[item]
            column = ((column + matches) | (column - matches)) & full
    return len(short) - column.bit_count()
