"""Two texts, word by word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.differences import Span, differing_spans


def cut(text: str, spans: list[Span]) -> list[str]:
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ("the cat sat on the mat", "the dog sat on a mat.", ["cat", "the"], ["dog", "a", "."]),
        ('{"priority": "low"}', '{"priority": "high"}', ["low"], ["high"]),
        ("same  words", "same\nwords", [], []),
        ("", "all new", [], ["all new"]),
        ("all gone", "", ["all gone"], []),
        ("これは犬です", "これは猫です", ["犬"], ["猫"]),
        ("1.5", "1.6", ["5"], ["6"]),
    ],
)
def test_what_differs(before: str, after: str, gone: list[str], come: list[str]) -> None:
    left, right = differing_spans(before, after)
    assert (cut(before, left), cut(after, right)) == (gone, come)


@given(st.text(alphabet="ab .\n", max_size=40), st.text(alphabet="ab .\n", max_size=40))
def test_without_what_differs_both_are_the_same(before: str, after: str) -> None:
    left, right = differing_spans(before, after)

    def rest(text: str, spans: list[Span]) -> str:
        kept = [" " if any(start <= place < end for start, end in spans) else c for place, c in enumerate(text)]
        return "".join("".join(kept).split())

    assert rest(before, left) == rest(after, right)
    assert all(0 <= start < end <= len(before) for start, end in left)


def test_long_texts_differ_as_a_whole_and_at_once() -> None:
    before, after = "a b " * 100_000, "b a " * 100_000
    started = time.monotonic()
    assert differing_spans(before, after) == ([(0, 400_000)], [(0, 400_000)])
    assert differing_spans(before, before) == ([], [])
    assert time.monotonic() - started < 5
