"""Lengths, keywords, citations and constraints: what people count is counted, and an empty answer keeps to nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.rules.citations import MAX_RANGE, citations_exist, cited
from rft.grading.rules.constraints import constraints_score, read_constraints
from rft.grading.rules.keywords import MAX_KEYWORDS, has_all, has_any, has_none, keyword_share
from rft.grading.rules.lengths import COUNTS, MAX_SENTENCE_ENDS, count_sentences, length_within
from rft.grading.rules.limits import MAX_TEXT, RuleInvalid


@pytest.mark.parametrize(
    ("text", "characters", "words", "sentences", "lines", "paragraphs"),
    [
        ("", 0, 0, 0, 0, 0),
        (" \n\t ", 0, 0, 0, 0, 0),
        ("...", 3, 0, 0, 1, 1),
        ("- * #", 5, 0, 0, 1, 1),
        ("Hello", 5, 1, 1, 1, 1),
        ("Hello, world!", 13, 2, 1, 1, 1),
        ("One. Two? Three!", 16, 3, 3, 1, 1),
        ("Wait... what?!", 14, 2, 2, 1, 1),
        ("It is 3.5 km.", 13, 4, 1, 1, 1),
        ("See example.com now", 19, 4, 1, 1, 1),
        ("Dr. Smith met Mr. Jones.", 24, 5, 1, 1, 1),
        ("Use fruit, e.g. apples. Or pears, etc.", 38, 7, 2, 1, 1),
        ("J. R. R. Tolkien wrote it.", 26, 6, 1, 1, 1),
        ("don't well-known O'Neill", 24, 3, 1, 1, 1),
        ("don’t", 5, 1, 1, 1, 1),
        ("a,b;c", 5, 3, 1, 1, 1),
        ("one/two", 7, 2, 1, 1, 1),
        ("1,000 and 12:30 and 1/2", 23, 5, 1, 1, 1),
        ("snake_case x_1", 14, 2, 1, 1, 1),
        ("東京は大きい。とても。", 11, 9, 2, 1, 1),
        ("हिन्दी में लिखा।", 16, 3, 1, 1, 1),
        ("مرحبا بالعالم", 13, 2, 1, 1, 1),
        ("\u202bשלום עולם\u202c", 11, 2, 1, 1, 1),
        ("\U0001f44d \U0001f44d", 3, 0, 0, 1, 1),
        ("a\u200bb", 3, 1, 1, 1, 1),
        ('He said "go." Then left.', 24, 5, 2, 1, 1),
        ("First\n\nSecond", 13, 2, 2, 2, 2),
        ("First line\nsame sentence.", 25, 4, 1, 2, 1),
        ("- one\n- two\n- three", 19, 3, 3, 3, 1),
        ("1. one\n2. two", 13, 4, 2, 2, 1),
        ("# Title\nText follows. More.", 27, 4, 2, 2, 1),
        ("a\r\n\r\nb\n\n\n\nc\n", 11, 3, 3, 3, 3),
    ],
)
def test_counts(text: str, characters: int, words: int, sentences: int, lines: int, paragraphs: int) -> None:
    counted = {unit: count(text) for unit, count in COUNTS.items()}
    assert counted == {
        "characters": characters,
        "words": words,
        "sentences": sentences,
        "lines": lines,
        "paragraphs": paragraphs,
    }


def test_lengths() -> None:
    assert length_within("one two", "words", 1, 2) == length_within("one two", "words", 2) == 1
    assert length_within("one two", "words", 3) == length_within("one two", "words", 1, 1) == 0
    assert length_within("", "words") == length_within("...", "words", 1, 10) == 0
    assert length_within("", "words", 0, 10) == 1
    assert length_within("a" * (MAX_TEXT + 1), "characters", 0) == 0
    assert count_sentences("No. " * 4 + "Yes. " * 3 * MAX_SENTENCE_ENDS) <= MAX_SENTENCE_ENDS + 1


@pytest.mark.parametrize(
    ("unit", "least", "most"),
    [
        ("bytes", 1, 2),
        ("words", -1, 2),
        ("words", 3, 2),
        ("words", 1.5, None),
        ("words", True, None),
        ("words", 1, "2"),
    ],
)
def test_lengths_that_make_no_sense(unit: str, least: Any, most: Any) -> None:
    with pytest.raises(RuleInvalid):
        length_within("a", unit, least, most)


@pytest.mark.parametrize(
    ("answer", "keyword", "found"),
    [
        ("The cat sat", "cat", 1),
        ("The CAT sat", "cat", 1),
        ("The cat's hat", "cat", 1),
        ("(cat)", "cat", 1),
        ("cat", "cat", 1),
        ("concatenate", "cat", 0),
        ("cats", "cat", 0),
        ("cat_food", "cat", 0),
        ("New   York\nCity", "new york", 1),
        ("New, York", "new york", 0),
        ("I like C++ a lot", "C++", 1),
        ("I like C a lot", "C++", 0),
        ("I like C++ a lot", "c", 1),
        ("don’t", "don't", 1),
        ("café", "cafe\u0301", 1),
        ("cafe", "café", 0),
        ("STRASSE", "Straße", 1),
        ("東京都は広い", "東京", 1),
        ("京都", "東京", 0),
        ("हिन्दी में", "हिन्दी", 1),
        ("कि", "क", 0),
        ("مرحبا بالعالم", "مرحبا", 1),
        ("\u202eשלום", "שלום", 1),
        ("c\u200bat", "cat", 1),
        ("good \U0001f44d", "\U0001f44d", 1),
        ("$5.50", "$5", 1),
        ("15", "5", 0),
        ("", "cat", 0),
        ("кот", "кoт", 0),  # one letter is Latin
    ],
)
def test_keywords(answer: str, keyword: str, found: float) -> None:
    assert has_all(answer, [keyword]) == has_any(answer, [keyword]) == keyword_share(answer, (keyword,)) == found
    assert has_none(answer, [keyword]) == (0 if found or not answer else 1)


def test_several_keywords() -> None:
    answer = "The cat and the dog"
    assert (has_all(answer, ["cat", "dog"]), has_all(answer, ["cat", "cow"])) == (1, 0)
    assert (has_any(answer, ["cow", "dog"]), has_any(answer, ["cow", "pig"])) == (1, 0)
    assert (has_none(answer, ["cow", "pig"]), has_none(answer, ["cow", "dog"])) == (1, 0)
    assert keyword_share(answer, ["cat", "dog", "cow", "pig"]) == 0.5
    assert has_none("a" * (MAX_TEXT + 1), ["cat"]) == has_none(" ", ["cat"]) == 0


@pytest.mark.parametrize(
    "keywords", ["cat", [], [""], [" "], ["\u200b"], [5], None, {"cat"}, ["cat"] * (MAX_KEYWORDS + 1), ["a" * 40_000]]
)
@pytest.mark.parametrize("rule", [has_all, has_any, has_none, keyword_share])
def test_keywords_that_make_no_sense(rule: Any, keywords: Any) -> None:
    with pytest.raises(RuleInvalid):
        rule("cat", keywords)


@pytest.mark.parametrize(
    ("answer", "numbers", "of_three"),
    [
        ("It is so [1].", {1}, 1),
        ("It is so[1][3].", {1, 3}, 1),
        ("It is so [1, 3].", {1, 3}, 1),
        ("It is so [1;2].", {1, 2}, 1),
        ("It is so [1-3].", {1, 2, 3}, 1),
        ("It is so [1–3].", {1, 2, 3}, 1),
        ("It is so [^2].", {2}, 1),
        ("[1] and again [1]", {1}, 1),
        ("[1] and [4]", {1, 4}, 0.5),
        ("[0]", {0}, 0),
        ("[4]", {4}, 0),
        ("[2-5]", {2, 3, 4, 5}, 0.5),
        ("[3-1]", {1, 3}, 1),
        ("[1-999999]", {1, 999999}, 0.5),
        ("[01]", {1}, 1),
        ("[1](https://example.com)", set(), 0),
        ("[-1]", set(), 0),
        ("[1.5]", set(), 0),
        ("[a]", set(), 0),
        ("[]", set(), 0),
        ("(1)", set(), 0),
        ("1", set(), 0),
        ("[12345678]", set(), 0),
        ("[1", set(), 0),
        ("[[1]]", {1}, 1),
        ("[ 1 ]", set(), 0),
        ("【1】", set(), 0),
        ("", set(), 0),
    ],
)
def test_citations(answer: str, numbers: set[int], of_three: float) -> None:
    assert cited(answer) == numbers
    assert citations_exist(answer, 3) == citations_exist(answer, {1, 2, 3}) == of_three


def test_how_many_citations_there_must_be() -> None:
    assert citations_exist("[1] [2]", 3, least=2) == 1
    assert citations_exist("[1] [1]", 3, least=2) == 0
    assert citations_exist("none", 3, least=0) == 1
    assert citations_exist("[7]", [7, 9]) == 1
    assert cited(f"[1-{MAX_RANGE + 1}]") == set(range(1, MAX_RANGE + 2))
    assert cited(f"[1-{MAX_RANGE + 2}]") == {1, MAX_RANGE + 2}


@pytest.mark.parametrize("sources", [0, -1, True, [], 10_001])
def test_sources_that_make_no_sense(sources: Any) -> None:
    with pytest.raises(RuleInvalid):
        citations_exist("[1]", sources)


THINK = "<think>because</think> <answer>42</answer>"


@pytest.mark.parametrize(
    ("constraints", "good", "bad"),
    [
        ({"min_words": 2}, "one two", "one"),
        ({"max_words": 2}, "one two", "one two three"),
        ({"min_sentences": 2, "max_sentences": 2}, "One. Two.", "One."),
        ({"max_lines": 1}, "one", "one\ntwo"),
        ({"max_paragraphs": 1}, "one\ntwo", "one\n\ntwo"),
        ({"max_characters": 3}, " abc ", "abcd"),
        ({"starts_with": "Dear"}, "\n Dear you", "dear you"),
        ({"ends_with": "Yours."}, "So. Yours.\n", "Yours. So"),
        ({"contains_all": ["cat", "dog"]}, "dog and cat", "cat"),
        ({"contains_any": ["cat", "dog"]}, "a dog", "a cow"),
        ({"contains_none": ["cat"]}, "a dog", "a cat"),
        ({"pattern": "[a-z]+"}, "abc", "abc1"),
        ({"search": "[0-9]"}, "abc1", "abc"),
        ({"json": "object"}, '{"a": 1}', "[1]"),
        ({"json": "array"}, "[1]", '{"a": 1}'),
        ({"json": "any"}, "1", "one"),
        ({"schema": {"required": ["a"]}}, '{"a": 1}', '{"b": 1}'),
        ({"tags": ["think", "answer"]}, THINK, "<answer>42</answer><think>because</think>"),
        ({"tags": ["think", "answer"]}, THINK, f"{THINK}<answer>43</answer>"),
        ({"tags": ["think", "answer"]}, THINK, "<think>because</think> <answer> </answer>"),
        ({"tags": ["think", "answer"]}, THINK, "<think>because <answer>42</answer>"),
        ({"tags": ["think", "answer"]}, THINK, "<think><answer>42</answer></think>"),
        ({"case": "lower"}, "abc é 1", "abC"),
        ({"case": "upper"}, "ABC É", "abC"),
        ({"bullets": 2}, "Two:\n- a\n* b", "- a\n- b\n- c"),
        ({"bullets": 2}, "1. a\n2) b", "1.a\n2. b"),
        ({"citations": 2}, "so [1] and [2]", "so [1] and [3]"),
    ],
    ids=str,
)
def test_constraints(constraints: dict[str, Any], good: str, bad: str) -> None:
    assert constraints_score(good, constraints).value == 1
    assert constraints_score(bad, constraints).value < 1
    for empty in ("", " \n", "a" * (MAX_TEXT + 1)):
        assert constraints_score(empty, constraints).value == 0


def test_each_constraint_is_named() -> None:
    score = constraints_score("one two three", {"max_words": 2, "case": "lower", "min_words": 1, "search": "z"})
    assert score.value == 0.5
    assert score.rewards == {"format": 0.5}
    assert score.metrics == {"max_words": 0, "case": 1, "min_words": 1, "search": 0}


@pytest.mark.parametrize(
    "constraints",
    [
        None,
        {},
        [],
        "max_words",
        {"max_wrods": 5},
        {5: 5},
        {"max_words": -1},
        {"max_words": "5"},
        {"max_words": float("nan")},
        {"min_words": True},
        {"starts_with": ""},
        {"contains_all": []},
        {"contains_all": "cat"},
        {"contains_none": [" "]},
        {"pattern": "("},
        {"pattern": ["a"]},
        {"search": "(?=a)"},
        {"json": "string"},
        {"json": []},
        {"schema": {"format": "x"}},
        {"schema": 5},
        {"tags": []},
        {"tags": ["a", "a"]},
        {"tags": [["a"]]},
        {"tags": ["<a>"]},
        {"tags": "think"},
        {"case": "title"},
        {"bullets": None},
        {"citations": 0},
        {"citations": True},
    ],
    ids=str,
)
def test_constraints_that_make_no_sense(constraints: Any) -> None:
    with pytest.raises(RuleInvalid):
        read_constraints(constraints)


TEXTS = st.text(max_size=40) | st.text(alphabet="ab .!?\n-1[],東é\u0301'\u200b<>/\U0001f44d", max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | TEXTS,
    lambda i: st.lists(i, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["min_words", "max_lines", "contains_all", "pattern", "json", "tags", "case", "bullets", "citations"]
)


@given(TEXTS)
def test_counts_of_any_text(text: str) -> None:
    counted = {unit: count(text) for unit, count in COUNTS.items()}
    assert counted == {unit: count(f" {text} ") for unit, count in COUNTS.items()}
    assert 0 <= counted["words"] <= counted["characters"] * 18
    assert counted["paragraphs"] <= counted["characters"]
    assert cited(text) == cited(f" {text}")


@given(TEXTS, st.dictionaries(NAMES, JSON, min_size=1, max_size=3))
def test_any_constraints_are_kept_or_not_or_refused(answer: str, constraints: dict[str, Any]) -> None:
    try:
        score = constraints_score(answer, constraints)
    except RuleInvalid:
        return
    assert score == constraints_score(answer, constraints)
    assert score.metrics.keys() == constraints.keys()


@given(TEXTS, TEXTS.filter(lambda text: any(map(str.isalnum, text))))
def test_a_phrase_is_found_where_it_stands_alone(text: str, phrase: str) -> None:
    for answer in (phrase, f"{text} {phrase} {text}", f"({phrase})"):
        assert has_all(answer, [phrase]) == 1
        assert has_none(answer, [phrase]) == 0
