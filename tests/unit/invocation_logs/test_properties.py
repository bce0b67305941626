"""What holds for any log: nothing raises, the counts add up, and what is made passes the check of datasets."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.dataset import DatasetCheck, Limits, split_lines
from rft.invocation_logs import (
    MAX_SHARD_LINE_BYTES,
    LogConversion,
    LogOptions,
    MetadataFilter,
    Redactor,
    assemble,
    write_shard_line,
)
from tests.thoroughness import part_of
from tests.unit.invocation_logs.records import Bodies, Json, adds_up, converse, lines_of, log_record
from tests.unit.invocation_logs.test_answers import WORDS
from tests.unit.invocation_logs.test_bodies import CONVERSED, INVOKED
from tests.unit.invocation_logs.test_reasons import BODIES, LEFT_OUT

ENDINGS = ["", "", "\n", "\r", "\x0b", "\u2028"]
FILE_RULES = {"too-few-records", "too-many-records", "empty-file"}
GOOD: list[Json] = [
    *(log_record(body, operation="InvokeModel") for body, _ in INVOKED.values()),
    *(log_record(body) for body, _ in CONVERSED.values()),
    *(log_record(converse(f"question {n}"), answer) for n, answer in enumerate(WORDS.values())),
]
POOL: list[Json | bytes] = [*GOOD, *(record for _, _, record in LEFT_OUT if len(str(record)) < 10_000)]
OPTIONS = st.builds(
    LogOptions,
    metadata_filter=st.sampled_from([None, None, MetadataFilter.parse({"notEquals": {"a": "b"}})]),
    use_prompt_response=st.booleans(),
    redactor=st.sampled_from(
        [None, Redactor.parse(Redactor.READY), Redactor.parse([{"name": "x", "pattern": "[a-z]+"}])]
    ),
    seed=st.integers(0, 3),
)
ODD: list[Any] = [None, True, 0, -1, 1e300, 2**70, "", " ", "a@b.com", "\x00", "user", "tool", [], {}, [[]], [{}], [""]]
ODD += [
    {"text": "x"},
    {"type": "text", "text": "x"},
    {"type": "tool_use"},
    {"toolUse": {}},
    {"image": {}},
    [None],
    ["x"],
]
ODD += ["\n", "2026\n", "\r", "\x0b", "\u2028"]


def check(conversion: LogConversion, chunks: Iterator[bytes] | list[bytes], max_prompts: int = 20_000) -> int:
    """Convert, choose and check; how many records came out."""
    written = b"".join(write_shard_line(candidate) for candidate in conversion.convert("a.json.gz", chunks))
    shard = [line.data for line in split_lines([written], max_bytes=MAX_SHARD_LINE_BYTES) if line.data is not None]
    assert adds_up(conversion)
    assert conversion.counts.converted == len(shard)
    assembly = assemble(lambda: [shard], max_prompts)
    assembly.settle(conversion.counts)
    assert adds_up(conversion)
    checked = DatasetCheck(limits=Limits(min_records=1))
    made = list(assembly.lines())
    for line in split_lines(made):
        checked.add(line)
    report = checked.report()
    assert not set(report.error_counts) - FILE_RULES, report.errors
    assert len(made) == conversion.counts.converted
    return len(made)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(POOL), max_size=12), OPTIONS, st.integers(1, 5), st.booleans())
def test_any_mix_of_records(records: list[Json | bytes], options: LogOptions, max_prompts: int, packed: bool) -> None:
    data = lines_of(records)
    conversion = LogConversion(options, Bodies(BODIES))
    made = check(conversion, [gzip.compress(data, 1) if packed else data], max_prompts)
    assert made <= max_prompts
    assert conversion.counts.records == len(records)


def places_of(value: Any) -> list[tuple[Any, Any]]:
    """Every list or object in ``value`` with each of its keys."""
    places: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        here = todo.pop()
        keys: Any = here.keys() if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            places.append((here, key))
            todo.append(here[key])
    return places


@st.composite
def mutated_records(draw: st.DrawFn) -> Json:
    record: Json = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    for _ in range(draw(st.integers(1, 4))):
        places = places_of(record)
        if not places:
            break
        here, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 3)):
            case 0:
                del here[key]
            case 1:
                here[key] = json.loads(json.dumps(draw(st.sampled_from(ODD))))
            case 2:
                other, other_key = draw(st.sampled_from(places))
                here[key] = json.loads(json.dumps(other[other_key]))
            case 3 if isinstance(here, dict):
                here[draw(st.sampled_from(["text", "type", "content", "role", "tools", "prompt", "x"]))] = here.pop(key)
            case _:
                here[key] = [here[key], here[key]]
    return record


@pytest.mark.thorough
@settings(max_examples=part_of(2500))
@given(st.lists(mutated_records(), min_size=1, max_size=3), OPTIONS, st.sampled_from(ENDINGS))
def test_records_with_anything_anywhere(records: list[Json], options: LogOptions, ending: str) -> None:
    for number, record in enumerate(records):
        if record.get("requestId") == "request-1":
            record["requestId"] = f"request-{number}{ending}"
        if ending:
            record["timestamp"] = f"2026{ending}"
    conversion = LogConversion(options, Bodies(BODIES))
    check(conversion, [lines_of(records)])
    assert conversion.counts.records == len(records)


@settings(max_examples=part_of(500))
@given(st.data())
def test_bytes_damaged_anywhere(data: st.DataObject) -> None:
    plain = lines_of([*GOOD[:8], *GOOD[-3:]])
    packed = data.draw(st.booleans())
    good = gzip.compress(plain, 1) if packed else plain
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(broken) - 1))
        drop = data.draw(st.integers(0, 5))
        broken[at : at + drop] = data.draw(st.binary(max_size=5))
    size = data.draw(st.integers(1, len(good)))
    conversion = LogConversion(LogOptions(use_prompt_response=data.draw(st.booleans())), Bodies(BODIES))
    check(conversion, [bytes(broken[at : at + size]) for at in range(0, len(broken), size)])


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_at_all(data: bytes) -> None:
    for chunk in (data, b"\x1f\x8b" + data, gzip.compress(data)):
        conversion = LogConversion(LogOptions(), Bodies())
        assert check(conversion, [chunk]) == 0


@pytest.mark.thorough
def test_a_hundred_thousand_mutated_lines() -> None:
    """Faster and blinder than hypothesis: bytes of good lines replaced, cut out and doubled."""
    chance = random.Random(5)
    lines = [orjson.dumps(record) for record in GOOD]
    tokens = [
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"\xff",
        b"\x00",
        b"1e999",
        b'"role":"user",',
        b"{}",
    ]

    def mutated() -> Iterator[bytes]:
        for _ in range(100_000):
            line = chance.choice(lines)
            for _ in range(chance.randint(0, 2)):
                at = chance.randrange(len(line))
                line = line[:at] + chance.choice(tokens) + line[at + chance.randint(0, 4) :]
            yield line.replace(b"request-1", b"request-%d" % chance.randrange(10**9)) + b"\n"

    conversion = LogConversion(LogOptions(), Bodies(BODIES))
    made = check(conversion, mutated())
    counts = conversion.counts
    assert counts.records == 100_000
    assert made > 100
    assert counts.skipped["duplicate"] > 30_000
    assert counts.failed["invalid-json"] > 10_000
