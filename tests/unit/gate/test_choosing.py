from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.gate.choosing import choose, fitting, to_bytes
from tests.unit.gate.bench import example_records


def record(number: int, size: int = 10) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"{number} " + "x" * size}]}


def test_the_choice_does_not_hang_on_the_order() -> None:
    records = example_records()
    chosen = choose(records, 16, 0)
    assert len(chosen) == 16
    assert [records.index(each) for each in chosen] == sorted(records.index(each) for each in chosen)
    shuffled = random.Random(3).sample(records, len(records))
    assert sorted(map(str, choose(shuffled, 16, 0))) == sorted(map(str, chosen))


def test_another_seed_chooses_others() -> None:
    records = example_records()
    assert choose(records, 16, 0) != choose(records, 16, 1)
    assert choose(records, 16, -1)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(-1, 8))
def test_as_many_as_there_are(numbers: list[int], count: int) -> None:
    chosen = choose([record(number) for number in numbers], count, 0)
    assert len(chosen) == max(0, min(count, len(numbers)))


def test_every_record_has_its_chance() -> None:
    records = [record(number) for number in range(20)]
    chosen = {json.dumps(each) for seed in range(200) for each in choose(records, 2, seed)}
    assert len(chosen) == 20


def test_memory_is_bound() -> None:
    def many() -> Iterator[dict[str, Any]]:
        for number in range(2_000):
            yield record(number, 20_000)

    tracemalloc.start()
    choose(many(), 4, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # of 40 MB


def test_what_fits() -> None:
    small, large = record(1, 10), record(2, 1_000)
    assert fitting([small, large, small], 500) == [small, small]
    assert fitting([large], 500) == []


@pytest.mark.parametrize(("text", "written"), [("é", '"é"'), ("\ud800", '"?"'), ("😀", '"😀"')])
def test_bytes(text: str, written: str) -> None:
    assert to_bytes(text).decode() == written
