"""What holds for any input: cutting into lines, passing bytes on, splitting, and never falling over."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.dataset import DatasetCheck, Limits, Line, choose_validation, quick_look, split_lines, with_rft_field
from rft.dataset.quick_look import QuickLook
from rft.dataset.shape import record_flaws
from rft.dataset.text import NotJson, read_leniently
from tests.thoroughness import part_of

HASHES = st.integers(0, (1 << 64) - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def in_chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


@given(
    st.lists(st.sampled_from([b"", b"\n", b"\r\n", b"a", b"bc", b"def" * 5])).map(b"".join),
    st.lists(st.integers(0, 7)),
    st.integers(1, 12),
)
def test_lines_are_those_of_split_for_any_chunking(data: bytes, sizes: list[int], max_bytes: int) -> None:
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    lines = list(split_lines(in_chunks(data, sizes), max_bytes=max_bytes))
    assert [line.number for line in lines] == list(range(1, len(expected) + 1))
    assert [line.length for line in lines] == list(map(len, expected))
    assert [line.data for line in lines] == [piece if len(piece) <= max_bytes else None for piece in expected]


@given(
    st.dictionaries(st.text(max_size=5).filter(lambda key: key != "rft"), JSON, max_size=4),
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    ),
    st.sampled_from(["", " ", "\t "]),
    st.booleans(),
)
def test_the_rft_field_is_added_to_the_very_same_bytes(
    record: dict[str, Any], rft: dict[str, str], space: str, ascii_only: bool
) -> None:
    line = (space + json.dumps(record, ensure_ascii=ascii_only) + space).encode(errors="surrogatepass")
    if not record:
        line = line.replace(b"{}", b"{" + space.encode() + b"}")
    spliced = with_rft_field(line, rft)
    assert json.loads(spliced) == {**record, "rft": rft}
    end = line.rindex(b"}")
    assert spliced.startswith(line[:end])
    assert spliced.endswith(line[end:])


def test_big_integers_and_escapes_survive_the_rft_field() -> None:
    line = b'{"n": 123456789012345678901234567890, "s": "\\u00e9\\/"}'
    assert with_rft_field(line, {"run_id": "r"}) == line[:-1] + b', "rft": {"run_id":"r"}}'


@given(st.lists(HASHES, max_size=60), st.lists(HASHES, max_size=30), st.floats(0.01, 0.99), st.integers(0, 40))
def test_a_split_leaves_enough_to_train_and_keeps_sides_when_records_are_added(
    hashes: list[int], more: list[int], fraction: float, min_train: int
) -> None:
    def training_records(records: list[int], validation: frozenset[int]) -> int:
        return sum(value not in validation for value in records)

    before = choose_validation(hashes, fraction=fraction, min_train=min_train)
    after = choose_validation(hashes + more, fraction=fraction, min_train=min_train)
    assert before == choose_validation(hashes[::-1], fraction=fraction, min_train=min_train)
    assert training_records(hashes, before) >= min(min_train, len(hashes))
    unforced = choose_validation(hashes, fraction=fraction, min_train=0)
    assert before <= unforced
    given_back = unforced - before
    if given_back:  # only as many as the minimum forces, and those with the highest hashes
        assert min(given_back) > max(before, default=-1)
        assert training_records(hashes, before) - Counter(hashes)[min(given_back)] < min_train
    elif training_records(hashes + more, unforced) >= min_train:
        assert after & set(hashes) == before


def test_a_split_has_about_the_fraction_asked_for() -> None:
    hashes = [orjson_hash(number) for number in range(2000)]
    assert 140 < len(choose_validation(hashes, fraction=0.1)) < 260
    assert len(choose_validation(hashes[:105], fraction=0.5)) == 5
    assert choose_validation(hashes[:100], fraction=0.5) == frozenset()


def orjson_hash(number: int) -> int:
    line = orjson.dumps({"messages": [{"role": "user", "content": f"question {number}"}]})
    facts = DatasetCheck().add(Line(1, line, len(line)))
    assert facts is not None
    return facts.split_hash


GOOD = [
    b'{"id": "a", "messages": [{"role": "system", "content": "Be \\"brief\\": yes"}, {"role": "user", "content": '
    b'"What\\u0027s 12 * 7: \\n caf\xc3\xa9?"}], "reference_answer": {"answer": "84", "n": [1, 2.5e3]}, "x": null}',
    b'{"messages":[{"content":"Hi","role":"user"}],"tools":[{"type":"function","function":{"name":"f"}}],"a":{"a":{}}}',
    b'{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"reference_answer":"x","n":[[[{}]]]}',
]
TOKENS = [
    b'"',
    b"\\",
    b":",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"NaN",
    b"1e999",
    b"\\ud800",
]
TOKENS += [
    b'"role":"user",',
    b'"a":1,',
    b'"content": "x", ',
    b"null",
    b" ",
    b"\t",
    b"\r",
    b'\\"',
    b'"n" :0,',
    b"\\u003a",
]


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    line = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        drop = draw(st.integers(0, 4))
        line = line[:at] + draw(st.sampled_from([b"", *TOKENS])) + line[at + drop :]
    return line.replace(b"\n", b"")


def flaws_of(data: bytes) -> set[str]:
    """What the slow look says of a line, asked directly."""
    try:
        record, flaws = read_leniently(data)
    except NotJson as error:
        return {flaw.rule for flaw in error.flaws}
    return {flaw.rule for flaw in [*flaws, *record_flaws(record)]}


@pytest.mark.thorough
@settings(max_examples=part_of(1500), deadline=None)
@given(mutated_lines())
def test_the_quick_look_clears_exactly_what_the_slow_one_clears(data: bytes) -> None:
    check = DatasetCheck(limits=Limits(min_records=1))
    for number, good in enumerate(GOOD, 1):
        check.add(Line(number, good.replace(b'"id": "a"', b'"id": "b"'), len(good)))
    facts = check.add(Line(4, data, len(data)))
    if data.strip():
        assert (facts is not None) == (not flaws_of(data))
        assert set(check.report().error_counts) == flaws_of(data)


@settings(max_examples=part_of(500), deadline=None)
@given(st.binary(max_size=200), st.integers(1, 3))
def test_no_bytes_make_the_check_fall_over(data: bytes, number: int) -> None:
    check = DatasetCheck()
    for line in split_lines([GOOD[0] + b"\n"] * (number - 1) + [data]):
        check.add(line)
    json.dumps(check.report().to_json())


WRITTEN_STRINGS = st.sampled_from(
    ['""', '"a"', '"b:"', '":"', '"\\":"', '"\\\\"', '"x\\\\\\":1"', '"content"', '"\\u003a"', '"a\\"content"', '" :"']
)
WRITTEN_JSON = st.recursive(
    WRITTEN_STRINGS | st.sampled_from(["1", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(
            st.tuples(WRITTEN_STRINGS, st.sampled_from([":", ": ", " :", "\t: ", " \r:"]), inner).map("".join),
            max_size=4,
        ).map(lambda members: f"{{{','.join(members)}}}")
    ),
    max_leaves=12,
)


@pytest.mark.thorough
@settings(max_examples=part_of(1500))
@given(WRITTEN_JSON)
def test_a_repeated_key_is_never_missed(text: str) -> None:
    repeated = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        repeated = repeated or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    assert QuickLook(Limits()).has_unique_keys(text.encode()) is not repeated


@pytest.mark.thorough
def test_a_thousand_keys_take_no_time_by_the_square() -> None:
    fields = ", ".join(f'"{number}": {{}}' for number in range(60_000))
    line = b'{"messages": [{"role": "user", "content": "Hi"}], "x": {%s}}' % fields.encode()
    check = DatasetCheck(limits=Limits(min_records=1))
    check.read([line + b"\n"] * 2)
    assert check.report().valid
    assert not QuickLook(Limits()).has_unique_keys(line)  # left to the slow look


def test_the_quick_look_goes_on_whatever_it_met() -> None:
    look = QuickLook(Limits())
    look.remember(("user",))
    good = b'{"messages": [{"role": "user", "content": "Hi"}], "%s": 1}'
    met = [b'{"messages": [{"role": "user", "text": "Hi"}], "a": 1}', b'{"messages": 5}', b"{", b'{"messages": ["x"]}']
    for line in met:
        assert look.clear(line) is None
        for field in (b"a", b"b", b"a"):  # as many fields as before, but others
            assert look.clear(good % field) is not None


@pytest.mark.parametrize(
    ("fields", "repeated"),
    [
        (b'"m": {"x\\u0000y": [1]}', False),
        (b'"x\\u0000y": 1', False),
        (b'"a": 1, "a\\u0000b": {"k": 1, "k": 2}', True),
        (b'"m": {"a": 1, "a\\u0000b": {"k": 1, "k": 2}}', True),
        (b'"m": [{"a\\u0000b": {"k": 1, "k": 2}, "a": []}]', True),
    ],
)
def test_a_nul_in_a_key_hides_nothing(fields: bytes, repeated: bool) -> None:
    check = DatasetCheck(limits=Limits(min_records=1))
    line = b'{"messages": [{"role": "user", "content": "Hi"}], %s}\n' % fields
    check.read([line] * 3)
    assert check.report().error_counts == ({"repeated-key": 3} if repeated else {})


def test_an_object_is_gone_through_once_however_many_lists_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    walk = quick_look._keys_are_unique
    monkeypatch.setattr(quick_look, "_keys_are_unique", lambda value: walks.append(1) or walk(value))
    look = QuickLook(Limits())
    look.remember(("user",))
    record = {"messages": [{"role": "user", "content": "Hi"}], "m": {str(n): [{}] for n in range(60)}}
    assert look.clear(orjson.dumps(record)) is not None
    assert len(walks) == 1


def test_long_sequences_of_roles_take_no_memory() -> None:
    def lines() -> Iterator[bytes]:
        for number in range(20):
            turns = [{"role": "user", "content": "x"}] * (1_000 + number)
            yield orjson.dumps({"messages": turns}) + b"\n"

    check = DatasetCheck(limits=Limits(min_records=1))
    check.read(itertools.islice(lines(), 2))
    tracemalloc.start()
    try:
        check.read(lines())
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert check.report().stats["turns"]["max"] == 1_019
    assert grown < 200_000
