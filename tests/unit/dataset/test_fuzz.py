"""Damaged lines by the ten thousand: the check never falls over, and both looks agree on every single one."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from rft.dataset import DatasetCheck, Limits, Line
from rft.dataset.shape import record_flaws
from rft.dataset.text import NotJson, read_leniently
from tests.thoroughness import part_of
from tests.unit.dataset.good_data import good_lines

LINES = part_of(100_000)
TOKENS = (
    *(b'"', b"\\", b":", b",", b"{", b"}", b"[", b"]", b"\x00", b"\xff", b"\r", b"\t", b" ", b"\xef\xbb\xbf", b"NaN"),
    *(b"-Infinity", b"1e999", b"9" * 400, b"\\ud800", b"\\u003a", b'\\"', b"null", b"true", b'"role":"user",'),
    *(b'"messages":[],', b'"content": "x", ', b'"a" :1,', b'{"a":1,"a":2}', b"//", b"'", b"\xed\xa0\x80", b"[" * 1100),
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**64, "", " ", "x", "user", "assistant", "\ud800", [], {}, [[]], ["x"], [{}], [None]),
    *({"role": "user", "content": "x"}, {"text": "x"}, {"type": "text", "text": 1}, {"type": "image"}, "\u0000"),
    *({"type": "function", "function": {"name": ""}}, float("nan"), float("inf")),
)
KEYS = (
    *("role", "content", "messages", "tools", "tool_calls", "tool_call_id", "id", "reference_answer", "rft", "x", ""),
    *("\0", "x\0", "x\0y", "id\0"),
)


class Mutator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.good = [line for line in good_lines(400, seed=seed) if len(line) < 700]

    def line(self) -> bytes:
        data = self.random.choice(self.good)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            mutate = self.random.choice((self.flip, self.truncate, self.splice, self.insert, self.drop, self.rewrite))
            data = mutate(data) or data
        return data.replace(b"\n", b"")

    def flip(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 8))):
            changed[self.random.randrange(len(changed))] = self.random.randrange(256)
        return bytes(changed)

    def truncate(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data))
        return data[at:] if self.random.random() < 0.3 else data[:at]

    def splice(self, data: bytes) -> bytes:
        other = self.random.choice(self.good)
        return data[: self.random.randrange(len(data))] + other[self.random.randrange(len(other)) :]

    def insert(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data) + 1)
        return data[:at] + self.random.choice(TOKENS) + data[at:]

    def drop(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data))
        return data[:at] + data[at + self.random.choice((1, 1, 2, 10)) :]

    def rewrite(self, data: bytes) -> bytes:
        """Another value, key or nesting somewhere in the record."""
        try:
            record = json.loads(data)
        except (ValueError, RecursionError):
            return data
        here = record
        for _ in range(self.random.randint(0, 4)):
            below = list(here.values()) if isinstance(here, dict) else here
            deeper = [value for value in below if isinstance(value, (dict, list)) and value] if below else []
            if not deeper:
                break
            here = self.random.choice(deeper)
        self.change(here)
        return json.dumps(record, ensure_ascii=self.random.random() < 0.5).encode(errors="surrogatepass")

    def change(self, here: Any) -> None:
        value = self.random.choice(VALUES)
        if isinstance(here, dict):
            key = self.random.choice([*here, *KEYS])
            if self.random.random() < 0.3:
                here.pop(key, None)
            else:
                here[key] = value
        elif isinstance(here, list) and here:
            at = self.random.randrange(len(here))
            here[at : at + self.random.randint(0, 1)] = [value] * self.random.randint(0, 2)


def flaws_of(data: bytes) -> list[str]:
    """What the slow look says of a line, asked directly."""
    try:
        record, flaws = read_leniently(data)
    except NotJson as error:
        return [flaw.rule for flaw in error.flaws]
    return [flaw.rule for flaw in [*flaws, *record_flaws(record)]]


@pytest.mark.thorough
def test_both_looks_agree_on_every_damaged_line() -> None:
    # Without room for records no ids and prompts are remembered, so that each line stands for itself.
    check = DatasetCheck(limits=Limits(min_records=0, max_records=0), max_listed=10)
    mutator, expected, number = Mutator(2026), Counter[str](), 0
    for good in mutator.good:
        number += 1
        assert check.add(Line(number, good, len(good))) is not None
    for _ in range(LINES):
        data = mutator.line()
        if not data.strip():
            continue
        flaws = flaws_of(data)
        number += 1
        facts = check.add(Line(number, data, len(data)))
        assert (facts is None) == bool(flaws), data
        expected.update(flaws)
    report = check.report()
    assert report.error_counts == expected | {"too-many-records": 1}
    assert len(expected) > 30
