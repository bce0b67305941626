"""What is wrong with a grader's JSON is told all at once, each with its path and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import GraderError
from rft.grading.openai import GraderJsonInvalid, parse_grader
from rft.grading.openai.grader import MAX_JSON
from rft.grading.openai.problems import MAX_PROBLEMS
from tests.unit.grading.openai.parts import (
    JUDGE,
    label_model,
    multi,
    parse,
    problems,
    score_model,
    string_check,
    text_similarity,
)

ANSWER = "{{ sample.output_text }}"
PYTHON = {
    "type": "python",
    "name": "p",
    "source": "def grade(sample, item):\n    return 1.0",
    "image_tag": "2025-05-08",
}


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize("document", [None, [], "string_check", '{"type": "string_check"}', 1, True])
def test_what_is_no_object(document: Any) -> None:
    assert "must be an object" in problems(document)[""]


@pytest.mark.parametrize(
    ("document", "path", "told"),
    [
        # the type
        ({}, "type", "string_check, text_similarity, score_model, label_model or multi"),
        ({"type": "regex"}, "type", "string_check, text_similarity"),
        ({"type": ["multi"]}, "type", "string_check, text_similarity"),
        (PYTHON, "type", "copy functions/graders/generic"),
        (multi("p", p=PYTHON), "graders.p.type", "would come from data"),
        (multi("m", m=multi("a", a=string_check())), "graders.m.type", "can't hold another"),
        (
            multi("m", m={"type": "endpoint"}),
            "graders.m.type",
            "string_check, text_similarity, score_model or label_model",
        ),
        # fields
        (string_check(extra=1), "extra", "type, name, operation, input, reference"),
        (string_check(pass_threshold=1), "pass_threshold", "no such field"),
        (text_similarity(model="x"), "model", "no such field"),
        (score_model(labels=[]), "labels", "no such field"),
        (multi("a", a=string_check()) | {"input": "x"}, "input", "type, name, graders, calculate_output"),
        (string_check(**{"a b": 1}), '["a b"]', "no such field"),
        (string_check(name=""), "name", "1 to 128"),
        (string_check(name=7), "name", "1 to 128"),
        (string_check(name="x" * 129), "name", "1 to 128"),
        # string_check
        (without(string_check(), "operation"), "operation", "eq, ne, like or ilike"),
        (string_check("neq"), "operation", "write ne"),
        (string_check("EQ"), "operation", "eq, ne, like or ilike"),
        (without(string_check(), "input"), "input", "must be a text"),
        (string_check(input=["x"]), "input", "must be a text"),
        (string_check(reference=None), "reference", "must be a text"),
        (string_check(reference="{{ reference_answer }}"), "reference", "no such namespace"),
        (string_check(input="Canberra"), "input", "reads nothing of the answer"),
        (string_check(reference="\ud83d"), "", "in UTF-8"),
        # text_similarity
        (text_similarity("rouge_6"), "evaluation_metric", "rouge_5 or rouge_l"),
        (text_similarity("token_f1"), "evaluation_metric", "must be fuzzy_match"),
        (text_similarity(pass_threshold=1.1), "pass_threshold", "from 0 to 1"),
        (text_similarity(pass_threshold="0.5"), "pass_threshold", "from 0 to 1"),
        (text_similarity(pass_threshold=True), "pass_threshold", "from 0 to 1"),
        # model graders
        (without(score_model(), "model"), "model", JUDGE),
        (score_model(model="gpt-4o-2024-08-06"), "model", f"must be {JUDGE}, the judge of this stack"),
        (without(score_model(), "input"), "input", "1 to 32 messages"),
        (score_model(input=ANSWER), "input", "1 to 32 messages"),
        (score_model(input=[]), "input", "1 to 32 messages"),
        (score_model(input=user(ANSWER) * 33), "input", "1 to 32 messages"),
        (score_model(input=["x"]), "input[0]", "role and content"),
        (score_model(input=[{"content": ANSWER}]), "input[0].role", "system, developer, user or assistant"),
        (score_model(input=[{"role": "tool", "content": ANSWER}]), "input[0].role", "system, developer"),
        (score_model(input=[{"role": "user"}]), "input[0].content", "must be a text"),
        (score_model(input=user("")), "input[0].content", "must not be blank"),
        (score_model(input=user([" ", ""])), "input[0].content", "must not be blank"),
        (score_model(input=user([])), "input[0].content", "1 to 16 texts"),
        (score_model(input=user([ANSWER] * 17)), "input[0].content", "1 to 16 texts"),
        (score_model(input=user([ANSWER, 1])), "input[0].content[1]", "must be a text"),
        (score_model(input=user([{"type": "input_image", "image_url": "x"}])), "input[0].content[0].type", "no images"),
        (score_model(input=user({"type": "input_audio"})), "input[0].content.type", "no sound"),
        (score_model(input=user([{"type": "input_text"}])), "input[0].content[0].text", "must be a text"),
        (score_model(input=user([{"type": "input_text", "text": "{{ x }}"}])), "input[0].content[0].text", "namespace"),
        (
            score_model(input=user([{"type": "input_text", "text": "x", "a": 1}])),
            "input[0].content[0].a",
            "no such field",
        ),
        (score_model(input=[*user(ANSWER), {"role": "user", "content": "x", "name": "y"}]), "input[1].name", "no such"),
        (score_model(input=[{"role": "user", "content": ANSWER, "type": "text"}]), "input[0].type", "must be message"),
        (score_model(input=[{"role": "system", "content": ANSWER}]), "input", "must be the user's"),
        (score_model(input=[{"role": "assistant", "content": "x"}, *user(ANSWER)]), "input", "must be the user's"),
        (score_model(input=[*user(ANSWER), {"role": "assistant", "content": "x"}]), "input", "must be the user's"),
        (score_model(input=user("{{ item.x }}")), "input", "reads nothing of the answer"),
        (score_model(input=user([ANSWER * 20] * 2)), "input", "together have more than 32 variables"),
        (string_check(input=ANSWER * 33), "input", "has more than 32 variables"),
        (score_model(range=[0]), "range", "[lowest, highest]"),
        (score_model(range=[0, 1, 2]), "range", "the lower first"),
        (score_model(range=[1, 0]), "range", "the lower first"),
        (score_model(range=[1, 1]), "range", "the lower first"),
        (score_model(range=["0", "1"]), "range", "two numbers"),
        (score_model(range=[False, True]), "range", "two numbers"),
        (score_model(range=[0, 10**400]), "range", "1,000,000"),
        (score_model(range={"min": 0}), "range", "two numbers"),
        (score_model(range=[1, 7], pass_threshold=0.5), "pass_threshold", "from 1 to 7"),
        (score_model(sampling_params=[]), "sampling_params", "must be an object"),
        (score_model(sampling_params={"top_k": 5}), "sampling_params.top_k", "no such field"),
        (score_model(sampling_params={"top_p": 0.9}), "sampling_params.top_p", "write 1"),
        (score_model(sampling_params={"reasoning_effort": "low"}), "sampling_params.reasoning_effort", "leave it out"),
        (score_model(sampling_params={"seed": 1.5}), "sampling_params.seed", "whole number"),
        (score_model(sampling_params={"temperature": 1.2}), "sampling_params.temperature", "from 0 to 1"),
        (score_model(sampling_params={"max_tokens": 32768}), "sampling_params.max_tokens", "64 to 8,192"),
        (
            score_model(sampling_params={"max_completions_tokens": 1}),
            "sampling_params.max_completions_tokens",
            "64 to 8,192",
        ),
        (
            score_model(sampling_params={"max_tokens": 100, "max_completions_tokens": 100}),
            "sampling_params.max_tokens",
            "leave one of them out",
        ),
        (without(label_model(), "labels"), "labels", "2 to 64"),
        (label_model(labels=["good"]), "labels", "2 to 64"),
        (label_model(labels=["good", ""]), "labels[1]", "1 to 100 characters"),
        (label_model(labels=["good", 1]), "labels[1]", "1 to 100 characters"),
        (label_model(labels=["good", "bad|worse"]), "labels[1]", "without |"),
        (label_model(labels=["good", " bad"]), "labels[1]", "trimmed"),
        (label_model(labels=["good", "bad\n"]), "labels[1]", "line breaks"),
        (label_model(labels=["good", "bad", "Good"]), "labels[2]", "is there already"),
        (without(label_model(), "passing_labels"), "passing_labels", "one at least"),
        (label_model(passing_labels=[]), "passing_labels", "one at least"),
        (label_model(passing_labels=["great"]), "passing_labels", "nothing but labels"),
        (label_model(passing_labels=["Good"]), "passing_labels", "written as in labels"),
        (label_model(passing_labels=["good", "bad", "so-so"]), "passing_labels", "every answer would earn 1"),
        # multi
        (multi("a"), "graders", "1 to 16"),
        (multi("a", **{f"g{n}": string_check() for n in range(17)}), "graders", "1 to 16"),
        (multi("a") | {"graders": [string_check()]}, "graders", "under its name"),
        (multi("a") | {"graders": string_check()}, "graders.operation", "must be an object"),  # a grader for the map
        (multi("a", a="x"), "graders.a", "must be an object"),
        (multi("a", a=string_check(), **{"two words": string_check()}), 'graders["two words"]', "A-Z a-z 0-9 _"),
        (multi("a", a=string_check(), **{"": string_check()}), 'graders[""]', "a letter first"),
        (multi("a", a=string_check(), _b=string_check()), "graders._b", "a letter first"),
        (multi("a", a=string_check(), max=string_check()), "graders.max", "a function of calculate_output"),
        (multi("error", error=string_check()), "graders.error", "give the grader another name"),
        (multi("a", a=string_check(), **{"n" * 49: string_check()}), "graders." + "n" * 49, "1 to 48"),
        (multi("a", a=score_model(input=user("{{ x }}"))), "graders.a.input[0].content", "no such namespace"),
        (without(multi("a", a=string_check()), "calculate_output"), "calculate_output", "must be a text"),
        (multi("a +", a=string_check()), "calculate_output", "it ends"),
        (multi("a.score", a=string_check()), "calculate_output", "no .score"),
        (multi("a * b", a=string_check()), "calculate_output", "there is no grader b: there are a"),
        (multi("exact", a=string_check()), "calculate_output", "no grader exact"),  # its key names it, not its name
        (multi("0.5", a=string_check()), "calculate_output", "names no grader"),
        (multi("__import__('os')", a=string_check()), "calculate_output", "can't stand in a formula"),
        (multi("a + b", a=string_check(), b=string_check()), "calculate_output", "with a = 1, b = 1 it gives 2"),
        (multi("a - b", a=string_check(), b=string_check()), "calculate_output", "with a = 0, b = 1 it gives -1"),
        (multi("100 * a", a=string_check()), "calculate_output", "max(0, min(1, ...))"),
        (multi("a / 0", a=string_check()), "calculate_output", "has no finite value"),
        (multi("9**9**9 * a", a=string_check()), "calculate_output", "has no finite value"),
        (
            multi(" + ".join(f"g{n}" for n in range(16)), **{f"g{n}": string_check() for n in range(16)}),
            "calculate_output",
            "it gives 16",
        ),
        (multi("a", a=string_check(input="x", reference="x")), "graders", "reads nothing of the answer"),
        (
            multi("a", a=string_check(input="x", reference="x"), b=string_check()),  # b isn't in the formula
            "graders",
            "reads nothing of the answer",
        ),
    ],
)
def test_problems(document: Any, path: str, told: str) -> None:
    found = problems(document)
    assert told in found[path]
    assert len(found) == 1 or path in ("graders.operation", "graders"), found


def test_all_problems_are_told_at_once() -> None:
    document = multi(
        "quality +",
        quality=score_model(model="gpt-4o", input=[{"role": "user", "content": "{{ answer }} {{ item.x"}], range=[1]),
        exact=string_check("neq", extra=1),
        code=PYTHON,
    )
    assert list(problems(document)) == [
        "graders.quality.model",
        "graders.quality.range",
        "graders.quality.input[0].content",
        "graders.exact.extra",
        "graders.exact.operation",
        "graders.code.type",
        "calculate_output",
    ]
    with pytest.raises(GraderJsonInvalid) as invalid:
        parse(document)
    assert isinstance(invalid.value, GraderError)
    assert len(invalid.value.problems) == 8
    assert "graders.exact.operation: must be eq, ne, like or ilike: write ne" in str(invalid.value)


def test_any_judge_will_do_where_the_stack_is_not_known() -> None:
    assert not problems(score_model(model="gpt-4o"), judge_model=None)
    assert "Amazon Bedrock" in problems(score_model(model=""), judge_model=None)["model"]
    assert "Amazon Bedrock" in problems(without(score_model(), "model"), judge_model=None)["model"]


@pytest.mark.parametrize(
    "document",
    [
        string_check(reference="x" * MAX_JSON),
        string_check(reference="é" * (MAX_JSON // 2)),
        string_check(extra=float("nan")),
        string_check(extra={1, 2}),
    ],
)
def test_what_is_too_much_or_no_json(document: Any) -> None:
    assert "65,536 bytes" in problems(document)[""]


def test_a_document_may_hold_itself() -> None:
    document: dict[str, Any] = string_check()
    document["extra"] = document
    assert "65,536 bytes" in problems(document)[""]


def test_it_loads_nothing_heavy() -> None:
    """A cold start of the grader's function pays for each module."""
    heavy = ["boto3", "pydantic", "orjson", "numpy", "jsonschema", "re2"]
    code = f"import sys, rft.grading.openai; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_list_of_problems_is_bounded() -> None:
    with pytest.raises(GraderJsonInvalid) as invalid:
        parse(string_check(**{f"k{number}": 1 for number in range(1000)}))
    assert len(invalid.value.problems) == MAX_PROBLEMS + 1
    assert invalid.value.problems[-1] == ("", "there are 950 more problems")


@pytest.mark.parametrize(
    "document",
    [
        without(string_check(), "name"),
        string_check(name=None),
        text_similarity(pass_threshold=None),
        score_model(range=None, sampling_params=None, pass_threshold=None),
        score_model(range=[0.0, 1], name="Qualität der Antwort"),
        label_model(labels=["yes", "no", "n/a"], passing_labels=["yes", "n/a"]),
        string_check(input="{{ item.reference_answer }}", reference=ANSWER),
        multi("max(0, a - b)", a=string_check(), b=string_check()),
    ],
)
def test_what_is_allowed(document: Any) -> None:
    assert not problems(document)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["user", ANSWER, "eq"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TYPES = ["string_check", "text_similarity", "score_model", "label_model", "multi", "python"]
FIELDS = ["name", "operation", "input", "reference", "evaluation_metric", "pass_threshold", "model", "range", "labels"]


@given(
    st.sampled_from(TYPES),
    st.dictionaries(
        st.sampled_from([*FIELDS, "sampling_params", "passing_labels", "graders", "calculate_output"]), JSON, max_size=6
    ),
)
def test_any_json_is_a_grader_or_has_problems(kind: str, fields: dict[str, Any]) -> None:
    try:
        assert parse_grader(fields | {"type": kind}, judge_model=JUDGE).type == kind
    except GraderJsonInvalid as invalid:
        assert invalid.problems
        assert all(isinstance(path, str) and message for path, message in invalid.problems)


def test_that_an_input_reads_nothing_of_the_answer_is_told_with_all_else() -> None:
    judge = {
        "type": "score_model",
        "model": "m",
        "range": [5, 1],
        "sampling_params": {"temperature": 2},
        "input": [{"role": "user", "content": "Rate this"}],
    }
    with pytest.raises(GraderJsonInvalid) as alone:
        parse_grader(judge, judge_model="m")
    assert {path for path, _ in alone.value.problems} == {"range", "sampling_params.temperature", "input"}
    with pytest.raises(GraderJsonInvalid) as unread:
        parse_grader(judge | {"input": [{"role": "user", "content": "{{ nothing.known }}"}]}, judge_model="m")
    assert not any("reads nothing" in message for _, message in unread.value.problems), "nobody knows what it reads"
