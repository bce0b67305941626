"""Grader for answers in a fixed form: one JSON object, a set of constraints, or an exact text."""

from rft.grading import Sample, Score, grader
from rft.grading.format_validation import score_format


def score(sample: Sample) -> Score:
    return score_format(sample.answer, sample.reference, sample.metadata)


handler = grader(score, name="format-validation")
