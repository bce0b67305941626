from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.bedrock.learning.vocabulary import END, MAX_TOKENS, Vocabulary


@given(st.lists(st.text(), min_size=1))
def test_a_text_it_was_made_of_comes_back_whole(texts: list[str]) -> None:
    vocabulary = Vocabulary.of(texts)
    for text in texts:
        ids = vocabulary.encode(text, limit=10_000)
        assert ids[-1] == END
        assert END not in ids[:-1]
        assert vocabulary.decode(ids) == text


@given(st.text(), st.text())
def test_strange_text_is_no_error(known: str, strange: str) -> None:
    vocabulary = Vocabulary.of([known])
    assert vocabulary.encode(strange, limit=50)[-1] == END


def test_a_vocabulary_is_bounded_and_rare_words_are_spelt() -> None:
    texts = [f"the sum of all is {number}" for number in range(5000, 8000)]
    vocabulary = Vocabulary.of(texts)
    assert len(vocabulary) == MAX_TOKENS
    assert "sum" in vocabulary.tokens
    assert "7999" not in vocabulary.tokens
    assert vocabulary.decode(vocabulary.encode(texts[-1], limit=100)) == texts[-1]


def test_the_limit_counts_tokens_before_the_end() -> None:
    vocabulary = Vocabulary.of(["one two three"])
    assert vocabulary.decode(vocabulary.encode("one two three", limit=3)) == "one two"
