"""The choice among candidates: each prompt once, no more than asked for, whatever the order they come in."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.invocation_logs import (
    Candidate,
    ConversionCounts,
    Selection,
    assemble,
    read_shard_line,
    write_shard_line,
)
from tests.unit.invocation_logs.records import converse, converted, log_record

CANDIDATES = st.lists(
    st.builds(
        lambda tag, time, request, answer: Candidate(
            tag, f"t{time} r{request} {answer}", orjson.dumps({"id": f"r{request}", "tag": tag, "answer": answer})
        ),
        st.integers(0, 12) | st.integers(0, (1 << 64) - 1),
        st.integers(0, 3),
        st.integers(0, 6) | st.integers(0, 10**6),
        st.integers(0, 2),
    ),
    max_size=40,
)


def dataset(shards: list[list[Candidate]], max_prompts: int) -> tuple[list[bytes], int, int]:
    lines = [[write_shard_line(candidate) for candidate in shard] for shard in shards]
    assembly = assemble(lambda: lines, max_prompts)
    made = list(assembly.lines())
    assert len(made) == assembly.chosen
    return made, assembly.duplicates, assembly.over_max_prompts


@given(CANDIDATES, st.integers(1, 12), st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_and_shards_make_no_difference(
    candidates: list[Candidate], max_prompts: int, chance: random.Random, shards: int
) -> None:
    lines, duplicates, over = dataset([candidates], max_prompts)
    shuffled = chance.sample(candidates, len(candidates))
    split = [shuffled[number::shards] for number in range(shards)]
    lines_then, duplicates_then, over_then = dataset(split, max_prompts)
    assert sorted(lines_then) == sorted(lines)
    assert (duplicates_then, over_then) == (duplicates, over)


@given(CANDIDATES, st.integers(1, 12))
def test_the_choice_is_what_a_plain_definition_says(candidates: list[Candidate], max_prompts: int) -> None:
    lines, duplicates, over = dataset([candidates], max_prompts)
    sample = sorted({candidate.tag for candidate in candidates})[:max_prompts]
    inside = [candidate for candidate in candidates if candidate.tag in sample]
    assert over == len(candidates) - len(inside)
    assert duplicates == len(inside) - len(lines)
    made = [orjson.loads(line) for line in lines]
    assert len(made) == len(sample), "as many as there is room for"
    assert max(Counter(record["id"] for record in made).values(), default=1) == 1
    earliest = {tag: min((c.order, n) for n, c in enumerate(candidates) if c.tag == tag) for tag in sample}
    expected = [orjson.loads(candidates[n].line) for n in sorted(n for _, n in earliest.values())]
    assert [record | {"id": 0} for record in made] == [record | {"id": 0} for record in expected]
    for before, after in zip(expected, made, strict=True):
        first = min((order, tag) for tag, (order, _) in earliest.items() if order.split(" ")[1] == before["id"])
        if first[1] == before["tag"]:
            assert after["id"] == before["id"]
        else:
            assert after["id"].startswith(before["id"] + "-")


def test_a_request_id_goes_in_once_and_its_earliest_prompt_has_it() -> None:
    times = {"r": (9, 3, 5), "r-2": (4,), 'q"': (1, 2)}
    records = [
        Candidate(tag, f"t{10 - tag} {name}", orjson.dumps({"id": name, "tag": tag}))
        for name, tags in times.items()
        for tag in tags
    ]
    for shards in ([records], [records[3:], records[:3]], [[one] for one in reversed(records)]):
        lines, duplicates, over = dataset(shards, 5)
        assert (duplicates, over) == (0, 1)
        made = {orjson.loads(line)["tag"]: orjson.loads(line)["id"] for line in lines}
        assert made == {3: "r-3", 5: "r", 4: "r-2", 1: 'q"-2', 2: 'q"'}
        assert all(len(line) <= len(orjson.dumps({"id": "", "tag": 1})) + 5 + 1 for line in lines)


def test_a_record_without_its_id_in_front_is_nothing_to_rename() -> None:
    lines = [Candidate(1, "t r", b'{"id":"r"}'), Candidate(2, "t r", b"other")]
    with pytest.raises(ValueError, match="begins with the id"):
        dataset([lines], 5)


@pytest.mark.parametrize("order", ["a\nb r", "a r\n"])
def test_no_shard_line_is_cut_in_two(order: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        write_shard_line(Candidate(1, order, b"{}"))


@pytest.mark.parametrize(
    "odd", ["2026\n", "2026\r", "\x0b", "\u2028", "٢٠٢٦", "2026 ", "2" * 41, "Z" * 41, 7, None, "", "x"]
)
def test_a_timestamp_of_another_form_counts_as_none(odd: Any) -> None:
    _, (candidate,) = converted(log_record(timestamp=odd))
    assert candidate.order == " request-1"
    assert read_shard_line(write_shard_line(candidate)) == candidate


@pytest.mark.parametrize("sound", ["2026-01-05T09:00:00Z", "2026-01-05T09:00:00.123456+00:00", "20260105T090000Z"])
def test_a_timestamp_puts_its_record_in_order(sound: str) -> None:
    _, (candidate,) = converted(log_record(timestamp=sound))
    assert candidate.order == f"{sound} request-1"


def test_memory_is_bounded_by_the_cap() -> None:
    selection = Selection(10)
    for number in range(10_000):
        selection.offer(number * 7919 % 10_007, f"t r{number}", (0, number))
    assert len(selection._kept) == len(selection._highest) == 10
    assert selection.over_the_cap == 9_990
    with pytest.raises(ValueError, match="at least one"):
        Selection(0)


def test_a_sample_is_even_and_another_seed_draws_another() -> None:
    records = [log_record(converse(f"question {number}"), number=number) for number in range(1000)]
    chosen = []
    for seed in (0, 0, 1):
        _, candidates = converted(*records, seed=seed)
        lines, duplicates, over = dataset([candidates], 100)
        assert (len(lines), duplicates, over) == (100, 0, 900)
        chosen.append({orjson.loads(line)["id"] for line in lines})
    assert chosen[0] == chosen[1] != chosen[2]
    first_half = sum(int(name.split("-")[1]) < 500 for name in chosen[0])
    assert 30 < first_half < 70


def test_of_equal_prompts_the_earliest_is_kept_and_the_counts_are_settled() -> None:
    records = [log_record(converse("same"), number=number) for number in (3, 1, 2)]
    conversion, candidates = converted(*records, log_record(converse("other"), number=4))
    lines = [[write_shard_line(candidate) for candidate in candidates]]
    assembly = assemble(lambda: lines, 100)
    assembly.settle(conversion.counts)
    assert [orjson.loads(line)["id"] for line in assembly.lines()] == ["request-1", "request-4"]
    assert conversion.counts.to_json() == {"records": 4, "converted": 2, "skipped": {"duplicate": 2}, "failed": {}}


def test_assembling_nothing() -> None:
    assembly = assemble(lambda: [[], []], 5)
    counts = ConversionCounts()
    assembly.settle(counts)
    assert (assembly.chosen, list(assembly.lines()), counts) == (0, [], ConversionCounts())


@given(st.integers(0, (1 << 64) - 1), st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.binary(max_size=50))
def test_a_shard_line_says_what_was_written(tag: int, order: str, line: bytes) -> None:
    candidate = Candidate(tag, order, line.replace(b"\n", b""))
    written = write_shard_line(candidate)
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    assert read_shard_line(written) == read_shard_line(written[:-1]) == candidate


@given(st.binary(max_size=60))
def test_no_other_line_is_taken_for_one_of_a_shard(data: bytes) -> None:
    try:
        candidate = read_shard_line(data)
    except ValueError:
        return
    assert 0 <= candidate.tag < 1 << 64
