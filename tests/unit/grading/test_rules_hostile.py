"""The rules stay light and quick whatever they are given. Exact times are in benchmarks/graders.py."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rft.grading.rules.choice import multiple_choice
from rft.grading.rules.citations import citations_exist
from rft.grading.rules.constraints import constraints_score
from rft.grading.rules.json_check import json_keeps_schema, json_valid
from rft.grading.rules.keywords import has_all
from rft.grading.rules.lengths import COUNTS
from rft.grading.rules.matching import normalised_match
from rft.grading.rules.patterns import regex_search
from rft.grading.rules.similarity import METRICS

ROOT = Path(__file__).parents[3]
RULES = ROOT / "layers/rft/rft/grading/rules"
HEAVY = {"boto3", "botocore", "pydantic", "numpy", "sympy", "nltk", "rouge_score", "rapidfuzz", "jsonschema", "re2"}
SECONDS = 1.0

REFERENCE = "the quick brown fox jumps over lazy dogs and runs away 42 " * 10
HOSTILE = {
    "letters": "a b c d " * 4096,
    "one word": "a" * 32_768,
    "one megabyte": "lorem ipsum " * 90_000,
    "one megabyte beyond ASCII": "é " * 500_000,
    "different words": " ".join(f"w{n:x}" for n in range(5000)),
    "brackets": "[" * 32_768,
    "citations": "[1,2]" * 6500,
    "ranges": "[1-999999]" * 3000,
    "parentheses": "(" * 32_768,
    "points": ". " * 16_384,
    "white space": " " * 32_768,
    "lines": "\n- " * 10_000,
    "y": "y" * 32_768,
    "answer is": "answer is " * 3200,
    "A or": "The answer is " + "A or " * 6000,
    "boxes": "\\boxed{" * 4500,
    "tags": "<think>" * 4500,
    "thousands": "1," * 16_384,
    "marks": "a" + "\u0315" * 5000 + "\u0316" * 5000,
    "phrases in a character": "\ufdfa" * 10_000,
    "dotted capital I": "İ" * 10_000,
    "parenthesised numbers": "⑽" * 10_000,
    "fractions": "½" * 10_000,
    "thumbs": "\U0001f44d" * 10_000,
    "lone surrogates": "\ud800" * 10_000,
    "Hindi": "कि " * 3400,
    "right to left": "\u202eש " * 3400,
    "zero width": "a\u200b" * 5000,
    "an object of lists": '{"a":[' + "{}," * 10_000 + "{}]}",
    "NUL": "\x00" * 32_768,
}

RECURSIVE = {
    "$defs": {
        "a": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/a"}}, {"items": {"$ref": "#/$defs/a"}}, False]}
    },
    "$ref": "#/$defs/a",
}
CONSTRAINTS = {
    "max_sentences": 2,
    "contains_all": ["fox"],
    "tags": ["think"],
    "bullets": 2,
    "citations": 3,
    "search": "(x+x+)+y",
}
RULE_CALLS: dict[str, Callable[[str], object]] = {
    "normalised_match": lambda text: normalised_match(text, REFERENCE, punctuation=False, articles=False),
    "multiple_choice": lambda text: multiple_choice(text, "B", ["fox", "dog", "cat", "cow"]),
    "json": json_valid,
    "schema": lambda text: json_keeps_schema(text, RECURSIVE),
    "pattern": lambda text: regex_search(text, r"(\w+ )+[0-9]+ zzz$"),
    "keywords": lambda text: has_all(text, ["fox", "quick brown", "[ ["]),
    "citations": lambda text: citations_exist(text, 5),
    "constraints": lambda text: constraints_score(text, CONSTRAINTS),
    **COUNTS,
    **{metric: (lambda text, compute=compute: compute(text, REFERENCE)) for metric, compute in METRICS.items()},
}


@pytest.mark.parametrize("rule", RULE_CALLS)
def test_no_answer_takes_long(rule: str) -> None:
    for kind, text in HOSTILE.items():
        begin = time.process_time()
        RULE_CALLS[rule](text)
        assert time.process_time() - begin < SECONDS, kind


def test_the_rules_load_nothing_heavy() -> None:
    names = [f"rft.grading.rules.{path.stem}" for path in RULES.glob("*.py")]
    # Powertools, which the package loads, looks for botocore: the bare package has no weight, its submodules do.
    program = f"import {', '.join(names)}, sys, json; print(json.dumps([m for m in sys.modules if m != 'botocore']))"
    path = {"PYTHONPATH": str(ROOT / "layers/rft")}
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=path)
    loaded = set(json.loads(result.stdout))
    assert loaded.issuperset(names)
    assert {module.partition(".")[0] for module in loaded}.isdisjoint(HEAVY)
