"""The answers at both ends, from a stream of any size."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from rft.report.samples import MOST, samples_of


def row(number: int, before: float | None, after: float | None, **more: Any) -> dict[str, Any]:
    answers = {
        "base": {"text": f"old {number}", "reward": before} if before is not None else {"missing": "BedrockBusy"},
        "candidate": {"text": f"new {number}", "reward": after} if after is not None else {"missing": "JudgeDenied"},
    }
    return {"id": f"r{number}", "messages": [{"role": "user", "content": f"ask {number}"}], "answers": answers} | more


def lines(*rows: Any) -> list[bytes]:
    return [json.dumps(found).encode() + b"\n" if not isinstance(found, bytes) else found for found in rows]


def test_the_furthest_from_zero_come_first_and_equal_ones_not_at_all() -> None:
    gains = [0.0, 0.1, -0.5, 0.9, -0.1, 0.2, 0.3, 0.4, 0.5, -0.9, 1e-12]
    found = samples_of(lines(*(row(n, 0.0, gain) for n, gain in enumerate(gains))), against="base")
    assert [sample.id for sample in found.worst] == ["r9", "r2", "r4"]
    assert [sample.id for sample in found.best] == ["r3", "r8", "r7", "r6", "r5"]
    assert len(found.best) == MOST
    assert [*found.gains] == pytest.approx([0, 0.1, -0.5, 0.9, -0.1, 0.2, 0.3, 0.4, 0.5, -0.9, 0])


def test_a_missing_answer_is_no_zero() -> None:
    found = samples_of(lines(row(1, None, 1.0), row(2, 1.0, None), row(3, 0.5, 0.75)), against="base")
    assert [*found.gains] == [0.25]
    assert found.worst == ()


def test_lines_that_can_not_be_read_are_counted_and_nothing_more() -> None:
    broken = [b"{\n", b"[]\n", b'{"answers": 3}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"\n", b'{"id": NaN}\n']
    found = samples_of([*broken, *lines(row(1, 0.0, 1.0))], against="base")
    assert (found.unreadable, len(found.gains)) == (6, 1)


def test_the_live_model_is_what_the_candidate_is_held_against_where_there_is_one() -> None:
    told = row(1, 0.0, 0.5)
    told["answers"]["live"] = {"text": "live", "reward": 0.75}
    found = samples_of(lines(told), against="live")
    assert [*found.gains] == [-0.25]
    assert found.worst[0].before.text.head == "live"


def test_one_system_message_for_all_is_shown_once() -> None:
    def with_system(number: int, system: str) -> dict[str, Any]:
        turns = [{"role": "system", "content": system}, {"role": "user", "content": "ask"}]
        return row(number, 0.0, number / 10, messages=turns)

    shared = samples_of(lines(with_system(1, "Be brief."), with_system(2, "Be brief.")), against="base")
    assert shared.shared is not None
    assert shared.shared.head == "Be brief."
    assert [turn.role for sample in shared.best for turn in sample.turns] == ["user", "user"]
    different = samples_of(lines(with_system(1, "Be brief."), with_system(2, "Be long.")), against="base")
    assert different.shared is None
    assert different.best[0].turns[0].text.head == "Be long."


def test_a_long_conversation_keeps_its_beginning_and_its_end() -> None:
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"turn {n}"} for n in range(30)]
    (sample,) = samples_of(lines(row(1, 0.0, 1.0, messages=turns)), against="base").best
    assert [turn.text.head for turn in sample.turns] == [f"turn {n}" for n in (0, 1, 26, 27, 28, 29)]
    assert sample.turns_left_out == 24


def test_parts_of_a_message_are_joined_and_other_content_is_json() -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]},
    ]
    (sample,) = samples_of(lines(row(1, 0.0, 1.0, messages=turns, reference_answer={"a": "é"})), against="base").best
    assert [turn.text.head for turn in sample.turns] == ["one\ntwo", "null"]
    assert sample.reference is not None
    assert sample.reference.head == '{"a": "é"}'


def test_answers_that_are_one_text_or_cut_off_are_counted() -> None:
    rows = [row(n, 0.0, 0.5) for n in range(10)]
    for told in rows[:7]:
        told["answers"]["candidate"] |= {"text": " the same ", "stop_reason": "max_tokens"}
    found = samples_of(lines(*rows), against="base")
    assert (found.after.answers, found.after.most_alike, found.after.cut_off) == (10, 7, 7)
    assert (found.before.answers, found.before.most_alike, found.before.cut_off) == (10, 1, 0)
    assert samples_of([], against="base").after.most_alike == 0


def test_memory_is_bounded_however_large_the_file_is() -> None:
    text = "x" * 1_000_000

    def stream() -> Iterator[bytes]:
        for number in range(60):
            told = row(number, 0.5, 0.5 + (number % 11 - 5) / 10)
            told["answers"]["candidate"]["text"] = text
            yield from lines(told)
        yield b'{"id": "' + b"y" * 40_000_000 + b'"}\n'

    tracemalloc.start()
    found = samples_of(stream(), against="base")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(found.gains), found.unreadable) == (60, 1)
    assert found.best[0].after.text.cut > 900_000
    assert peak < 150_000_000  # the line of 40 MB, which is the test's own, and the texts of ten records
