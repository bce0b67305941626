"""Reasoning: do the steps hold, does the conclusion follow from them, and is it the right one?

With a reference answer the conclusion must be the reference's; without one the judge has to find out by itself.
"""

from __future__ import annotations

from rft.grading.judging.criteria import Criterion, Rubric, Verdict
from rft.grading.judging.question import Judge
from rft.grading.judging.rubric import judged
from rft.grading.judging.texts import texts_of
from rft.grading.sample import Sample
from rft.grading.score import Score

_TASK = (
    "You judge an answer that reasons step by step towards a conclusion. The text question is the conversation before "
    "the answer."
)
_STEPS = Criterion(
    "steps",
    "Are the steps valid? Check each: what it rests on, and whether it follows from that.",
    (
        Verdict("sound", 1.0, "Each step holds, and none that is needed is missing."),
        Verdict("slip", 0.5, "One step has a fault or is skipped, and nothing hangs on it."),
        Verdict("flawed", 0.1, "The conclusion hangs on a step that does not hold."),
        Verdict("missing", 0.0, "There are no steps, or they have nothing to do with the question."),
    ),
    weight=3.0,
)
_CONCLUSION = Criterion(
    "conclusion",
    "Is there one conclusion, stated plainly, and does it follow from the steps?",
    (
        Verdict("follows", 1.0, "Yes."),
        Verdict("loosely", 0.3, "It is hedged, or the steps make it likely only."),
        Verdict("not", 0.0, "There is none, there are several, or the steps lead to another one."),
    ),
    weight=2.0,
)
_FOCUS = Criterion(
    "focus",
    "Does every part of the answer serve the conclusion?",
    (
        Verdict("focused", 1.0, "Yes. Checking a result serves it as well."),
        Verdict("wanders", 0.4, "Some of it repeats itself or leads nowhere."),
        Verdict("padded", 0.0, "Most of it does."),
    ),
    weight=1.0,
)
_AGREEMENT = Criterion(
    "agreement",
    "Is the conclusion of the answer that of the text named reference?",
    (
        Verdict("same", 1.0, "Yes: the same in substance, whatever its words or form."),
        Verdict("partly", 0.25, "A part of it, or the same with an addition that is wrong."),
        Verdict("different", 0.0, "No, or there is no conclusion."),
    ),
    weight=4.0,
    gate=True,
)
_CORRECTNESS = Criterion(
    "correctness",
    "Work out the question by yourself first. Is the conclusion of the answer right?",
    (
        Verdict("right", 1.0, "Yes."),
        Verdict("doubtful", 0.25, "Right in part, or it can't be told from what the question says."),
        Verdict("wrong", 0.0, "No, or there is no conclusion."),
    ),
    weight=4.0,
    gate=True,
)
WITH_REFERENCE = Rubric(_TASK, (_STEPS, _CONCLUSION, _AGREEMENT, _FOCUS))
WITHOUT_REFERENCE = Rubric(_TASK, (_STEPS, _CONCLUSION, _CORRECTNESS, _FOCUS))


def score_reasoning(sample: Sample, judge: Judge) -> Score:
    """Raises BadSample, and what ``judged`` raises."""
    texts = texts_of(sample)
    return judged(WITH_REFERENCE if "reference" in texts else WITHOUT_REFERENCE, texts, judge)
