"""Patterns match in linear time, and what RE2 can't read is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.rules.limits import MAX_OTHER_TEXT, MAX_TEXT, RuleInvalid
from rft.grading.rules.patterns import MAX_PATTERN, compile_pattern, regex_full_match, regex_search


@pytest.mark.parametrize(
    ("pattern", "answer", "found", "whole"),
    [
        ("b", "abc", 1, 0),
        ("abc", "abc", 1, 1),
        ("abc", " abc\n", 1, 1),
        ("a|abc", "abc", 1, 1),
        ("^b", "abc", 0, 0),
        ("c$", "abc", 1, 0),
        ("c$", "abc\n", 0, 0),
        ("(?m)c$", "abc\n", 1, 0),
        ("a.c", "a\nc", 0, 0),
        ("(?s)a.c", "a\nc", 1, 1),
        ("ABC", "abc", 0, 0),
        ("(?i)ABC", "abc", 1, 1),
        ("é", "café", 1, 0),
        ("(?i)É", "café", 1, 0),
        ("^.$", "\U0001f44d", 1, 1),
        ("^.$", "東", 1, 1),
        (r"\d", "٤", 0, 0),
        (r"\p{Nd}", "٤", 1, 1),
        (r"\p{Arabic}+", "مرحبا", 1, 1),
        ("\u200b", "a\u200bb", 1, 0),
        ("", "", None, None),
        ("x*", "", 1, 1),
        ("a", "", 0, 0),
        (r"\bcat\b", "the cat's", 1, 0),
        (r"\bcat\b", "concatenate", 0, 0),
        (r"^(\d+[a-z]*)*$", "1a" * 5000 + "!", 0, 0),
        ("(x+x+)+y", "x" * 30_000, 0, 0),
        ("a", "\ud800a", 1, 0),
        ("a\x00b", "a\x00b", 1, 1),
    ],
)
def test_matches(pattern: str, answer: str, found: float | None, whole: float | None) -> None:
    if found is None:
        with pytest.raises(RuleInvalid):
            compile_pattern(pattern)
        return
    assert regex_search(answer, pattern) == found
    assert regex_full_match(answer, compile_pattern(pattern)) == whole


@pytest.mark.parametrize(
    "pattern",
    ["(", "[a", "a{2000}", "(?=a)", "(?<!a)b", r"(a)\1", "(?P<x>a)(?P=x)", "*a", "\\", "\ud800", "(?>a)", "a++b**"],
    ids=ascii,
)
def test_what_re2_does_not_read(pattern: str) -> None:
    with pytest.raises(RuleInvalid, match="RE2"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["a" * (MAX_PATTERN + 1), r"(\w{1,100} ){9}", "((a{0,30}){0,30})b", "(a?){900}a{900}"]
)
def test_a_pattern_too_big(pattern: str) -> None:
    with pytest.raises(RuleInvalid, match=r"too big|characters"):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", [5, b"a", ("a",)])
def test_a_pattern_that_is_no_text(pattern: object) -> None:
    with pytest.raises(RuleInvalid):
        compile_pattern(pattern)  # type: ignore[arg-type]


def test_an_answer_too_long_matches_nothing() -> None:
    assert regex_search("a" * MAX_TEXT, "a") == regex_full_match("a" * MAX_TEXT, "a+") == 1
    assert regex_search("a" * (MAX_TEXT + 1), "a") == regex_full_match("a" * (MAX_TEXT + 1), "a+") == 0
    assert regex_search("é" * (MAX_OTHER_TEXT + 1), "é") == 0


def test_case_may_be_disregarded() -> None:
    assert compile_pattern("abc", ignore_case=True).is_in("ABC")
    assert not compile_pattern("abc").is_in("ABC")


def test_a_pattern_is_compiled_once() -> None:
    assert compile_pattern("once") is compile_pattern("once")


@given(st.text("ab()[]*+?|\\^$.{}1,é", max_size=12), st.text("ab1é\n\ud800", max_size=12))
def test_any_pattern_matches_or_not_or_is_refused(pattern: str, answer: str) -> None:
    try:
        found, whole = regex_search(answer, pattern), regex_full_match(answer, pattern)
    except RuleInvalid:
        return
    assert found in (0, 1)
    assert whole in (0, 1)


@given(st.text("ab.*é", min_size=1, max_size=12))
def test_a_text_matches_itself_quoted(text: str) -> None:
    assert regex_full_match(text, "".join(f"[{c}]" for c in text)) == 1
