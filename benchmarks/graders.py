"""The graders: time per sample of those that compute, the worst that hostile answers can do, and what each costs a cold
start."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import Measurement
from benchmarks._imports import import_ratio
from benchmarks._rules import example_texts, measure_rules
from benchmarks._timing import seconds
from functions.graders.format_validation import app as format_validation
from functions.graders.generic import app as generic
from functions.graders.math_reasoning import app as math_reasoning
from rft.grading import Sample, grader
from rft.grading.batch import Scorer
from rft.grading.catalog import READY
from rft.grading.format_validation import score_format
from rft.grading.handler import Handler
from rft.grading.json_answer import MAX_ANSWER
from rft.grading.math_reasoning import score_final_number

ROOT = Path(__file__).parents[1]
BATCH = 64

EVERY_GRADER = sorted(path.parent.name for path in (ROOT / "functions/graders").glob("*/app.py"))
LIGHT = {ready.folder for ready in READY.values() if ready.kind == "rule"} | {"code_tests"}
EVERY_RULE = sorted(
    f"rft.grading.rules.{path.stem}" for path in (ROOT / "layers/rft/rft/grading/rules").glob("[!_]*.py")
)

PROMISE_AT_100_WORDS = 60.0  # µs
PROMISE_HOSTILE = 5.0  # ms
PROMISE_IMPORT = 0.20

HOSTILE_SOLUTIONS = {
    "a tower of powers": "#### 9**9**9",
    "a huge exponent": "#### 1e999999999",
    "300 brackets": "(" * 300 + "1" + ")" * 300,
    "a million digits": "9" * 1_000_000,
    "1 MB of words": "lorem ipsum " * 90_000,
    "1 MB of ####": "####" * 250_000,
    "1 MB of open boxes": "\\boxed{" * 160_000,
    "1 MB of 'answer is'": "answer is " * 100_000,
    "1 MB of thousands": "1,000" * 200_000,
    "1 MB of fractions": "1/" * 500_000,
    "1 MB of white space": "answer" + " " * 1_000_000,
}
HOSTILE_TEXTS = {
    "1 MB of words": "lorem ipsum " * 90_000,
    "one long word": "a" * 32_768,
    "digits and points": "1." * 16_384,
    "points": "." * 32_768,
    "letters": "a " * 3900,
    "combining marks": "a" + "\u0315" * 5000 + "\u0316" * 5000,
    "U+FDFA": "\ufdfa" * 10_240,
    "thumbs": "\U0001f44d" * 10_240,
}
HOSTILE_OBJECTS = {
    "too deep to parse": '{"a":' + "[" * (MAX_ANSWER - 10),
    "many small objects": '{"a":[' + "{}," * (MAX_ANSWER // 3 - 4) + "{}]}",
    "many numbers": '{"a":[' + "1.5," * (MAX_ANSWER // 4 - 4) + "1]}",
    "many names": "{" + ",".join(f'"{n}":1' for n in range(3500)) + "}",
    "long integers": '{"a":[' + ",".join(["9" * 4000] * 8) + "]}",
    "1 MB of brackets": "[" * 1_000_000,
    "1 MB of white space": " " * 1_000_000,
}


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer of so many words, and what scores it."""

    name: str
    answer: str
    reference: Any
    score: Scorer
    handler: Handler

    def score_once(self) -> None:
        self.score(Sample("sample", 0, self.answer, [], self.reference))

    def handle_batch(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self.handler([_item(self)] * BATCH, None)


def measure() -> Iterator[Measurement]:
    """Scoring alone and the whole handler at 10, 100 and 500 words; hostile answers; imports; the rules."""
    for words in (10, 100, 500):
        promise = PROMISE_AT_100_WORDS if words == 100 else None
        for case in _cases(words):
            alone = seconds(case.score_once)
            yield Measurement(f"{case.name}, {words} words, scoring", alone * 1e6, "µs/sample", promise)
            whole = seconds(case.handle_batch) / BATCH
            yield Measurement(f"{case.name}, {words} words, handler with metrics", whole * 1e6, "µs/sample", promise)
    yield _worst("math reasoning", HOSTILE_SOLUTIONS, lambda answer: score_final_number(answer, "42"))
    yield _worst("format validation", HOSTILE_OBJECTS, lambda answer: score_format(answer, {"a": 1}, {}))
    reference = example_texts(100)[1]
    yield _worst("generic", HOSTILE_TEXTS, lambda text: generic.score(Sample("sample", 0, text, [], reference)))
    for name in EVERY_GRADER:
        ratio = import_ratio("import app", [f"functions/graders/{name}", "layers/rft"])
        promise = PROMISE_IMPORT if name in LIGHT else None
        yield Measurement(f"import of {name} against boto3 and an S3 client", ratio, "", promise)
    ratio = import_ratio(f"import {', '.join(EVERY_RULE)}", ["layers/rft"])
    yield Measurement("import of every rule at once against the same", ratio, "")
    yield from measure_rules()


def _cases(words: int) -> Iterator[_Case]:
    story = " ".join(f"word{n % 7}" if n % 5 else str(n) for n in range(words - 2))
    fields: dict[str, Any] = {"queue": "billing", "urgent": True, "score": 0.5}
    fields["summary"] = " ".join(["word"] * (words - 6))
    fenced = f"```json\n{json.dumps(fields)}\n```"
    like, text = example_texts(words)
    yield _Case("math, marked", f"{story}\n#### 1,042", "1042", math_reasoning.score, _handler("math"))
    yield _Case("math, last number", f"{story} so 1,042 apples.", "1042", math_reasoning.score, _handler("math"))
    yield _Case("format", fenced, fields, format_validation.score, _handler("format"))
    yield _Case("generic, like it", like, text, generic.score, _handler("generic"))
    yield _Case("generic, the same", f"{text} ", text, generic.score, _handler("generic"))


@cache
def _handler(name: str) -> Handler:
    score = {"math": math_reasoning.score, "format": format_validation.score, "generic": generic.score}[name]
    with contextlib.redirect_stdout(io.StringIO()):  # Powertools' logger keeps the stream that it began with
        return grader(score, name=f"benchmark-{name}")


def _item(case: _Case) -> dict[str, Any]:
    run = {"run_id": "benchmark-0123456789ab", "model": "benchmark"}
    return {
        "id": "sample",
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": case.answer}],
        "metadata": {"reference_answer": case.reference, "rft": run},
    }


def _worst(name: str, answers: dict[str, str], score: Callable[[str], object]) -> Measurement:
    spent = {kind: seconds(partial(score, answer)) for kind, answer in answers.items()}
    kind = max(spent, key=spent.__getitem__)
    return Measurement(f"{name}, hostile: {kind}", spent[kind] * 1e3, "ms", PROMISE_HOSTILE)
