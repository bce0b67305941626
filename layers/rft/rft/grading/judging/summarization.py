"""Summarization: what a summary covers, and whether it invents, of a conversation or a document in the prompt.

A reference summary is shown to the judge if the record has one. A summary nearly as long as its source isn't one, and
that is counted instead of asked.
"""

from __future__ import annotations

from rft.grading.judging.criteria import Criterion, Rubric, Verdict
from rft.grading.judging.question import Judge
from rft.grading.judging.rubric import judged
from rft.grading.judging.texts import texts_of
from rft.grading.rules.composition import length_penalty, penalised
from rft.grading.rules.lengths import count_characters
from rft.grading.sample import Sample
from rft.grading.score import Score

FREE_SHARE, FULL_SHARE = 0.6, 1.0
"""Of the source's characters: a summary may have up to 0.6 of them, and with as many as the source it scores 0."""

FREE_CHARACTERS, FULL_CHARACTERS = 400, 800
"""The same two for a source so short that the shares would be less."""

RUBRIC = Rubric(
    "You judge a summary, the text named answer. The text question is what was asked, and in it the conversation or "
    "document that is to be summed up: the source.",
    (
        Criterion(
            "coverage",
            "Does the summary say what matters in the source: what happened or is claimed, who, what was decided, what "
            "is still open?",
            (
                Verdict("all", 1.0, "Each point that a reader of the source would miss is there."),
                Verdict("most", 0.6, "The main point is there, and one that matters less is missing."),
                Verdict("some", 0.2, "The main point is missing or blurred, and lesser ones are there."),
                Verdict("none", 0.0, "It says nothing of what matters, or is about something else."),
            ),
            weight=3.0,
            gate=True,
        ),
        Criterion(
            "faithfulness",
            "Does the source say what the summary says? Check names, numbers, who did what, and how sure it is.",
            (
                Verdict("faithful", 1.0, "Each statement is in the source or follows from it."),
                Verdict("slip", 0.5, "One detail that changes nothing is wrong or not in the source."),
                Verdict("distorted", 0.15, "A statement that matters is bent, or several details are wrong."),
                Verdict("invented", 0.0, "A statement that matters is not in the source, or says the opposite."),
            ),
            weight=3.0,
            gate=True,
        ),
        Criterion(
            "conciseness",
            "Could it be shorter without loss?",
            (
                Verdict("concise", 1.0, "No. It also keeps to a length that was asked for."),
                Verdict("wordy", 0.4, "Some of it: asides, repetitions, remarks about the summary itself."),
                Verdict("bloated", 0.0, "Half of it or more, or it copies the source."),
            ),
            weight=2.0,
        ),
        Criterion(
            "coherence",
            "Does it read as a text of its own, to somebody who does not have the source?",
            (
                Verdict("clear", 1.0, "Yes: in order, and it is plain who and what is meant."),
                Verdict("rough", 0.5, "With an effort."),
                Verdict("broken", 0.0, "No: pieces without connection."),
            ),
            weight=1.0,
        ),
    ),
)


def score_summarization(sample: Sample, judge: Judge) -> Score:
    """Raises BadSample, and what ``judged`` raises. ``length_penalty`` is the factor for its length, as a metric."""
    texts = texts_of(sample)
    score = judged(RUBRIC, texts, judge)
    source = count_characters(texts["question"])
    free, limit = max(FREE_CHARACTERS, FREE_SHARE * source), max(FULL_CHARACTERS, FULL_SHARE * source)
    return penalised(score, length_penalty(count_characters(texts["answer"]), free=free, limit=limit))
