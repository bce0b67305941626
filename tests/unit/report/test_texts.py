"""Foreign texts: everything in them is seen, and nothing in them does anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.report.texts import HEAD, HEAD_LINES, TAIL, TAIL_LINES, excerpt, line, plain

ANY = st.text(st.characters(codec=None), max_size=300)  # half surrogate pairs too


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x1b[31mred\x1b[0m", "a\u241b[31mred\u241b[0m"),
        ("bell\x07 null\x00 del\x7f", "bell\u2407 null\u2400 del\u2421"),
        ("safe\u202egpj.exe", "safe⟨U+202E⟩gpj.exe"),
        ("\u2066isolated\u2069", "⟨U+2066⟩isolated⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("half \ud83d pair", "half ⟨U+D83D⟩ pair"),
        ("tag \U000e0041", "tag ⟨U+E0041⟩"),
        ("one\r\ntwo\rthree\u2028four\x0bfive", "one\ntwo\nthree\nfour\nfive"),
        ("a\u00a0b\u3000c", "a\u00a0b c"),
        ("👩\u200d👩\u200d👧 می\u200cخواهم é", "👩\u200d👩\u200d👧 می\u200cخواهم é"),
        ("Z" + "\u0336" * 500 + "!", "Z" + "\u0336" * 6 + "!"),
        ("<script>&amp;", "<script>&amp;"),
    ],
)
def test_what_is_seen(text: str, seen: str) -> None:
    assert plain(text) == seen


@given(ANY)
def test_nothing_is_left_that_is_not_seen(text: str) -> None:
    for character in plain(text):
        assert character in "\n\t\u00a0\u200c\u200d" or character.isprintable()
    plain(text).encode()  # no half of a surrogate pair


@given(ANY)
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text("ab \n", max_size=40), st.integers(0, 200_000))
def test_an_excerpt_says_how_much_it_leaves_out(begin: str, more: int) -> None:
    text = begin + "x" * more
    found = excerpt(text)
    assert len(found.head) + found.cut + len(found.tail) == len(text)
    assert len(found.head) <= (HEAD if found.cut else HEAD + TAIL)
    assert len(found.tail) <= TAIL
    assert text.startswith(found.head)
    assert text.endswith(found.tail)


def test_the_end_of_a_long_text_is_shown_too_and_a_tail_can_be_done_without() -> None:
    text = "begin " + "x" * 1_000_000 + " The answer is 42."
    assert excerpt(text).tail.endswith("The answer is 42.")
    assert excerpt(text).cut == len(text) - HEAD - TAIL
    assert excerpt(text, head=10, tail=0) == ("begin xxxx", len(text) - 10, "")


def test_many_lines_are_too_much_as_well() -> None:
    found = excerpt("\n".join(map(str, range(200))))
    assert len(found.head.splitlines()) == HEAD_LINES
    assert len(found.tail.splitlines()) == TAIL_LINES
    assert found.tail.endswith("199")
    assert found.cut > 0


@given(ANY, st.integers(2, 60))
def test_a_line_is_one_line_of_limited_length(text: str, most: int) -> None:
    found = line(text, most)
    assert len(found) <= most
    assert not {"\n", "\t"} & set(found)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in found)


def test_a_long_line_says_that_there_was_more() -> None:
    assert line("word " * 100_000, 20) == "word word word word…"
    assert line(17) == "17"
