"""Grader that runs the Python code of an answer against the record's cases. It belongs into a function of its own."""

from rft.grading import Sample, Score, grader
from rft.grading.code_tests.running import SECONDS
from rft.grading.code_tests.scoring import score_code


def score(sample: Sample) -> Score:
    return score_code(sample.answer, sample.reference, sample.metadata)


handler = grader(score, name="code-tests", time_limit=2 * SECONDS)  # the code has its own, tighter limit
