"""Grader for worked solutions that end in an expression: 1 for one that equals the reference's, 0 for any other."""

from rft.grading import Sample, Score, grader
from rft.grading.symbolic_math.comparison import SECONDS
from rft.grading.symbolic_math.scoring import score_expression


def score(sample: Sample) -> Score:
    return score_expression(sample.answer, sample.reference)


handler = grader(score, name="symbolic-math", time_limit=3 * SECONDS)  # a comparison has its own, tighter limit
