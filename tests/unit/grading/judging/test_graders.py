"""The four ready judges: of each record and scripted reply, the score."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft.grading.errors import BadSample, VerdictUnreadable
from rft.grading.judging import instruction_following, rag_faithfulness, reasoning, summarization
from rft.grading.judging.criteria import Rubric
from rft.grading.judging.instruction_following import score_instruction_following
from rft.grading.judging.rag_faithfulness import score_rag_faithfulness
from rft.grading.judging.reasoning import score_reasoning
from rft.grading.judging.summarization import score_summarization
from tests.unit.grading.judging.injections import claim
from tests.unit.grading.judging.judges import Scripted, fenced, reply, sample, worst

FOLLOWING, SUMMARY, RAG = instruction_following.RUBRIC, summarization.RUBRIC, rag_faithfulness.RUBRIC
KNOWN, UNKNOWN = reasoning.WITH_REFERENCE, reasoning.WITHOUT_REFERENCE
ANSWER = "An answer of some words."


def nothing_readable(rubric: Rubric) -> list[str]:
    """Replies in which others have read a score, and such as a judge gives on a bad day."""
    best = json.loads(reply(rubric))["verdicts"]
    first, *others = best
    return [
        "On the 0.0-1.0 rubric I give 0.8",
        'The answer is good.\n\n{"score": 0.8}',
        '{"score": "NaN"}',
        '{"verdicts": NaN}',
        "Score: 5",
        "Score: 2",
        "1.5",
        "1.0",
        "",
        "   ",
        "I can't help with that.",
        json.dumps(best),
        json.dumps({"verdicts": dict.fromkeys(best, best[first]["verdict"])}),
        json.dumps({"verdicts": {name: best[name] for name in others}}),
        json.dumps({"verdicts": {**best, "overall": best[first]}}),
        json.dumps({"verdicts": {**best, first: {"reason": "x", "verdict": 1.0}}}),
        json.dumps({"verdicts": {**best, first: {"reason": "x", "verdict": "excellent"}}}),
        json.dumps({"verdicts": {**best, first: {"reason": "x", "verdict": None}}}),
        reply(rubric)[:-1],
        reply(rubric).replace('"', "'"),
        reply(rubric) + "}",
    ]


SCORERS: dict[str, tuple[Any, Rubric, dict[str, Any]]] = {
    "instruction_following": (score_instruction_following, FOLLOWING, {}),
    "summarization": (score_summarization, SUMMARY, {}),
    "reasoning with a reference": (score_reasoning, KNOWN, {"reference": "42"}),
    "reasoning without one": (score_reasoning, UNKNOWN, {}),
    "rag_faithfulness": (score_rag_faithfulness, RAG, {"context": "The tide turns at nine."}),
}


@pytest.mark.parametrize("name", SCORERS)
def test_what_is_no_verdict_is_an_error_and_after_one_repair_a_score(name: str) -> None:
    score, rubric, fields = SCORERS[name]
    for garbage in nothing_readable(rubric):
        with pytest.raises(VerdictUnreadable):
            score(sample(ANSWER, **fields), Scripted(garbage, garbage))
        assert score(sample(ANSWER, **fields), Scripted(garbage, reply(rubric))).value == 1.0
        assert score(sample(ANSWER, **fields), Scripted(garbage, worst(rubric))).value == 0.0


@pytest.mark.parametrize("name", SCORERS)
def test_slots_in_a_text_stay_as_they_are(name: str) -> None:
    score, rubric, fields = SCORERS[name]
    slots = "{completion} {{ sample.output_text }} {0} %s ${answer} {reference} {code}"
    judge = Scripted(reply(rubric))
    texts = dict.fromkeys(("question", *fields), slots)
    score(sample(slots, **fields | texts), judge)
    shown, _ = fenced(judge.questions[0])
    assert set(shown.values()) == {slots, f"user: {slots}"}


@pytest.mark.parametrize("name", SCORERS)
def test_its_own_best_verdict_in_the_answer_is_no_verdict(name: str) -> None:
    score, rubric, fields = SCORERS[name]
    hostile = sample(json.dumps(claim(rubric)), **fields)
    assert score(hostile, Scripted(f"{json.dumps(claim(rubric))}\n{worst(rubric)}")).value == 0
    assert score(hostile, Scripted(f"{worst(rubric)}\n{json.dumps(claim(rubric))}")).value == 0


@pytest.mark.parametrize("name", SCORERS)
def test_an_empty_answer_scores_0_and_nobody_is_asked(name: str) -> None:
    score, rubric, fields = SCORERS[name]
    result = score(sample(" ", **fields), Scripted())
    assert result.value == 0
    assert result.rewards == {each.name: 0.0 for each in rubric.criteria}


@pytest.mark.parametrize("name", SCORERS)
def test_every_component_is_named(name: str) -> None:
    score, rubric, fields = SCORERS[name]
    result = score(sample(ANSWER, **fields), Scripted(reply(rubric)))
    assert result.rewards == {each.name: 1.0 for each in rubric.criteria}
    assert result.metrics["words"] == 5
    assert {f"gate.{each.name}" for each in rubric.criteria if each.gate} <= result.metrics.keys()


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"padding": "some"}, 0.94),
        ({"padding": "much"}, 0.9),
        ({"fulfilment": "partly"}, 0.94),
        ({"fulfilment": "not"}, 0.0),
        ({"instructions": "most"}, 0.6),
        ({"instructions": "few"}, 0.32),
        ({"instructions": "few", "padding": "much"}, 0.22),
        ({"instructions": "few", "fulfilment": "partly", "padding": "much"}, 0.16),
        ({"instructions": "none"}, 0.0),
        ({"instructions": "none", "fulfilment": "partly"}, 0.0),
        ({"instructions": "most", "fulfilment": "partly", "padding": "some"}, 0.48),
    ],
)
def test_instruction_following(choices: dict[str, str], value: float) -> None:
    score = score_instruction_following(sample(ANSWER), Scripted(reply(FOLLOWING, choices)))
    assert score.value == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("listed", "choices", "value"),
    [
        (["a"], {}, 1.0),
        (["a"], {"instruction_1": "partly"}, 0.44),
        (["a"], {"instruction_1": "broken"}, 0.2),
        (["a", "b"], {"instruction_2": "broken"}, 0.6),
        (["a", "b"], {"instruction_1": "broken", "instruction_2": "broken"}, 0.2),
        (["a", "b", "c"], {"instruction_1": "partly", "instruction_3": "broken"}, 0.5467),
        (["a", "b", "c"], {"fulfilment": "not"}, 0.0),
        ("a", {}, 1.0),
        ([{"text": "a"}, "b"], {"padding": "much"}, 0.9),
        (["a", " "], {}, 1.0),
        (["a"] * 20, {"instruction_20": "broken"}, 0.96),
    ],
)
def test_instructions_one_by_one(listed: Any, choices: dict[str, str], value: float) -> None:
    count = len([each for each in listed if each != " "])
    judge = Scripted(reply(instruction_following.rubric_for(count), choices))
    assert score_instruction_following(sample(ANSWER, instructions=listed), judge).value == pytest.approx(
        value, abs=1e-4
    )


def test_listed_instructions_are_shown_with_their_numbers_as_data() -> None:
    judge = Scripted(reply(instruction_following.rubric_for(2)))
    score_instruction_following(sample(ANSWER, instructions=["at most 50 words", "no names"]), judge)
    assert fenced(judge.questions[0])[0]["instructions"] == "1. at most 50 words\n2. no names"
    assert "50 words" not in judge.questions[0].system


@pytest.mark.parametrize("listed", [[], "", [""], 5, {"a": "b"}, [1], ["a"] * 21])
def test_instructions_that_are_no_list_of_strings(listed: Any) -> None:
    with pytest.raises(BadSample, match="instructions: "):
        score_instruction_following(sample(ANSWER, instructions=listed), Scripted())


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"coverage": "most"}, 0.8667),
        ({"coverage": "some"}, 0.7333),
        ({"coverage": "none"}, 0.0),
        ({"faithfulness": "slip"}, 0.8333),
        ({"faithfulness": "distorted"}, 0.7167),
        ({"faithfulness": "invented"}, 0.0),
        ({"conciseness": "wordy"}, 0.8667),
        ({"conciseness": "bloated"}, 0.7778),
        ({"coherence": "rough"}, 0.9444),
        ({"coherence": "broken"}, 0.8889),
        ({"coverage": "some", "faithfulness": "distorted"}, 0.45),
        ({"coverage": "some", "faithfulness": "distorted", "conciseness": "bloated", "coherence": "broken"}, 0.1167),
        ({"coverage": "none", "faithfulness": "faithful"}, 0.0),
        ({"coverage": "all", "faithfulness": "invented"}, 0.0),
        ({"coverage": "MOST", "coherence": "Rough"}, 0.8111),
    ],
)
def test_summarization(choices: dict[str, str], value: float) -> None:
    score = score_summarization(sample(ANSWER), Scripted(reply(SUMMARY, choices)))
    assert score.value == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("source", "answer", "factor"),
    [
        (10_000, 6_000, 1.0),
        (10_000, 8_000, 0.5),
        (10_000, 10_000, 0.0),
        (10_000, 30_000, 0.0),
        (100, 100, 1.0),
        (100, 400, 1.0),
        (100, 600, 0.5),
        (100, 800, 0.0),
        (1_000, 800, 0.5),
        (30_000, 17_000, 1.0),
        (30_000, 24_000, 0.5),
    ],
)
def test_a_summary_as_long_as_its_source_is_none(source: int, answer: int, factor: float) -> None:
    judge = Scripted(reply(SUMMARY))
    score = score_summarization(sample("y" * answer, question="x" * (source - len("user: "))), judge)
    assert score.value == score.metrics["length_penalty"] == pytest.approx(factor)
    assert score.rewards["conciseness"] == 1.0


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"steps": "slip"}, 0.85),
        ({"steps": "flawed"}, 0.73),
        ({"steps": "missing"}, 0.7),
        ({"conclusion": "loosely"}, 0.86),
        ({"conclusion": "not"}, 0.8),
        ({"agreement": "partly"}, 0.7),
        ({"agreement": "different"}, 0.0),
        ({"focus": "wanders"}, 0.94),
        ({"focus": "padded"}, 0.9),
        ({"steps": "missing", "conclusion": "not"}, 0.5),
        ({"steps": "flawed", "agreement": "partly", "conclusion": "not", "focus": "padded"}, 0.13),
        ({"steps": "missing", "agreement": "partly", "conclusion": "not", "focus": "padded"}, 0.1),
        ({"steps": "sound", "agreement": "different"}, 0.0),
    ],
)
def test_reasoning(choices: dict[str, str], value: float) -> None:
    score = score_reasoning(sample(ANSWER, reference="42"), Scripted(reply(KNOWN, choices)))
    assert score.value == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"correctness": "doubtful"}, 0.7),
        ({"correctness": "wrong"}, 0.0),
        ({"steps": "flawed", "correctness": "doubtful"}, 0.43),
        ({"focus": "padded", "steps": "slip"}, 0.75),
        ({"conclusion": "not", "correctness": "wrong"}, 0.0),
    ],
)
def test_reasoning_without_a_reference(choices: dict[str, str], value: float) -> None:
    judge = Scripted(reply(UNKNOWN, choices))
    assert score_reasoning(sample(ANSWER), judge).value == pytest.approx(value, abs=1e-4)
    assert "reference" not in fenced(judge.questions[0])[0]


@pytest.mark.parametrize("reference", ["42", {"answer": 42}, 42, ["4", "2"]])
def test_reasoning_shows_a_reference_of_any_form(reference: Any) -> None:
    judge = Scripted(reply(KNOWN))
    score_reasoning(sample(ANSWER, reference=reference), judge)
    shown = fenced(judge.questions[0])[0]["reference"]
    assert shown == (reference if isinstance(reference, str) else json.dumps(reference))


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, 1.0),
        ({"faithfulness": "most"}, 0.75),
        ({"faithfulness": "some"}, 0.575),
        ({"faithfulness": "none"}, 0.0),
        ({"relevance": "partly"}, 0.7563),
        ({"relevance": "not"}, 0.0),
        ({"honesty": "vague"}, 0.925),
        ({"honesty": "hides"}, 0.875),
        ({"faithfulness": "some", "relevance": "partly"}, 0.3313),
        ({"faithfulness": "some", "relevance": "partly", "honesty": "hides"}, 0.2063),
        ({"faithfulness": "none", "honesty": "hides"}, 0.0),
        ({"faithfulness": "all", "relevance": "not"}, 0.0),
        ({"faithfulness": "MOST"}, 0.75),
    ],
)
def test_rag_faithfulness(choices: dict[str, str], value: float) -> None:
    score = score_rag_faithfulness(sample(ANSWER, context="The tide turns at nine."), Scripted(reply(RAG, choices)))
    assert score.value == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("context", "shown"),
    [
        ("The tide.", "The tide."),
        (["The tide."], "The tide."),
        (["The tide.", "The ferry."], "[1] The tide.\n\n[2] The ferry."),
        ([{"text": "The tide.", "score": 0.9}, {"text": "The ferry."}], "[1] The tide.\n\n[2] The ferry."),
        (["The tide.", "", {"text": "The ferry."}], "[1] The tide.\n\n[2] The ferry."),
    ],
)
def test_the_context_is_shown(context: Any, shown: str) -> None:
    judge = Scripted(reply(RAG))
    score_rag_faithfulness(sample(ANSWER, context=context), judge)
    assert fenced(judge.questions[0])[0]["context"] == shown


@pytest.mark.parametrize(
    "fields", [{}, {"context": None}, {"context": ""}, {"context": []}, {"context": 5}, {"context": [5]}]
)
def test_without_context_a_sample_is_bad_and_the_message_names_the_field(fields: dict[str, Any]) -> None:
    for answer in (ANSWER, ""):
        with pytest.raises(BadSample, match="context: "):
            score_rag_faithfulness(sample(answer, **fields), Scripted())
