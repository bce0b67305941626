"""Each metric gives what its reference implementation gives, on any texts."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from nltk.tokenize import wordpunct_tokenize
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import meteor_score
from rapidfuzz import fuzz
from rouge_score.rouge_scorer import RougeScorer

from rft.grading.errors import BadSample
from rft.grading.rules.lcs import lcs_length
from rft.grading.rules.limits import MAX_OTHER_TEXT, MAX_TEXT, RuleInvalid
from rft.grading.rules.ngrams import MAX_WORDS, common_ngrams
from rft.grading.rules.porter import MAX_STEMMED, stem
from rft.grading.rules.similarity import MAX_FUZZY, MAX_STEMMED_WORDS, METRICS, rouge_l, rouge_n, similarity
from rft.grading.rules.texts import folded, words_of

pytestmark = pytest.mark.thorough

PAIRS = 500


class NoSynonyms:
    """A WordNet that knows no word."""

    def synsets(self, word: str) -> list[Any]:
        return []


ROUGE = RougeScorer([*(f"rouge{order}" for order in range(1, 6)), "rougeL"], use_stemmer=False)


def rouge(name: str, answer: str, reference: str) -> float:
    return float(ROUGE.score(reference, answer)[name].fmeasure)


def words(text: str) -> list[str]:
    return list(wordpunct_tokenize(text))


def cosine(answer: str, reference: str) -> float:
    """The definition, term by term."""
    one, other = plain_words(answer, " "), plain_words(reference, " ")
    vocabulary = sorted({*one, *other})
    vectors = [[float(text.count(word)) for word in vocabulary] for text in (one, other)]
    lengths = [sum(x * x for x in vector) ** 0.5 for vector in vectors]
    return sum(x * y for x, y in zip(*vectors, strict=True)) / (lengths[0] * lengths[1]) if all(lengths) else 0.0


def token_f1(answer: str, reference: str) -> float:
    """SQuAD's evaluation, for texts in which no sign belongs to a number."""
    one, other = ([w for w in plain_words(text, "") if w not in ("a", "an", "the")] for text in (answer, reference))
    common = sum(min(one.count(word), other.count(word)) for word in {*one})
    if not one or not other:
        return float(one == other)
    return 2 * common / (len(one) + len(other))


def plain_words(text: str, instead: str) -> list[str]:
    """The words, with ``instead`` in place of each sign."""
    kept = (c if c.isalnum() or c.isspace() or unicodedata.category(c)[0] == "M" else instead for c in text.casefold())
    return "".join(kept).split()


REFERENCES: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": lambda a, r: fuzz.ratio(a, r) / 100,
    "bleu": lambda a, r: sentence_bleu(
        [words(r)], words(a), smoothing_function=SmoothingFunction().method3, auto_reweigh=True
    ),
    "gleu": lambda a, r: sentence_gleu([words(r)], words(a)),
    "meteor": lambda a, r: meteor_score([words(r)], words(a), wordnet=NoSynonyms()),  # type: ignore[arg-type]
    "cosine": cosine,
    **{f"rouge_{order}": partial(rouge, f"rouge{order}") for order in range(1, 6)},
    "rouge_l": partial(rouge, "rougeL"),
    "token_f1": token_f1,
}

WORDS = (
    *(
        "The",
        "the",
        "a",
        "cat",
        "CATS",
        "sat",
        "connected",
        "connecting",
        "connection",
        "on",
        "mat",
        "don't",
        "happily",
    ),
    *(
        "naïve",
        "café",
        "Привет",
        "привет",
        "हिन्दी",
        "में",
        "running",
        "run",
        "runs",
        "happy",
        "happiness",
        "dying",
        "died",
    ),
    *("die", "skies", "sky", "theology", "e.g.", "straße", "x1", "...", "!", "\U0001f44d", "مرحبا", "relational"),
)


def random_pairs() -> list[tuple[str, str]]:
    rng = random.Random(4)
    pairs = [("", ""), ("", "cat"), ("cat", ""), ("cat", "cat"), ("cat", "dog"), (" ", "\n"), ("the the the", "the")]
    while len(pairs) < PAIRS:
        one = rng.choices(WORDS, k=rng.choice((0, 1, 2, 3, 4, 8, 40)))
        other = rng.choices(WORDS, k=rng.choice((1, 2, 3, 5, 8, 50)))
        if rng.random() < 0.6:  # parts of the one, in order or not
            begin = rng.randint(0, len(one))
            other = one[begin : begin + rng.randint(0, 9)] + other[: rng.randint(0, 4)]
            rng.shuffle(other) if rng.random() < 0.3 else None
        pairs.append((" ".join(one), " ".join(other)))
    return pairs


@pytest.mark.parametrize("metric", METRICS)
def test_equals_the_reference_implementation(metric: str) -> None:
    values = []
    for answer, reference in random_pairs():
        values.append(similarity(metric, answer, reference))
        assert values[-1] == pytest.approx(REFERENCES[metric](answer, reference), abs=1e-6), (answer, reference)
    assert len({round(value, 6) for value in values}) > 10


STEMS = (
    *(
        "connect",
        "theo",
        "happ",
        "enjo",
        "y",
        "fl",
        "sens",
        "poss",
        "rat",
        "oper",
        "hop",
        "tro",
        "a",
        "ee",
        "aey",
        "ivy",
    ),
    "roll",
)
ENDINGS = (
    *(
        "",
        "s",
        "es",
        "ies",
        "ed",
        "ied",
        "eed",
        "ing",
        "y",
        "ly",
        "ally",
        "ational",
        "tional",
        "ation",
        "ator",
        "alism",
    ),
    *("iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "fulli", "logi", "logy", "icate", "ative", "alize"),
    *("iciti", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"),
    *("ion", "sion", "tion", "ou", "ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "l", "sses", "ss", "alli"),
    *("entli", "eli", "ousli", "izer", "ization", "bli", "enci", "anci"),
)
IRREGULAR = (
    *("sky", "skies", "dying", "lying", "tying", "news", "innings", "outing", "canning", "howe", "proceed", "exceed"),
    *("at", ""),
)


def test_stems_are_nltks() -> None:
    stemmer = PorterStemmer()
    made = (f"{begin}{one}{other}" for begin in STEMS for one in ENDINGS for other in ENDINGS)
    for number, word in enumerate([*made, *IRREGULAR]):
        if number % 5 == 0 or word in IRREGULAR:
            assert stem(word) == stemmer.stem(word), word
    assert stem("connected" * 9) == "connected" * 9
    assert len("connected" * 9) > MAX_STEMMED


TEXT = st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
SYMMETRIC = [metric for metric in METRICS if metric not in ("bleu", "meteor")]


@pytest.mark.parametrize("metric", METRICS)
@given(one=TEXT, other=TEXT)
def test_in_range_and_deterministic(metric: str, one: str, other: str) -> None:
    value = similarity(metric, one, other)
    assert type(value) is float
    assert 0 <= value <= 1
    assert value == similarity(metric, one, other)
    if metric in SYMMETRIC:
        assert value == pytest.approx(similarity(metric, other, one), abs=1e-12)


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "meteor" and metric[-1] not in "2345"])
@given(text=st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: " ".join(["cat", *words])))
def test_equal_texts_are_alike(metric: str, text: str) -> None:
    assert similarity(metric, text, text) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "answer", "reference", "value"),
    [
        ("rouge_1", "東京", "東京", 0),  # no a-z: documented
        ("gleu", "東京", "東京", 1),
        ("token_f1", "東京", "東京", 1),
        ("token_f1", "", "", 1),
        ("token_f1", "the", "", 1),
        ("token_f1", "cat", "", 0),
        ("token_f1", "-5", "5", 0),
        ("token_f1", "3.5", "35", 0),
        ("token_f1", "1,000", "1000", 1),
        ("cosine", "", "", 0),
        ("cosine", "a a b", "a b", 0.9486832980505138),
        ("cosine", "!", "!", 0),
        ("fuzzy_match", "", "", 1),
        ("meteor", "cat", "cat", 0.5),
        ("bleu", "the the the", "the", 1 / 3 * 3**0.5 / 3**0.5),
        ("rouge_5", "a b c d", "a b c d", 0),
        ("rouge_l", "a " * 50, "a", 2 / 51),
        ("fuzzy_match", "\ud800", "\ud800", 1),
        ("bleu", "\x00", "\x00", 1),
        ("rouge_1", "The CAT", "the cat!", 1),
        ("rouge_1", "the the the the", "the cat", 1 / 3),
        ("rouge_2", "a b c", "a b d", 0.5),
        ("rouge_2", "cat", "cat", 0),
        ("rouge_l", "a b c d", "d c b a", 0.25),
        ("gleu", "a b", "a b c", 0.5),
        ("token_f1", "The cat sat.", "a cat", 2 / 3),
        ("fuzzy_match", "abc", "abd", 2 / 3),
        ("fuzzy_match", "ABC", "abc", 0),
        ("cosine", "Dog cat", "cat, dog!", 1),
    ],
)
def test_values(metric: str, answer: str, reference: str, value: float) -> None:
    if metric == "bleu" and answer.startswith("the"):
        value = REFERENCES["bleu"](answer, reference)
    assert similarity(metric, answer, reference) == pytest.approx(value, abs=1e-9)


def test_rouge_with_other_words() -> None:
    def split(text: str) -> list[str]:
        return words_of(folded(text))

    assert rouge_l("東京は大きい", "東京は小さい", words=split) == pytest.approx(8 / 12)
    assert rouge_n("東京は大きい", "東京は小さい", 2, words=split) == pytest.approx(2 * 2 / 10)


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_too_long(metric: str) -> None:
    for long in ("cat " * (MAX_TEXT // 4 + 1), "é" * (MAX_OTHER_TEXT + 1)):
        assert similarity(metric, long, "cat") == similarity(metric, long, "") == 0
        with pytest.raises(BadSample, match="too long"):
            similarity(metric, "cat", long)
    if metric != "fuzzy_match":
        many = "b c " * (MAX_WORDS // 2 + 1)
        assert similarity(metric, many, "b c" if metric != "token_f1" else "") == 0
        with pytest.raises(BadSample, match="at most 4,000 words"):
            similarity(metric, "cat", many)
    assert 0 < similarity(metric, "cat sat on a mat " * 200, "cat sat on a mat " * 200) <= 1


def test_fuzzy_match_has_a_limit_of_its_own() -> None:
    assert similarity("fuzzy_match", "a" * MAX_FUZZY, "a" * (MAX_FUZZY - 1)) > 0.99
    assert similarity("fuzzy_match", "a" * (MAX_FUZZY + 1), "a" * MAX_FUZZY) == 0
    with pytest.raises(BadSample, match="5,000 characters"):
        similarity("fuzzy_match", "a", "a" * (MAX_FUZZY + 1))


def test_meteor_stems_only_so_many_words() -> None:
    answer = [f"q{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MAX_STEMMED_WORDS + 1)]
    reference = " ".join(f"{word}s" for word in answer[:-1])
    assert similarity("meteor", " ".join(answer[:-1]), reference) > 0.9
    assert similarity("meteor", " ".join(answer), reference) == 0


def test_a_name_that_is_none() -> None:
    with pytest.raises(RuleInvalid, match="fuzzy_match"):
        similarity("rouge_6", "a", "a")


@given(st.lists(st.sampled_from("abc"), max_size=15), st.lists(st.sampled_from("abcd"), max_size=15))
def test_common_runs_are_counted_as_often_as_both_have_them(one: list[str], other: list[str]) -> None:
    for order in range(1, 6):
        left = ["".join(other[at : at + order]) for at in range(len(other) - order + 1)]
        common = 0
        for at in range(len(one) - order + 1):
            if (run := "".join(one[at : at + order])) in left:
                left.remove(run)
                common += 1
        assert common_ngrams(one, tuple(other), order) == common


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_the_longest_common_subsequence(one: list[int], other: list[int]) -> None:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, x in enumerate(one):
        for j, y in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    assert lcs_length(one, other) == table[-1][-1]
