"""Rows of benchmarks/graders.py: the rules that graders are made of, beside the libraries that do the same."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jsonschema
import math_verify
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

from benchmarks import Measurement
from benchmarks._timing import seconds
from rft.grading.json_answer import parse_json
from rft.grading.math_reasoning import score_final_number
from rft.grading.rules import ngrams, porter, similarity
from rft.grading.rules.choice import multiple_choice
from rft.grading.rules.citations import citations_exist
from rft.grading.rules.composition import gated, length_penalty, penalised, weighted_sum
from rft.grading.rules.json_check import json_keeps_schema, json_valid
from rft.grading.rules.json_schema import compile_schema
from rft.grading.rules.keywords import has_all
from rft.grading.rules.lengths import count_sentences, count_words, length_within
from rft.grading.rules.matching import normalised_match
from rft.grading.rules.patterns import regex_search
from rft.grading.rules.similarity import METRICS

PROMISE_AT_100_WORDS = 60.0  # µs
PROMISE_HOSTILE = 5.0  # ms
NOT_BY_DEFAULT = ("fuzzy_match", "bleu", "gleu", "meteor")  # exact values cost more; no ready grader uses them

OPTIONS = ["one of the words", "another story", "this one", "none of it"]
KEYWORDS = ["time", "water", "people", "zebra", "the fact"]
SCHEMA = {
    "type": "object",
    "required": ["queue", "urgent"],
    "properties": {
        "queue": {"enum": ["billing", "sales"]},
        "urgent": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "summary": {"type": "string", "minLength": 3},
    },
    "additionalProperties": False,
}
RECURSIVE = {
    "$defs": {
        "a": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/a"}}, {"items": {"$ref": "#/$defs/a"}}, False]}
    },
    "$ref": "#/$defs/a",
}

HOSTILE = {
    "letters": "a b c d " * 4096,
    "one word": "a" * 32_768,
    "1 MB of words": "lorem ipsum " * 90_000,
    "3,990 different words": " ".join(f"w{n}" for n in range(3990)),
    "4,000 common words": "the of and to a " * 790,
    "4,900 characters": "the quick fox " * 350,
    "quotes": "'" * 32_768,
    "brackets": "[" * 32_768,
    "citations": "[1,2]" * 6500,
    "parentheses": "(" * 32_768,
    "points": ". " * 16_384,
    "short forms": "Dr. " * 8192,
    "list items": "x\n- " * 8192,
    "'answer is'": "answer is " * 3200,
    "boxes": "\\boxed{" * 4500,
    "thousands": "1," * 16_384,
    "combining marks": "a" + "\u0315" * 5000 + "\u0316" * 5000,
    "heaps of marks": ("a" + "\u0315" * 31) * 320,
    "U+FDFA": "\ufdfa" * 10_240,
    "dotted capital I": "İ" * 10_240,
    "parenthesised numbers": "⑽" * 10_240,
    "fractions": "½" * 10_240,
    "thumbs": "\U0001f44d" * 10_240,
    "Hindi": "कि " * 3400,
    "Chinese": "東京" * 5120,
    "lone surrogates": "\ud800" * 10_240,
    "10,000 objects": "[" + "{}," * 10_000 + "{}]",
    "numbers": "[" + "1," * 16_380 + "1]",
}

_COMMON = ("the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "with", "as", "on", "was", "by")
_NOUNS = (
    *("time", "year", "people", "way", "day", "thing", "woman", "life", "child", "world", "school", "state", "family"),
    *("student", "group", "country", "problem", "hand", "place", "week", "system", "question", "work", "number"),
)


def measure_rules() -> Iterator[Measurement]:
    """Each rule at 10, 100 and 500 words; the reference libraries; hostile answers."""
    for words in (10, 100, 500):
        answer, reference = example_texts(words)
        for name, call in _rules(answer, reference).items():
            promised = words == 100 and name not in NOT_BY_DEFAULT
            value = seconds(call, rounds=5) * 1e6
            yield Measurement(f"{name}, {words} words", value, "µs", PROMISE_AT_100_WORDS if promised else None)
        for name, call in _libraries(answer, reference).items():
            yield Measurement(f"  beside it: {name}, {words} words", seconds(call, rounds=3) * 1e6, "µs")
        value = seconds(partial(_anew, METRICS["meteor"], reference, answer), rounds=5) * 1e6
        yield Measurement(f"meteor, {words} words, none seen before", value, "µs")
    reference = example_texts(100)[1]
    for name, rule in _hostile_rules(reference).items():
        spent = {kind: seconds(partial(rule, answer), rounds=3) for kind, answer in HOSTILE.items()}
        worst = max(spent, key=spent.__getitem__)
        yield Measurement(f"{name}, hostile: {worst}", spent[worst] * 1e3, "ms", PROMISE_HOSTILE)


def example_texts(words: int) -> tuple[str, str]:
    """An answer and a reference that begins as the answer does."""
    rng = random.Random(3)
    one, other = ([_word(rng) for _ in range(words)] for _ in range(2))
    return " ".join(one), " ".join(one[: words // 3] + other[words // 3 :])


def _word(rng: random.Random) -> str:
    return rng.choice(_COMMON) if rng.random() < 0.4 else rng.choice(_NOUNS) + rng.choice(("", "", "s", ",", "."))


def _json(text: str) -> str:
    return f'{{"queue": "billing", "urgent": true, "score": 0.5, "summary": "{text}"}}'


def _rules(answer: str, reference: str) -> dict[str, Callable[[], object]]:
    schema, document = compile_schema(SCHEMA), _json(answer)
    cited = f"{answer} [1] [2, 3]"
    choice = f"{answer} The answer is (B)."
    return {
        "normalised_match": lambda: normalised_match(f"{reference} ", reference),
        "normalised_match, no punctuation": lambda: normalised_match(
            f"{reference} ", reference, punctuation=False, articles=False
        ),
        "multiple_choice": lambda: multiple_choice(choice, "B", OPTIONS),
        "json_valid": lambda: json_valid(document),
        "json_keeps_schema": lambda: json_keeps_schema(document, schema),
        "regex_search": lambda: regex_search(answer, r"(\w+) zebra \d+$"),
        "count_words": lambda: count_words(answer),
        "count_sentences": lambda: count_sentences(answer),
        "has_all": lambda: has_all(answer, KEYWORDS),
        "citations_exist": lambda: citations_exist(cited, 5),
        "weights, a gate and a penalty": _compose,
        **{metric: partial(compute, answer, reference) for metric, compute in METRICS.items()},
    }


def _compose() -> object:
    score = weighted_sum({"correct": 1.0, "style": 0.5, "form": 0.25}, {"correct": 3, "style": 1, "form": 1})
    return penalised(gated(score, {"json": 1.0}), length_penalty(150, free=100, limit=200))


def _libraries(answer: str, reference: str) -> dict[str, Callable[[], object]]:
    rouge_l, rouge_2 = RougeScorer(["rougeL"]), RougeScorer(["rouge2"])
    validator = jsonschema.Draft202012Validator(SCHEMA)
    document = _json(answer)
    solution, gold = f"{answer} \\boxed{{1042}}", math_verify.parse("1042")
    return {
        "final number": lambda: score_final_number(solution, "1042"),
        "math-verify of the same, numeric": lambda: math_verify.verify(gold, math_verify.parse(solution)),
        "rouge_score rougeL": lambda: rouge_l.score(reference, answer),
        "rouge_score rouge2": lambda: rouge_2.score(reference, answer),
        "difflib ratio": lambda: difflib.SequenceMatcher(None, answer, reference, autojunk=False).ratio(),
        "jsonschema, validator kept": lambda: validator.is_valid(parse_json(document)),
    }


def _forget() -> None:
    porter.stem.cache_clear()
    ngrams._counts.cache_clear()
    similarity._words_of_reference.cache_clear()


def _hostile_rules(reference: str) -> dict[str, Callable[[str], object]]:
    rules: dict[str, Callable[[str], Any]] = {
        "normalised_match": lambda text: normalised_match(text, reference, punctuation=False, articles=False),
        "multiple_choice": lambda text: multiple_choice(text, "B", OPTIONS),
        "json_keeps_schema": lambda text: json_keeps_schema(text, RECURSIVE),
        "regex_search": lambda text: regex_search(text, r"(\w+ )+[0-9]+ zebra$"),
        "length_within, words": lambda text: length_within(text, "words", 1, 100),
        "length_within, sentences": lambda text: length_within(text, "sentences", 1, 100),
        "has_all": lambda text: has_all(text, KEYWORDS),
        "citations_exist": lambda text: citations_exist(text, 5),
    }
    return rules | {metric: partial(_anew, compute, reference) for metric, compute in METRICS.items()}


def _anew(compute: Callable[[str, str], float], reference: str, answer: str) -> None:
    _forget()
    compute(answer, reference)
