from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.comparison.sample import Prompt, batches, choose_prompts


def record(number: int, size: int = 5) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"{number} " + "x" * size}], "reference_answer": number}


def test_the_choice_does_not_hang_on_the_order() -> None:
    records = [record(number) for number in range(300)]
    sample = choose_prompts(records, 40, seed=7)
    assert (len(sample.prompts), sample.of) == (40, 300)
    assert all(records[prompt.position] is prompt.record for prompt in sample.prompts)
    assert [prompt.position for prompt in sample.prompts] == sorted(prompt.position for prompt in sample.prompts)
    shuffled = random.Random(2).sample(records, len(records))
    others = choose_prompts(shuffled, 40, seed=7).prompts
    assert {prompt.record["reference_answer"] for prompt in others} == {
        prompt.record["reference_answer"] for prompt in sample.prompts
    }
    assert choose_prompts(records, 40, seed=8) != sample


def test_a_small_set_is_asked_as_a_whole() -> None:
    records = [record(number) for number in range(3)]
    assert choose_prompts(records, 10, seed=0).prompts == tuple(Prompt(n, each) for n, each in enumerate(records))
    assert choose_prompts([], 10, seed=0) == ((), 0)


def test_records_of_the_same_messages_are_all_chosen_from() -> None:
    sample = choose_prompts([record(1)] * 5, 3, seed=0)
    assert [prompt.position for prompt in sample.prompts] == [0, 1, 2]
    assert sample.of == 5


def test_no_more_is_held_than_is_chosen() -> None:
    def many() -> Iterator[dict[str, Any]]:
        for number in range(2_000):
            yield record(number, 20_000)

    tracemalloc.start()
    choose_prompts(many(), 4, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # of 40 MB


@given(st.integers(0, 400), st.integers(1, 60))
def test_batches_are_few_even_and_in_order(count: int, most: int) -> None:
    parts = batches(range(count), most)
    assert [each for part in parts for each in part] == list(range(count))
    assert len(parts) == -(-count // most)
    sizes = {len(part) for part in parts}
    assert not sizes or (max(sizes) <= most and max(sizes) - min(sizes) <= 1)


def test_a_batch_has_room() -> None:
    with pytest.raises(ValueError, match="room"):
        batches([1], 0)
