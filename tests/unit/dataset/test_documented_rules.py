"""docs/datasets.md against the check: each example breaks the rule it stands beside, and no rule is left out."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import rft.dataset
from rft.dataset import Limits, other_formats
from rft.dataset.kinds import _BY_NAME, _LOOKS, _MAGIC
from rft.dataset.report import DatasetReport
from rft.dataset.whole_file import check_file, report_on, with_overlap
from rft.steps.dataset import dataset_limits
from rft.steps.dataset.dataset_limits import limits_for

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "datasets.md").read_text()
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
EXAMPLE = re.compile(r"`([^`]+)`")
RULE_ARGUMENT = {"Flaw": 1, "Problem": 2, "_Magic": 1, "_flaw": 1}  # where the rule stands in these calls
MESSAGE = b'{"role": "user", "content": "Hi"}'
ANY = Limits(min_records=1)


def rows() -> list[tuple[str, str, str]]:
    rules = DOCUMENT.partition("## Rules")[2].partition("\n## ")[0]
    return [(match[1], match[2], match[3]) for match in ROW.finditer(rules)]


def rules_in_the_code() -> set[str]:
    found = {magic.rule for magic in (*_MAGIC, *_BY_NAME.values())}
    found |= {rule for _, rule, _, _ in other_formats._BY_FIELDS} | {flaw.rule for _, flaw in _LOOKS}
    modules = [*Path(str(rft.dataset.__file__)).parent.glob("*.py"), Path(str(dataset_limits.__file__))]
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RULE_ARGUMENT:
                place = RULE_ARGUMENT[node.func.id]
                given = node.args[place] if len(node.args) > place else None
                found |= {
                    part.value
                    for part in (ast.walk(given) if given else ())
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    return found - {"reference_answer"}


def written(example: str) -> bytes:
    """The bytes that an example stands for, in the notation that the document explains."""
    data = example.encode().replace(b"...", MESSAGE).replace("⏎".encode(), b"\n")
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), data)


def good(count: int, length: int = 0) -> bytes:
    lines = ({"messages": [{"role": "user", "content": f"{n} {'x' * length}"}]} for n in range(count))
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def of_overlap() -> DatasetReport:
    return with_overlap(check_file([good(3)], ANY), check_file([good(100)], Limits()))


IN_WORDS: dict[str, Callable[[], DatasetReport]] = {
    "too-deep": lambda: report_on([b'{"messages": [' + MESSAGE + b'], "a": ' + b"[" * 1025 + b"]" * 1025 + b"}"], ANY),
    "line-too-long": lambda: report_on([good(1, length=1 << 20)], ANY),
    "too-few-records": lambda: report_on([good(99)], Limits()),
    "too-many-records": lambda: report_on([good(20_001)], Limits()),
    "prompt-too-long": lambda: report_on(
        [good(1, length=100)], limits_for(None, max_prompt_length=25, validation=True)
    ),
    "prompt-in-both-files": of_overlap,
    "empty-file": lambda: report_on([], ANY),
}
NAMES = {"plain-text": "train.txt"}
FOR_A_GRADER = {
    "reference-missing": "math-reasoning",
    "reference-unusable": "math-reasoning",
    "field-unusable": "rag-faithfulness",
}


def test_each_rule_of_the_code_is_documented_once_and_no_other() -> None:
    documented = [rule for rule, _, _ in rows()]
    assert len(documented) == len(set(documented))
    assert set(documented) == rules_in_the_code()
    assert len(documented) > 60


@pytest.mark.parametrize(("rule", "example", "fix"), rows(), ids=[rule for rule, _, _ in rows()])
def test_each_example_breaks_its_rule(rule: str, example: str, fix: str) -> None:
    assert len(fix) > 5
    examples = EXAMPLE.findall(example)
    assert bool(examples) != (rule in IN_WORDS)
    if not examples:
        reports = [IN_WORDS[rule]()]
    else:
        limits = limits_for(FOR_A_GRADER.get(rule), validation=True)
        reports = [report_on([written(text)], limits, name=NAMES.get(rule)) for text in examples]
    for report in reports:
        assert rule in {**report.error_counts, **report.warning_counts}


def test_the_example_of_a_good_line_is_one() -> None:
    section = DOCUMENT.partition("## The format")[2].partition("\n## ")[0]
    lines = [json.loads(block) for block in re.findall(r"```json\n(.+?)```", section, re.DOTALL)]
    assert lines
    for record in lines:
        report = report_on([json.dumps(record).encode()], limits_for("math-reasoning", validation=True))
        assert (report.valid, report.errors) == (True, [])
