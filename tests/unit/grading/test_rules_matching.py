"""Texts that are the same but for their dress match, and no others; cutting into words is the same for all scripts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.rules import texts
from rft.grading.rules.limits import MAX_OTHER_TEXT, MAX_TEXT
from rft.grading.rules.matching import exact_match, normalised_match
from rft.grading.rules.texts import MAX_FOLDED, MAX_MARKS, folded, normalised, words_and_runs, words_and_signs, words_of

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", "paris"),
        ("  Paris\n", "Paris"),
        ("New\u00a0York", "New  York"),
        ("straße", "STRASSE"),
        ("Ｐａｒｉｓ", "Paris"),
        ("ﬁne", "fine"),
        ("①", "1"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("Ǆ", "dž"),
        ("don’t", "don't"),
        ("“yes”", '"yes"'),
        ("1990–1995", "1990-1995"),
        ("−5", "-5"),
        ("pa\u200bris", "Paris"),
        ("\ufeffParis", "Paris"),
        ("\u202eParis\u202c", "Paris"),
        ("co\u00adop", "coop"),
        ("❤\ufe0f", "❤"),
        (FAMILY, "\U0001f468\U0001f469\U0001f467"),
        ("½", "1/2"),
        ("1½", "1 1/2"),
        ("x²", "x^2"),
        ("٣٫٥", "٣.٥"),
        ("한국", unicodedata.normalize("NFD", "한국")),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("", "\u200b"),
    ],
)
def test_the_same_but_for_its_dress(one: str, other: str) -> None:
    assert normalised_match(one, other) == 1
    assert normalised_match(other, one) == 1
    assert exact_match(one, other) == 0
    assert exact_match(one, one) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", "Paris."),
        ("Paris", "Pari s"),
        ("the cat", "cat"),
        ("10²", "102"),
        ("1½", "11/2"),
        ("½", "12"),
        ("naïve", "naive"),
        ("Вода", "Boдa"),  # other letters that look the same
        ("कि", "का"),
        ("שלום", "שלומ"),
        ("yes", "yes yes"),
        ("yes", ""),
        ("1", "١"),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_not_the_same(one: str, other: str, keep: bool) -> None:
    if keep or one not in ("Paris", "the cat"):
        assert normalised_match(one, other, punctuation=keep, articles=keep) == 0
        assert normalised_match(other, one, punctuation=keep, articles=keep) == 0


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("The Eiffel Tower.", "eiffel tower", 1),
        ("An apple, a pear", "apple pear", 1),
        ("co-op", "coop", 1),
        ("O'Neill", "ONeill", 1),
        ("«oui»", "oui", 1),
        ("¿qué?", "qué", 1),
        ("東京。", "東京", 1),
        ("1,000", "1000", 1),
        ("$5", "5", 1),
        ("there", "re", 0),
        ("3.5", "35", 0),
        ("-5", "5", 0),
        ("5%", "5", 0),
        ("1,5", "15", 0),
        ("1/2", "12", 0),
        ("3-5", "35", 0),
        (".5", "5", 0),
        ("3·5", "35", 0),
        ("3×5", "35", 0),
        ("12:30", "1230", 0),
        # Nothing would be left of these references: they are compared as they are.
        ("", "A", 0),
        ("a", "A", 1),
        ("the", "A", 0),
        ("", "!", 0),
        ("?", "!", 0),
        ("!", "!", 1),
        ("\U0001f44d", "\U0001f44d", 1),
        ("", "\U0001f44d", 0),
    ],
)
def test_without_punctuation_and_articles(one: str, other: str, value: float) -> None:
    assert normalised_match(one, other, punctuation=False, articles=False) == value


def test_what_is_too_long_is_wrong_in_an_answer_and_bad_in_a_reference() -> None:
    assert normalised_match("a" * MAX_TEXT, "a" * MAX_TEXT) == 1
    assert normalised_match("a" * (MAX_TEXT + 1), "a" * MAX_TEXT) == 0
    assert normalised_match("é" * (MAX_OTHER_TEXT + 1), "é") == 0
    for reference in ("a" * (MAX_TEXT + 1), "é" * (MAX_OTHER_TEXT + 1)):
        with pytest.raises(BadSample, match="too long"):
            normalised_match("a", reference)


def test_a_flood_of_marks_or_of_phrases_in_one_character_is_left_out() -> None:
    assert folded("e" + "\u0315" * 5000) == "e" + "\u0315" * MAX_MARKS
    assert folded("\ufdfa" * 5000 + "é") == "é"
    assert len(folded("⑽" * 10_000)) == MAX_FOLDED


ANY = st.text(max_size=40)
SCRIPTS = st.text(alphabet="aAzé ßİſı.,-'’1²½é\u0301\u0323कि東あ한ع\u064e‿_\x00\u200b\U0001f44d!٣3%$", max_size=30)


@given(ANY | SCRIPTS)
@example("ΐ")
def test_folding_is_done_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    for keep in (True, False):
        once = normalised(text, punctuation=keep, articles=keep)
        assert once == " ".join(once.split())
        assert normalised(once) == once
    assert normalised_match(text, text, punctuation=False, articles=False) == 1


def test_folding_is_done_once_for_every_character() -> None:
    for code in range(0x20000):
        once = folded(chr(code))
        assert once.isascii() or folded(once) == once


@given(ANY | SCRIPTS, ANY | SCRIPTS)
def test_matches_are_symmetric_for_texts_that_say_something(one: str, other: str) -> None:
    assert normalised_match(one, other) == normalised_match(other, one)
    assert exact_match(one, other) == exact_match(other, one)
    assert normalised_match(one, other) >= exact_match(one, other)


@pytest.mark.parametrize(
    ("text", "words", "with_signs", "runs"),
    [
        ("", [], [], []),
        (
            "it's 3.5!!",
            ["it", "s", "3", "5"],
            ["it", "'", "s", "3", ".", "5", "!", "!"],
            ["it", "'", "s", "3", ".", "5", "!!"],
        ),
        ("c++", ["c"], ["c", "+", "+"], ["c", "++"]),
        ("हिन्दी में।", ["हिन्दी", "में"], ["हिन्दी", "में", "।"], ["हिन्दी", "में", "।"]),
        ("東京 ok", ["東", "京", "ok"], ["東", "京", "ok"], ["東京", "ok"]),
        ("مَرحَبا!", ["مَرحَبا"], ["مَرحَبا", "!"], ["مَرحَبا", "!"]),
        ("\U0001f44dok", ["ok"], ["\U0001f44d", "ok"], ["\U0001f44d", "ok"]),
    ],
)
def test_words(text: str, words: list[str], with_signs: list[str], runs: list[str]) -> None:
    assert words_of(text) == words
    assert words_and_signs(text) == with_signs
    assert words_and_runs(text) == runs


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    assert words_and_signs(text) == [*texts._cut(f"{text} é", texts._WORDS + texts._SIGN, "")][:-1]


@given(SCRIPTS)
def test_cutting_loses_no_letter(text: str) -> None:
    for cut in (words_of, words_and_signs, words_and_runs):
        kept = "".join(cut(text))
        assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]
    assert "".join(words_and_signs(text)) == "".join(words_and_runs(text)) == "".join(text.split())
