"""A grader with a slip in it: the reference answer of these records is a text, and a text has no fields."""

from rft.grading import Sample, Score, grader


def score(sample: Sample) -> Score:
    return Score(float(sample.answer == sample.reference["colour"]))


handler = grader(score, name="crashing")
