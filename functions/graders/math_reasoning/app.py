"""Grader for worked solutions that end in a number: 1 for the right one, 0 for any other."""

from rft.grading import Sample, Score, grader
from rft.grading.math_reasoning import score_final_number


def score(sample: Sample) -> Score:
    return score_final_number(sample.answer, sample.reference)


handler = grader(score, name="math-reasoning")
