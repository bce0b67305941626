"""string_check and text_similarity."""

from __future__ import annotations

from typing import Any

import pytest

from rft.grading.errors import BadSample
from rft.grading.openai.checks import METRICS
from rft.grading.rules.similarity import MAX_FUZZY, similarity
from tests.unit.grading.openai.parts import multi, parse, sample, string_check, text_similarity


@pytest.mark.parametrize(
    ("operation", "answer", "reference", "value"),
    [
        ("eq", "Canberra", "Canberra", 1),
        ("eq", "canberra", "Canberra", 0),
        ("eq", "Canberra ", "Canberra", 0),  # OpenAI's graders strip nothing
        ("eq", "Canberra\n", "Canberra", 0),
        ("eq", "", "Canberra", 0),
        ("eq", "", "", 1),
        ("eq", "Canberra, the capital", "Canberra", 0),
        ("eq", "é", "e\u0301", 0),
        ("eq", "3", 3, 1),  # what isn't a text is compared as JSON
        ("eq", "3.0", 3, 0),
        ("eq", "true", True, 1),
        ("eq", "True", True, 0),
        ("eq", '{"a":1,"b":[2]}', {"a": 1, "b": [2]}, 1),
        ("eq", '{"a": 1, "b": [2]}', {"a": 1, "b": [2]}, 0),
        ("ne", "Canberra", "Canberra", 0),
        ("ne", "canberra", "Canberra", 1),
        ("ne", "", "Canberra", 1),
        ("like", "It is Canberra.", "Canberra", 1),
        ("like", "It is canberra.", "Canberra", 0),
        ("like", "Canber", "Canberra", 0),  # the input contains the reference, not the other way round
        ("like", "", "Canberra", 0),
        ("like", "Can%rra", "Can%rra", 1),
        ("like", "Canberra", "Can%rra", 0),  # no wildcards as in SQL
        ("like", "Canberra", "Can.erra", 0),
        ("like", "Canberra", "C_nberra", 0),
        ("ilike", "IT IS CANBERRA.", "Canberra", 1),
        ("ilike", "STRASSE", "straße", 1),
        ("ilike", "ΣΊΣΥΦΟΣ", "σίσυφος", 1),
        ("ilike", "Sydney", "Canberra", 0),
        ("ilike", "{{ item.reference_answer }}", "Canberra", 0),
        ("like", "x" * 100_000 + "Canberra", "Canberra", 1),
    ],
)
def test_string_check(operation: str, answer: str, reference: Any, value: float) -> None:
    score = parse(string_check(operation)).score(sample(answer, reference), None)
    assert score.value == value
    assert (dict(score.rewards), dict(score.metrics)) == ({"string_check": value}, {})


@pytest.mark.parametrize("operation", ["like", "ilike"])
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_reference_is_in_no_text(operation: str, blank: str) -> None:
    with pytest.raises(BadSample) as bad:
        parse(string_check(operation)).score(sample("Canberra", blank), None)
    assert bad.value.flags == ("other_error",)
    turned = string_check(operation, input="{{ item.reference_answer }}", reference="{{ sample.output_text }}")
    assert parse(turned).score(sample(blank, "Can berra\n"), None).value == 0


def test_texts_of_both_sides_are_templates() -> None:
    document = string_check(input="{{ sample.output_json.city }}!", reference="{{ item.options[1] }}!")
    assert parse(document).score(sample('{"city": "Perth"}', options=["Sydney", "Perth"]), None).value == 1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("The dragon is 12 years old.", "The dragon is 12 years old."),
        ("A dragon of twelve years is old", "The dragon is 12 years old."),
        ("Nothing of the kind", "The dragon is 12 years old."),
        ("", "The dragon is 12 years old."),
    ],
)
def test_each_metric_is_the_rule_of_its_name(metric: str, answer: str, reference: str) -> None:
    score = parse(text_similarity(metric)).score(sample(answer, reference), None)
    assert score.value == similarity(metric, answer, reference)
    assert dict(score.rewards) == {"text_similarity": score.value}


def test_all_of_openais_metrics_are_there_and_no_other() -> None:
    named = "cosine fuzzy_match bleu gleu meteor rouge_1 rouge_2 rouge_3 rouge_4 rouge_5 rouge_l"
    assert set(METRICS) == set(named.split())


@pytest.mark.parametrize(
    ("metric", "answer", "reference", "value"),
    [
        ("fuzzy_match", "fuzzy wuzzy was a bear", "fuzzy wuzzy was a bear", 1),
        ("fuzzy_match", "abcd", "abce", 0.75),
        ("fuzzy_match", "", "", 1),
        ("fuzzy_match", "ABC", "abc", 0),
        ("rouge_1", "the cat", "the dog", 0.5),
        ("rouge_2", "the cat sat", "the cat ran", 0.5),
        ("rouge_5", "one two three four", "one two three four", 0),  # too short for runs of five
        ("rouge_l", "The Cat", "the cat", 1),
        ("rouge_1", "Канберра", "Канберра", 0),  # ROUGE as it is defined knows no other script
        ("cosine", "Канберра", "канберра!", 1),
        ("cosine", "a car", "an automobile", 0),  # counts of words, where OpenAI compares embeddings
        ("meteor", "", "a b", 0),
        ("bleu", "the cat sat on the mat", "the cat sat on the mat", 1),
        ("gleu", "nothing", "of the kind", 0),
    ],
)
def test_text_similarity(metric: str, answer: str, reference: str, value: float) -> None:
    score = parse(text_similarity(metric)).score(sample(answer, reference), None)
    assert score.value == pytest.approx(value)


@pytest.mark.parametrize(("threshold", "passed"), [(0, 1), (0.75, 1), (0.76, 0), (1, 0)])
def test_a_threshold_is_a_metric_and_no_reward(threshold: float, passed: float) -> None:
    score = parse(text_similarity(pass_threshold=threshold)).score(sample("abcd", "abce"), None)
    assert (score.value, dict(score.metrics)) == (0.75, {"passed": passed})


def test_in_a_multi_the_metric_has_the_graders_name() -> None:
    document = multi("near", near=text_similarity(pass_threshold=0.5))
    assert dict(parse(document).score(sample("abcd", "abce"), None).metrics) == {"near.passed": 1}


def test_a_reference_of_the_record_that_is_too_long_is_bad() -> None:
    with pytest.raises(BadSample) as bad:
        parse(text_similarity()).score(sample("a", "a" * (MAX_FUZZY + 1)), None)
    assert bad.value.flags == ("other_error",)


@pytest.mark.parametrize("metric", METRICS)
def test_an_answer_that_is_too_long_earns_nothing_on_either_side(metric: str) -> None:
    flood = "word " * 20_000
    assert parse(text_similarity(metric)).score(sample(flood, "word"), None).value == 0
    turned = text_similarity(metric, input="{{ item.reference_answer }}", reference="{{ sample.output_text }}")
    assert parse(turned).score(sample(flood, "word"), None).value == 0


def test_a_text_has_a_limit() -> None:
    document = string_check(input="{{ sample.output_text }}" * 30)
    with pytest.raises(BadSample, match="1,000,000"):
        parse(document).score(sample("x" * 50_000, "x"), None)


def test_what_it_needs() -> None:
    grader = parse(string_check())
    assert (grader.type, grader.needs_judge, grader.judge_calls, grader.needs_reference) == (
        "string_check",
        False,
        0,
        True,
    )
    assert not parse(string_check(reference="{{ item.reference }}")).needs_reference
