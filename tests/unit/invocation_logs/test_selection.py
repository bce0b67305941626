"""The choice among candidates: each prompt once, no more than asked for, whatever the order they come in."""

from __future__ import annotations

import random
from collections import Counter

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
    assert max(Counter(record["id"] for record in made).values(), default=1) == 1
    assert max(Counter(record["tag"] for record in made).values(), default=1) == 1
    earliest = {tag: min((c.order, n) for n, c in enumerate(candidates) if c.tag == tag) for tag in sample}
    of_one_id = [[t for t in sample if f" {name} " in earliest[t][0]] for name in {r["id"] for r in made}]
    winners = [min(tags, key=lambda tag: (earliest[tag][0], tag)) for tags in of_one_id]
    assert [line.rstrip(b"\n") for line in lines] == [
        candidates[n].line for n in sorted(earliest[tag][1] for tag in winners)
    ]
    assert sum(map(len, of_one_id)) == len(sample)


def test_a_request_id_goes_in_once_and_its_earliest_prompt_has_it() -> None:
    first, second = Candidate(9, "t1 r", b"first"), Candidate(3, "t2 r", b"second")
    for shards in ([[first, second]], [[second], [first]]):
        assert dataset(shards, 5) == ([b"first\n"], 1, 0)


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
